import { Response, serve } from '@fairlead/http'

import { ready } from '../../server.mjs'
import { notes } from './document.mjs'

const server = await serve({ port: 0 }, () => Response.json(notes))
ready(server.address.port)
