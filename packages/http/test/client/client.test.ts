import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'

import { afterAll, describe, expect, test } from 'vitest'

import { Client, fetch, request, type RequestBody } from '../../src/index.ts'
import { ways } from '../server/ways.ts'
import { clientOf } from './own-server.ts'
import { answer, failure, raw, rawWays, response } from './raw-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'fairlead-'))
const path = join(folder, 'rope.txt')
writeFileSync(path, 'a rope in a file')
afterAll(() => rmSync(folder, { recursive: true }))

describe.each(rawWays)('a request over $name', (way) => {
  test('is written as RFC 9112 has it, Host first', async () => {
    await using server = await way.open(() => answer('ahoy'))
    await using client = server.client({ decode: false })
    const got = await client.request('/a/b?c=d#e')
    expect([got.status, got.reason, got.minor, got.ok, await got.text()]).toEqual([
      200,
      'OK',
      1,
      true,
      'ahoy',
    ])
    const host = new URL(server.url).host
    expect(server.peers[0]!.text).toBe(
      `GET /a/b?c=d HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: fairlead\r\n\r\n`,
    )
    expect([got.url, got.attempts, got.reused, got.redirects, got.informational]).toEqual([
      `${server.url}/a/b?c=d`,
      1,
      false,
      [],
      [],
    ])
    expect([got.complete, got.trailers, got.tls]).toEqual([true, undefined, undefined])
    expect(got.remoteAddress).toEqual(
      way.name === 'tcp'
        ? { kind: 'ip', family: 4, host: '127.0.0.1', port: server.port }
        : { kind: 'memory', name: expect.stringMatching(/^raw-\d+$/) as string },
    )
    expect(got.localAddress?.kind).toBe(way.name === 'tcp' ? 'ip' : 'memory')
  })

  test('goes out on the connection of the one before', async () => {
    await using server = await way.open((asked) => answer(asked.target))
    await using client = server.client()
    for (const [at, target] of ['/one', '/two', '/three'].entries()) {
      const got = await client.request(target)
      expect([await got.text(), got.reused]).toEqual([target, at > 0])
    }
    expect(server.peers).toHaveLength(1)
  })

  test('with a body has the length or the chunks of that', async () => {
    await using server = await way.open((asked) => answer(`${asked.method} ${asked.body}`))
    await using client = server.client()
    expect(await (await client.request('/', { body: 'text' })).text()).toBe('POST text')
    expect(await (await client.request('/', { method: 'PUT', body: pieces('one', 'two') })).text()).toBe(
      'PUT onetwo',
    )
    const peer = server.peers[0]!
    expect(peer.asked[0]!.fields.get('content-length')).toBe('4')
    expect(peer.asked[0]!.fields.get('content-type')).toBe('text/plain;charset=UTF-8')
    expect(peer.asked[1]!.fields.get('content-length')).toBeUndefined()
    expect(peer.asked[1]!.fields.get('transfer-encoding')).toBe('chunked')
  })

  test('may have trailers behind its body', async () => {
    await using server = await way.open((asked) => answer(asked.trailers?.get('x-sum') ?? 'none'))
    await using client = server.client()
    let sum = 0
    async function* body(): AsyncGenerator<string> {
      for (const piece of ['ab', 'cde']) {
        sum += piece.length
        yield piece
      }
    }
    const got = await client.request('/', { body: body(), trailers: () => ({ 'X-Sum': String(sum) }) })
    expect(await got.text()).toBe('5')
  })
})

async function* pieces(...all: string[]): AsyncGenerator<string> {
  yield* all
}

function form(): FormData {
  const made = new FormData()
  made.append('name', 'rope')
  made.append('file', new Blob(['knots'], { type: 'text/x-knots' }), 'knots.txt')
  return made
}

