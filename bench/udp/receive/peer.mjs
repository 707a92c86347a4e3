import { createSocket } from 'node:dgram'

import { count, receiving } from '../receiver.mjs'

// As large a buffer as ours has: what it is worth is measured elsewhere, as losses.
const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 })
socket.on('message', count)
socket.bind(0, '127.0.0.1', () => receiving(socket.address().port))
