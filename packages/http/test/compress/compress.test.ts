import { gzipSync } from 'node:zlib'

import { Hono } from 'hono'
import { compress as honoCompress } from 'hono/compress'
import { describe, expect, test } from 'vitest'

import { compress, type CompressOptions } from '../../src/compress/index.ts'
import { Response as OurResponse } from '../../src/index.ts'
import { ask, call, codings, compressed, decoded, decoders, text } from './asking.ts'

const plain = { headers: { 'Content-Type': 'text/plain' } }
const bytes = Buffer.from(text)

const bodies: [string, () => Response][] = [
  ['text of ours', () => new OurResponse(text)],
  ['bytes of ours', () => new OurResponse(bytes, plain)],
  ['JSON of ours', () => OurResponse.json({ text })],
  ['text of the runtime', () => new Response(text)],
  ['bytes of the runtime', () => new Response(bytes, plain)],
  ['a blob', () => new Response(new Blob([text], { type: 'text/plain' }))],
  ['a stream that is there at once', () => new OurResponse(new Blob([text]).stream(), plain)],
  ['the stream of another response', () => new OurResponse(new OurResponse(text).body, plain)],
  ['text of 40 KiB', () => new OurResponse(text.repeat(13))],
  ['text of 1.5 MiB', () => new OurResponse(text.repeat(500))],
]

describe.each(codings)('in %s', (coding) => {
  test.each(bodies)('%s comes back as it was', async (_what, answer) => {
    const got = await compressed(answer, coding)
    const expected = Buffer.from(await answer().arrayBuffer())
    expect(got.headers.get('content-encoding')).toBe(coding)
    expect(Buffer.from(await got.clone().arrayBuffer()).byteLength).toBeLessThan(expected.byteLength / 4)
    expect((await decoded(got)).equals(expected)).toBe(true)
  })

  test('what is there as a whole leaves with its length', async () => {
    for (const [what, answer] of bodies.slice(0, 5)) {
      const got = await compressed(answer, coding)
      const { byteLength } = await got.clone().arrayBuffer()
      expect([what, got.headers.get('content-length')]).toEqual([what, String(byteLength)])
    }
    const large = await compressed(() => new OurResponse(text.repeat(500)), coding)
    expect(large.headers.get('content-length')).toBeNull()
  })

  test.each(['1', '9'])('level %s is what the encoder is told', async (level) => {
    const given: CompressOptions = { level: { [coding]: Number(level) } }
    const other: CompressOptions = { level: { [coding]: level === '1' ? 9 : 1 } }
    const large = Array.from({ length: 3000 }, (_, at) => `${at * 7919} ${at % 13}`).join()
    const sizes = await Promise.all(
      [given, other].map(async (options) => {
        const got = await compressed(() => new OurResponse(large), coding, options)
        return (await got.arrayBuffer()).byteLength
      }),
    )
    expect(sizes[0]! > sizes[1]!).toBe(level === '1')
  })
})

const negotiated: [accept: string | null, coding: string | null][] = [
  [null, null],
  ['', null],
  ['identity', null],
  ['deflate', null],
  ['gzip', 'gzip'],
  ['x-gzip', null],
  ['GZIP', 'gzip'],
  ['gzip, deflate, br', 'br'],
  ['*', 'br'],
  ['gzip;q=1, br;q=0.5', 'gzip'],
  ['br;q=0, *', codings[1]!],
  ['gzip;q=0', null],
  ['gzip;q=0.5, identity', null],
  ['identity;q=0.5, gzip;q=0.2', null],
  ['*;q=0', null],
]

test.each(negotiated)('a client that takes %j gets %j', async (accept, coding) => {
  const got = await compressed(() => new OurResponse(text), accept)
  expect([got.headers.get('content-encoding'), got.headers.get('vary')]).toEqual([coding, 'Accept-Encoding'])
  expect((await decoded(got)).toString()).toBe(text)
})

test('of codings that a client likes equally it gets the first one that is allowed', async () => {
  const answer = (): Response => new OurResponse(text)
  const got = await compressed(answer, 'br, gzip', { codings: ['gzip', 'br'] })
  expect(got.headers.get('content-encoding')).toBe('gzip')
})

test('of codings that a client does not like equally it gets its own first one, if that is allowed', async () => {
  const answer = (): Response => new OurResponse(text)
  const other = await compressed(answer, 'br;q=1, gzip;q=0.9', { codings: ['gzip', 'br'] })
  expect(other.headers.get('content-encoding')).toBe('br')
  const none = await compressed(answer, 'br', { codings: ['gzip'] })
  expect(none.headers.get('content-encoding')).toBeNull()
})

