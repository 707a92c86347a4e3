import { inspect } from 'node:util'

import { ClosedError, TimeoutError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { requestMaker } from '../../src/web/request-of.ts'
import { Request as Ours } from '../../src/web/request.ts'
import { type Asked, exchangeOf } from './exchanges.ts'
import { type Readers, told } from './told.ts'

const requestOf = requestMaker()

function served(asked: Asked): Request {
  const request = requestOf(exchangeOf(asked).exchange)
  if (typeof request === 'number') throw new Error(`refused with ${request}`)
  return request
}

/** The runtime's own, of the same request. */
function runtimes({ method = 'GET', target = '/', host = 'example', raw = [], body }: Asked): Request {
  const headers = new Headers()
  for (let at = 0; at < raw.length; at += 2) headers.append(raw[at]!, raw[at + 1]!)
  const readable = body !== undefined && !/^(?:get|head)$/i.test(method)
  return new Request(target.startsWith('/') ? `http://${host}${target}` : target, {
    method,
    headers,
    ...(readable ? { body: new Blob([...body]).stream(), duplex: 'half' } : {}),
  })
}

const facts = (request: Request): unknown => {
  const { method, url, mode, credentials, cache, redirect, referrer, referrerPolicy, integrity } = request
  const { keepalive, destination, duplex, bodyUsed, body, headers, signal } = request
  return [
    [method, url, mode, credentials, cache, redirect, referrer, referrerPolicy, integrity, keepalive],
    [destination, duplex, bodyUsed, body === null, [...headers], signal.aborted],
  ]
}

const form = ['Content-Type', 'application/x-www-form-urlencoded']
const requests: readonly (readonly [string, Asked])[] = [
  ['GET', { raw: ['User-Agent', 'x', 'Accept', 'a', 'accept', 'b'] }],
  ['GET with a body', { body: ['ab'] }],
  ['HEAD', { method: 'HEAD' }],
  ['POST without a body', { method: 'POST' }],
  ['POST', { method: 'POST', body: ['{"a":', '"ü"}'], raw: ['Content-Type', 'application/json'] }],
  ['POST of nothing', { method: 'POST', body: [] }],
  ['POST of a form', { method: 'POST', body: ['a=b&', 'c=d'], raw: form }],
  ['PUT with a mark', { method: 'PUT', body: ['\ufeff[1]'] }],
  ['patch in small letters', { method: 'patch', body: ['x'] }],
  ['an unknown method', { method: 'Query', body: ['x'] }],
  ['cookies', { raw: ['Cookie', 'a=1', 'Cookie', 'b=2'] }],
]
const readers = ['text', 'json', 'arrayBuffer', 'bytes'] as const
const uses: readonly (readonly [string, (request: Request) => unknown])[] = [
  ['facts', facts],
  ...readers.map((how) => [how, (request: Request) => (request as unknown as Readers)[how]()] as const),
  ['blob', async (request) => [(await request.blob()).type, await served({}).text()]],
  ['formData', async (request) => [...(await request.formData())]],
  [
    'twice',
    async (request) => {
      await request.text()
      return [
        request.bodyUsed,
        await told(() => request.text()),
        await told(() => facts(request.clone())),
        await told(() => new Request(request).text()),
      ]
    },
  ],
  [
    'clone',
    async (request) => {
      const clone = request.clone()
      clone.headers.set('x', '1')
      return [
        facts(clone),
        facts(request),
        await clone.text(),
        request.bodyUsed,
        await request.text(),
        request.bodyUsed,
      ]
    },
  ],
  [
    'the stream',
    async (request) => {
      let size = 0
      for await (const chunk of request.body ?? []) size += chunk.byteLength
      return [size, request.bodyUsed, request.body === request.body, await told(() => request.text())]
    },
  ],
  [
    'the stream, once read',
    async (request) => {
      await request.text()
      return [request.body === null, request.bodyUsed]
    },
  ],
  [
    'a new one',
    async (request) => {
      const other = new Request(request)
      return [facts(other), request.bodyUsed, await other.text(), await told(() => request.text())]
    },
  ],
  [
    'a new one with an init',
    async (request) => {
      const other = new Request(request, { method: 'PUT', headers: { a: '1' }, body: 'new' })
      return [facts(other), request.bodyUsed, await other.text()]
    },
  ],
  [
    'one elsewhere',
    async (request) => {
      const other = new Request('http://else/', request)
      return [facts(other), await other.text()]
    },
  ],
  [
    'changed headers',
    async (request) => {
      request.headers.set('X-New', '1')
      const first = new Request(request.clone())
      request.headers.delete('x-new')
      request.headers.append('y', '2')
      return [facts(first), facts(request.clone()), facts(request)]
    },
  ],
  ['a Response of it', async (request) => new Response(request.body, { headers: request.headers }).text()],
  [
    'its members',
    (request) => {
      const seen: string[] = []
      for (const name in request) seen.push(name)
      return seen.filter((name) => name !== 'attribute' && !name.startsWith('is')).toSorted()
    },
  ],
  [
    'its tag',
    (request) => [
      Object.prototype.toString.call(request),
      request instanceof Request,
      request.constructor.name,
    ],
  ],
]

describe.each(requests)('%s answers as the runtime does', (_, asked) => {
  test.each(uses)('%s', async (__, use) => {
    expect(await told(() => use(served(asked)))).toEqual(await told(() => use(runtimes(asked))))
  })
})

test.each([
  '/',
  '/a/b.c?d=e&f',
  '//',
  '//a//b',
  '/a/../b',
  '/./a',
  '/a/.',
  '/a/..',
  '/%2e%2E/a',
  '/a.b/..c/.d',
  '/a\\b\\..\\c',
  "/a'b",
  "/?a'b",
  '/^`{|}',
  '/?^`{|}[]\\',
  '/[a]',
  '/%zz%41',
  '/a?b?c',
  '/?',
  '/a//../..//b',
  '/?/../a',
  '/:80',
  '/@b',
])('the target %s becomes a URL as the runtime writes it', (target) => {
  expect(served({ target }).url).toBe(new Request(`http://example${target}`).url)
})

test.each([
  'EXAMPLE',
  'example:80',
  'example:081',
  'example:8080',
  '[::1]:3000',
  '127.1',
  '0x7f.1',
  'a_b',
  'xn--nxasmq6b',
  '%41',
  'a,b',
  '256.1.1.1',
  "a'b",
  '1.2.3.4.5',
  'a..b',
  '[v1.a]',
  'example:',
  'xn--a',
])('the host %s becomes one of a URL, or is refused', async (host) => {
  expect(await told(() => served({ host, target: '/a?b' }).url)).toEqual(
    await told(() => {
      if (!URL.canParse(`http://${host}/a?b`)) throw new Error('refused')
      return new URL(`http://${host}/a?b`).href
    }),
  )
})

test.each([
  ['CONNECT', 501],
  ['trace', 501],
  ['delete', 501],
  ['Get', 501],
  ['TRACK', 501],
])('%s is refused with %i', (method, status) => {
  expect(requestOf(exchangeOf({ method }).exchange)).toBe(status)
})

test.each([
  ['http://user:word@example/', 400],
  ['http://a b/', 400],
  ['ftp://example/', 400],
  ['https://example/', 421],
])('the absolute target %s is refused with %i', (target, status) => {
  expect(requestOf(exchangeOf({ target }).exchange)).toBe(status)
})

test('a trusted proxy tells the scheme and the host of an absolute target', () => {
  const seen = ['http://behind/a?', 'https://behind//b/../c?d'].map((target) => {
    const { exchange } = exchangeOf({ target })
    Object.assign(exchange.client, { protocol: 'https', host: 'before:444' })
    return (requestOf(exchange) as Request).url
  })
  expect(seen).toEqual(['https://before:444/a?', 'https://before:444//c?d'])
})

test('on TLS an absolute target of http is refused', () => {
  const { exchange } = exchangeOf({ target: 'http://example/' })
  Object.assign(exchange, { tls: {} })
  Object.assign(exchange.client, { protocol: 'https' })
  expect(requestOf(exchange)).toBe(421)
})

test.each([
  ['AbortError', new ClosedError('gone')],
  ['TimeoutError', new TimeoutError('gone', { phase: 'handler' })],
])('the signal is aborted with an %s of the web, for copies too', (name, cause) => {
  const { exchange, controller } = exchangeOf({})
  const request = requestOf(exchange) as Request
  const copy = new Request(request)
  expect(request.signal).toBe(request.signal)
  controller.abort(cause)
  const late = requestOf(exchange) as Request
  for (const { signal } of [request, copy, late]) {
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toBeInstanceOf(DOMException)
    expect(signal.reason).toMatchObject({ name, message: 'gone', cause })
  }
  expect(exchange.signal.reason).toBe(cause)
})

test('nothing is made before it is asked for', async () => {
  const { exchange } = exchangeOf({ method: 'POST', body: ['[1]'] })
  const touched: string[] = []
  Object.defineProperty(exchange, 'signal', { get: () => touched.push('signal') })
  const streams = globalThis.ReadableStream
  globalThis.ReadableStream = new Proxy(streams, {
    construct: (target, args) => {
      touched.push('stream')
      return new target(...(args as []))
    },
  })
  try {
    const request = requestOf(exchange) as Request
    expect([request.method, request.url, request.headers.get('x'), await request.json()]).toEqual([
      'POST',
      'http://example/',
      null,
      [1],
    ])
  } finally {
    globalThis.ReadableStream = streams
  }
  expect(touched).toEqual([])
})

test('our class makes what the runtime makes, of requests that were served too', async () => {
  const request = new Ours(served({ method: 'POST', body: ['a'] }), { headers: { a: '1' } })
  expect(request).toBeInstanceOf(Request)
  expect(new Request('http://a/')).toBeInstanceOf(Ours)
  expect(served({})).toBeInstanceOf(Ours)
  expect([request.method, request.headers.get('a'), await request.text()]).toEqual(['POST', '1', 'a'])
  expect(inspect(served({}))).toMatch(/^Request \{[^]*url: 'http:\/\/example\/'/)
})
