// The routes of ../target.mjs on Node's own server, for the second column.

import { createServer } from 'node:http'

function hello(request, response) {
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 5 })
  response.end(request.method === 'HEAD' ? undefined : 'ahoy\n')
}

function echo(request, response) {
  const fields = { 'Content-Type': request.headers['content-type'] ?? 'application/octet-stream' }
  const length = request.headers['content-length']
  if (length !== undefined) fields['Content-Length'] = length
  response.writeHead(200, fields)
  request.on('error', () => response.destroy())
  request.pipe(response)
}

function pathOf(target) {
  const [path = ''] = target.split('?', 1)
  return path.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '') || '/'
}

const routes = { 'GET /': hello, 'HEAD /': hello, 'POST /echo': echo }

const server = createServer((request, response) => {
  const name = `${request.method} ${pathOf(request.url)}`
  if (Object.hasOwn(routes, name)) return routes[name](request, response)
  response.writeHead(404, { 'Content-Type': 'text/plain', 'Content-Length': 10 })
  response.end(request.method === 'HEAD' ? undefined : 'not found\n')
})

server.on('connect', (request, socket) => {
  socket.on('error', () => {})
  socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
})

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening on http://127.0.0.1:${server.address().port}\n`)
})
process.once('SIGTERM', () => process.exit())
