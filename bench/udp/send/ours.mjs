import { bind } from '@fairlead/udp'

import { message, sending, sink } from '../sender.mjs'

const socket = await bind()
const to = { host: '127.0.0.1', port: sink }
sending((count) => {
  for (let left = count; left > 0; left--) socket.write(message, to)
})
