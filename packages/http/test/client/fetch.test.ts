import { LimitError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { RequestError } from '../../src/client/errors.ts'
import { fetchWith } from '../../src/client/fetch.ts'
import { IncomingResponse } from '../../src/client/response.ts'
import { Headers as OurHeaders, Request as OurRequest, Response as OurResponse } from '../../src/index.ts'
import { fetching, fetchingRaw } from './fetching.ts'

/** What a server sees, as JSON. */
const mirror = (): ReturnType<typeof fetching> =>
  fetching(async (exchange) => {
    const { request } = exchange
    const body = await request.body.text()
    const seen = { method: request.method, target: request.target, headers: request.headers.raw, body }
    await exchange.respond(200, { 'Content-Type': 'application/json' }, JSON.stringify(seen))
  })

interface Seen {
  method: string
  target: string
  headers: string[]
  body: string
}

/** Values of the lines named so. */
const all = ({ headers }: Seen, name: string): string[] =>
  headers.filter((_, at) => at % 2 === 1 && headers[at - 1]!.toLowerCase() === name)

describe('a request', () => {
  test('says what the standard has it say, and who asks', async () => {
    await using world = await mirror()
    const response = await world.fetch('http://example:81/a%20b?c=d#e')
    const seen = (await response.json()) as Seen
    expect([seen.method, seen.target, seen.body]).toEqual(['GET', '/a%20b?c=d', ''])
    expect(all(seen, 'host')).toEqual(['example:81'])
    expect(all(seen, 'accept')).toEqual(['*/*'])
    expect(all(seen, 'accept-language')).toEqual(['*'])
    expect(all(seen, 'user-agent')).toEqual(['fairlead'])
    expect(all(seen, 'accept-encoding')[0]).toContain('gzip')
  })

  test('says it once where the caller did', async () => {
    await using world = await mirror()
    const headers = {
      accept: 'a/b',
      'ACCEPT-LANGUAGE': 'de',
      'User-Agent': 'me',
      'accept-encoding': 'identity',
    }
    const seen = (await (await world.fetch('http://a/', { headers })).json()) as Seen
    for (const [name, value] of Object.entries(headers))
      expect(all(seen, name.toLowerCase())).toEqual([value])
  })

  test.each([
    ['a record', { 'X-A': '1', 'x-b': ' 2 ' }],
    ['pairs', [['X-A', '1'] as [string, string], ['x-b', '2'] as [string, string]]],
    ['Headers', new Headers({ 'X-A': '1', 'x-b': '2' })],
    ['Headers of ours', new OurHeaders({ 'X-A': '1', 'x-b': '2' })],
  ])('takes headers as %s', async (_, headers) => {
    await using world = await mirror()
    const seen = (await (await world.fetch('http://a/', { headers: headers })).json()) as Seen
    expect([all(seen, 'x-a'), all(seen, 'x-b')]).toEqual([['1'], ['2']])
  })

  test('sends values in latin1, and no others', async () => {
    await using world = await mirror()
    const seen = (await (await world.fetch('http://a/', { headers: { 'X-A': 'caf\u00e9' } })).json()) as Seen
    expect(all(seen, 'x-a')).toEqual(['caf\u00e9'])
    await expect(world.fetch('http://a/', { headers: { 'X-A': '\u20ac' } })).rejects.toThrow(TypeError)
    await expect(world.fetch('http://a/', { headers: { 'X-A': 'a\r\nb: c' } })).rejects.toThrow(TypeError)
  })

  test.each([
    ['text', 'ahoy \u00fc', 'ahoy \u00c3\u00bc', 'text/plain;charset=UTF-8'],
    ['no text', '', '', 'text/plain;charset=UTF-8'],
    [
      'parameters',
      new URLSearchParams({ a: 'b c' }),
      'a=b+c',
      'application/x-www-form-urlencoded;charset=UTF-8',
    ],
    ['bytes', Buffer.from('bytes'), 'bytes', undefined],
    ['a buffer', new TextEncoder().encode('buffer').buffer, 'buffer', undefined],
    ['a view', new DataView(new TextEncoder().encode('xview').buffer, 1), 'view', undefined],
    ['a blob', new Blob(['blob'], { type: 'a/b' }), 'blob', 'a/b'],
    ['a blob of no type', new Blob(['blob']), 'blob', undefined],
    ['a number', 5 as never, '5', 'text/plain;charset=UTF-8'],
  ])('takes %s as its body', async (_, body, sent, type) => {
    await using world = await mirror()
    const seen = (await (await world.fetch('http://a/', { method: 'POST', body })).json()) as Seen
    expect(Buffer.from(seen.body).toString('latin1')).toBe(sent)
    expect(all(seen, 'content-type')).toEqual(type === undefined ? [] : [type])
    expect(all(seen, 'content-length')).toEqual([String(sent.length)])
    const typed = { method: 'POST', body, headers: { 'content-type': 'c/d' } }
    expect(all((await (await world.fetch('http://a/', typed)).json()) as Seen, 'content-type')).toEqual([
      'c/d',
    ])
  })

  test('takes a form, and has it read as one', async () => {
    await using world = await fetching(async (exchange) => {
      const type = exchange.request.headers.get('content-type')!
      await exchange.respond(200, { 'Content-Type': type }, await exchange.request.body.bytes())
    })
    const form = new FormData()
    form.set('a', '\u00fc')
    form.set('f', new File(['of a file'], 'name.txt', { type: 'a/b' }))
    const back = await (await world.fetch('http://a/', { method: 'POST', body: form })).formData()
    expect(back.get('a')).toBe('\u00fc')
    expect(await (back.get('f') as File).text()).toBe('of a file')
  })

  test('takes its body as it was when fetch was called', async () => {
    await using world = await mirror()
    const bytes = Buffer.from('abc')
    const parameters = new URLSearchParams('a=b')
    const answers = [
      world.fetch('http://a/', { method: 'POST', body: bytes }),
      world.fetch('http://a/', { method: 'POST', body: parameters }),
    ]
    bytes.fill(0)
    parameters.set('a', 'c')
    const seen = await Promise.all(
      answers.map(async (answer) => ((await (await answer).json()) as Seen).body),
    )
    expect(seen).toEqual(['abc', 'a=b'])
  })

  test('takes a stream, an iterable, and what another response holds', async () => {
    await using world = await mirror()
    const bodies = [
      new Blob(['ahoy']).stream(),
      (async function* () {
        yield Buffer.from('ah')
        yield Buffer.from('oy')
      })(),
      new OurResponse('ahoy').body,
      (
        await fetching((exchange) => exchange.respond(200, {}, 'ahoy')).then(({ fetch }) =>
          fetch('http://a/'),
        )
      ).body,
    ]
    for (const body of bodies) {
      const init = { method: 'PUT', body: body as never, duplex: 'half' as const }
      const seen = (await (await world.fetch('http://a/', init)).json()) as Seen
      expect([seen.body, all(seen, 'content-type')]).toEqual(['ahoy', []])
    }
  })

  test.each([
    ['get', 'GET'],
    ['Delete', 'DELETE'],
    ['head', 'HEAD'],
    ['oPtIoNs', 'OPTIONS'],
    ['post', 'POST'],
    ['put', 'PUT'],
    ['patch', 'patch'],
    ['PATCH', 'PATCH'],
    ['chicken', 'chicken'],
  ])('by %s is one by %s', async (given, sent) => {
    await using world = await fetching((exchange) =>
      exchange.respond(200, { 'X-Method': exchange.request.method }, null),
    )
    expect((await world.fetch('http://a/', { method: given })).headers.get('x-method')).toBe(sent)
  })

  test.each([
    ['no-store', ['no-cache'], ['no-cache']],
    ['reload', ['no-cache'], ['no-cache']],
    ['no-cache', [], ['max-age=0']],
    ['force-cache', [], []],
    ['default', [], []],
  ])('with the cache mode %s tells caches on the way', async (cache, pragma, control) => {
    await using world = await mirror()
    const seen = (await (await world.fetch('http://a/', { cache } as RequestInit)).json()) as Seen
    expect([all(seen, 'pragma'), all(seen, 'cache-control')]).toEqual([pragma, control])
    const headers = { 'Cache-Control': 'mine', pragma: 'mine' }
    const own = (await (await world.fetch('http://a/', { cache, headers } as RequestInit)).json()) as Seen
    expect([all(own, 'pragma'), all(own, 'cache-control')]).toEqual([['mine'], ['mine']])
  })

  test.each(['If-Match', 'If-Range', 'If-None-Match', 'If-Modified-Since', 'If-Unmodified-Since'])(
    'with %s is no business of caches',
    async (name) => {
      await using world = await mirror()
      const seen = (await (await world.fetch('http://a/', { headers: { [name]: 'x' } })).json()) as Seen
      expect([all(seen, 'pragma'), all(seen, 'cache-control')]).toEqual([['no-cache'], ['no-cache']])
    },
  )

  test.each<[string, Record<string, string>]>([
    ['another length', { 'Content-Length': '5' }],
    ['a length that is none', { 'Content-Length': 'x' }],
    ['a framing of its own', { 'Transfer-Encoding': 'chunked, gzip' }],
    ['another protocol', { Connection: 'Upgrade', Upgrade: 'websocket' }],
  ])('that speaks of %s is refused before anything is sent', async (_, headers) => {
    let asked = 0
    await using world = await fetchingRaw(() => asked++)
    const fetched = world.fetch('http://a/', { method: 'POST', body: 'ahoy', headers })
    await expect(fetched).rejects.toThrow(TypeError)
    expect([asked, world.client.stats().bytesOut]).toEqual([0, 0])
  })

  test('may say what a page must not', async () => {
    await using world = await mirror()
    const headers = { Host: 'b', Cookie: 'c=d', Origin: 'e', Referer: 'f', Connection: 'close', DNT: '1' }
    const seen = (await (await world.fetch('http://a/', { headers })).json()) as Seen
    for (const [name, value] of Object.entries(headers))
      expect(all(seen, name.toLowerCase())).toEqual([value])
  })

  test('for a range asks for no coding', async () => {
    await using world = await mirror()
    const seen = (await (await world.fetch('http://a/', { headers: { Range: 'bytes=0-1' } })).json()) as Seen
    expect(all(seen, 'accept-encoding')).toEqual(['identity'])
  })

  test('says what its client says, where the standard has a default only', async () => {
    const asked: unknown[] = []
    const request = (_: unknown, options: unknown): Promise<IncomingResponse> => {
      asked.push(options)
      return Promise.resolve(IncomingResponse.of(200))
    }
    const { Fields } = await import('../../src/codec/index.ts')
    await fetchWith({ request, headers: new Fields(['accept', 'a/b']), redirects: 3 }, 'http://a/')
    expect(asked).toMatchObject([{ redirects: 3, headers: { raw: ['Accept-Language', '*'] } }])
  })
})

describe('a Request', () => {
  const post = {
    method: 'POST',
    body: '{"a":1}',
    headers: { 'Content-Type': 'application/json', 'X-A': 'b' },
  }

  test.each([
    ['of the runtime', Request],
    ['of ours', OurRequest as unknown as typeof Request],
  ])('%s is sent, its length known', async (_, Class) => {
    await using world = await mirror()
    const seen = (await (await world.fetch(new Class('http://b/c?d', post))).json()) as Seen
    expect([seen.method, seen.target, seen.body]).toEqual(['POST', '/c?d', '{"a":1}'])
    expect(all(seen, 'content-type')).toEqual(['application/json'])
    expect([all(seen, 'x-a'), all(seen, 'content-length'), all(seen, 'host')]).toEqual([['b'], ['7'], ['b']])
  })

  test('gives way to the init', async () => {
    await using world = await mirror()
    const request = new Request('http://b/c', post)
    const init = { method: 'PUT', body: 'other', headers: { 'X-B': 'c' } }
    const seen = (await (await world.fetch(request, init)).json()) as Seen
    expect([seen.method, seen.body, all(seen, 'x-a'), all(seen, 'x-b')]).toEqual(['PUT', 'other', [], ['c']])
    expect(request.bodyUsed).toBe(false)
  })

  test('can stand in the place of the init', async () => {
    await using world = await mirror()
    const seen = (await (await world.fetch('http://x/y', new Request('http://b/c', post))).json()) as Seen
    expect([seen.method, seen.target, seen.body]).toEqual(['POST', '/y', '{"a":1}'])
    expect([all(seen, 'host'), all(seen, 'content-length')]).toEqual([['x'], ['7']])
  })

  test('is used by it, and cannot be sent twice', async () => {
    await using world = await mirror()
    const request = new Request('http://b/c', post)
    await world.fetch(request)
    expect(request.bodyUsed).toBe(true)
    await expect(world.fetch(request)).rejects.toThrow(/^Invalid request: its body was used already/)
    await expect(world.fetch('http://a/', request)).rejects.toThrow(TypeError)
    expect((await world.fetch(request, { body: 'new' })).status).toBe(200)
  })

  test('with a stream is sent as it comes', async () => {
    await using world = await mirror()
    let pulled = 0
    const body = new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setImmediate(resolve))
        if (++pulled > 3) controller.close()
        else controller.enqueue(Buffer.from(String(pulled)))
      },
    })
    const request = new Request('http://a/', { method: 'POST', body, duplex: 'half' })
    const seen = (await (await world.fetch(request)).json()) as Seen
    expect([seen.body, all(seen, 'transfer-encoding')]).toEqual(['123', ['chunked']])
  })

  test('of somebody else is one', async () => {
    await using world = await mirror()
    const { body } = new Response('ahoy')
    const request = {
      url: 'http://a/b',
      method: 'PUT',
      headers: new Headers({ 'X-A': '1' }),
      body,
      bodyUsed: false,
      arrayBuffer: () => {},
    }
    const seen = (await (await world.fetch(request as never)).json()) as Seen
    expect([seen.method, seen.target, seen.body, all(seen, 'x-a')]).toEqual(['PUT', '/b', 'ahoy', ['1']])
  })
})

