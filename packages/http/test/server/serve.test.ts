import { Agent, request as nodeRequest } from 'node:http'

import { SocketError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { type HttpListener, listen, serve } from '../../src/index.ts'
import { Response as Ours } from '../../src/web/response.ts'
import type { BodyInit } from '../../src/web/runtime.ts'
import { ask, client, emptied, head, portOf, quiet, Signal, ways } from './ways.ts'

const base = (server: HttpListener): string => `http://127.0.0.1:${portOf(server)}`

describe.each(ways)('serve over $name', (way) => {
  test('text that was wrapped in a Response carries its length', async () => {
    await using server = await way.serve((request) =>
      Response.json({ url: request.url, method: request.method }),
    )
    const peer = await client(way, server)
    peer.write(
      head('GET /a?b=c HTTP/1.1') + head('DELETE http://other:81/ HTTP/1.1') + head('OPTIONS * HTTP/1.1'),
    )
    const replies = await peer.replies(3)
    expect(replies.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { url: 'http://example/a?b=c', method: 'GET' },
      { url: 'http://other:81/', method: 'DELETE' },
      { url: 'http://example/', method: 'OPTIONS' },
    ])
    expect(replies[0]?.headers).toMatchObject({ 'content-length': '45', 'content-type': 'application/json' })
  })

  test('nothing is asked of a client whose body the handler does not read', async () => {
    await using server = await way.serve(() => new Response('no', { status: 401 }))
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 5', 'Expect: 100-continue'))
    expect((await peer.allReplies()).map(({ status }) => status)).toEqual([401])
  })

  test('what a Request cannot be is answered without the handler', async () => {
    await using server = await way.serve(() => new Response('handled'))
    const lines = [
      'TRACE / HTTP/1.1',
      'GET http://user:word@example/ HTTP/1.1',
      'CONNECT example:80 HTTP/1.1',
    ]
    const statuses: (number | undefined)[] = []
    for (const line of lines) {
      const peer = await client(way, server)
      peer.write(head(line))
      statuses.push((await peer.replies(1))[0]?.status)
    }
    expect(statuses).toEqual([501, 400, 501])
  })

  test('a GET with a body is a GET', async () => {
    await using server = await way.serve(async (request) => new Response(`[${await request.text()}]`))
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1', 'Content-Length: 2') + 'ab' + head('GET / HTTP/1.1'))
    expect((await peer.replies(2)).map(({ body }) => body)).toEqual(['[]', '[]'])
  })

  test('the signal of a request tells that the client is gone, and its stream is let go of', async () => {
    const aborted = new Signal()
    const cancelled = new Signal()
    const begun = new Signal()
    await using server = await way.serve((request) => {
      request.signal.addEventListener('abort', () => aborted.fire())
      return new Response(new ReadableStream({ pull: () => begun.fire(), cancel: () => cancelled.fire() }))
    })
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    await begun.fired
    await quiet()
    peer.connection.destroy()
    await aborted.fired
    await cancelled.fired
    await emptied(server)
  })

  test.each([
    ['throws', () => raise()],
    ['gives no Response', () => 'text' as unknown as Response],
    ['gives an error Response', () => Response.error()],
    ['gives a used Response', async () => used(Response)],
    ['gives a used Response of ours', async () => used(Ours)],
    ['gives an error Response of ours', () => Ours.error()],
    ['gives nothing', () => {}],
    ['gives what only looks like a Response', () => ({ status: 200 }) as Response],
  ])('a handler that %s gets 500 answered', async (_, handler) => {
    const told: unknown[] = []
    await using server = await way.serve(handler, { onError: (error) => void told.push(error) })
    expect(await ask(way, server, head('GET / HTTP/1.1'))).toMatch(/^HTTP\/1\.1 500 /)
    expect(told).toHaveLength(1)
  })

  test('a small answer leaves in one write, sync or not', async () => {
    const answers = [
      () => new Ours('ahoy', { headers: { 'X-Case': '1' } }),
      async () => Ours.json({ said: 'ahoy' }),
      () => new Ours(Buffer.from('ahoy')),
      () => new Response('ahoy'),
    ]
    for (const answer of answers) {
      await using server = await way.serve(answer)
      const peer = await client(way, server)
      peer.write(head('GET / HTTP/1.1'))
      const [reply] = await peer.replies(1)
      expect([peer.chunks.length, reply?.status, reply?.headers['content-length']]).toEqual([
        1,
        200,
        String(reply?.body.length),
      ])
    }
  })

  test('text, bytes, streams and forms go out as they should, to HEAD their head alone', async () => {
    const bodies: (() => BodyInit | null)[] = [
      () => null,
      () => '',
      () => 'ü'.repeat(3),
      () => 'ü'.repeat(100_000),
      () => Buffer.alloc(70_000, 'x'),
      () => new Blob(['abc']).stream(),
      () => new Blob(['blob']),
      () => new URLSearchParams({ a: 'b' }),
    ]
    for (const Class of [Ours, Response]) {
      await using server = await way.serve(
        ({ url }) => new Class(bodies[Number(new URL(url).searchParams.get('at'))]!() as string),
      )
      const peer = await client(way, server)
      for (let at = 0; at < bodies.length; at++) {
        peer.write(head(`HEAD /?at=${at} HTTP/1.1`) + head(`GET /?at=${at} HTTP/1.1`))
        const replies = (await peer.replies(2 * at + 2, ...bodies.flatMap(() => ['HEAD', 'GET']))).slice(-2)
        const whole = Buffer.from(await new Response(bodies[at]!() as string).arrayBuffer()).toString(
          'latin1',
        )
        expect(replies.map(({ status, body }) => [status, body])).toEqual([
          [200, ''],
          [200, whole],
        ])
        expect(replies[1]?.headers['content-length']).toBe(String(whole.length))
      }
    }
  })

  test('HEAD of a stream without an end is answered, whatever its pieces are', async () => {
    const pieces = ['tick\n', new Uint8Array(8), new Uint8Array(0)] as const
    let pulled = 0
    await using server = await way.serve(
      ({ url }) =>
        new Response(
          new ReadableStream<Uint8Array>({
            pull(controller) {
              pulled++
              controller.enqueue(pieces[Number(new URL(url).search.slice(1))] as Uint8Array)
            },
          }),
        ),
    )
    const peer = await client(way, server)
    for (const at of pieces.keys()) peer.write(head(`HEAD /?${at} HTTP/1.1`))
    const replies = await peer.replies(pieces.length, 'HEAD', 'HEAD', 'HEAD')
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(pulled).toBeLessThan(100_000)
  })

  test('HEAD has the length that GET has, of every body that is there at once', async () => {
    const late = new Signal()
    const bodies: [string, () => BodyInit, string | undefined][] = [
      ['text', () => 'ahoy', '4'],
      ['bytes', () => Buffer.from('ahoy'), '4'],
      ['blob', () => new Blob(['ahoy']), '4'],
      ['stream', () => new Blob(['ahoy']).stream(), '4'],
      ['large', () => new Blob([Buffer.alloc(100_000)]).stream(), undefined],
      ['late', () => new ReadableStream({ cancel: () => late.fire() }), undefined],
    ]
    for (const Class of [Ours, Response, Unseen as unknown as typeof Response]) {
      await using server = await way.serve(({ url }) => {
        const { pathname } = new URL(url)
        return new Class(bodies.find(([name]) => pathname === `/${name}`)![1]() as string)
      })
      const peer = await client(way, server)
      for (const [name] of bodies) peer.write(head(`HEAD /${name} HTTP/1.1`))
      const replies = await peer.replies(bodies.length, ...bodies.map(() => 'HEAD'))
      expect(replies.map(({ headers }) => headers['content-length'])).toEqual(
        bodies.map(([, , length]) => length),
      )
    }
    await late.fired
  })

  test('a response of anybody who writes them as the standard does is one', async () => {
    const { body } = new Response('ahoy')
    const shaped = { status: 201, headers: new Map([['x-a', '1']]), body, bodyUsed: false }
    await using server = await way.serve(() => shaped as unknown as Response)
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    expect((await peer.replies(1))[0]).toMatchObject({ status: 201, body: 'ahoy', headers: { 'x-a': '1' } })
  })

  test('the context tells, informs, waits and adds trailers', async () => {
    const waited = new Signal()
    await using server = await way.serve(async (request, context, again) => {
      context.inform(103, { Link: '</a>; rel=preload' })
      context.waitUntil(waited.fired)
      context.passThroughOnException()
      const text = await request.text()
      context.trailers(() => ({ 'X-Length': text.length }))
      const { client: asker, requestTrailers, tls, exchange, remoteAddress } = context
      const told = [
        again === context,
        asker.host,
        asker.protocol,
        requestTrailers?.get('x-sum'),
        tls === undefined,
        exchange.request.method,
        remoteAddress.kind,
      ]
      return new Ours(
        new ReadableStream({
          async start(controller) {
            await quiet()
            controller.enqueue(Buffer.from(JSON.stringify(told)))
            controller.close()
          },
        }),
      )
    })
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Transfer-Encoding: chunked', 'TE: trailers'))
    peer.write('3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n')
    const [early, reply] = await peer.replies(2)
    expect([early?.status, early?.headers['link']]).toEqual([103, '</a>; rel=preload'])
    expect(JSON.parse(reply!.body)).toEqual([
      true,
      'example',
      'http',
      '7',
      true,
      'POST',
      way.name === 'tcp' ? 'ip' : 'memory',
    ])
    expect(peer.text).toMatch(/0\r\nX-Length: 3\r\n\r\n$/i)
    waited.fire()
  })

  test('a handler may take the connection over, and return nothing', async () => {
    await using server = await way.serve((_, context) => {
      const { connection, head: rest } = context.takeOver()
      connection.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n[${String(rest)}]`,
      )
      connection.end()
    })
    const text = await ask(way, server, `${head('GET / HTTP/1.1', 'Connection: Upgrade', 'Upgrade: x')}ahoy`)
    expect(text).toMatch(/^HTTP\/1\.1 101 [^]*\[ahoy\]$/)
  })

  test('a handler may answer through the exchange; what it returns then is let go of', async () => {
    const cancelled = new Signal()
    await using server = await way.serve(async (_, { exchange }) => {
      await exchange.respond(201, {}, 'by the exchange')
      return new Response(new ReadableStream({ cancel: () => cancelled.fire() }))
    })
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    expect((await peer.replies(1))[0]).toMatchObject({ status: 201, body: 'by the exchange' })
    await cancelled.fired
  })

  test('a response is sent once', async () => {
    for (const response of [new Ours('x'), new Response('x'), new Response(new Blob(['x']).stream())]) {
      const errors: string[] = []
      const onError = (error: unknown): void => void errors.push((error as Error).message)
      await using server = await way.serve(() => response, { onError })
      expect(await ask(way, server, head('GET / HTTP/1.1', 'Connection: close'))).toMatch(/^HTTP\/1\.1 200 /)
      expect(await ask(way, server, head('GET / HTTP/1.1'))).toMatch(/^HTTP\/1\.1 500 /)
      expect(errors).toEqual(['Cannot respond: the body was used already'])
    }
  })

  test('a body that breaks off rejects what reads it', async () => {
    const heard = new Signal()
    await using server = await way.serve(async (request) => {
      await expect(request.text()).rejects.toBeInstanceOf(SocketError)
      heard.fire()
      return new Response('too late')
    })
    const peer = await client(way, server)
    peer.write(`${head('POST / HTTP/1.1', 'Content-Length: 5')}ab`)
    await quiet()
    peer.connection.destroy()
    await heard.fired
  })

  test('events reach the client one by one', async () => {
    const gates = [new Signal(), new Signal()]
    await using server = await way.serve(() => {
      const encoder = new TextEncoder()
      const events = new ReadableStream({
        async start(controller) {
          for (const [at, gate] of gates.entries()) {
            controller.enqueue(encoder.encode(`data: ${at}\n\n`))
            await gate.fired
          }
          controller.close()
        },
      })
      // Frameworks say so themselves.
      return new Response(events, {
        headers: { 'Content-Type': 'text/event-stream', 'Transfer-Encoding': 'chunked' },
      })
    })
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    for (const [at, gate] of gates.entries()) {
      await peer.until(() => peer.text.includes(`data: ${at}`))
      gate.fire()
    }
    expect((await peer.replies(1))[0]?.body).toBe('data: 0\n\ndata: 1\n\n')
  })
})

test('fetch: text, JSON, streams both ways, forms, cookies, HEAD', async () => {
  await using server = await serve({ port: 0, idleGrace: 0 }, async (request, { remoteAddress }) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/form') return Response.json(Object.fromEntries(await request.formData()))
    if (pathname === '/upper') return new Response((await request.text()).toUpperCase())
    if (pathname === '/echo') return new Response(request.body)
    if (pathname === '/peer') return Response.json(remoteAddress)
    const headers = new Headers([['Set-Cookie', 'a=1; Path=/']])
    headers.append('Set-Cookie', 'b=2')
    return new Response(null, { status: 204, headers })
  })
  const url = base(server)
  const post = (path: string, body: RequestInit['body']): Promise<Response> =>
    fetch(url + path, { method: 'POST', body, duplex: 'half' } as RequestInit)
  const form = new FormData()
  form.set('__proto__', 'x')
  form.set('name', 'ünï')
  expect(Object.entries((await (await post('/form', form)).json()) as object)).toContainEqual(['name', 'ünï'])
  expect(await (await post('/upper', 'abc'.repeat(100_000))).text()).toBe('ABC'.repeat(100_000))
  const large = Buffer.alloc(5_000_000, 'fairlead ')
  const echoed = Buffer.from(await (await post('/echo', new Blob([large]).stream())).arrayBuffer())
  expect(echoed.equals(large)).toBe(true)
  expect(await (await fetch(`${url}/peer`)).json()).toMatchObject({ kind: 'ip', host: '127.0.0.1' })
  const cookies = await fetch(url)
  expect([cookies.status, cookies.headers.getSetCookie()]).toEqual([204, ['a=1; Path=/', 'b=2']])
  expect((await fetch(`${url}/peer`, { method: 'HEAD' })).status).toBe(200)
})

test('a handler as frameworks export it', async () => {
  const app = {
    routes: new Map<string, (request: Request) => Response>([
      ['GET /', () => new Response('home')],
      ['GET /json', () => Response.json({ ok: true })],
    ]),
    fetch: (request: Request, _env?: unknown): Response => {
      const { pathname } = new URL(request.url)
      return app.routes.get(`${request.method} ${pathname}`)?.(request) ?? new Response('no', { status: 404 })
    },
  }
  await using server = await serve({ port: 0, idleGrace: 0 }, app.fetch)
  expect(await (await fetch(base(server))).text()).toBe('home')
  expect(await (await fetch(`${base(server)}/json`)).json()).toEqual({ ok: true })
  expect((await fetch(`${base(server)}/nope`)).status).toBe(404)
})

test('options may hold the handler, and be left out', async () => {
  const app = {
    port: 0,
    idleGrace: 0,
    fetch(this: unknown): Response {
      return new Response(String(this === undefined))
    },
  }
  await using server = await serve(app)
  expect(await (await fetch(base(server))).text()).toBe('true')
  await using other = await serve(app, () => new Response('the second'))
  expect(await (await fetch(base(other))).text()).toBe('the second')
  await using bare = await serve(() => new Response('bare'))
  const last = { headers: { Connection: 'close' } }
  expect(await (await fetch(base(bare), last)).text()).toBe('bare')
  for (const wrong of [{}, { port: 0, fetch: 'x' }, undefined, null, 'x']) {
    await expect(serve(wrong as never)).rejects.toThrow(/^Invalid option fetch: there is no handler/)
  }
})

test('an agent of node:http keeps its connections alive', async () => {
  await using server = await listen({ port: 0, idleGrace: 0 }, async (exchange) => {
    await exchange.respond(200, {}, await exchange.request.body.text())
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const post = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const request = nodeRequest({ port: portOf(server), method: 'POST', agent }, (response) => {
        let answer = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk))
        response.on('end', () => resolve(answer))
      })
      request.on('error', reject).end(text)
    })
  for (let round = 0; round < 20; round++) {
    const texts = Array.from({ length: 64 }, (_, at) => `${round}-${at}`)
    expect(await Promise.all(texts.map(post))).toEqual(texts)
  }
  expect(server.connections.size).toBeLessThanOrEqual(64)
  agent.destroy()
  await emptied(server)
})

test('a listener is iterated', async () => {
  await using server = await listen({ port: 0, idleGrace: 0 })
  const served = (async () => {
    let count = 0
    for await (const exchange of server) {
      await exchange.respond(200, {}, exchange.request.target)
      if (++count === 3) return count
    }
    return count
  })()
  for (const path of ['/1', '/2', '/3']) expect(await (await fetch(base(server) + path)).text()).toBe(path)
  expect(await served).toBe(3)
})

/** A response whose body is seen as a stream only, as on runtimes whose classes keep their state to themselves. */
class Unseen {
  readonly status = 200
  readonly bodyUsed = false
  readonly headers: Headers
  readonly body: ReadableStream | null

  constructor(body: string) {
    const response = new Response(body)
    this.headers = response.headers
    this.body = response.body
  }
}

function raise(): never {
  throw new Error('of a handler')
}

async function used(Class: new (text: string) => Response): Promise<Response> {
  const response = new Class('x')
  await response.text()
  return response
}
