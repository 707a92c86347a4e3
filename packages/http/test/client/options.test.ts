import { describe, expect, test } from 'vitest'

import { Client, type ClientOptions, type RequestOptions } from '../../src/index.ts'
import { quiet } from '../server/ways.ts'
import { answer, failure, nothing, raw, standing } from './raw-server.ts'

const never = new AbortController().signal

describe('what cannot be sent is refused before a byte is written', () => {
  const refused: [what: string, options: RequestOptions, message?: RegExp][] = [
    ['a method that is no token', { method: 'GE T' }],
    ['an empty method', { method: '' }],
    ['a method with a line break', { method: 'GET / HTTP/1.1\r\nX: y\r\n\r\nGET' }],
    ['a method that is no text', { method: 7 as unknown as string }],
    ['CONNECT', { method: 'CONNECT' }, /proxy/],
    ['TRACE with a body', { method: 'TRACE', body: 'x' }, /TRACE/],
    ['a field name with CR', { headers: [['X\rA', 'b']] }],
    ['a field name with LF', { headers: [['X\nA', 'b']] }],
    ['a field name with NUL', { headers: [['X\0A', 'b']] }],
    ['a field name with a space', { headers: [['X A', 'b']] }],
    ['a field name with a colon', { headers: [['X:', 'b']] }],
    ['an empty field name', { headers: [['', 'b']] }],
    ['a field name beyond ASCII', { headers: [['X-Ä', 'b']] }],
    ['a field value with CR', { headers: [['X-A', 'b\rc']] }],
    ['a field value with LF', { headers: [['X-A', 'b\nc']] }],
    ['a field value with CR LF', { headers: [['X-A', 'b\r\nX-C: d']] }],
    ['a field value with NUL', { headers: [['X-A', 'b\0']] }],
    ['a field value beyond latin1', { headers: [['X-A', '\u010d\u010a']] }],
    [
      'two Content-Lengths',
      {
        body: 'ab',
        headers: [
          ['Content-Length', '2'],
          ['content-length', '2'],
        ],
      },
    ],
    [
      'two Content-Lengths in odd letters',
      {
        body: 'ab',
        headers: [
          ['CONTENT-length', '2'],
          ['cOnTeNt-LeNgTh', '2'],
        ],
      },
    ],
    [
      'two Content-Lengths with a stream',
      {
        body: new Blob(['ab']).stream(),
        headers: [
          ['CONTENT-length', '2'],
          ['Content-Length', '3'],
        ],
      },
    ],
    ['a Content-Length of two values', { body: 'ab', headers: { 'Content-Length': '2, 2' } }],
    ['a Content-Length that is wrong', { body: 'ab', headers: { 'content-length': '3' } }],
    ['a Content-Length without a body', { headers: { 'content-length': '3' } }],
    ['a Content-Length of POST without a body', { method: 'POST', headers: { 'content-length': '3' } }],
    [
      'a Content-Length that is no number',
      { body: new Blob(['ab']).stream(), headers: { 'content-length': '0x2' } },
    ],
    [
      'a Content-Length with a sign',
      { body: new Blob(['ab']).stream(), headers: { 'content-length': '+2' } },
    ],
    ['both framings', { body: 'ab', headers: { 'content-LENGTH': '2', 'transfer-ENCODING': 'chunked' } }],
    [
      'both framings of a stream',
      { body: new Blob(['ab']).stream(), headers: { 'Content-Length': '2', 'Transfer-Encoding': 'chunked' } },
    ],
    ['chunks that are not sent', { body: 'ab', headers: { 'Transfer-Encoding': 'chunked' } }],
    ['chunks without a body', { headers: { 'Transfer-Encoding': 'chunked' } }],
    [
      'a transfer coding that there is not',
      { body: new Blob(['ab']).stream(), headers: { 'Transfer-Encoding': 'gzip, chunked' } },
    ],
    [
      'two Hosts',
      {
        headers: [
          ['Host', 'a.example'],
          ['HOST', 'a.example'],
        ],
      },
    ],
    ['a Host that is none', { headers: { Host: 'a b' } }],
    ['Upgrade', { headers: { Connection: 'Upgrade', UPGRADE: 'websocket' } }, /upgrade\(\)/],
    ['a body that is none', { body: 7 as unknown as string }, /^Invalid option body: /],
    ['a body that is a list', { body: ['a'] as unknown as string }, /^Invalid option body: /],
    ['body beside json', { body: 'a', json: 1 }, /^Invalid option json: /],
    ['json that refers to itself', { json: circle() }, /circular/],
    ['json with a BigInt', { json: 1n }, /BigInt/],
    ['a field value that is no text', { headers: { 'X-A': {} as string } }],
    ['a field value in pairs that is no text', { headers: [['X-A', 7 as unknown as string]] }],
    ['a field value that is absent', { headers: { 'X-A': undefined as unknown as string } }],
    ['a signal that is none', { signal: {} as AbortSignal }, /^Invalid option signal: /],
    ['trailers that are no function', { trailers: {} as () => never }, /^Invalid option trailers: /],
    ['onInform that is no function', { onInform: 1 as unknown as () => void }, /^Invalid option onInform: /],
    ['onUpload that is no function', { onUpload: 1 as unknown as () => void }, /^Invalid option onUpload: /],
    [
      'onDownload that is no function',
      { onDownload: 1 as unknown as () => void },
      /^Invalid option onDownload: /,
    ],
    ['expectContinue below 0', { expectContinue: -1 }, /^Invalid option expectContinue: /],
    ['redirects below 0', { redirects: -1 }, /^Invalid option redirects: /],
    ['redirects in halves', { redirects: 1.5 }, /^Invalid option redirects: /],
    ['decode that is no boolean', { decode: 1 as unknown as boolean }, /^Invalid option decode: /],
    ['retry that is no boolean', { retry: 1 as unknown as boolean }, /^Invalid option retry: /],
    ['a timeout below 0', { timeouts: { headers: -1 } }, /^Invalid option timeouts.headers: /],
    [
      'a timeout that is no number',
      { timeouts: { body: '1' as unknown as number } },
      /^Invalid option timeouts.body: /,
    ],
    ['a timeout that there is not', { timeouts: { read: 1 } as object }, /^Invalid option timeouts.read: /],
    ['an empty path of a socket', { unix: '' }, /^Invalid option unix: /],
    ['a query that is none', { query: 'a=b' as unknown as URLSearchParams }, /query/],
    ['options that are none', 'GET' as unknown as RequestOptions],
    [
      'an option that there is not',
      { timeout: 50 } as object,
      /^Invalid option timeout: there is no such option$/,
    ],
    [
      'one that is undefined',
      { Headers: undefined } as object,
      /^Invalid option Headers: there is no such option$/,
    ],
    ['one that is a member of all objects', { toString: 1 } as object, /^Invalid option toString: /],
    ['credentials for a proxy', { headers: { 'Proxy-Authorization': 'Basic x' } }, /the option proxy$/],
  ]
  test.each(refused)('%s', async (_what, options, message = /^(Cannot|Invalid) /) => {
    await using server = await raw.open(() => answer('ahoy'))
    await using client = server.client({ maxConnections: 1 })
    expect(await (await client.request('/')).text()).toBe('ahoy')
    const before = server.peers[0]!.text
    const error = await failure(client.request('/', options))
    expect([error instanceof TypeError || error instanceof RangeError, error.message]).toEqual([
      true,
      expect.stringMatching(message),
    ])
    await quiet()
    expect(server.peers.map((peer) => peer.text)).toEqual([before])
    expect(client.stats()).toMatchObject({ active: 0, requests: 1 })
    expect(standing(client)).toEqual({ ...nothing, connections: 1, idle: 1 })
    const next = await client.request('/')
    expect([await next.text(), next.reused]).toEqual(['ahoy', true])
  })

  test('a stream that is refused with its request is let go of', async () => {
    let cancelled = 0
    const body = new ReadableStream({ cancel: () => void cancelled++ })
    await using server = await raw.open(() => answer())
    await using client = server.client()
    await failure(client.request('/', { body, method: 'BAD METHOD' }))
    await quiet()
    expect([cancelled, server.peers.length]).toEqual([1, 0])
  })

  test.each([
    'ftp://a.example/',
    'file:///etc/passwd',
    'javascript:1',
    'http://a.example:0/',
    'http://us%3Aer@a.example/',
    'http://us%0Aer@a.example/',
    'http://',
    'http://a b/',
    7 as unknown as string,
    undefined as unknown as string,
    {} as unknown as string,
  ])('a URL such as %s', async (url) => {
    await using client = new Client()
    const error = await failure(client.request(url))
    expect([error instanceof TypeError, error.message]).toEqual([
      true,
      expect.stringMatching(/^Invalid URL: /),
    ])
    expect(client.stats()).toMatchObject({ requests: 0, active: 0, origins: {} })
  })

  test.each([
    ['/there', 'it is not absolute, and the client has no base'],
    ['a.example', 'it is not absolute, and the client has no base'],
    [' //a.example', 'it is not absolute, and the client has no base'],
    ['http://', 'it cannot be parsed'],
    [' HTTP://a b/', 'it cannot be parsed'],
  ])('the URL %j in plain words', async (url, why) => {
    await using client = new Client()
    expect((await failure(client.request(url))).message).toBe(`Invalid URL: ${why}`)
    await using based = new Client({ base: 'http://a.example' })
    expect((await failure(based.request('//a b/'))).message).toBe('Invalid URL: it cannot be parsed')
  })

  test('an option that there is not, of an upgrade and a download, too', async () => {
    await using server = await raw.open(() => answer())
    await using client = server.client()
    const wrong: object = { timeout: 50 }
    const failed = [
      await failure(client.upgrade('/', { protocol: 'x', ...wrong })),
      await failure(client.download('/', `${import.meta.dirname}/none`, wrong)),
      await failure(client.upgrade('/', { protocol: 'x', ...({ body: 'x' } as object) })),
    ]
    expect(failed.map(({ message }) => message)).toEqual([
      'Invalid option timeout: there is no such option',
      'Invalid option timeout: there is no such option',
      expect.stringMatching(/^Invalid option body: /),
    ])
    expect(server.peers).toHaveLength(0)
  })

  test('but not what somebody gave to all objects', async () => {
    await using server = await raw.open(() => answer('ahoy'))
    const polluted = Object.create({ inherited: 1 }) as RequestOptions
    await using client = new Client(Object.create({ inherited: 1 }) as ClientOptions)
    expect(client.state).toBe('open')
    await using asking = server.client()
    expect(await (await asking.request('/', polluted)).text()).toBe('ahoy')
  })

  test('what interceptors and the defaults of the client say, too', async () => {
    await using server = await raw.open(() => answer())
    await using bad = server.client({ headers: [['X-A', 'b\r\nc']] })
    expect(await failure(bad.request('/'))).toBeInstanceOf(TypeError)
    await using changing = server.client({
      interceptors: [(request, next) => next({ ...request, headers: request.headers.with('X-A', 'b\nc') })],
    })
    expect(await failure(changing.request('/'))).toBeInstanceOf(TypeError)
    expect(server.peers).toHaveLength(0)
  })
})

