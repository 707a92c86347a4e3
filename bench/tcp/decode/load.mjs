import { once } from 'node:events'
import { connect } from 'node:net'

const connections = 2
const batches = 64

// 64 bytes on the wire, which are a line, and as well a message behind its length.
const message = Buffer.alloc(64, 'x')
message.writeUInt32BE(60)
message.write('\n', 63)
const batch = Buffer.alloc(1024 * 1024, message)
const messages = (batches * batch.length) / message.length

export const units = connections * messages

/** Each connection sends its messages as fast as they are taken, and waits to be told how many arrived. */
export async function load(port) {
  await Promise.all(Array.from({ length: connections }, () => flood(port)))
}

async function flood(port) {
  const socket = connect({ port, host: '127.0.0.1' })
  let told = ''
  socket.on('data', (chunk) => {
    told += chunk
  })
  for (let sent = 0; sent < batches; sent++) if (!socket.write(batch)) await once(socket, 'drain')
  socket.end()
  await once(socket, 'close')
  if (told !== String(messages)) throw new Error(`${told} messages arrived, not ${messages}`)
}
