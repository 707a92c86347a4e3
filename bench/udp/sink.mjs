// The receiving side for those that send: the process that measures. Senders find it by its port.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'

let received = 0

/** One more message has come. */
export function count() {
  received++
}

const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 })
socket.on('message', count)
socket.bind(0, '127.0.0.1')
await once(socket, 'listening')
socket.unref()
process.env.BENCH_SINK = String(socket.address().port)

/** What counts is what arrived. */
export async function load(_port, ask) {
  const before = received
  await ask('send')
  for (let last; last !== received; await setTimeout(5)) last = received
  return received - before
}
