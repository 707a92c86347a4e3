import { createServer, type IncomingMessage, request as ask, type Server } from 'node:http'
import { brotliCompressSync } from 'node:zlib'

import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { streamSSE } from 'hono/streaming'
import { describe, expect, test } from 'vitest'

import { Client, Request as OurRequest, serve, type ServeContext } from '../../src/index.ts'
import { proxy } from '../../src/proxy/index.ts'
import { runtime } from '../../src/web/runtime.ts'
import { answer } from '../client/raw-server.ts'
import { watchStrays } from '../faults/harness.ts'
import { head, portOf } from '../server/ways.ts'
import { before, front, type Front, memory, sockets } from './stage.ts'

watchStrays()

const block = Buffer.alloc(300_000, 'fairlead ')

/** What every server behind a proxy has to do, whoever wrote it. */
function behind(name: string, open: () => Promise<{ url: string } & AsyncDisposable>): void {
  describe(`${name} behind a proxy`, () => {
    const use = async (run: (client: Client, at: Front) => Promise<void>): Promise<void> => {
      await using server = await open()
      await using at = await front(sockets, server.url)
      await using client = new Client({ base: `http://127.0.0.1:${portOf(at.server)}`, decode: false })
      await run(client, at)
      expect([at.errors, at.strays]).toEqual([[], []])
    }

    test('is asked, and answers', () =>
      use(async (client) => {
        const response = await client.request('/hello?a=b')
        expect([response.status, await response.text()]).toEqual([200, 'GET /hello?a=b'])
        const other = await client.request('/nothing', { method: 'DELETE' })
        expect(other.status).toBe(404)
        await other.bytes()
        const missing = await client.request('/hello', { method: 'HEAD' })
        expect([missing.status, await missing.text()]).toEqual([200, ''])
      }))

    test('gets bodies of a length and in chunks, and gives them back byte for byte', () =>
      use(async (client) => {
        async function* pieces(): AsyncGenerator<Uint8Array> {
          for (let at = 0; at < block.length; at += 50_000) yield block.subarray(at, at + 50_000)
        }
        for (const body of [block, pieces()]) {
          const response = await client.request('/echo', { method: 'POST', body })
          expect(Buffer.from(await response.bytes()).equals(block)).toBe(true)
        }
      }))

    test('keeps its coding', () =>
      use(async (client) => {
        const response = await client.request('/coded')
        expect(response.headers.get('content-encoding')).toBe('br')
        expect(Buffer.from(await response.bytes()).equals(brotliCompressSync('ahoy'))).toBe(true)
      }))

    test('sends events as they come', () =>
      use(async (client) => {
        const response = await client.request('/events')
        let text = ''
        for await (const chunk of response) {
          text += Buffer.from(chunk).toString()
          if (text.includes('data: 1\n\n')) break
        }
        expect(text).toMatch(/^data: 0\n\ndata: 1\n\n/)
      }))
  })
}

behind('a server on node:http', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/echo') return void request.pipe(response)
    if (request.url === '/coded') {
      return void response.setHeader('Content-Encoding', 'br').end(brotliCompressSync('ahoy'))
    }
    if (request.url === '/events') {
      let count = 0
      response.setHeader('Content-Type', 'text/event-stream')
      const timer = setInterval(() => response.write(`data: ${count++}\n\n`), 1)
      return void response.on('close', () => clearInterval(timer))
    }
    response.statusCode = request.url?.startsWith('/hello') ? 200 : 404
    response.end(`${request.method} ${request.url}`)
  })
  return listening(server)
})

behind('a Hono application on serve', async () => {
  const app = new Hono()
  app.get('/hello', (c) => c.text(`GET ${c.req.url.slice(c.req.url.indexOf('/hello'))}`))
  app.post('/echo', ({ req }) => new Response(req.raw.body))
  app.get('/coded', () => new Response(brotliCompressSync('ahoy'), { headers: { 'Content-Encoding': 'br' } }))
  app.get('/events', (c) =>
    streamSSE(c, async (stream) => {
      for (let count = 0; !stream.aborted; count++) {
        await stream.writeSSE({ data: String(count) })
        await stream.sleep(1)
      }
    }),
  )
  const server = await serve({ port: 0, idleGrace: 0 }, app.fetch)
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    [Symbol.asyncDispose]: () => server.close({ grace: 0 }),
  }
})

