import { createSocket } from 'node:dgram'

import { count, receiving } from '../receiver.mjs'
import { stalling } from './stalls.mjs'

const socket = createSocket('udp4')
socket.on('message', count)
socket.bind(0, '127.0.0.1', () => receiving(socket.address().port))
stalling()
