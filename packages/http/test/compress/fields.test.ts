import { describe, expect, test } from 'vitest'

import { compress } from '../../src/compress/index.ts'
import { Response as OurResponse } from '../../src/index.ts'
import { ask, compressed, decoded, Source, text } from './asking.ts'

type Record_ = Readonly<Record<string, string>>

const plain: Record_ = { 'Content-Type': 'text/plain' }
const answer =
  (fields: Record_ = {}, status = 200) =>
  (): Response =>
    new OurResponse(text, { status, headers: { ...plain, ...fields } })

const told = ({ headers }: Response, ...names: string[]): (string | null)[] =>
  names.map((name) => headers.get(name))

describe('ETag', () => {
  test.each([
    ['"abc"', 'W/"abc"', '"abc"'],
    ['W/"abc"', 'W/"abc"', 'W/"abc"'],
    ['""', 'W/""', '""'],
    ['none', 'none', 'none'],
  ])('%s is %s where the body is compressed, and %s where not', async (etag, encoded, identity) => {
    expect(told(await compressed(answer({ ETag: etag })), 'etag')).toEqual([encoded])
    expect(told(await compressed(answer({ ETag: etag }), null), 'etag')).toEqual([identity])
  })

  const revalidated: [asked: string, etag: string, got: string][] = [
    ['W/"abc"', '"abc"', 'W/"abc"'],
    ['"abc"', '"abc"', '"abc"'],
    ['"abc", W/"abc"', '"abc"', '"abc"'],
    ['"a,b", W/"a,c" , "d"', '"a,c"', 'W/"a,c"'],
    ['*', '"abc"', '"abc"'],
    ['W/"abc"', 'W/"abc"', 'W/"abc"'],
    ['W/"other"', '"abc"', '"abc"'],
  ]

  test.each(revalidated)('a 304 to If-None-Match: %s with %s has %s', async (asked, etag, got) => {
    const handler = compress(() => new OurResponse(null, { status: 304, headers: { ETag: etag } }))
    const response = await ask(handler, { headers: { 'Accept-Encoding': 'gzip', 'If-None-Match': asked } })
    expect([response.status, ...told(response, 'etag', 'vary', 'content-encoding')]).toEqual([
      304,
      got,
      'Accept-Encoding',
      null,
    ])
  })

  test('a client that has the compressed form is told that it is still the same', async () => {
    const handler = compress((request) => {
      const asked = request.headers.get('if-none-match')
      const headers = { ...plain, ETag: '"v1"' }
      // Weakly, as RFC 9110 section 13.1.2 has it.
      return asked?.replace(/^W\//, '') === '"v1"'
        ? new OurResponse(null, { status: 304, headers })
        : new OurResponse(text, { headers })
    })
    const first = await ask(handler, { headers: { 'Accept-Encoding': 'gzip' } })
    const etag = first.headers.get('etag')!
    const again = await ask(handler, { headers: { 'Accept-Encoding': 'gzip', 'If-None-Match': etag } })
    expect([etag, again.status, again.headers.get('etag')]).toEqual(['W/"v1"', 304, 'W/"v1"'])
  })

  test('a 304 of an image says nothing of codings, and one that is given again and again stays the same', async () => {
    const image = { ETag: '"i"', 'Content-Type': 'image/png' }
    const headers = { 'Accept-Encoding': 'gzip', 'If-None-Match': 'W/"i"' }
    const got = await ask(
      compress(() => new OurResponse(null, { status: 304, headers: image })),
      { headers },
    )
    expect(told(got, 'etag', 'vary')).toEqual(['"i"', null])
    const same = new OurResponse(null, { status: 304, headers: { ETag: '"i"' } })
    const handler = compress(() => same)
    await ask(handler, { headers })
    expect(told(await ask(handler, { headers }), 'etag', 'vary')).toEqual(['W/"i"', 'Accept-Encoding'])
    expect(told(same, 'etag', 'vary')).toEqual(['"i"', null])
  })
})

describe('Vary', () => {
  test.each([
    [undefined, 'Accept-Encoding'],
    ['Origin', 'Origin, Accept-Encoding'],
    ['Origin, accept-encoding', 'Origin, accept-encoding'],
    ['*', '*'],
  ])('%s becomes %s, compressed or not', async (vary, got) => {
    const fields: Record_ = vary === undefined ? {} : { Vary: vary }
    expect(told(await compressed(answer(fields)), 'vary')).toEqual([got])
    expect(told(await compressed(answer(fields), null), 'vary')).toEqual([got])
    expect(told(await compressed(answer(fields), 'identity'), 'vary')).toEqual([got])
  })
})

test('fields that tell of other bytes are taken off what is compressed, and off nothing else', async () => {
  const fields = {
    'Accept-Ranges': 'bytes',
    'Content-Digest': 'sha-256=:AA==:',
    'Repr-Digest': 'sha-256=:AA==:',
    Digest: 'sha-256=AA==',
    'Content-MD5': 'AA==',
    'Last-Modified': 'Sat, 01 Jan 2000 00:00:00 GMT',
    'Want-Content-Digest': 'sha-256=1',
  }
  const names = Object.keys(fields)
  const values = Object.values(fields)
  expect(told(await compressed(answer(fields)), ...names)).toEqual([
    null,
    null,
    null,
    null,
    null,
    ...values.slice(5),
  ])
  expect(told(await compressed(answer(fields), null), ...names)).toEqual(values)
})

test('a Content-Length of the application never stands before other bytes', async () => {
  const fields = { 'Content-Length': String(text.length) }
  const whole = await compressed(answer(fields))
  const { byteLength } = await whole.clone().arrayBuffer()
  expect(told(whole, 'content-length')).toEqual([String(byteLength)])
  const stream = await compressed(
    () => new OurResponse(new Blob([text]).stream(), { headers: { ...plain, ...fields } }),
  )
  expect(told(stream, 'content-length', 'content-encoding')).toEqual([null, 'gzip'])
  expect((await decoded(stream)).toString()).toBe(text)
})

describe('left alone', () => {
  const untouched = { ETag: '"a"', 'Accept-Ranges': 'bytes' }
  const cases: [string, Record_, number][] = [
    ['206', { 'Content-Range': 'bytes 0-9/20' }, 206],
    ['206 of several parts', {}, 206],
    ['a Content-Range of 416', { 'Content-Range': 'bytes */20' }, 416],
    ['no-transform', { 'Cache-Control': 'no-transform' }, 200],
    ['no-transform among others', { 'Cache-Control': 'public, No-Transform , max-age=1' }, 200],
    ['no-transform in another line', { 'Cache-Control': 'public,no-transform' }, 200],
  ]

  test.each(cases)('%s', async (_what, fields, status) => {
    const got = await compressed(answer({ ...untouched, ...fields }, status))
    expect(got.status).toBe(status)
    expect(told(got, 'content-encoding', 'vary', 'etag', 'accept-ranges')).toEqual([
      null,
      null,
      '"a"',
      'bytes',
    ])
    expect(await got.text()).toBe(text)
  })

  test.each([204, 205])('%d', async (status) => {
    const headers = { ...plain, ...untouched }
    const got = await compressed(() => new OurResponse(null, { status, headers }))
    expect([got.status, ...told(got, 'content-encoding', 'vary', 'etag')]).toEqual([
      status,
      null,
      null,
      '"a"',
    ])
  })

  test('what the client does not want to be transformed, but it says that it might have been', async () => {
    const init = { headers: { 'Cache-Control': 'no-transform' } }
    const got = await compressed(answer(untouched), 'gzip', {}, init)
    expect(told(got, 'content-encoding', 'vary', 'etag')).toEqual([null, 'Accept-Encoding', '"a"'])
  })

  test('a redirect, whose fields cannot be changed', async () => {
    const got = await compressed(() => OurResponse.redirect('http://localhost/other'))
    expect([got.status, ...told(got, 'location', 'vary')]).toEqual([302, 'http://localhost/other', null])
  })

  test.each([200, 404, 500])('only so, and not %d', async (status) => {
    const got = await compressed(answer(untouched, status))
    expect([got.status, ...told(got, 'content-encoding')]).toEqual([status, 'gzip'])
  })
})

describe('HEAD', () => {
  const etag = { ETag: '"a"' }
  const names = ['content-encoding', 'vary', 'etag', 'content-type', 'accept-ranges']
  const length = { 'Content-Length': String(text.length) }
  const asked: [string, () => Response][] = [
    ['text', answer({ ...etag, 'Accept-Ranges': 'bytes' })],
    [
      'a stream with a length',
      () => new OurResponse(new Blob([text]).stream(), { headers: { ...plain, ...length } }),
    ],
    ['a stream that is there at once', () => new OurResponse(new OurResponse(text).body, { headers: plain })],
    ['small text', () => new OurResponse('small', { headers: etag })],
    [
      'a small stream',
      () => new OurResponse(new OurResponse('small').body, { headers: { ...plain, ...etag } }),
    ],
    ['no body', () => new OurResponse(null, { headers: { ...plain, ...etag } })],
    ['an image', () => new OurResponse(text, { headers: { 'Content-Type': 'image/png', ...etag } })],
  ]

  test.each(asked)('to %s gets the fields of GET', async (_what, given) => {
    for (const accept of ['gzip', null]) {
      const get = await compressed(given, accept)
      const head = await compressed(given, accept, {}, { method: 'HEAD' })
      if (_what !== 'no body') expect(told(head, ...names)).toEqual(told(get, ...names))
      const said = head.headers.get('content-length')
      // Of what was not encoded nobody knows how long it would be.
      if (get.headers.get('content-encoding') !== null) expect(said).toBeNull()
      else if (said !== null && _what !== 'a stream with a length')
        expect(said).toBe(get.headers.get('content-length'))
      expect(await head.text()).toBe('')
    }
  })

  test('answered by a handler that knows of HEAD, and gives the length', async () => {
    const long = { ...plain, ...etag, 'Content-Length': '3000' }
    const handler = (fields: Record_) => () => new OurResponse(null, { headers: fields })
    const got = await compressed(handler(long), 'gzip', {}, { method: 'HEAD' })
    expect(told(got, 'content-encoding', 'content-length', 'etag')).toEqual(['gzip', null, 'W/"a"'])
    const small = await compressed(
      handler({ ...long, 'Content-Length': '30' }),
      'gzip',
      {},
      { method: 'HEAD' },
    )
    expect(told(small, 'content-encoding', 'content-length', 'etag', 'vary')).toEqual([
      null,
      '30',
      '"a"',
      null,
    ])
    const unknown = await compressed(handler(plain), 'gzip', {}, { method: 'HEAD' })
    expect(told(unknown, 'content-encoding', 'vary')).toEqual([null, 'Accept-Encoding'])
  })

  test('lets go of a stream that nobody will see', async () => {
    for (const fields of [plain, { ...plain, ...length }]) {
      const source = new Source()
      const got = await compressed(
        () => new OurResponse(source.stream, { headers: fields }),
        'gzip',
        {},
        { method: 'HEAD' },
      )
      expect(told(got, 'content-encoding', 'content-length')).toEqual(['gzip', null])
      await source.gone
    }
  })
})
