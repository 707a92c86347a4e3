import { link, open, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'

import { codeOf } from '../reason.ts'
import { numbered } from './names.ts'

/** Files of one name that a folder takes. */
const mostOfOneName = 10_000

/** File systems without hard links answer with one of these. */
const withoutLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

/**
 * Moves a finished file into `folder` under the first of `report.pdf`, `report (2).pdf`, ... that is free, and
 * resolves with that name. Never replaces a file: who comes second finds the name taken, however close behind.
 */
export async function place(file: string, folder: string, name: string): Promise<string> {
  for (let number = 1; number <= mostOfOneName; number++) {
    const candidate = numbered(name, number)
    if (await moveUnlessTaken(file, join(folder, candidate))) return candidate
  }
  throw new Error(`There are too many files called ${name}`)
}

/** Moves a file to where there is none: false when there is one. */
export async function moveUnlessTaken(file: string, target: string): Promise<boolean> {
  try {
    await link(file, target)
    await unlink(file)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    if (withoutLinks.has(codeOf(error))) return claimAndReplace(file, target)
    throw error
  }
}

/** An empty file claims the name; then it is our own file that is replaced. */
async function claimAndReplace(file: string, target: string): Promise<boolean> {
  try {
    const claim = await open(target, 'wx')
    await claim.close()
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
  await rename(file, target)
  return true
}
