import { BrokenError, ClosedError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import type { OnExchange } from '../../src/index.ts'
import { quiet, Signal, until, ways } from './ways.ts'

/** What a request looked like to the server. */
interface Asked {
  method: string
  target: string
  headers: Record<string, string>
  body: string
}

/** Answers with what it was asked. */
const tell: OnExchange = async (exchange) => {
  const { method, target, headers, body } = exchange.request
  const asked = { method, target, headers: Object.fromEntries(headers), body: await body.text() }
  await exchange.respond(200, { 'Content-Type': 'application/json' }, JSON.stringify(asked))
}

function stream(...pieces: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(Buffer.from(piece))
      controller.close()
    },
  })
}

describe.each(ways)('inject, listening on $name', (way) => {
  test.each<[string, Request | URL | string, string, string]>([
    ['a path', '/a?b=c', '/a?b=c', 'localhost'],
    ['a path that looks like a host', '//a/b', '//a/b', 'localhost'],
    ['a URL', 'http://shop.example:8080/a#b', '/a', 'shop.example:8080'],
    ['a URL of another scheme', 'https://shop.example/', '/', 'shop.example'],
    ['an object', new URL('http://shop.example'), '/', 'shop.example'],
    ['a Request', new Request('http://shop.example/a'), '/a', 'shop.example'],
  ])('asks for %s', async (_, input, target, host) => {
    await using server = await way.listen(tell)
    const asked = (await (await server.inject(input)).json()) as Asked
    expect(asked).toMatchObject({ method: 'GET', target, body: '' })
    expect(asked.headers['Host']).toBe(host)
  })

  test.each<[string, RequestInit, Record<string, string | undefined>, string]>([
    ['nothing', {}, { 'Content-Length': '0' }, ''],
    [
      'text',
      { body: 'ahoy ☂' },
      { 'Content-Length': '8', 'content-type': 'text/plain;charset=UTF-8' },
      'ahoy â\x98\x82',
    ],
    ['bytes', { body: Buffer.from('ahoy') }, { 'Content-Length': '4' }, 'ahoy'],
    ['a form', { body: new URLSearchParams({ a: 'b' }) }, { 'Content-Length': '3' }, 'a=b'],
    ['no bytes', { body: '' }, { 'Content-Length': '0' }, ''],
    ['a stream', { body: stream('a', 'ho', 'y') }, { 'Transfer-Encoding': 'chunked' }, 'ahoy'],
    [
      'a stream of known length',
      { body: stream('a', 'hoy'), headers: { 'content-length': '4' } },
      { 'content-length': '4', 'Transfer-Encoding': undefined },
      'ahoy',
    ],
  ])('sends %s', async (_, init, headers, body) => {
    await using server = await way.listen(tell)
    const response = await server.inject('/', { method: 'POST', ...init })
    const asked = (await response.json()) as Asked
    for (const [name, value] of Object.entries(headers)) expect(asked.headers[name], name).toBe(value)
    expect(Buffer.from(asked.body).toString('latin1')).toBe(Buffer.from(body, 'latin1').toString('latin1'))
  })

  test('sends the body, method and headers of a Request, and what stands beside it', async () => {
    await using server = await way.listen(tell)
    const request = new Request('http://shop.example/', { method: 'PUT', body: 'ahoy', headers: { a: 'b' } })
    const asked = (await (
      await server.inject(request, { headers: { host: 'other.example', c: 'd' } })
    ).json()) as Asked
    expect(asked).toMatchObject({ method: 'PUT', body: 'ahoy', headers: { host: 'other.example', c: 'd' } })
    expect(asked.headers['a']).toBe(undefined)
  })

  test('answers as the web does', async () => {
    await using server = await way.listen((exchange) =>
      exchange.respond(
        418,
        [
          ['Set-Cookie', 'a=b'],
          ['Set-Cookie', 'c=d'],
          ['X', '\xe9'],
        ],
        'short and stout',
      ),
    )
    const response = await server.inject('/')
    expect(response).toBeInstanceOf(Response)
    expect(response).toMatchObject({ status: 418, ok: false })
    expect(response.headers.getSetCookie()).toEqual(['a=b', 'c=d'])
    expect(response.headers.get('x')).toBe('\xe9')
    expect(response.headers.get('content-length')).toBe('15')
    expect(response.headers.get('date')).toMatch(/GMT$/)
    expect(await response.text()).toBe('short and stout')
    expect((await server.inject('/', { method: 'HEAD' })).body).toBe(null)
  })

  test.each([204, 205, 304])('a %i has no body', async (status) => {
    await using server = await way.listen((exchange) => exchange.respond(status))
    const response = await server.inject('/')
    expect([response.status, response.body]).toEqual([status, null])
  })

  test('the server behaves as it does to everybody', async () => {
    await using server = await way.listen(
      (exchange) => {
        if (exchange.request.target === '/throws') throw new Error('secret')
        return tell(exchange)
      },
      { limits: { targetBytes: 100 }, maxBodySize: 10 },
    )
    expect((await server.inject(`/${'x'.repeat(100)}`)).status).toBe(414)
    expect((await server.inject('/', { method: 'POST', body: 'x'.repeat(11) })).status).toBe(413)
    const failed = await server.inject('/throws')
    expect([failed.status, await failed.text()]).toEqual([500, expect.not.stringContaining('secret')])
  })

  test('it is nobody’s connection, and counts nowhere', async () => {
    const addresses: string[] = []
    await using server = await way.listen(
      async (exchange) => {
        addresses.push(exchange.remoteAddress.kind)
        expect(exchange.tls).toBe(undefined)
        expect(server.connections.size).toBe(0)
        await quiet()
        await exchange.respond(200)
      },
      { maxConnections: 1 },
    )
    await server.suspend()
    const all = await Promise.all(Array.from({ length: 20 }, () => server.inject('/')))
    expect(all.every(({ status }) => status === 200)).toBe(true)
    expect(new Set(addresses)).toEqual(new Set(['memory']))
  })

  test('a listener that is iterated answers, too', async () => {
    await using server = await way.listen()
    const asked = server.inject('/')
    for await (const exchange of server) {
      await exchange.respond(200, {}, 'iterated')
      break
    }
    expect(await (await asked).text()).toBe('iterated')
  })

  test('answers and uploads stream, no faster than they are read', async () => {
    let made = 0
    const piece = Buffer.alloc(16 * 1024, 'x')
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (; made < 1_000; made++) yield piece
    }
    const returned = new Signal()
    await using server = await way.listen(async (exchange) => {
      const pieces = endless()
      await exchange.respond(200, {}, pieces).catch(() => {})
      await pieces.return(undefined)
      returned.fire()
    })
    const response = await server.inject('/')
    await quiet()
    expect(made).toBeLessThan(100)
    const reader = response.body!.getReader()
    let got = 0
    while (got < 200 * piece.length) got += (await reader.read()).value!.byteLength
    await quiet()
    expect(made).toBeGreaterThanOrEqual(200)
    expect(made).toBeLessThan(300)
    await reader.cancel()
    await returned.fired
    expect(made).toBeLessThan(300)
  })

  test('an upload waits for its reader', async () => {
    let pulled = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (++pulled > 1_000) controller.close()
        else controller.enqueue(new Uint8Array(16 * 1024))
      },
    })
    const gate = new Signal()
    await using server = await way.listen(async (exchange) => {
      await gate.fired
      let size = 0
      for await (const chunk of exchange.request.body) size += chunk.byteLength
      await exchange.respond(200, {}, String(size))
    })
    const asked = server.inject('/', { method: 'POST', body })
    await quiet()
    expect(pulled).toBeLessThan(100)
    gate.fire()
    expect(await (await asked).text()).toBe(String(1_000 * 16 * 1024))
  })

  test('an early answer ends an upload', async () => {
    const cancelled = new Signal()
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(16 * 1024)),
      cancel: () => cancelled.fire(),
    })
    await using server = await way.listen((exchange) => exchange.respond(401, {}, 'no'))
    const response = await server.inject('/', { method: 'POST', body })
    expect([response.status, await response.text()]).toEqual([401, 'no'])
    await cancelled.fired
  })

  test('interim answers and trailers are not told', async () => {
    await using server = await way.listen(async (exchange) => {
      exchange.inform(103, { Link: '</a>; rel=preload' })
      await exchange.respond(200, {}, stream('a', 'b') as AsyncIterable<Uint8Array>, {
        trailers: { 'X-Sum': '1' },
      })
    })
    const response = await server.inject('/', { headers: { te: 'trailers' } })
    expect([response.status, await response.text()]).toEqual([200, 'ab'])
  })

  test('rejects when the server cuts the connection, and so does the body when it was cut later', async () => {
    async function* broken(): AsyncGenerator<string> {
      yield 'half'
      await quiet()
      throw new Error('broken')
    }
    await using server = await way.listen((exchange) => {
      if (exchange.request.target === '/half') return exchange.respond(200, {}, broken())
      exchange.takeOver().connection.destroy()
      return undefined
    })
    await expect(server.inject('/', { headers: { connection: 'upgrade', upgrade: 'x' } })).rejects.toThrow(
      BrokenError,
    )
    const response = await server.inject('/half')
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow('Cannot inject')
  })

  test('an answer that a Response cannot tell rejects', async () => {
    await using server = await way.listen((exchange) => {
      const { connection } = exchange.takeOver()
      connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
      return undefined
    })
    const upgraded = server.inject('/', { headers: { connection: 'upgrade', upgrade: 'x' } })
    await expect(upgraded).rejects.toThrow('Cannot inject: 101 leaves HTTP')
  })

  test('an abort is a client that leaves', async () => {
    const begun = new Signal()
    const gone = new Signal()
    await using server = await way.listen((exchange) => {
      exchange.signal.addEventListener('abort', () => gone.fire())
      begun.fire()
      return new Promise(() => {})
    })
    const canceller = new AbortController()
    const asked = server.inject('/', { signal: canceller.signal })
    await begun.fired
    canceller.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
    await gone.fired
    await expect(server.inject('/', { signal: canceller.signal })).rejects.toThrow('enough')
  })

  test('a body that fails, or is not as long as it says, is a client that leaves', async () => {
    const errors: unknown[] = []
    await using server = await way.listen(async (exchange) => {
      await exchange.request.body.text().catch((error: unknown) => errors.push(error))
      await exchange.respond(200)
    })
    const failing = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(new Error('unreadable')) })
    await expect(server.inject('/', { method: 'POST', body: failing })).rejects.toThrow('unreadable')
    const asked = (length: string): Promise<Response> => {
      const init = { method: 'POST', body: stream('ahoy'), headers: { 'content-length': length } }
      return server.inject('/', init)
    }
    await expect(asked('5')).rejects.toThrow('not as long')
    await expect(asked('3')).rejects.toThrow('not as long')
    await until(() => errors.length >= 2)
  })

  test.each<[string, string, RequestInit | undefined, string]>([
    ['a method that fetch forbids', '/', { method: 'TRACE' }, 'TRACE'],
    ['a URL that is none', 'http://', undefined, 'Invalid URL'],
    [
      'a length that is none',
      '/',
      { method: 'POST', body: 'ahoy', headers: { 'content-length': '5' } },
      'Content-Length',
    ],
    [
      'two hosts',
      '/',
      {
        headers: [
          ['host', 'a'],
          ['host', 'b'],
        ],
      },
      'Host',
    ],
  ])('refuses %s', async (_, input, init, message) => {
    await using server = await way.listen(tell)
    await expect(server.inject(input, init)).rejects.toThrow(message)
  })

  test('rejects once the listener closes', async () => {
    const server = await way.listen(tell)
    expect((await server.inject('/')).status).toBe(200)
    await server.close()
    await expect(server.inject('/')).rejects.toThrow(ClosedError)
  })

  test('what serve serves can be asked the same way', async () => {
    await using server = await way.serve(async (request) =>
      Response.json({ url: request.url, said: await request.text() }, { status: 201 }),
    )
    const response = await server.inject('https://shop.example/a', { method: 'POST', body: 'ahoy' })
    expect([response.status, await response.json()]).toEqual([
      201,
      { url: 'http://shop.example/a', said: 'ahoy' },
    ])
  })
})
