import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { told } from '../temporary.mjs'

/** The file that a body becomes. */
export const path = join(told(), 'saved.bin')

/** Removes it; returns how many bytes it had. What else lies in the folder should not. */
export function take() {
  const { size } = statSync(path)
  rmSync(path)
  const left = readdirSync(told())
  if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`)
  return size
}
