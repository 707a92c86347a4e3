import { connect } from '@fairlead/udp'

import { message, sending, sink } from '../sender.mjs'

const connection = await connect({ port: sink })
sending((count) => {
  for (let left = count; left > 0; left--) connection.write(message)
})
