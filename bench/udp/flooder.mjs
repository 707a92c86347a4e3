import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const [port, count] = process.argv.slice(2).map(Number)
const message = Buffer.alloc(64, 'x')
const sockets = Array.from({ length: count }, () => createSocket('udp4'))
for (const socket of sockets) {
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
}
for (let next = 0; ; await new Promise(setImmediate)) {
  for (let left = 64; left > 0; left--) sockets[next++ % count].send(message)
}
