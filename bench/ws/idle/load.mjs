import { once } from 'node:events'
import { connect } from 'node:net'

import { opening } from '../opening.mjs'

export const units = 10_000

const file = (name) => new URL(name, import.meta.url)

/** For the reader: ours with the heartbeat that it has by default. */
export const others = { 'with heartbeat': file('../echo/ours.mjs') }

/** WebSockets that say nothing; resolves with a way to let go of them. */
export async function hold(port, count) {
  const sockets = []
  while (sockets.length < count) {
    sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => visit(port)))))
  }
  return async () => {
    const closed = sockets.map((socket) => once(socket, 'close'))
    for (const socket of sockets) socket.destroy()
    await Promise.all(closed)
  }
}

async function visit(port) {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write(opening)
  await once(socket, 'data')
  return socket
}
