import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { codeOf, reasonOf } from '../reason.ts'

/**
 * Where files lie while they arrive, inside the folder that they arrive in, so that they can be moved in one
 * step. No safe name begins with a dot, so nobody can send a file here.
 */
export const ownName = '.fairlead'

/** Makes a folder for what arrives, if need be, and the workshop in it; resolves with the path of that. */
export async function prepareFolder(path: string): Promise<string> {
  const work = join(path, ownName)
  try {
    // One level at a time: with `recursive`, Node.js never comes back where the system cannot make any (/proc).
    for (const folder of [path, work]) await makeUnlessThere(folder)
  } catch (error) {
    throw cannotUse(path, error)
  }
  return work
}

export function cannotUse(path: string, error: unknown): Error {
  return new Error(`Cannot use folder ${path}: ${reasonOf(error)}`, { cause: error })
}

async function makeUnlessThere(folder: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
}
