// The server that suites of others are pointed at: `node conformance/target.mjs [--port N]`. Default limits and times.
//
//   GET, HEAD /      200 and a few bytes, whatever the query
//   POST /echo       200 and the request's body, as it comes, with its length if that was told
//   anything else    404

import { parseArgs } from 'node:util'

import { listen } from '../packages/http/dist/index.js'

const usage = 'Usage: node conformance/target.mjs [--port N]\n'

/** @throws what parseArgs throws, or RangeError for a port that is none. */
function optionsOf(args) {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string', default: '0' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const port = Number(values.port)
  if (!/^\d+$/.test(values.port) || port > 65535) {
    throw new RangeError(`Invalid option --port: ${values.port} is not a port`)
  }
  return { help: values.help, port }
}

/** Path and query apart: a server is asked in origin form, or in absolute form as a proxy would be. */
function pathOf({ form, target }) {
  const [path = ''] = target.split('?', 1)
  if (form !== 'absolute') return path
  const slash = path.indexOf('/', path.indexOf('//') + 2)
  return slash < 0 ? '/' : path.slice(slash)
}

/** What is answered at a path, by method. `/ws` comes with ws-bridge, which takes its upgrades by `onUpgrade`. */
const routes = {
  'GET /': hello,
  'HEAD /': hello,
  'POST /echo': echo,
}

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
  const server = await listen({ host: '127.0.0.1', port: options.port }, onExchange)
  process.stdout.write(`listening on http://127.0.0.1:${server.address.port}\n`)
  // The second time, the runtime's own way of ending holds.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void server.close())
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
