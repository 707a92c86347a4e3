// A flood of datagrams from a process of its own, which ends when it is told to.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { program } from './program.mjs'

const flooder = fileURLToPath(new URL('flooder.mjs', import.meta.url))

/** Floods a port from so many sockets; resolves with a way to cease. */
export const floodFrom = (sockets) => async (port) => {
  // Without the loop in C, what bare `node:dgram` can.
  const command = program ? [program, port, 0, sockets] : [process.execPath, flooder, port, sockets]
  const child = spawn(command[0], command.slice(1).map(String), { stdio: ['ignore', 'inherit', 'inherit'] })
  await once(child, 'spawn')
  return async () => {
    child.kill()
    await once(child, 'exit')
  }
}
