import { serve } from '@hono/node-server'
import { Hono } from 'hono'

import { ready } from '../../server.mjs'

const app = new Hono()
app.get('/', (c) => c.text('Hello, world!'))
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => ready(port))
