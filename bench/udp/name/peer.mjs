import { createSocket } from 'node:dgram'

import { message, sending, sink } from '../sender.mjs'

// Names are resolved in threads, and datagrams wait for that without a limit: each burst waits for its last.
const socket = createSocket('udp4')
const to = [sink, 'localhost']
socket.bind(0, '127.0.0.1', () =>
  sending((count) => {
    for (let left = count; left > 1; left--) socket.send(message, ...to)
    return new Promise((resolve) => socket.send(message, ...to, resolve))
  }),
)
