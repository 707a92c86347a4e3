// A server in a process of its own, which says where it listens.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Programs by the name of their column. */
export const programs = {
  fairlead: new URL('../target.mjs', import.meta.url),
  'node:http': new URL('node-http.mjs', import.meta.url),
}

/** A server for clients that do more than the cases. */
export const rich = new URL('rich.mjs', import.meta.url)

/** Starts a program and resolves, once it listens, with its port and the way to stop it. */
export async function start(program) {
  const child = spawn(process.execPath, [fileURLToPath(program)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines = createInterface(child.stdout)
  const [line] = await Promise.race([once(lines, 'line'), ended.then(() => ['nothing'])])
  const port = Number(/^listening on http:\/\/127\.0\.0\.1:(\d+)$/.exec(line)?.[1])
  if (!port) throw new Error(`${program.pathname} says: ${line}`)
  return {
    port,
    running: () => child.exitCode === null && child.signalCode === null,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
