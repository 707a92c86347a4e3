import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export const missing =
  process.platform === 'linux' ? undefined : 'only Linux has more than one loopback address'
/** Nothing else does this. */
export const peer = null
export const units = 10_000

const eachHost = 50

/** Peers that have said something, and say no more: 50 at each of many loopback addresses. */
export async function hold(port, count, ask) {
  for (let host = 0; host < count / eachHost; host++) {
    const from = `127.1.${host >> 8}.${host & 255}`
    const sockets = Array.from({ length: eachHost }, () => createSocket('udp4'))
    await Promise.all(sockets.map((socket) => greet(socket, from, port)))
    for (const socket of sockets) socket.close()
  }
  const sessions = await ask('sessions')
  if (sessions !== count) throw new Error(`${sessions} sessions, not ${count}`)
  return () => ask('release')
}

async function greet(socket, from, port) {
  socket.bind(0, from)
  await once(socket, 'listening')
  socket.send('ahoy', port, '127.0.0.1')
  await once(socket, 'message')
}
