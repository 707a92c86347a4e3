// Takes resumable uploads into a folder, on the port of its second argument; says where, and which of them are whole.

import { serve } from '@fairlead/http'
import { FileStore } from '@tus/file-store'
import { EVENTS, Server } from '@tus/server'

const [directory, port = '0'] = process.argv.slice(2)
const tus = new Server({ path: '/files', relativeLocation: true, datastore: new FileStore({ directory }) })
tus.on(EVENTS.POST_FINISH, (_request, _response, { id }) => console.log(`finished ${id}`))

const onError = (error) => console.log(`failed: ${error.stack}`)
const server = await serve(
  { host: '127.0.0.1', port: Number(port), maxBodySize: 2 ** 30, onError },
  (request) => tus.handleWeb(request),
)
console.log(`listening on 127.0.0.1:${server.address.port}`)
