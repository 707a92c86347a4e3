// The WebSockets of ../target.mjs on Node's own server, by its upgrade event: `node node-upgrade.mjs [--tls]`.

import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'

import { accept } from '../../packages/ws-bridge/dist/index.js'
import { certificate } from './certificate.mjs'

const common = {
  messages: 'both',
  compression: true,
  protocols: ['binary'],
  heartbeat: false,
  origins: 'any',
}
const routes = {
  '/ws': { ...common, maxPayload: 2 ** 24, maxFragments: 2 ** 17 },
  '/ws/limited': {
    ...common,
    maxPayload: 1000,
    maxFragments: 10,
    messageRate: { perSecond: 1, burst: 20 },
  },
}
const open = new Set()

/** Absolute form and query apart. */
function pathOf(target) {
  const [path = ''] = target.split('?', 1)
  return path.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '') || '/'
}

function answer(request, response) {
  const body = { '/': 'ahoy\n', '/connections': String(open.size) }[pathOf(request.url)]
  const text = body ?? 'not found\n'
  response.writeHead(body === undefined ? 404 : 200, { 'Content-Length': text.length })
  response.end(request.method === 'HEAD' ? undefined : text)
}

const secure = process.argv.includes('--tls')
const server = secure ? createSecureServer(await certificate(), answer) : createServer(answer)

server.on('upgrade', (request, socket, head) => {
  const path = pathOf(request.url)
  if (!Object.hasOwn(routes, path)) {
    socket.on('error', () => {})
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    return
  }
  let connection
  try {
    connection = accept(request, socket, head, routes[path])
  } catch {
    // It was answered.
    return
  }
  open.add(connection)
  void connection.closed.then(() => open.delete(connection))
  connection.handle({
    onData(message) {
      if (!connection.write(message)) connection.pause()
    },
    onDrain() {
      connection.resume()
    },
  })
})

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening on http${secure ? 's' : ''}://127.0.0.1:${server.address().port}\n`)
})
process.once('SIGTERM', () => process.exit())
