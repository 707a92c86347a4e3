import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

const environment = {
  ...process.env,
  PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}`,
  DO_NOT_TRACK: '1', // else some tools print a notice about telemetry, once per machine
  ...(process.stdout.isTTY && { FORCE_COLOR: '1' }),
}

/**
 * Runs command lines at the root of the repository, one after another, and says nothing when all is well.
 * The first that fails is shown whole and ends this program with exit code 1.
 */
export async function quietly(...commands) {
  for (const command of commands) {
    const child = spawn(command, {
      cwd: root,
      shell: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment,
    })
    const output = []
    child.stdout.on('data', (chunk) => output.push(chunk))
    child.stderr.on('data', (chunk) => output.push(chunk))
    const [code] = await once(child, 'close')
    if (code === 0) continue
    process.stderr.write(`${Buffer.concat(output).toString().trimEnd()}\n\nFailed: ${command}\n`)
    process.exit(1)
  }
}