describe('a client is refused', () => {
  const refused: [name: string, options: unknown][] = [
    ['Client', 7],
    ['base', { base: 'not a URL' }],
    ['maxConnections', { maxConnections: 0 }],
    ['maxConnections', { maxConnections: 1.5 }],
    ['maxQueued', { maxQueued: -1 }],
    ['pipelining', { pipelining: 0 }],
    ['idleTimeout', { idleTimeout: -1 }],
    ['idleTimeout', { idleTimeout: Number.NaN }],
    ['maxBodySize', { maxBodySize: -1 }],
    ['limits', { limits: 7 }],
    ['limits.headBytes', { limits: { headBytes: -1 } }],
    ['limits.contentCodings', { limits: { contentCodings: -1 } }],
    ['limits.expansion', { limits: { expansion: 'much' } }],
    ['limits.bodyBytes', { limits: { bodyBytes: 1 } }],
    ['interceptors', { interceptors: {} }],
    ['interceptors', { interceptors: [7] }],
    ['interceptors', { interceptors: [undefined] }],
    ['interceptors', { interceptors: new Array(1) }],
    ['interceptors', { interceptors: null }],
    ['maxConnection: there is no such option', { maxConnection: 3 }],
    ['url: there is no such option', { url: 'http://a.example' }],
    ['proxy', { proxy: 7 }],
    ['proxy', { proxy: 'gopher://a.example' }],
    ['tls', { tls: 7 }],
    ['connect', { connect: 7 }],
    ['timeouts', { timeouts: 7 }],
    ['timeouts.total', { timeouts: { total: -1 } }],
    ['redirects', { redirects: -1 }],
    ['decode', { decode: 'yes' }],
    ['retry', { retry: 1 }],
    ['unix', { unix: 7 }],
  ]
  test.each(refused)('with %s in %j', (name, options) => {
    let error: unknown
    try {
      void new Client(options as ClientOptions)
    } catch (thrown) {
      error = thrown
    }
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true)
    expect((error as Error).message).toContain(name)
  })

  test('with nothing that stands in the documentation', () => {
    const options: ClientOptions = {
      base: new URL('http://a.example'),
      headers: { A: 'b' },
      maxConnections: 1,
      maxQueued: 0,
      pipelining: 4,
      idleTimeout: Infinity,
      maxBodySize: Infinity,
      limits: { headBytes: 1, contentCodings: 0, expansion: Infinity, interimResponses: 0 },
      interceptors: [],
      proxy: () => undefined,
      tls: {},
      connect: () => Promise.reject(new Error('nobody')),
      timeouts: { dns: 1, connect: 1, tls: 1, write: 1, headers: 1, body: 1, total: Infinity },
      redirects: 0,
      decode: false,
      retry: false,
      unix: '/tmp/none',
    }
    expect(new Client(options).state).toBe('open')
  })
})

test('options of a request stand above those of its client', async () => {
  await using server = await raw.open(() => answer())
  await using client = server.client({ decode: false, timeouts: { headers: 1, body: 2 } })
  await client.request('/')
  await client.request('/', { decode: true, signal: never })
  const [one, other] = server.peers[0]!.asked
  expect([one!.fields.has('accept-encoding'), other!.fields.has('accept-encoding')]).toEqual([false, true])
})

function circle(): object {
  const one: { self?: object } = {}
  one.self = one
  return one
}
