// The server that suites of others are pointed at: `node conformance/target.mjs [--port N] [--tls]`. Default limits and
// times.
//
//   GET, HEAD /        200 and a few bytes, whatever the query
//   POST /echo         200 and the request's body, as it comes, with its length if that was told
//   GET /connections   how many WebSockets are open
//   anything else      404
//
// WebSockets get their messages back, as what they came:
//
//   /ws                up to 16 MiB in 131,072 fragments, compressed if the client likes, subprotocol `binary`
//   /ws/limited        the same with up to 1,000 bytes in 10 fragments, and 20 messages at a time

import { parseArgs } from 'node:util'

import { listen } from '../packages/http/dist/index.js'
import { listen as listenForWebSockets } from '../packages/ws-bridge/dist/index.js'
import { certificate } from './websocket/certificate.mjs'

const usage = 'Usage: node conformance/target.mjs [--port N] [--tls]\n'

/** @throws what parseArgs throws, or RangeError for a port that is none. */
function optionsOf(args) {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string', default: '0' },
      tls: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const port = Number(values.port)
  if (!/^\d+$/.test(values.port) || port > 65535) {
    throw new RangeError(`Invalid option --port: ${values.port} is not a port`)
  }
  return { help: values.help, port, tls: values.tls }
}

/** Path and query apart: a server is asked in origin form, or in absolute form as a proxy would be. */
function pathOf({ form, target }) {
  const [path = ''] = target.split('?', 1)
  if (form !== 'absolute') return path
  const slash = path.indexOf('/', path.indexOf('//') + 2)
  return slash < 0 ? '/' : path.slice(slash)
}

/** What is answered at a path, by method. */
const routes = {
  'GET /': hello,
  'HEAD /': hello,
  'POST /echo': echo,
  'GET /connections': count,
}

const websockets = {
  messages: 'both',
  compression: true,
  protocols: ['binary'],
  heartbeat: false,
  origins: 'any',
}
const paths = {
  '/ws': { maxPayload: 2 ** 24, maxFragments: 2 ** 17 },
  '/ws/limited': { maxPayload: 1000, maxFragments: 10, messageRate: { perSecond: 1, burst: 20 } },
}
const listeners = []

function hello(exchange) {
  return exchange.respond(200, { 'Content-Type': 'text/plain' }, 'ahoy\n')
}

function echo(exchange) {
  const { body, hasBody, headers } = exchange.request
  const fields = { 'Content-Type': headers.get('content-type') ?? 'application/octet-stream' }
  const length = headers.get('content-length')
  if (length !== undefined) fields['Content-Length'] = Number(length)
  return exchange.respond(200, fields, hasBody ? body : null)
}

function count(exchange) {
  const open = listeners.reduce((sum, { connections }) => sum + connections.size, 0)
  return exchange.respond(200, { 'Content-Type': 'text/plain' }, String(open))
}

/** Gives every message back, no faster than they are taken. */
function onWebSocket(connection) {
  return {
    onData(message) {
      if (!connection.write(message)) connection.pause()
    },
    onDrain() {
      connection.resume()
    },
  }
}

function onExchange(exchange) {
  const { request } = exchange
  const name = `${request.method} ${pathOf(request)}`
  if (Object.hasOwn(routes, name)) return routes[name](exchange)
  return exchange.respond(404, { 'Content-Type': 'text/plain' }, 'not found\n')
}

async function main() {
  let options
  try {
    options = optionsOf(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${error.message}\n${usage}`)
    process.exitCode = 2
    return
  }
  if (options.help) {
    process.stdout.write(usage)
    return
  }
  const { port, tls } = options
  const secure = tls ? { tls: await certificate() } : {}
  const server = await listen({ host: '127.0.0.1', port, ...secure }, onExchange)
  for (const [path, limits] of Object.entries(paths)) {
    listeners.push(await listenForWebSockets({ server, path, ...websockets, ...limits }, onWebSocket))
  }
  process.stdout.write(`listening on http${tls ? 's' : ''}://127.0.0.1:${server.address.port}\n`)
  // The second time, the runtime's own way of ending holds.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void server.close())
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
