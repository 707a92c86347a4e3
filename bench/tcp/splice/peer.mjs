import { connect, createServer } from 'node:net'

import { ready } from '../../server.mjs'

const port = Number(process.env.BENCH_UPSTREAM)
const options = { noDelay: true, allowHalfOpen: true }
const server = createServer(options, (client) => {
  const upstream = connect({ port, host: '127.0.0.1', ...options })
  client.pipe(upstream)
  upstream.pipe(client)
  client.on('error', () => upstream.destroy())
  upstream.on('error', () => client.destroy())
})
server.listen(0, '127.0.0.1', () => ready(server.address().port))
