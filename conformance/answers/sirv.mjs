// The same with sirv, which is one of the dependencies of the measurements.

import { createServer } from 'node:http'
import { createRequire } from 'node:module'

import { becomeNobody } from './drop.mjs'

const sirv = createRequire(new URL('../../bench/package.json', import.meta.url))('sirv')
becomeNobody()
const server = createServer(sirv(process.argv[2], { etag: true, brotli: true, gzip: true }))
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
