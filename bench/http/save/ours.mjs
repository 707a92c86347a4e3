import { Response, serve } from '@fairlead/http'
import { saveBody } from '@fairlead/http/uploads'

import { ready } from '../../server.mjs'
import { path, take } from './saved.mjs'

const server = await serve({ port: 0, maxBodySize: 1024 ** 3 }, async (request) => {
  await saveBody(request, path, { overwrite: true })
  return new Response('saved')
})
ready(server.address.port, { take })