describe.each(ways)('our own server over $name', (way) => {
  const bodies: [name: string, body: () => RequestBody, type: string | undefined, text: string | RegExp][] = [
    ['text', () => 'größe', 'text/plain;charset=UTF-8', 'größe'],
    ['an empty text', () => '', 'text/plain;charset=UTF-8', ''],
    ['bytes', () => Buffer.from('bytes'), undefined, 'bytes'],
    ['an ArrayBuffer', () => new Uint8Array([97, 98]).buffer, undefined, 'ab'],
    ['a view of two bytes each', () => new Uint16Array([0x6261]), undefined, 'ab'],
    ['a Blob', () => new Blob(['blob'], { type: 'text/x-blob' }), 'text/x-blob', 'blob'],
    [
      'search parameters',
      () => new URLSearchParams({ a: 'b c', d: 'ü' }),
      'application/x-www-form-urlencoded;charset=UTF-8',
      'a=b+c&d=%C3%BC',
    ],
    ['a form', form, 'multipart/form-data', /name="name"\r\n\r\nrope\r\n(.|\r\n)*knots/],
    ['a file', () => ({ file: path }), undefined, 'a rope in a file'],
    ['a part of a file', () => ({ file: path, start: 2, end: 6 }), undefined, 'rope'],
    ['an async iterable', () => pieces('one', '', 'two'), undefined, 'onetwo'],
    ['a stream of the web', () => new Blob(['streamed']).stream(), undefined, 'streamed'],
    [
      'a stream of Node',
      () => Readable.from([Buffer.from('from '), Buffer.from('node')]),
      undefined,
      'from node',
    ],
    ['a large text', () => 'x'.repeat(300_000), 'text/plain;charset=UTF-8', 'x'.repeat(300_000)],
    ['large bytes', () => Buffer.alloc(300_000, 'y'), undefined, 'y'.repeat(300_000)],
  ]
  test.each(bodies)('gets %s as it was given', async (_name, body, type, text) => {
    await using server = await way.listen(async (exchange) => {
      const { request: asked } = exchange
      const got = await asked.body.text(1_000_000)
      await exchange.respond(200, { 'X-Type': asked.headers.get('content-type') ?? 'none' }, got)
    })
    const client = clientOf(server)
    const got = await client.request('/', { body: body() })
    expect(got.headers.get('x-type')).toMatch(type ?? 'none')
    const echo = await got.text()
    if (typeof text === 'string') expect(echo === text).toBe(true)
    else expect(echo).toMatch(text)
    await client.close()
  })

  test('answers in whatever way the request asks for it', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200, { 'X-A': 'b' }, '{"a":[1,2]}'))
    const client = clientOf(server)
    expect(await (await client.request('/')).json()).toEqual({ a: [1, 2] })
    expect(await (await client.request('/')).text()).toBe('{"a":[1,2]}')
    expect(Buffer.from(await (await client.request('/')).bytes()).toString()).toBe('{"a":[1,2]}')
    const head = await client.request('/', { method: 'HEAD' })
    expect([head.headers.get('content-length'), await head.text()]).toEqual(['11', ''])
    const again = await client.request('/')
    expect(again.reused).toBe(true)
    const all: string[] = []
    for await (const chunk of again) all.push(Buffer.from(chunk).toString())
    expect(all.join('')).toBe('{"a":[1,2]}')
    await client.close()
  })

  test('gives a stream in pieces, and its trailers behind them', async () => {
    await using server = await way.listen((exchange) =>
      exchange.respond(200, {}, pieces('one', 'two', 'three'), { trailers: () => ({ 'X-Sum': '11' }) }),
    )
    const client = clientOf(server)
    const got = await client.request('/', { headers: { TE: 'trailers', Connection: 'TE' } })
    expect(await got.text()).toBe('onetwothree')
    expect(got.trailers?.get('x-sum')).toBe('11')
    await client.close()
  })
})

