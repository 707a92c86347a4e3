// A server for clients to be tried on: `node` is node:http, `own` is ours. Both give the same answers.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

import { listen } from '@fairlead/http'

const [kind = 'own', silent] = process.argv.slice(2)
/** With `silent`, connections are closed soon, and nobody is told beforehand. */
const keepAliveTimeout = silent ? 20 : 5_000
const page = '<p>The quick brown fox jumps over the lazy dog.</p>\n'.repeat(2_000)
const zipped = {
  gzip: gzipSync(page),
  deflate: deflateSync(page),
  raw: deflateRawSync(page),
  br: brotliCompressSync(page),
}
/** Requests of each path so far. */
const asked = new Map()

async function* pieces(text, end = () => {}) {
  for (let at = 0; at < text.length; at += 10_000) {
    yield text.slice(at, at + 10_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  end()
}

/** What is answered: status, fields and body, and `trailers`; `cut` and `drop` are those that fail. */
async function answerTo({ method, target, headers, body }) {
  const [path, query] = target.split('?')
  asked.set(path, (asked.get(path) ?? 0) + 1)
  switch (path) {
    case '/echo': {
      const hash = createHash('sha256')
      let size = 0
      for await (const chunk of body()) {
        hash.update(chunk)
        size += chunk.byteLength
      }
      return [200, {}, JSON.stringify({ method, target, headers, size, hash: hash.digest('hex') })]
    }
    case '/page':
      return [200, { 'Content-Type': 'text/html', 'Content-Length': String(page.length) }, page]
    case '/pieces':
      return [200, {}, pieces(page)]
    case '/trailers':
      return [200, { Trailer: 'X-Sum' }, pieces(page), { 'X-Sum': 'right' }]
    case '/zipped': {
      const encoding = query === 'raw' ? 'deflate' : query
      return [200, { 'Content-Encoding': encoding }, zipped[query]]
    }
    case '/empty':
      return [204, {}, null]
    case '/known':
      return [304, { ETag: '"1"' }, null]
    case '/moved':
      return [307, { Location: '/echo?moved' }, 'elsewhere']
    case '/seen':
      return [303, { Location: '/echo?seen' }, pieces('elsewhere')]
    case '/refused':
      return [413, {}, 'too much']
    case '/asked':
      return [200, {}, String(asked.get(`/${query}`) ?? 0)]
    case '/cut':
      return [200, { 'Content-Length': String(page.length) }, pieces(page.slice(0, 50_000), cut)]
    case '/cut-chunks':
      return [200, {}, pieces(page.slice(0, 50_000), cut)]
    case '/drop':
      return undefined
    default:
      return [404, {}, 'nothing here']
  }
}

function cut() {
  throw new Error('cut')
}

function serveOwn() {
  return listen(
    {
      host: '127.0.0.1',
      port: 0,
      maxBodySize: Infinity,
      keepAliveTimeout,
      onError: () => {},
    },
    async (exchange) => {
      const { method, target, headers, body } = exchange.request
      if (target === '/hinted') exchange.inform(103, { Link: '</style.css>; rel=preload' })
      const answer = await answerTo({
        method,
        target,
        headers: namesAndValues(headers.raw),
        body: () => body,
      })
      // Its connection is nobody's but its own to close.
      if (!answer) return void [...server.connections].at(-1).destroy()
      const [status, fields, content, trailers] = answer
      await exchange.respond(status, fields, content, trailers && { trailers })
    },
  )
}

function namesAndValues(raw) {
  const fields = {}
  for (let at = 0; at < raw.length; at += 2) fields[raw[at].toLowerCase()] = raw[at + 1]
  return fields
}

function serveNode() {
  // Its own time for that is told to clients.
  const server = createServer({ keepAliveTimeout: silent ? 0 : keepAliveTimeout })
  if (silent) server.on('timeout', (socket) => socket.end())
  const handle = async (request, response) => {
    const { method, url: target, headers, socket } = request
    if (silent) response.once('close', () => socket.setTimeout(keepAliveTimeout))
    if (target === '/hinted') response.writeEarlyHints({ link: '</style.css>; rel=preload' })
    const answer = await answerTo({ method, target, headers, body: () => request })
    if (!answer) return void socket.destroy()
    const [status, fields, content, trailers] = answer
    // It would wait for the rest.
    if (target === '/refused') response.setHeader('Connection', 'close')
    response.writeHead(status, fields)
    if (content === null || typeof content === 'string' || content instanceof Uint8Array) {
      return void response.end(content)
    }
    try {
      for await (const piece of content) {
        if (!response.write(piece)) await once(response, 'drain')
      }
      if (trailers) response.addTrailers(trailers)
      response.end()
    } catch {
      response.destroy()
    }
  }
  server.on('request', handle)
  server.on('checkContinue', (request, response) => {
    if (request.url !== '/refused') response.writeContinue()
    void handle(request, response)
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

const server = await (kind === 'node' ? serveNode() : serveOwn())
const { port } = kind === 'node' ? server.address() : server.address
console.log(`listening on 127.0.0.1:${port}`)
