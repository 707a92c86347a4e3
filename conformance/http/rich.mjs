// A web-standard application with a bit of everything that clients do: a page, forms, streams, events, cookies.

import { serve } from '../../packages/http/dist/index.js'

const text = new TextEncoder()

const page = `<!doctype html><meta charset="utf-8"><title>clients</title><link rel="icon" href="data:,">
<script type="module">
const post = (path, body, headers) => fetch(path, { method: 'POST', body, headers })
const events = (path) => new Promise((resolve, reject) => {
  const seen = []
  const source = new EventSource(path)
  source.onerror = () => reject(new Error('no events'))
  source.onmessage = ({ data, lastEventId }) => {
    seen.push(lastEventId + ':' + data)
    if (seen.length < 3) return
    source.close()
    resolve(seen)
  }
})
const streamed = async (path) => {
  const pieces = []
  const decoder = new TextDecoder()
  for await (const piece of (await fetch(path)).body) pieces.push(decoder.decode(piece))
  return pieces
}
const aborted = async (path) => {
  const controller = new AbortController()
  const answer = await fetch(path, { signal: controller.signal })
  const reader = answer.body.getReader()
  await reader.read()
  controller.abort()
  return reader.read().then(() => 'went on', (error) => error.name)
}
const form = new FormData()
form.append('name', 'Ünïcode')
form.append('file', new File([new Uint8Array(100000)], 'zeros.bin'))
globalThis.done = (async () => ({
  json: await (await post('/json', JSON.stringify({ a: [1, 'ü'] }), { 'Content-Type': 'application/json' })).json(),
  blob: await (await post('/length', new Blob([new Uint8Array(3000000)]))).text(),
  form: await (await post('/form', form)).json(),
  streamed: (await streamed('/stream')).join(''),
  events: await events('/events'),
  aborted: await aborted('/endless'),
  cookies: await (await fetch('/cookies')).text().then(() => document.cookie),
  redirected: await (await fetch('/redirect')).text(),
  head: (await fetch('/big', { method: 'HEAD' })).ok,
  big: (await (await fetch('/big')).arrayBuffer()).byteLength,
  missing: (await fetch('/missing')).status,
  empty: (await fetch('/empty')).status,
  deleted: await (await fetch('/method', { method: 'DELETE' })).text(),
  many: (await Promise.all(Array.from({ length: 50 }, (_, at) => fetch('/method?' + at)))).every((it) => it.ok),
}))()
</script>`

function pieces(count, make) {
  let at = 0
  return new ReadableStream({
    async pull(controller) {
      // A turn each, so that they come apart.
      await new Promise((resolve) => setImmediate(resolve))
      if (at === count) controller.close()
      else controller.enqueue(text.encode(make(at++)))
    },
  })
}

const big = new Uint8Array(8 * 1024 * 1024).fill(0x2e)

const routes = {
  '/page': () => new Response(page, { headers: { 'Content-Type': 'text/html' } }),
  '/json': async (request) => Response.json(await request.json()),
  '/length': async (request) => {
    let length = 0
    for await (const chunk of request.body) length += chunk.byteLength
    return new Response(String(length))
  },
  '/form': async (request) => {
    const form = await request.formData()
    const file = form.get('file')
    return Response.json({ name: form.get('name'), file: file.name, size: file.size })
  },
  '/stream': () => new Response(pieces(10, (at) => `piece ${at}\n`)),
  '/events': () =>
    new Response(
      pieces(3, (at) => `id: ${at}\ndata: event ${at}\n\n`),
      { headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' } },
    ),
  '/endless': () => new Response(pieces(Infinity, () => 'again and again\n')),
  '/cookies': () => {
    const headers = new Headers()
    headers.append('Set-Cookie', 'a=1')
    headers.append('Set-Cookie', 'b=2; Path=/')
    return new Response('', { headers })
  },
  '/redirect': () => new Response(null, { status: 302, headers: { Location: '/method' } }),
  '/big': () => new Response(big),
  '/empty': () => new Response(null, { status: 204 }),
  '/method': (request) => new Response(request.method),
}

async function handler(request) {
  const { pathname } = new URL(request.url)
  if (Object.hasOwn(routes, pathname)) return routes[pathname](request)
  return new Response('missing\n', { status: 404 })
}

const server = await serve({ host: '127.0.0.1', port: 0 }, handler)
process.stdout.write(`listening on http://127.0.0.1:${server.address.port}\n`)
process.once('SIGTERM', () => void server.close())