describe('an answer', () => {
  const raw = (text: string): ReturnType<typeof fetchingRaw> =>
    fetchingRaw((connection) => {
      connection.write(text, 'latin1')
    })

  test('is a Response', async () => {
    await using world = await fetching((exchange) =>
      exchange.respond(
        201,
        [
          ['X-A', '1'],
          ['Set-Cookie', 'a'],
          ['Set-Cookie', 'b'],
        ],
        '[1]',
      ),
    )
    const response = await world.fetch('http://example/a?b#c')
    expect(response).toBeInstanceOf(Response)
    expect(response).toBeInstanceOf(OurResponse)
    const { status, statusText, ok, type, url, redirected, bodyUsed, headers } = response
    expect({ status, statusText, ok, type, url, redirected, bodyUsed }).toEqual({
      status: 201,
      statusText: 'Created',
      ok: true,
      type: 'basic',
      url: 'http://example/a?b',
      redirected: false,
      bodyUsed: false,
    })
    expect([headers.get('x-a'), headers.getSetCookie()]).toEqual(['1', ['a', 'b']])
    for (const change of [
      () => headers.set('x-a', '2'),
      () => headers.append('b', '2'),
      () => headers.delete('x-a'),
      () => response.clone().headers.set('a', 'b'),
    ])
      expect(change).toThrow(TypeError)
  })

  test.each(['200 OK', '299 ', '400 No', '599 x', '600 Odd', '999 Odder', '200 caf\u00e9 au lait'])(
    'has the status line %s as it came',
    async (line) => {
      await using world = await raw(`HTTP/1.1 ${line}\r\nContent-Length: 2\r\nX-L: \u00e9\u00ff\r\n\r\nab`)
      const response = await world.fetch('http://a/')
      expect(`${response.status} ${response.statusText}`).toBe(line)
      expect(response.ok).toBe(line.startsWith('2'))
      expect(response.headers.get('x-l')).toBe('\u00e9\u00ff')
      expect(await response.text()).toBe('ab')
    },
  )

  test.each([204, 205, 304])('of %i has no body', async (status) => {
    await using world = await raw(
      `HTTP/1.1 ${status} \r\nX-A: b\r\n${status === 205 ? 'Content-Length: 0\r\n' : ''}\r\n`,
    )
    const response = await world.fetch('http://a/')
    expect([response.status, response.body, await response.text(), response.bodyUsed]).toEqual([
      status,
      null,
      '',
      false,
    ])
  })

  test('to HEAD has no body, and its headers all the same', async () => {
    await using world = await raw('HTTP/1.1 200 OK\r\nContent-Length: 99\r\nContent-Encoding: gzip\r\n\r\n')
    const response = await world.fetch('http://a/', { method: 'HEAD' })
    expect([response.body, await response.text(), response.headers.get('content-length')]).toEqual([
      null,
      '',
      '99',
    ])
    expect(await (await world.fetch('http://a/', { method: 'HEAD' })).arrayBuffer()).toHaveProperty(
      'byteLength',
      0,
    )
  })

  test('that was decoded does not say that it is encoded', async () => {
    const { gzipSync } = await import('node:zlib')
    await using world = await fetching((exchange) =>
      exchange.respond(200, { 'Content-Encoding': 'gzip', 'X-A': 'b' }, gzipSync('ahoy')),
    )
    const response = await world.fetch('http://a/')
    expect([...response.headers.keys()].filter((name) => /^(content|x)-/.test(name))).toEqual(['x-a'])
    expect(await response.text()).toBe('ahoy')
  })

  test.each([
    ['sha256-', true],
    ['sha384-', true],
    ['sha512-', true],
    ['SHA512-', true],
    ['sha512-x sha512-', true],
    ['sha256-x sha512-', true],
    ['sha512-x sha256-', false],
    ['md5-x sha256-', true],
    ['sha256-x', false],
  ])('is held to the integrity %s', async (metadata, holds) => {
    const { createHash } = await import('node:crypto')
    await using world = await fetching((exchange) => exchange.respond(200, {}, 'ahoy'))
    const integrity = metadata.replace(/(sha\d+)-$/i, (_, name: string) => {
      const hash = createHash(name.toLowerCase()).update('ahoy')
      return `${name}-${hash.digest(name === 'sha384' ? 'base64url' : 'base64')}?option`
    })
    const fetched = world.fetch('http://a/b?secret', { integrity })
    if (holds) expect(await (await fetched).text()).toBe('ahoy')
    else
      await expect(fetched).rejects.toThrow(
        /^Cannot GET http:\/\/a\/b: the body is another one than integrity/,
      )
  })

  test('without a body has no integrity', async () => {
    await using world = await fetching((exchange) => exchange.respond(204))
    const integrity = `sha256-${Buffer.alloc(32).toString('base64')}`
    await expect(world.fetch('http://a/', { integrity })).rejects.toThrow(TypeError)
  })
})

