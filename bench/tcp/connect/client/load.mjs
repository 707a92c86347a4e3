import { once } from 'node:events'
import { connect, createServer } from 'node:net'

const visits = 4_000

export const units = visits

const target = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
  socket.on('data', (chunk) => socket.write(chunk))
  socket.on('end', () => socket.end())
  socket.on('error', () => {})
})
target.unref()

/** Here the process that is measured is the client: it is told whom to visit and how often, and ends when done. */
export async function load(port) {
  if (!target.listening) await once(target.listen(0, '127.0.0.1'), 'listening')
  const control = connect({ port, host: '127.0.0.1' })
  control.write(JSON.stringify({ port: target.address().port, visits }))
  control.resume()
  await once(control, 'close')
}
