import { once } from 'node:events'
import { connect } from 'node:net'

const chunk = Buffer.alloc(64 * 1024, 'x')

/** MiB in a round. */
export const units = 1_024

/** Sends as fast as the server takes it, and waits for its end. */
export async function load(port) {
  const socket = connect({ port, host: '127.0.0.1' })
  let left = units * 16
  const fill = () => {
    while (left > 0) {
      left--
      if (!socket.write(chunk)) return
    }
    socket.end()
  }
  fill()
  socket.on('drain', fill).resume()
  await once(socket, 'close')
}
