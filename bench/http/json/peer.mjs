import { createServer } from 'node:http'

import { ready } from '../../server.mjs'
import { notes } from './document.mjs'

const server = createServer((request, response) => {
  response.setHeader('Content-Type', 'application/json')
  response.end(JSON.stringify(notes))
})
server.listen(0, '127.0.0.1', () => ready(server.address().port))
