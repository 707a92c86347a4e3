import { once } from 'node:events'
import { connect } from 'node:net'

const connections = 16
const messages = 2_000
const message = Buffer.alloc(64, 'x')

export const units = connections * messages

/** Each connection sends 64 bytes, waits for them, and does so again. */
export async function load(port) {
  await Promise.all(Array.from({ length: connections }, () => talk(port)))
}

async function talk(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let left = messages
  let missing = message.length
  socket.on('data', (chunk) => {
    missing -= chunk.length
    if (missing > 0) return
    missing = message.length
    if (--left > 0) socket.write(message)
    else socket.end()
  })
  socket.write(message)
  await once(socket, 'close')
}
