import { listen } from '@fairlead/tcp'

import { ready } from '../../server.mjs'

const chunk = Buffer.alloc(64 * 1024, 'x')
const chunks = 16 * 1_024

const listener = await listen({ port: 0 }, (connection) => {
  let left = chunks
  const fill = () => {
    while (left > 0) {
      left--
      if (!connection.write(chunk)) return
    }
    connection.end()
  }
  fill()
  return { onData() {}, onDrain: fill }
})
ready(listener.address.port)
