// The routes of ../target.mjs that are of interest here on `ws` and Node's own server, for the other column:
// `node ws.mjs [--tls]`.

import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createRequire } from 'node:module'

import { certificate } from './certificate.mjs'

const load = createRequire(new URL('../../packages/ws-bridge/package.json', import.meta.url))
const { WebSocketServer } = load('ws')

const common = {
  noServer: true,
  perMessageDeflate: true,
  handleProtocols: (protocols) => (protocols.has('binary') ? 'binary' : false),
}
const routes = {
  '/ws': new WebSocketServer({ ...common, maxPayload: 2 ** 24, maxFragments: 2 ** 17 }),
  '/ws/limited': new WebSocketServer({ ...common, maxPayload: 1000, maxFragments: 10 }),
}

for (const server of Object.values(routes)) {
  server.on('connection', (socket) => {
    socket.on('error', () => {})
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
}

/** Absolute form and query apart. */
function pathOf(target) {
  const [path = ''] = target.split('?', 1)
  return path.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '') || '/'
}

function answer(request, response) {
  const open = Object.values(routes).reduce((sum, { clients }) => sum + clients.size, 0)
  const body = { '/': 'ahoy\n', '/connections': String(open) }[pathOf(request.url)]
  const text = body ?? 'not found\n'
  response.writeHead(body === undefined ? 404 : 200, { 'Content-Length': text.length })
  response.end(request.method === 'HEAD' ? undefined : text)
}

const secure = process.argv.includes('--tls')
const server = secure ? createSecureServer(await certificate(), answer) : createServer(answer)

server.on('upgrade', (request, socket, head) => {
  const path = pathOf(request.url)
  if (Object.hasOwn(routes, path)) {
    const { [path]: sockets } = routes
    sockets.handleUpgrade(request, socket, head, (one) => sockets.emit('connection', one, request))
    return
  }
  socket.on('error', () => {})
  socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
})

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening on http${secure ? 's' : ''}://127.0.0.1:${server.address().port}\n`)
})
process.once('SIGTERM', () => process.exit())
