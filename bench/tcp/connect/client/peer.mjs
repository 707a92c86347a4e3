import { once } from 'node:events'
import { connect } from 'node:net'

import { message, visiting } from './visits.mjs'

visiting(async (port) => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  await once(socket, 'connect')
  let missing = message.length
  socket.on('data', (chunk) => {
    missing -= chunk.length
    if (missing === 0) socket.end()
  })
  socket.on('end', () => socket.end())
  socket.on('error', () => {})
  socket.write(message)
  await once(socket, 'close')
})
