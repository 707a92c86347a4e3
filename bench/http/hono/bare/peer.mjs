import { serve } from '@hono/node-server'

import { ready } from '../../../server.mjs'
import { app } from '../app.mjs'

const options = { port: 0, hostname: '127.0.0.1', overrideGlobalObjects: false }
serve({ fetch: app.fetch, ...options }, ({ port }) => ready(port))
