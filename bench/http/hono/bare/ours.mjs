import { serve } from '@fairlead/http'

import { ready } from '../../../server.mjs'
import { app } from '../app.mjs'

const server = await serve({ port: 0 }, app.fetch)
ready(server.address.port)
