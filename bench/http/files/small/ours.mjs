import { serve } from '@fairlead/http'
import { serveFiles } from '@fairlead/http/files'

import { ready } from '../../../server.mjs'
import { told } from '../../temporary.mjs'

const server = await serve({ port: 0 }, serveFiles(told(), { memory: true }))
ready(server.address.port)
