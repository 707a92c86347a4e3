import { createServer } from 'node:http'

import { WebSocketServer } from 'ws'

import { ready } from '../../server.mjs'
import { message, messages } from './message.mjs'

const server = createServer()
const sockets = new WebSocketServer({ server })
sockets.on('connection', (caller) => {
  caller.on('message', () => {
    const others = [...sockets.clients].filter((it) => it !== caller)
    for (let left = messages; left > 0; left--) for (const socket of others) socket.send(message)
  })
})
server.listen(0, '127.0.0.1', () => ready(server.address().port))