describe('a proxy inside of an application', () => {
  test('answers for Hono, whose middlewares go on with what it answers', async () => {
    await using server = await memory.raw.open(({ target }) =>
      answer(target.repeat(1_000), 'Content-Type: text/plain'),
    )
    const app = new Hono<{ Bindings: ServeContext }>()
    app.use('/packed/*', compress())
    app.use(async (c, next) => {
      await next()
      c.header('X-After', 'yes')
    })
    await using at = await before(memory, server, {
      proxy: { prefix: '/packed' },
      handler: (passing) => {
        app.all('/packed/*', (c) => passing(c.req.raw, c.env))
        return app.fetch
      },
    })
    const client = await at.client()
    client.write(head('GET /packed/a HTTP/1.1', 'Accept-Encoding: gzip'))
    const [reply] = await client.replies(1)
    expect(reply?.headers).toMatchObject({ 'x-after': 'yes', 'content-encoding': 'gzip' })
    expect((await server.peer()).asked[0]?.target).toBe('/a')
  })

  test('is mounted in Hono with the path that is left', async () => {
    await using server = await memory.raw.open(({ target, body }) => answer(`${target} ${body}`))
    await using at = await before(memory, server, {
      handler: (passing) => new Hono().mount('/mounted', passing as never).fetch,
    })
    const client = await at.client()
    client.write(`${head('POST /mounted/a?b HTTP/1.1', 'Content-Length: 4')}body`)
    expect((await client.replies(1))[0]).toMatchObject({ status: 200, body: '/a?b body' })
  })

  test('takes an upgrade out of Hono', async () => {
    await using server = await memory.raw.open(
      () => 'HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\nAHOY',
    )
    await using at = await before(memory, server, {
      handler: (passing) => {
        const app = new Hono<{ Bindings: ServeContext }>()
        app.all('*', (c) => passing(c.req.raw, c.env))
        return app.fetch
      },
    })
    const client = await at.client()
    client.write(head('GET / HTTP/1.1', 'Connection: Upgrade', 'Upgrade: shout'))
    await client.until(() => client.text.endsWith('\r\n\r\nAHOY'))
    expect(at.proxy.stats().tunnels).toBe(1)
    ;(await server.peer()).end()
    client.connection.end()
  })

  test('passes on a request of the runtime in the place of ours, with its body and the target that came', async () => {
    await using server = await memory.raw.open(({ target, body }) => answer(`${target} ${body}`))
    await using at = await before(memory, server, {
      handler: (passing) => (request, context) => {
        if (request.url.endsWith('new')) {
          return passing(
            new runtime.Request('http://other.example/made?a', { method: 'POST', body: 'made' }),
            context,
          )
        }
        return passing(new OurRequest(request), context)
      },
    })
    const client = await at.client()
    client.write(`${head("PUT //a?'b' HTTP/1.1", 'Content-Length: 4')}body${head('GET /new HTTP/1.1')}`)
    expect((await client.replies(2)).map(({ body }) => body)).toEqual(["//a?'b' body", '/made?a made'])
  })

  test.each<[string, (request: Request) => unknown, number, string]>([
    ['was read', (request) => request.text(), 500, '500 Internal Server Error\n'],
    ['was cloned', (request) => request.clone().text(), 200, 'body'],
    ['was looked at', (request) => request.body, 200, 'body'],
  ])('a request whose body %s before', async (_how, look, status, body) => {
    await using server = await memory.raw.open((asked) => answer(asked.body))
    await using at = await before(memory, server, {
      handler: (passing) => async (request, context) => {
        await look(request)
        return passing(request, context)
      },
    })
    const client = await at.client()
    client.write(`${head('PUT / HTTP/1.1', 'Content-Length: 4')}body`)
    expect((await client.replies(1))[0]).toMatchObject({ status, body })
  })

  test('passes on a request without a context', async () => {
    await using server = await memory.raw.open((asked) => answer(asked.body, 'X-A: 1'))
    const app = proxy(server.url, { connect: server.options.connect!, via: false })
    const response = await app(new Request('https://a.example/b?c', { method: 'PUT', body: 'body' }))
    expect([response.status, response.headers.get('x-a'), await response.text()]).toEqual([200, '1', 'body'])
    const { target, fields } = (await server.peer()).asked[0]!
    expect([target, fields.get('forwarded')]).toEqual(['/b?c', 'for=unknown;host=a.example;proto=https'])
    server.script = () => undefined
    const controller = new AbortController()
    const asking = app(new Request('http://a.example/', { signal: controller.signal }))
    await (await server.peer()).request(2)
    controller.abort(new Error('by the test'))
    await expect(asking).rejects.toThrow('by the test')
    await app.close()
  })

  test('what a handler does with the answer is what the client gets', async () => {
    await using server = await memory.raw.open(
      () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab\r\nc\r\n',
    )
    await using at = await before(memory, server, {
      handler: (passing) => async (request, context) => {
        const response = await passing(request, context)
        return new Response(response.body?.pipeThrough(shouting()), response)
      },
    })
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    const peer = await server.peer()
    await peer.request()
    await client.until(() => client.text.includes('AB\r\nC'))
    peer.write('0\r\n\r\n')
    expect((await client.replies(1))[0]?.body).toBe('AB\r\nC')
  })
})

