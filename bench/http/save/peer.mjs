import { createWriteStream } from 'node:fs'
import { createServer } from 'node:http'
import { pipeline } from 'node:stream/promises'

import { ready } from '../../server.mjs'
import { path, take } from './saved.mjs'

const server = createServer((request, response) => {
  void pipeline(request, createWriteStream(path)).then(() => response.end('saved'))
})
server.listen(0, '127.0.0.1', () => ready(server.address().port, { take }))
