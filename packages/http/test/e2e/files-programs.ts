import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian's package for a program, where the name differs. */
const packages: Readonly<Record<string, string>> = { ab: 'apache2-utils' }

/** Where a program is. Says so where it is not, or throws with `FAIRLEAD_REQUIRE_ALL=1`. */
export function findProgram(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      continue
    }
  }
  lacks(`${name} is not installed; to get it: apt-get install ${packages[name] ?? name}`)
  return undefined
}

/** Whether the system tells about its processes as Linux does. */
export function tellsOfProcesses(): boolean {
  if (process.platform === 'linux') return true
  lacks('only Linux tells of processes in /proc')
  return false
}

function lacks(what: string): void {
  if (process.env['FAIRLEAD_REQUIRE_ALL'] === '1') throw new Error(`Cannot run test: ${what}`)
  console.warn(`Skipped: ${what}`)
}

/** What a command came to. */
export interface Outcome {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
}

/** Runs a command to its end; `input` is what it reads. */
export function run(command: string, args: readonly string[], input?: Uint8Array): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const options = { encoding: 'buffer', maxBuffer: 2 ** 28, timeout: 60_000 } as const
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      const code = error ? error.code : 0
      if (typeof code === 'number') resolve({ code, stdout, stderr: stderr.toString() })
      else reject(error!)
    })
    child.stdin!.on('error', () => {})
    child.stdin!.end(input)
  })
}