describe('what is asked', () => {
  test.each([
    [{ a: 1, b: true, c: 'd&e' }, '/x?y=z', '/x?y=z&a=1&b=true&c=d%26e'],
    [{ a: 1 }, '/x', '/x?a=1'],
    [{}, '/x', '/x'],
    [new URLSearchParams('a=1&a=2'), '/x?#f', '/x?a=1&a=2'],
  ])('has %j added to its query', async (query, given, target) => {
    await using server = await raw.open((asked) => answer(asked.target))
    await using client = server.client()
    for (let times = 0; times < 2; times++)
      expect(await (await client.request(given, { query })).text()).toBe(target)
    // What is remembered of the URL is not touched.
    expect(await (await client.request('/x')).text()).toBe('/x')
  })

  test('in JSON says so, unless it says something else', async () => {
    await using server = await raw.open((asked) =>
      answer(`${asked.fields.get('content-type')} ${asked.body}`),
    )
    await using client = server.client()
    const ask = async (options: object): Promise<string> => (await client.request('/', options)).text()
    expect(await ask({ json: { a: 1 } })).toBe('application/json {"a":1}')
    expect(await ask({ json: null })).toBe('application/json null')
    expect(await ask({ json: 0 })).toBe('application/json 0')
    expect(await ask({ json: [], headers: { 'content-TYPE': 'application/x+json' } })).toBe(
      'application/x+json []',
    )
    expect(server.peers[0]!.asked[0]!.method).toBe('POST')
  })

  test.each([[undefined], [() => {}], [Symbol('s')]])(
    'in JSON that is none, as of %s, is refused or absent',
    async (json) => {
      await using server = await raw.open(() => answer())
      await using client = server.client()
      if (json === undefined) expect((await client.request('/', { json })).status).toBe(200)
      else expect((await failure(client.request('/', { json }))).message).toMatch(/^Invalid option json: /)
    },
  )

  test('is relative to the base, or stands alone', async () => {
    await using server = await raw.open((asked) => answer(`${asked.fields.get('host')} ${asked.target}`))
    await using client = server.client({ base: 'http://base.example:81/a/b' })
    const ask = async (url: string | URL): Promise<string> => (await client.request(url)).text()
    expect(await ask('c')).toBe('base.example:81 /a/c')
    expect(await ask('/c')).toBe('base.example:81 /c')
    expect(await ask('//other.example')).toBe('other.example /')
    expect(await ask(new URL('http://other.example/é ü'))).toBe('other.example /%C3%A9%20%C3%BC')
    expect(await ask('http://[::1]:80/')).toBe('[::1] /')
  })

  test('has the fields of the client that it has none of itself', async () => {
    await using server = await raw.open(() => answer())
    await using client = server.client({ headers: { Accept: 'text/plain', 'X-A': 'client' } })
    await client.request('/', {
      headers: [
        ['x-a', 'one'],
        ['X-A', 'two'],
        ['X-B', 'three'],
      ],
    })
    await client.request('/')
    const [own, common] = server.peers[0]!.asked
    expect(own!.fields.all('x-a')).toEqual(['one', 'two'])
    expect([own!.fields.get('accept'), own!.fields.get('x-b')]).toEqual(['text/plain', 'three'])
    expect(common!.fields.all('x-a')).toEqual(['client'])
  })

  test('may have fields in every shape that fields come in', async () => {
    await using server = await raw.open((asked) => answer(asked.fields.all('x-a').join('|')))
    await using client = server.client()
    for (const headers of [{ 'X-A': 'b' }, [['X-A', 'b']] as [string, string][], new Headers({ 'X-A': 'b' })])
      expect(await (await client.request('/', { headers })).text()).toBe('b')
    expect(await (await client.request('/', { headers: { 'X-A': ['b', 'c'] } })).text()).toBe('b|c')
  })

  test('may say itself what would be said for it', async () => {
    await using server = await raw.open(() => answer())
    await using client = server.client()
    await client.request('/', {
      headers: { host: 'other.example', 'user-agent': 'mine', 'accept-encoding': 'identity' },
    })
    const { fields } = server.peers[0]!.asked[0]!
    expect([fields.all('host'), fields.all('user-agent'), fields.all('accept-encoding')]).toEqual([
      ['other.example'],
      ['mine'],
      ['identity'],
    ])
  })

  test('turns user information into Authorization, and tells it nowhere else', async () => {
    await using server = await raw.open((asked) =>
      answer(`${asked.target} ${asked.fields.get('authorization')} ${asked.fields.get('host')}`),
    )
    await using client = server.client({ base: 'http://al:s%3Acret@base.example' })
    const basic = Buffer.from('al:s:cret').toString('base64')
    const got = await client.request('/x')
    expect(await got.text()).toBe(`/x Basic ${basic} base.example`)
    expect(got.url).toBe('http://base.example/x')
    const own = await client.request('/x', { headers: { authorization: 'Bearer t' } })
    expect(await own.text()).toBe('/x Bearer t base.example')
    const other = await client.request('http://other.example/x')
    expect(await other.text()).toBe('/x undefined other.example')
  })

  test('asks for compressed bodies, unless told not to, or for a part', async () => {
    await using server = await raw.open((asked) => answer(asked.fields.get('accept-encoding') ?? 'none'))
    await using client = server.client()
    const ask = async (options: object): Promise<string> => (await client.request('/', options)).text()
    expect(await ask({})).toMatch(/gzip/)
    expect(await ask({ decode: false })).toBe('none')
    expect(await ask({ headers: { Range: 'bytes=0-1' } })).toBe('none')
  })

  test.each(['POST', 'PUT', 'PATCH'])(
    'tells of an empty body with %s, and with GET of none',
    async (method) => {
      await using server = await raw.open((asked) => answer(asked.fields.get('content-length') ?? 'none'))
      await using client = server.client()
      expect(await (await client.request('/', { method })).text()).toBe('0')
      expect(await (await client.request('/', { method: 'DELETE' })).text()).toBe('none')
      expect(await (await client.request('/')).text()).toBe('none')
    },
  )

  test('may have a method of its own, which keeps its letters', async () => {
    await using server = await raw.open((asked) => answer(asked.method))
    await using client = server.client()
    for (const method of ['get', 'PROPFIND', "M-SEARCH!#$%&'*+.^_`|~"])
      expect(await (await client.request('/', { method })).text()).toBe(method)
  })

  test('with OPTIONS and a body of nothing is asked like any other', async () => {
    await using server = await raw.open((asked) => answer(`${asked.method} ${asked.target}`))
    await using client = server.client()
    expect(await (await client.request('/', { method: 'OPTIONS', body: null })).text()).toBe('OPTIONS /')
  })
})

