import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'

const perMillisecond = 30
const milliseconds = 2_000
const message = Buffer.alloc(200, 'x')

const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 })
socket.bind(0, '127.0.0.1')
await once(socket, 'listening')
const granted = socket.getRecvBufferSize()
socket.unref()

export const missing =
  granted < 4 * 1024 * 1024
    ? `the system allows a receive buffer of no more than ${granted} bytes`
    : undefined

/** 30,000 datagrams a second for two seconds; resolves with how many. */
export async function send(port) {
  const started = performance.now()
  let sent = 0
  while (sent < milliseconds * perMillisecond) {
    const due = Math.min(performance.now() - started, milliseconds) * perMillisecond
    for (; sent < due; sent++) socket.send(message, port, '127.0.0.1')
    await setTimeout(1)
  }
  return sent
}
