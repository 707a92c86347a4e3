// oxlint-disable-next-line import/no-unassigned-import -- it is imported for what it does
import '@fairlead/http/globals'
import { serve } from '@fairlead/http'

import { ready } from '../../server.mjs'
import { app } from './app.mjs'

const server = await serve({ port: 0 }, app.fetch)
ready(server.address.port)
