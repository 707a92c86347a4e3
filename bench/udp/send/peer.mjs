import { createSocket } from 'node:dgram'

import { message, sending, sink } from '../sender.mjs'

const socket = createSocket('udp4')
socket.bind(0, '127.0.0.1', () =>
  sending((count) => {
    for (let left = count; left > 0; left--) socket.send(message, sink, '127.0.0.1')
  }),
)