const types: [type: string | null, worth: boolean][] = [
  ['text/html; charset=utf-8', true],
  ['TEXT/CSS', true],
  ['text/event-stream', true],
  ['application/json', true],
  ['application/problem+json', true],
  ['application/geo+json-seq', true],
  ['application/xml', true],
  ['application/atom+xml;type=feed', true],
  ['image/svg+xml', true],
  ['application/javascript', true],
  ['application/wasm', true],
  ['application/x-ndjson', true],
  ['application/yaml', true],
  ['image/png', false],
  ['image/jpeg', false],
  ['video/mp4', false],
  ['audio/ogg', false],
  ['font/woff2', false],
  ['application/zip', false],
  ['application/gzip', false],
  ['application/pdf', false],
  ['application/octet-stream', false],
  ['multipart/form-data; boundary="text/json"', false],
  ['application/jsonish', false],
  [null, false],
]

test.each(types)('Content-Type %j is worth it: %j', async (type, worth) => {
  const answer = (): Response =>
    new Response(bytes, type === null ? {} : { headers: { 'Content-Type': type } })
  const got = await compressed(answer)
  expect(got.headers.get('content-encoding')).toBe(worth ? 'gzip' : null)
  expect(got.headers.get('vary')).toBe(worth ? 'Accept-Encoding' : null)
  expect((await decoded(got)).equals(bytes)).toBe(true)
})

describe('the threshold', () => {
  const sized = (size: number) => (): Response => new OurResponse('x'.repeat(size))

  test.each([
    [1023, undefined, false],
    [1024, undefined, true],
    [99, 100, false],
    [100, 100, true],
    [50, 0, true],
    [0, 0, false],
  ])('%d bytes with a threshold of %s: %j', async (size, threshold, worth) => {
    const got = await compressed(sized(size), 'gzip', threshold === undefined ? {} : { threshold })
    expect(got.headers.get('content-encoding')).toBe(worth ? 'gzip' : null)
    // Nobody would have got anything else.
    expect(got.headers.get('vary')).toBe(worth ? 'Accept-Encoding' : null)
    expect(await decoded(got)).toHaveLength(size)
  })

  test('counts bytes, not characters', async () => {
    const got = await compressed(() => new OurResponse('ü'.repeat(512)))
    expect(got.headers.get('content-encoding')).toBe('gzip')
  })

  test('holds for streams that are over at once, and for those with a length', async () => {
    const small = Buffer.from('small'.repeat(20))
    const stream = (): ReadableStream<Uint8Array> => new Blob([small]).stream()
    const atOnce = await compressed(() => new Response(new OurResponse(small).body, plain))
    expect(atOnce.headers.get('content-encoding')).toBeNull()
    const told = { headers: { ...plain.headers, 'Content-Length': String(small.byteLength) } }
    const known = await compressed(() => new Response(stream(), told))
    expect([known.headers.get('content-encoding'), known.headers.get('vary')]).toEqual([null, null])
    expect(await known.text()).toBe(small.toString())
  })
})

test('what does not become smaller stays as it is, and says that it might have', async () => {
  const noise = Buffer.from(Array.from({ length: 2000 }, (_, at) => (at * at * 7919) >> 5))
  const random = crypto.getRandomValues(new Uint8Array(2000))
  expect(noise).toHaveLength(2000)
  const etag = '"strong"'
  const got = await compressed(() => new OurResponse(random, { headers: { ...plain.headers, ETag: etag } }))
  const { headers } = got
  expect([headers.get('content-encoding'), headers.get('vary'), headers.get('etag')]).toEqual([
    null,
    'Accept-Encoding',
    etag,
  ])
  expect(Buffer.from(await got.arrayBuffer()).equals(random)).toBe(true)
})

describe('the filter', () => {
  test('has the last word, and is told what the type says', async () => {
    const asked: unknown[] = []
    const filter: CompressOptions['filter'] = (response, request, gains) => {
      asked.push([response.headers.get('content-type'), new URL(request.url).pathname, gains])
      return !gains
    }
    const html = await compressed(
      () => new OurResponse(text, { headers: { 'Content-Type': 'text/html' } }),
      'gzip',
      { filter },
    )
    const odd = await compressed(
      () => new OurResponse(text, { headers: { 'Content-Type': 'x/y' } }),
      'gzip',
      { filter },
    )
    expect(asked).toEqual([
      ['text/html', '/', true],
      ['x/y', '/', false],
    ])
    expect([html, odd].map(({ headers }) => headers.get('content-encoding'))).toEqual([null, 'gzip'])
  })

  test('is not asked where nothing may be compressed', async () => {
    const headers = { 'Content-Type': 'text/plain', 'Cache-Control': 'no-transform' }
    const filter = (): boolean => expect.unreachable()
    await compressed(() => new OurResponse(text, { headers }), 'gzip', { filter })
  })

  test('costs one request when it throws, and the body is let go of', async () => {
    let cancelled = false
    const stream = new ReadableStream({ cancel: () => void (cancelled = true) })
    const filter = (): boolean => {
      throw new Error('filter')
    }
    const errors: unknown[] = []
    const onError = (error: unknown): void => void errors.push((error as Error).message)
    const got = await ask(
      compress(() => new Response(stream, plain), { filter }),
      {},
      { onError },
    )
    expect([got.status, cancelled, errors]).toEqual([500, true, ['filter']])
  })
})

