import { bind } from '@fairlead/udp'

import { count, receiving } from '../receiver.mjs'
import { stalling } from './stalls.mjs'

const socket = await bind()
socket.handle({ onDatagram: count })
receiving(socket.address.port)
stalling()
