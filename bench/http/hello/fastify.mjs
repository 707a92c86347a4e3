import fastify from 'fastify'

import { ready } from '../../server.mjs'

const app = fastify()
app.get('/', (request, reply) => reply.type('text/plain').send('Hello, world!'))
await app.listen({ port: 0, host: '127.0.0.1' })
ready(app.server.address().port)
