import { once } from 'node:events'
import { connect } from 'node:net'

import { hello } from '../clients.mjs'

export const units = 9_000

const atOnce = 100

/** Keep-alive connections that have had an answer, and ask no more; resolves with a way to let go of them. */
export async function hold(port, count) {
  const sockets = []
  while (sockets.length < count) {
    sockets.push(...(await Promise.all(Array.from({ length: atOnce }, () => visit(port)))))
  }
  return async () => {
    const closed = sockets.map((socket) => once(socket, 'close'))
    for (const socket of sockets) socket.end()
    await Promise.all(closed)
  }
}

async function visit(port) {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write(hello)
  await once(socket, 'data')
  socket.resume()
  return socket
}
