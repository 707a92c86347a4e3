import { once } from 'node:events'
import { connect } from 'node:net'

/** MiB in a round. */
export const units = 1_024

/** Reads all that the server has to send. */
export async function load(port) {
  const socket = connect({ port, host: '127.0.0.1' })
  let received = 0
  socket.on('data', (chunk) => (received += chunk.length))
  await once(socket, 'close')
  if (received !== units * 1024 * 1024) throw new Error(`${received} bytes arrived`)
}
