// Bun from npm, in a cache outside the repository.

import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const exec = promisify(execFile)
const source = 'bun@1.4.4'
const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fairlead-bench', source)
const path = join(folder, 'node_modules/.bin/bun')

/** Its executable, or why it cannot be had. It is installed when it is not there yet. */
export const bun = await install().then(
  () => ({ path }),
  (error) => ({ missing: `no Bun: ${(error.stderr || error.message).trim().split('\n')[0]}` }),
)

async function install() {
  const starts = () => exec(path, ['--version'], { timeout: 30_000 })
  try {
    await starts()
  } catch {
    mkdirSync(folder, { recursive: true })
    const options = ['--prefix', folder, '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error']
    await exec('npm', ['install', ...options, source], { timeout: 300_000 })
    await starts()
  }
}