describe('a chain of two proxies', () => {
  test('passes on everything, and tells of both', async () => {
    await using server = await sockets.raw.open(({ body }) => answer(body || 'ahoy'))
    await using inner = await before(sockets, server, {
      proxy: { via: 'inner' },
      serve: { trustProxy: { from: ['127.0.0.1'], fields: 'Forwarded' } },
    })
    await using outer = await front(sockets, `http://127.0.0.1:${portOf(inner.server)}`, {
      proxy: { via: 'outer', preserveHost: true },
    })
    const client = await outer.client()
    client.write(`${head('POST /a HTTP/1.1', 'Content-Length: 4', 'Forwarded: for=6.6.6.6')}body`)
    const [reply] = await client.replies(1)
    expect([reply?.body, reply?.headers['via']]).toEqual(['body', '1.1 outer'])
    const { fields } = (await server.peer()).asked[0]!
    expect(fields.all('via')).toEqual(['1.1 outer', '1.1 inner'])
    expect(fields.get('forwarded')).toBe(
      'for=127.0.0.1;host=example;proto=http, for=127.0.0.1;host=example;proto=http',
    )
    const large = await outer.client()
    large.write(head('PUT / HTTP/1.1', `Content-Length: ${block.length}`) + block.toString('latin1'))
    expect((await large.replies(1))[0]?.body).toBe(block.toString('latin1'))
  })

  test('that leads back to itself ends with 508', async () => {
    let url = ''
    await using at = await front(sockets, () => url, { proxy: { allow: () => true } })
    url = `http://127.0.0.1:${portOf(at.server)}`
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    expect((await client.replies(1))[0]?.status).toBe(508)
    expect(at.proxy.stats().requests).toBe(1)
  })

  test('is asked by node:http, which waits for its 100', async () => {
    const server = createServer((request, response) => void request.pipe(response))
    await using behind = await listening(server)
    await using inner = await front(sockets, behind.url, { proxy: { via: 'inner' } })
    await using outer = await front(sockets, `http://127.0.0.1:${portOf(inner.server)}`)
    let continued = false
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const asking = ask(
        { port: portOf(outer.server), method: 'POST', headers: { Expect: '100-continue' } },
        resolve,
      )
      asking.on('error', reject).on('continue', () => {
        continued = true
        asking.end('body')
      })
    })
    expect([response.statusCode, (await response.toArray()).join(''), continued]).toEqual([200, 'body', true])
  })
})

function shouting(): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform: (chunk, controller) =>
      controller.enqueue(Buffer.from(Buffer.from(chunk).toString().toUpperCase())),
  })
}

async function listening(server: Server): Promise<{ url: string } & AsyncDisposable> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
