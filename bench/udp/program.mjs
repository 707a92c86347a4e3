// The loop in C: a limit to compare with, and a flood that is faster than whoever receives it.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const program = build()

/** The file of the compiled loop, or undefined where there is no compiler or no Linux. */
function build() {
  if (process.platform !== 'linux') return undefined
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true }))
  const file = join(folder, 'sendmsg')
  try {
    const source = fileURLToPath(new URL('sendmsg.c', import.meta.url))
    execFileSync('cc', ['-O2', '-o', file, source], { stdio: 'ignore' })
    return file
  } catch {
    return undefined
  }
}
