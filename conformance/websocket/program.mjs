// A server in a process of its own, which says where it listens.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Programs by the name of their column. */
export const programs = {
  fairlead: new URL('../target.mjs', import.meta.url),
  'fairlead on node:http': new URL('node-upgrade.mjs', import.meta.url),
  ws: new URL('ws.mjs', import.meta.url),
}

/** Starts a program and resolves, once it listens, with where, and the way to stop it. */
export async function start(program, { tls = false } = {}) {
  const args = [fileURLToPath(program), ...(tls ? ['--tls'] : [])]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines = createInterface(child.stdout)
  const [line] = await Promise.race([once(lines, 'line'), ended.then(() => ['nothing'])])
  const [, secure, port] = /^listening on http(s?):\/\/127\.0\.0\.1:(\d+)$/.exec(line) ?? []
  if (!port) throw new Error(`${program.pathname} says: ${line}`)
  return {
    port: Number(port),
    secure: secure === 's',
    running: () => child.exitCode === null && child.signalCode === null,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
