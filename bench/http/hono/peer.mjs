import { serve } from '@hono/node-server'

import { ready } from '../../server.mjs'
import { app } from './app.mjs'

serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => ready(port))
