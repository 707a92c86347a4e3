import { once } from 'node:events'
import { connect, createServer } from 'node:net'

const connections = 4
const mebibytes = 48
const chunk = Buffer.alloc(64 * 1024, 'x')

export const units = connections * mebibytes * 2

// The upstream is here, so that the CPU of the servers is the forwarding's alone; they find it by its port.
const upstream = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
  let received = 0
  socket.on('data', (data) => (received += data.length))
  socket.on('end', () => {
    if (received !== mebibytes * 2 ** 20) throw new Error(`${received} bytes arrived`)
    pour(socket)
  })
})
upstream.listen(0, '127.0.0.1')
await once(upstream, 'listening')
upstream.unref()
process.env.BENCH_UPSTREAM = String(upstream.address().port)

/** Each connection sends so much and ends, and then receives as much. */
export async function load(port) {
  await Promise.all(Array.from({ length: connections }, () => talk(port)))
}

async function talk(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  let received = 0
  socket.on('data', (data) => (received += data.length))
  pour(socket)
  await once(socket, 'close')
  if (received !== mebibytes * 2 ** 20) throw new Error(`${received} bytes came back`)
}

/** Writes for as long as there is room, then ends. */
function pour(socket) {
  let left = (mebibytes * 2 ** 20) / chunk.length
  const more = () => {
    while (left > 0) {
      left--
      if (!socket.write(chunk)) break
    }
    if (left === 0) socket.off('drain', more).end()
  }
  socket.on('drain', more)
  more()
}