describe('an answer without a body', () => {
  test.each([
    ['HEAD', response('200 OK', '').replace('Length: 0', 'Length: 5')],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n'],
    ['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n'],
    ['GET', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n'],
  ])('to %s ends with its head, and frees the connection: %j', async (method, bytes) => {
    await using server = await raw.open((_asked, _peer, count) => (count === 1 ? bytes : answer('next')))
    await using client = server.client()
    const got = await client.request('/', { method })
    expect([got.complete, (await got.bytes()).byteLength]).toEqual([true, 0])
    const next = await client.request('/')
    expect([await next.text(), next.reused]).toEqual(['next', true])
  })
})

describe('the functions', () => {
  test('share one client, which keeps its connections', async () => {
    await using server = await rawWays[1]!.open((asked) => answer(asked.target))
    const first = await request(`${server.url}/a`)
    expect(await first.text()).toBe('/a')
    const second = await request(new URL(`${server.url}/b`), { timeouts: { total: 5_000 } })
    expect([await second.text(), second.reused]).toEqual(['/b', true])
    expect(await (await fetch(`${server.url}/c`)).text()).toBe('/c')
    expect(server.peers).toHaveLength(1)
  })

  test('take no URL that does not stand alone', async () => {
    expect(await failure(request('/a'))).toBeInstanceOf(TypeError)
    expect((await failure(request('ftp://a.example/'))).message).toMatch(/^Invalid URL: /)
  })
})

test('a client is closed by await using, and says so', async () => {
  let kept: Client
  {
    await using client = new Client()
    kept = client
    expect(client.state).toBe('open')
  }
  expect(kept.state).toBe('closed')
  expect(await kept.closed).toEqual({ kind: 'local' })
})
