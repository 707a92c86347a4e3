import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The file of a compiled C program, or undefined where there is no compiler or no Linux. */
export function compile(source) {
  if (process.platform !== 'linux') return undefined
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true }))
  const file = join(folder, basename(source.pathname, '.c'))
  try {
    execFileSync('cc', ['-O2', '-o', file, fileURLToPath(source)], { stdio: 'ignore' })
    return file
  } catch {
    return undefined
  }
}
