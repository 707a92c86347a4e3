// Folders that last as long as the run, in the system's own for temporary files.

import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const { bavail, bsize } = statfsSync(tmpdir())

// Whoever stops a run leaves no gibibytes behind.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

/** Why nothing of a gibibyte is measured. */
export const missing = bavail * bsize < 4 * 1024 ** 3 ? `needs 4 GiB in ${tmpdir()}` : undefined

/** A new folder, which servers that are started from now on are told of. */
export function folder() {
  const made = mkdtempSync(join(tmpdir(), 'fairlead-bench-'))
  process.on('exit', () => rmSync(made, { recursive: true }))
  process.env.FAIRLEAD_BENCH_FOLDER = made
  return made
}

/** The folder that a server was told of. */
export const told = () => process.env.FAIRLEAD_BENCH_FOLDER
