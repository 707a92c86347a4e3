import { ready } from '../../server.mjs'

const headers = { 'Content-Type': 'text/plain' }
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: () => new Response('Hello, world!', { headers }),
})
ready(server.port)
