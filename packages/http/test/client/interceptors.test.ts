import { describe, expect, test } from 'vitest'

import { type Interceptor, IncomingResponse, type RequestError } from '../../src/index.ts'
import { quiet } from '../server/ways.ts'
import { answer, failure, raw, response } from './raw-server.ts'

describe('interceptors', () => {
  test('stand in their order, the first one outermost', async () => {
    const heard: string[] = []
    const named =
      (name: string): Interceptor =>
      async (request, next) => {
        heard.push(`${name} asks`)
        const got = await next(request)
        heard.push(`${name} answers`)
        return got
      }
    await using server = await raw.open(() => answer('ahoy'))
    await using client = server.client({ interceptors: [named('a'), named('b')] })
    expect(await (await client.request('/')).text()).toBe('ahoy')
    expect(heard).toEqual(['a asks', 'b asks', 'b answers', 'a answers'])
  })

  test('see all of the request, and can change it', async () => {
    const seen: unknown[] = []
    await using server = await raw.open((asked) =>
      answer(
        `${asked.method} ${asked.target} ${asked.body} ${asked.fields.get('x-a')} ${asked.fields.get('host')}`,
      ),
    )
    await using client = server.client({
      headers: { 'X-A': 'client' },
      interceptors: [
        (request, next) => {
          seen.push([request.method, request.url.href, request.headers.get('x-a'), request.body])
          return next({
            ...request,
            method: 'PUT',
            url: new URL('http://changed.example/there'),
            headers: request.headers.with('X-A', 'changed'),
            body: 'changed',
          })
        },
      ],
    })
    const got = await client.request('/here', { query: { a: 1 }, json: { b: 2 } })
    expect(await got.text()).toBe('PUT /there changed changed changed.example')
    expect(got.url).toBe('http://changed.example/there')
    expect(seen).toEqual([['POST', 'http://raw.example/here?a=1', 'client', '{"b":2}']])
    await client.request('/here', { query: { a: 1 }, json: { b: 2 } })
    expect(seen[1]).toEqual(seen[0])
  })

  test('cannot change what others are told of a URL', async () => {
    await using server = await raw.open((asked) => answer(asked.target))
    await using client = server.client({
      interceptors: [
        (request, next) => {
          request.url.pathname = '/changed'
          return next(request)
        },
      ],
    })
    expect(await (await client.request('/here')).text()).toBe('/changed')
    await using plain = server.client()
    expect(await (await plain.request('/here')).text()).toBe('/here')
    expect(await (await client.request('/here')).text()).toBe('/changed')
  })

  test('may answer themselves', async () => {
    await using server = await raw.open()
    await using client = server.client({
      interceptors: [async () => IncomingResponse.of(203, { 'X-A': 'b' }, 'made up')],
    })
    const got = await client.request('/')
    expect([got.status, got.headers.get('x-a'), await got.text(), server.peers.length]).toEqual([
      203,
      'b',
      'made up',
      0,
    ])
    expect(client.stats()).toMatchObject({ requests: 0, active: 0 })
  })

  test('may ask more than once', async () => {
    const again: Interceptor = async (request, next) => {
      for (let times = 0; ; times++) {
        const got = await next(request)
        if (got.status !== 503 || times === 3) return got
        got.discard()
      }
    }
    await using server = await raw.open((_asked, _peer, count) =>
      count < 3 ? response('503 Busy', 'later') : answer('now'),
    )
    await using client = server.client({ interceptors: [again] })
    const got = await client.request('/', { body: 'x' })
    expect([await got.text(), server.peers.length, server.peers[0]!.asked.map(({ body }) => body)]).toEqual([
      'now',
      1,
      ['x', 'x', 'x'],
    ])
    expect(client.stats()).toMatchObject({ requests: 3, retries: 0, active: 0 })
  })

  test('may ask at the same time', async () => {
    await using server = await raw.open((asked) => answer(asked.target))
    await using client = server.client({
      interceptors: [
        async (request, next) => {
          const [one, other] = await Promise.all([
            next(request),
            next({ ...request, url: new URL('/other', request.url) }),
          ])
          other.discard()
          return one
        },
      ],
    })
    expect(await (await client.request('/')).text()).toBe('/')
  })

  async function* generator(): AsyncGenerator<string> {
    yield 'x'
  }

  test.each([
    ['a stream', () => new Blob(['x']).stream()],
    ['a generator', generator],
  ])('that ask twice with %s are told that it was sent', async (_, body) => {
    await using server = await raw.open(() => answer())
    await using client = server.client({
      interceptors: [
        async (request, next) => {
          ;(await next(request)).discard()
          return next(request)
        },
      ],
    })
    const error = await failure<RequestError>(client.request('/', { body: body() }))
    expect(error.message).toMatch(/^(Invalid option body|Cannot send body)|: Cannot send body/)
    expect(client.stats().active).toBe(0)
    expect((await client.request('/', { body: 'x' })).status).toBe(200)
  })

  test('see each hop of a redirect', async () => {
    const seen: string[] = []
    await using server = await raw.open((asked) =>
      asked.target === '/' ? response('302 Found', '', 'Location: /there') : answer('there'),
    )
    await using client = server.client({
      interceptors: [
        async (request, next) => {
          const got = await next(request)
          seen.push(`${request.url.pathname} ${got.status}`)
          return got
        },
      ],
    })
    expect(await (await client.request('/')).text()).toBe('there')
    expect(seen).toEqual(['/ 302', '/there 200'])
  })

  test('see the options that a request has, and may set others', async () => {
    await using server = await raw.open((asked) => answer(String(asked.fields.has('accept-encoding'))))
    let seen: unknown
    await using client = server.client({
      interceptors: [
        (request, next) => {
          seen = request.decode
          return next({ ...request, decode: false })
        },
      ],
    })
    expect(await (await client.request('/', { decode: true })).text()).toBe('false')
    expect(seen).toBe(true)
  })

  test('may ask another client for the request that they have', async () => {
    await using server = await raw.open((asked) => answer(`${asked.method} ${asked.target} ${asked.body}`))
    await using other = server.client()
    await using client = server.client({ interceptors: [(request) => other.request(request.url, request)] })
    const got = await client.request('/a', { query: { b: 1 }, json: 2, retry: false })
    expect(await got.text()).toBe('POST /a?b=1 2')
  })

  const thrown = new Error('by the interceptor')
  test.each<[string, unknown]>([
    [
      'throw',
      () => {
        throw thrown
      },
    ],
    ['reject', () => Promise.reject(thrown)],
  ])('that %s cost their request', async (_how, interceptor) => {
    await using server = await raw.open(() => answer())
    await using client = server.client({ interceptors: [interceptor as Interceptor] })
    expect(await failure(client.request('/'))).toBe(thrown)
    expect(client.stats()).toMatchObject({ active: 0 })
  })

  test.each<[string, unknown]>([
    ['nothing', () => undefined],
    ['a promise of nothing', async () => undefined],
    ['a Response of the web', async () => new Response('x')],
  ])('that give %s cost their request', async (_what, interceptor) => {
    await using server = await raw.open(() => answer())
    await using client = server.client({ interceptors: [interceptor as Interceptor] })
    const error = await failure(client.request('/'))
    expect([error instanceof TypeError, error.message]).toEqual([
      true,
      'Cannot answer: the interceptor gave no IncomingResponse',
    ])
  })

  test('that throw behind the answer leave nothing under way', async () => {
    await using server = await raw.open(() => answer('x'.repeat(1_000)))
    await using client = server.client({
      interceptors: [
        async (request, next) => {
          await next(request)
          throw thrown
        },
      ],
    })
    expect(await failure(client.request('/'))).toBe(thrown)
    await quiet()
    expect(client.stats()).toMatchObject({ active: 0 })
  })

  test('that were asked by a client that was closed meanwhile are told so', async () => {
    await using server = await raw.open(() => answer())
    const client = server.client({
      interceptors: [
        async (request, next) => {
          await client.close({ grace: 0 }) // it would wait for this request
          return next(request)
        },
      ],
    })
    expect(await failure(client.request('/'))).toMatchObject({ code: 'ERR_FAIRLEAD_CLOSED' })
    await quiet()
    expect([client.state, server.peers.length, client.stats().active]).toEqual(['closed', 0, 0])
  })
})