describe('a failure', () => {
  test('is a TypeError that tells what the RequestError beneath does', async () => {
    await using world = await fetchingRaw((connection) => connection.destroy())
    const error = await world.fetch('http://a/b?secret', { method: 'POST' }).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(TypeError)
    const { message, cause } = error as Error
    expect(cause).toBeInstanceOf(RequestError)
    expect(message).toBe((cause as Error).message)
    expect(message).toMatch(/^Cannot POST http:\/\/a\/b: /)
  })

  test('of the body is one, too, whoever reads', async () => {
    await using world = await fetchingRaw((connection) => {
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab')
      connection.end()
    })
    const readers: ((response: OurResponse) => Promise<unknown>)[] = [
      (response) => response.text(),
      (response) => response.arrayBuffer(),
      (response) => response.blob(),
      (response) => response.clone().text(),
      async ({ body }) => {
        for await (const _ of body!) continue
      },
    ]
    for (const read of readers) {
      const error = await read(await world.fetch('http://a/')).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(TypeError)
      expect((error as Error).cause).toBeInstanceOf(RequestError)
    }
  })

  test('to keep a body that is too large is one', async () => {
    const large = new Uint8Array(1024 * 1024)
    await using world = await fetching((exchange) => exchange.respond(200, {}, endless(large)))
    const response = await world.fetch('http://a/')
    const error = await response.bytes().catch((error: unknown) => error)
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).cause).toBeInstanceOf(LimitError)
    expect(response.bodyUsed).toBe(true)
  })

  test('of an interceptor is one', async () => {
    await using world = await fetching((exchange) => exchange.respond(200), {
      interceptors: [() => Promise.reject(new RangeError('of mine'))],
    })
    const error = await world.fetch('http://a/').catch((error: unknown) => error)
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ message: 'of mine', cause: { name: 'RangeError' } })
  })
})

test('what holds its own answer the runtime fetches', async () => {
  await using world = await fetching((exchange) => exchange.respond(500))
  const response = await world.fetch('data:text/x,a%20b')
  expect([await response.text(), response.headers.get('content-type')]).toEqual(['a b', 'text/x'])
  const url = URL.createObjectURL(new Blob(['blob']))
  expect(await (await world.fetch(url)).text()).toBe('blob')
  URL.revokeObjectURL(url)
  const error = await world.fetch(url).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(TypeError)
  expect((error as Error).message).toMatch(/^Cannot fetch: ./)
})

async function* endless(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  for (;;) yield chunk
}
