// Serves the folder of its argument, and says what it was asked for and what it answered.

import { serve } from '@fairlead/http'
import { serveFiles } from '@fairlead/http/files'

const files = serveFiles(process.argv[2])
const server = await serve(
  { host: '127.0.0.1', port: 0, onError: (error) => console.log(`failed: ${error.stack}`) },
  async (request) => {
    const response = await files(request)
    const { pathname } = new URL(request.url)
    const fields = [request.headers.get('range'), response.headers.get('content-range')]
    console.log(JSON.stringify([pathname, response.status, ...fields]))
    return response
  },
)
console.log(`listening on 127.0.0.1:${server.address.port}`)
