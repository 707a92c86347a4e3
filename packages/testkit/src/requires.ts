import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'

/** Debian's package for a program, where the name differs. */
const packages: Readonly<Record<string, string>> = {
  ab: 'apache2-utils',
  h2load: 'nghttp2-client',
  ip: 'iproute2',
  nc: 'netcat-openbsd',
  nsenter: 'util-linux',
  script: 'bsdutils',
  unshare: 'util-linux',
}

/**
 * Where a program is that a test needs. When the machine lacks it, says so in a line that tells how to get it,
 * and answers undefined, so that the caller can skip; with `FAIRLEAD_REQUIRE_ALL=1` it throws instead.
 *
 * @example
 * ```ts
 * const chromium = requireProgram('chromium')
 * describe.skipIf(!chromium)('the page', () => {})
 * ```
 */
export function requireProgram(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name)
    if (folder !== '' && isExecutable(path)) return path
  }
  requireThat(false, `${name} is not installed; to get it: apt-get install ${packages[name] ?? name}`, env)
  return undefined
}

/** Gives `met` back; when it does not hold, says `lack` in a line, or throws as {@link requireProgram} does. */
export function requireThat(met: boolean, lack: string, env: NodeJS.ProcessEnv = process.env): boolean {
  if (met) return true
  if (env['FAIRLEAD_REQUIRE_ALL'] === '1') throw new Error(`Cannot run test: ${lack}`)
  console.warn(`Skipped: ${lack}`)
  return false
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
