import { once } from 'node:events'
import { connect } from 'node:net'

const request = 'GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n'
const ending = Buffer.from('Hello, world!')

/** Keep-alive clients, each with `depth` requests on the way at a time. */
export async function ask(port, { connections, requests, depth }) {
  await Promise.all(Array.from({ length: connections }, () => converse(port, requests, depth)))
}

async function converse(port, requests, depth) {
  const batch = request.repeat(depth)
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let left = requests
  let waiting = depth
  let tail = ''
  socket.on('data', (chunk) => {
    // An answer ends with its body, which may come in two pieces.
    const text = tail + chunk.toString('latin1')
    const answers = text.split(ending.toString())
    tail = answers.pop().slice(-ending.length)
    waiting -= answers.length
    if (waiting > 0) return
    waiting = depth
    left -= depth
    if (left > 0) socket.write(batch)
    else socket.end()
  })
  socket.write(batch)
  await once(socket, 'close')
}
