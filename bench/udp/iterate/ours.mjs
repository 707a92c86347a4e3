import { bind } from '@fairlead/udp'

import { count, receiving } from '../receiver.mjs'

const socket = await bind()
receiving(socket.address.port)
for await (const { data, from } of socket) count(data, from)
