import { once } from 'node:events'
import { connect } from 'node:net'

export const servers = new URL('../echo/', import.meta.url)
export const units = 5_000

const atOnce = 100

/** Connections that have said something, and say no more; resolves with a way to let go of them. */
export async function hold(port, count) {
  const sockets = []
  while (sockets.length < count) {
    sockets.push(...(await Promise.all(Array.from({ length: atOnce }, () => greet(port)))))
  }
  return async () => {
    const closed = sockets.map((socket) => once(socket, 'close'))
    for (const socket of sockets) socket.end()
    await Promise.all(closed)
  }
}

async function greet(port) {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write('ahoy')
  await once(socket, 'data')
  socket.resume()
  return socket
}
