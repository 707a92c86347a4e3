import { createSocket } from 'node:dgram'
import { on, once } from 'node:events'

import { count, receiving } from '../receiver.mjs'

const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 })
socket.bind(0, '127.0.0.1')
await once(socket, 'listening')
receiving(socket.address().port)
for await (const [data, info] of on(socket, 'message')) count(data, info)