describe('what somebody else decided stays', () => {
  test.each(['gzip', 'identity', 'x-own'])('Content-Encoding: %s', async (coding) => {
    const body = coding === 'gzip' ? gzipSync(text) : bytes
    const headers = { 'Content-Type': 'text/plain', 'Content-Encoding': coding, ETag: '"a"' }
    const got = await compressed(() => new OurResponse(body, { headers }), 'br')
    expect(got.headers.get('content-encoding')).toBe(coding)
    expect([got.headers.get('etag'), got.headers.get('vary')]).toEqual(['"a"', null])
    expect(Buffer.from(await got.arrayBuffer()).equals(body)).toBe(true)
  })

  test("an application that has Hono's own compression in it is compressed once", async () => {
    const app = new Hono()
    app.use(honoCompress())
    app.get('/', (c) => c.text(text))
    const headers = { 'Accept-Encoding': 'gzip, br' }
    const got = await ask(compress(app.fetch), { headers })
    expect(got.headers.get('content-encoding')).toBe('gzip')
    expect((await decoded(got)).toString()).toBe(text)
    const without = new Hono()
    without.get('/', (c) => c.text(text))
    const ours = await ask(compress(without.fetch), { headers })
    expect(ours.headers.get('content-encoding')).toBe('br')
    expect((await decoded(ours)).toString()).toBe(text)
  })

  test('compressing twice is compressing once', async () => {
    const twice = compress(compress(() => new OurResponse(text)))
    const got = await ask(twice, { headers: { 'Accept-Encoding': 'gzip' } })
    expect(got.headers.get('content-encoding')).toBe('gzip')
    expect((await decoded(got)).toString()).toBe(text)
  })
})

test('status, reason, cookies and other fields are kept', async () => {
  const headers: [string, string][] = [
    ['Content-Type', 'text/plain'],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
    ['X-Other', 'yes'],
  ]
  const given = new OurResponse(text, { status: 404, statusText: 'Lost', headers })
  const request = new Request('http://localhost/', { headers: { 'Accept-Encoding': 'gzip' } })
  const got = await call(
    compress(() => given),
    request,
  )
  expect([got.status, got.statusText, got.headers.getSetCookie(), got.headers.get('x-other')]).toEqual([
    404,
    'Lost',
    ['a=1', 'b=2'],
    'yes',
  ])
  expect(got).toBeInstanceOf(OurResponse)
})

test('a handler that is not asynchronous stays so where the body is small', () => {
  const request = new Request('http://localhost/', { headers: { 'Accept-Encoding': 'gzip' } })
  const got = compress(() => new OurResponse(text))(request)
  expect(got).toBeInstanceOf(OurResponse)
})

test('a handler that takes the connection over may give nothing', async () => {
  const given: unknown[] = [undefined, null, 'no response']
  for (const nothing of given) {
    const handler = compress(() => nothing as undefined)
    const request = new Request('http://localhost/')
    expect(await handler(request, undefined as never, undefined as never)).toBe(nothing)
  }
})

test('the handler gets what it would get without', async () => {
  const got: unknown[] = []
  const handler = compress((...given) => {
    got.push(...given)
    return undefined
  })
  const given = [new Request('http://localhost/'), { a: 1 }, { b: 2 }]
  await (handler as (...given: unknown[]) => unknown)(...given)
  expect(got).toEqual(given)
})

test('a response whose body was used costs its client a 500', async () => {
  const used = new OurResponse(text)
  await used.text()
  expect((await compressed(() => used)).status).toBe(500)
  expect(decoders).toHaveProperty('gzip')
})

test('many that come at once are all answered, a few at a time', async () => {
  const large = text.repeat(15)
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => compressed(() => new OurResponse(large), 'br')),
  )
  for (const got of answers) expect((await decoded(got)).toString()).toBe(large)
})
