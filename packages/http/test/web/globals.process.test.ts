import { expect, test } from 'vitest'

import { type FetchHandler, serve } from '../../src/index.ts'
import { Headers as OurHeaders } from '../../src/web/headers.ts'
import { Request as OurRequest } from '../../src/web/request.ts'
import { Response as OurResponse } from '../../src/web/response.ts'

const theirs = { Headers, Request, Response, fetch }
await import('../../src/globals.ts')

/** Lets `handler` answer one request, which `ask` makes. */
async function answered<T>(handler: FetchHandler, ask: (url: string) => Promise<T>): Promise<T> {
  const failed: unknown[] = []
  await using server = await serve(
    { port: 0, idleGrace: 0, onError: (error) => void failed.push(error) },
    handler,
  )
  if (server.address.kind !== 'ip') throw new Error('not on a port')
  const told = await ask(`http://127.0.0.1:${server.address.port}/a?b`)
  expect(failed).toEqual([])
  return told
}

const echo: FetchHandler = async (request) => new Response(request.body, { headers: request.headers })

test('the globals are ours, and those of a second import the same', async () => {
  // Another install of this package, as far as modules know.
  const again = '../../src/globals.ts?again'
  await import(again)
  expect([Headers, Request, Response]).toEqual([OurHeaders, OurRequest, OurResponse])
  expect([fetch.name, Request.name, Object.keys(globalThis).includes('Response')]).toEqual([
    'fetch',
    'Request',
    false,
  ])
})

test('instanceof holds both ways', async () => {
  const fetched = await answered(
    () => new Response('x'),
    (url) => fetch(url),
  )
  const seen = [fetched, new theirs.Response(), new OurResponse(), Response.json(1), fetched.clone()]
  for (const response of seen) {
    expect(response).toBeInstanceOf(Response)
    expect(response).toBeInstanceOf(theirs.Response)
    expect(response.headers).toBeInstanceOf(Headers)
    expect(response.headers).toBeInstanceOf(theirs.Headers)
  }
  expect(new theirs.Request('http://a/')).toBeInstanceOf(Request)
  expect(new Request('http://a/')).toBeInstanceOf(theirs.Request)
  expect([null, undefined, 1, {}].filter((value) => value instanceof Response)).toEqual([])
})

test('a request that was served is one, for everything that takes requests', async () => {
  const handler: FetchHandler = async (request, { remoteAddress }) => {
    if (request.headers.get('x-last')) return echo(request, undefined as never, undefined as never)
    const { origin } = new URL(request.url)
    expect([request instanceof Request, request instanceof theirs.Request, request.constructor]).toEqual([
      true,
      true,
      Request,
    ])
    expect(remoteAddress.kind).toBe('ip')
    const copy = new Request(request, { headers: { 'X-Last': '1' } })
    const response = await fetch(copy)
    expect(new URL(copy.url).origin).toBe(origin)
    return new Response(response.body, response)
  }
  const response = await answered(handler, (url) =>
    fetch(url, { method: 'POST', body: 'ahoy' }).then(async (got) => [
      got.headers.get('x-last'),
      await got.text(),
    ]),
  )
  expect(response).toEqual(['1', 'ahoy'])
})

test('fetch takes a request as it was served, and what the runtime gives out is sent', async () => {
  await using behind = await serve(
    { port: 0, idleGrace: 0 },
    async (request) =>
      new Response(`${request.method} ${await request.text()}`, {
        status: 202,
        headers: [
          ['Set-Cookie', 'a'],
          ['Set-Cookie', 'b'],
        ],
      }),
  )
  if (behind.address.kind !== 'ip') throw new Error('not on a port')
  const { port } = behind.address
  const proxies: FetchHandler[] = [
    (request) => fetch(`http://127.0.0.1:${port}/`, request),
    async (request) => {
      const got = await fetch(new Request(`http://127.0.0.1:${port}/`, request))
      return new Response(got.body, got)
    },
    async (request) => {
      const got = await fetch(`http://127.0.0.1:${port}/`, {
        method: request.method,
        body: await request.arrayBuffer(),
      })
      return new Response(await got.text(), { status: got.status, headers: new Headers(got.headers) })
    },
    async (request) => {
      const clone = request.clone()
      await clone.text()
      return (await fetch(`http://127.0.0.1:${port}/`, request)).clone()
    },
  ]
  for (const proxy of proxies) {
    const got = await answered(proxy, async (url) => {
      const response = await theirs.fetch(url, { method: 'POST', body: 'ahoy' })
      return [response.status, await response.text(), response.headers.getSetCookie()]
    })
    expect(got).toEqual([202, 'POST ahoy', ['a', 'b']])
  }
})

test('subclasses of users work', async () => {
  class Page extends Response {
    constructor(text: string) {
      super(`<p>${text}`, { headers: { 'Content-Type': 'text/html' } })
    }
  }
  class Marked extends Request {
    readonly mark = 1
  }
  const page = new Page('x')
  expect([page instanceof Page, page instanceof Response, new Response() instanceof Page]).toEqual([
    true,
    true,
    false,
  ])
  const marked = new Marked('http://a/', { method: 'POST', body: 'x' })
  expect([marked.mark, marked instanceof Marked, await new Request(marked).text()]).toEqual([1, true, 'x'])
  expect(
    await answered(
      () => new Page('x'),
      async (url) => {
        const got = await fetch(url)
        return [got.headers.get('content-type'), await got.text()]
      },
    ),
  ).toEqual(['text/html', '<p>x'])
})

test('what is cloned or shown is as with the classes of the runtime', () => {
  expect(Object.keys(structuredClone(new Response('a')))).toEqual(
    Object.keys(structuredClone(new theirs.Response('a'))),
  )
  expect(JSON.stringify([new Response('a'), new Headers({ a: '1' })])).toBe(
    JSON.stringify([new theirs.Response('a'), new theirs.Headers({ a: '1' })]),
  )
  expect(Object.assign({}, new Response('a'))).toEqual({})
  expect(() => structuredClone(Response.error())).not.toThrow()
  expect([Response.error().type, Response.error().status]).toEqual(['error', 0])
})
