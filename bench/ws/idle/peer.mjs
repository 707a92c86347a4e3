import { createServer } from 'node:http'

import { WebSocketServer } from 'ws'

import { ready } from '../../server.mjs'

const server = createServer()
const sockets = new WebSocketServer({ server })
sockets.on('connection', (socket) => {
  socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }))
})
server.listen(0, '127.0.0.1', () => ready(server.address().port))
