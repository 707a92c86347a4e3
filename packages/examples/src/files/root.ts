import { realpath, stat } from 'node:fs/promises'
import { resolve } from 'node:path'

import { reasonOf } from '../reason.ts'

/** The real path of a folder that is to be served. @throws Error that says why it cannot be. */
export async function rootOf(folder: string): Promise<string> {
  try {
    const root = await realpath(resolve(folder))
    if ((await stat(root)).isDirectory()) return root
  } catch (error) {
    throw new Error(`Cannot serve ${folder}: ${reasonOf(error)}`, { cause: error })
  }
  throw new Error(`Cannot serve ${folder}: it is no folder`)
}
