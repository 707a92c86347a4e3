import { describe, expect, test } from 'vitest'

import type { Exchange, FieldsInit } from '../../src/index.ts'
import { client, head, quiet, ways } from '../server/ways.ts'
import { settled, watchStrays } from './harness.ts'

watchStrays()

const post = (...fields: string[]): string => head('POST / HTTP/1.1', ...fields)
const chunks = (text: string): string => post('Transfer-Encoding: chunked') + text
const smuggled = head('GET /smuggled HTTP/1.1')

/** Whatever is refused as soon as the head is there; behind each stands a request that nobody may hear of. */
const heads: [string, string, number?][] = [
  ['5 both framings', post('Content-Length: 3', 'Transfer-Encoding: chunked')],
  ['5 both framings, the other way round', post('Transfer-Encoding: chunked', 'Content-Length: 3')],
  ['5 two equal lengths', post('Content-Length: 3', 'Content-Length: 3')],
  ['5 two different lengths', post('Content-Length: 3', 'Content-Length: 4')],
  ['5 two lengths, in another letter case', post('Content-Length: 3', 'CONTENT-LENGTH: 3')],
  ['5 two lengths in a list', post('Content-Length: 3, 3')],
  ['5 two codings', post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')],
  ['5 two codings, the second hidden', post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity')],
  ['5 ,chunked', post('Transfer-Encoding: ,chunked')],
  ['5 xchunked', post('Transfer-Encoding: xchunked')],
  ['5 chunked not last', post('Transfer-Encoding: chunked, gzip')],
  ['5 chunked and more', post('Transfer-Encoding: chunked;q=1')],
  ['5 chunked quoted', post('Transfer-Encoding: "chunked"')],
  ['5 an empty coding', post('Transfer-Encoding:')],
  ['5 a coding before chunked', post('Transfer-Encoding: gzip, chunked'), 501],
  ['5 chunked on HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['5 an empty length', post('Content-Length:')],
  ...['+5', '-1', '0x5', '1_0', '5 5', '5;', '5.0', '1e3', '\xb2', '5\t5', "'5'", '5,'].map(
    (length): [string, string] => [`6 a length of ${length}`, post(`Content-Length: ${length}`)],
  ),
  ['6 a length of forty digits', post(`Content-Length: ${'9'.repeat(40)}`), 413],
  ['7 a bare CR in a value', head('GET / HTTP/1.1', 'A: b\rc')],
  ['7 a bare CR that ends a line', 'GET / HTTP/1.1\r\nHost: example\rA: b\r\n\r\n'],
  ['7 a bare LF', 'GET / HTTP/1.1\nHost: example\n\n'],
  ['7 a bare LF between fields', 'GET / HTTP/1.1\r\nHost: example\nA: b\r\n\r\n'],
  ['7 a bare LF that ends the head', 'GET / HTTP/1.1\r\nHost: example\r\n\n'],
  ['7 NUL in a value', head('GET / HTTP/1.1', 'A: b\0c')],
  ['7 NUL in a name', head('GET / HTTP/1.1', 'A\0: b')],
  ['7 NUL in the target', head('GET /\0 HTTP/1.1')],
  ['7 \\x85 in a name', head('GET / HTTP/1.1', 'A\x85: b')],
  ['7 \\xa0 in a name', head('GET / HTTP/1.1', 'A\xa0: b')],
  ['7 \\xa0 around a length', post('Content-Length:\xa03')],
  ['7 \\x85 behind a coding', post('Transfer-Encoding: chunked\x85')],
  ['7 \\x0b before a coding', post('Transfer-Encoding: \x0bchunked')],
  ['7 \\xa0 in the request line', 'GET\xa0/ HTTP/1.1\r\nHost: example\r\n\r\n'],
  ['7 a folded line', head('GET / HTTP/1.1', 'A: b', ' c: d')],
  ['7 a folded length', post('Content-Length:', ' 3')],
  ['7 a first line that is folded', 'GET / HTTP/1.1\r\n Host: example\r\n\r\n'],
  ['7 a space before the colon', post('Content-Length : 3')],
  ['7 a tab before the colon', post('Transfer-Encoding\t: chunked')],
  ['7 no colon', head('GET / HTTP/1.1', 'Content-Length')],
  ['7 an empty name', head('GET / HTTP/1.1', ': b')],
  ['7 two spaces in the request line', 'GET  / HTTP/1.1\r\nHost: example\r\n\r\n'],
  ['7 a tab in the request line', 'GET\t/ HTTP/1.1\r\nHost: example\r\n\r\n'],
]

/** What is refused in a body that somebody reads. */
const bodies: [string, string, number?][] = [
  ...['', 'g', '+1', '-1', '0x1', '1_0', ' 1', '1 ', '1g', "'1'", '\xb2'].map((size): [string, string] => [
    `6 a chunk size of "${size}"`,
    chunks(`${size}\r\na\r\n0\r\n\r\n`),
  ]),
  ['6 a chunk size of forty digits', chunks(`${'1'.repeat(40)}\r\n`)],
  ['6 a chunk size that overflows 64 bits', chunks('10000000000000001\r\na\r\n0\r\n\r\n')],
  ['6 a chunk size that overflows 32 bits', chunks('100000001\r\na\r\n0\r\n\r\n'), 413],
  ['7 a bare LF behind a chunk size', chunks('1\na\r\n0\r\n\r\n')],
  ['7 a bare CR behind a chunk size', chunks('1\ra\r\n0\r\n\r\n')],
  ['7 a bare LF behind a chunk', chunks('1\r\na\n0\r\n\r\n')],
  ['7 a chunk longer than its size', chunks('1\r\nab\r\n0\r\n\r\n')],
  ['7 a bare LF in an extension', chunks('1;a\nb\r\na\r\n0\r\n\r\n')],
  ['7 a bare CR in an extension', chunks('1;a\rb\r\na\r\n0\r\n\r\n')],
  ['7 NUL in an extension', chunks('1;a=\0\r\na\r\n0\r\n\r\n')],
  ['7 a bare LF behind the trailers', chunks('0\r\nA: b\r\n\n')],
  ['7 a folded trailer', chunks('0\r\nA: b\r\n c\r\n\r\n')],
  ['7 a space before the colon of a trailer', chunks('0\r\nA : b\r\n\r\n')],
]

describe.each(ways)('5, 6, 7 what is malformed over $name', (way) => {
  test.each([...heads, ...bodies])(
    '%s is refused, and the connection closed',
    async (_, text, status = 400) => {
      const answered: string[] = []
      const server = await way.listen(async (exchange) => {
        await exchange.request.body.bytes()
        answered.push(exchange.request.target)
        await exchange.respond(200, {}, 'taken')
      })
      for (const pieces of [[text + smuggled], `${text}${smuggled}`.split('')]) {
        const peer = await client(way, server)
        for (const piece of pieces) peer.write(piece)
        const replies = await peer.allReplies()
        expect(replies.map((reply) => reply.status)).toEqual([status])
        expect(replies[0]?.headers).toMatchObject({ connection: 'close', 'content-type': 'text/plain' })
        expect(replies[0]?.headers['date']).toBeDefined()
      }
      expect(answered).toEqual([])
      await settled(server)
      expect(server.stats().refused).toEqual({ [status]: 2 })
      await server.close()
    },
  )

  test('6 trailing data behind a body of the right length is the next request, and nothing else', async () => {
    const seen: string[] = []
    const server = await way.listen(async (exchange) => {
      seen.push(exchange.request.target, await exchange.request.body.text())
      await exchange.respond(200)
    })
    const peer = await client(way, server)
    const inner = head('GET /inner HTTP/1.1')
    peer.write(
      post(`Content-Length: 000${inner.length}`) + inner + head('GET /last HTTP/1.1', 'Connection: close'),
    )
    expect(await peer.allReplies()).toHaveLength(2)
    expect(seen).toEqual(['/', inner, '/last', ''])
    await server.close()
  })
})

/** What would begin a line, end one, or turn into something that does once it is written as latin1. */
const evil = [
  '\r\nX-Injected: yes',
  '\nX-Injected: yes',
  '\rX-Injected: yes',
  '\0',
  'ĊX-Injected: yes',
  'Ā',
  '\x7f',
]

describe.each(ways)('7 nothing is injected outward over $name', (way) => {
  const places: [string, (text: string, exchange: Exchange) => void | Promise<void>][] = [
    ['a value', (text, exchange) => exchange.respond(200, { 'X-A': `a${text}` })],
    ['a value of many', (text, exchange) => exchange.respond(200, { 'Set-Cookie': ['a=b', `c=${text}`] })],
    ['a name', (text, exchange) => exchange.respond(200, { [`X-A${text}`]: 'a' })],
    ['a pair', (text, exchange) => exchange.respond(200, [['X-A', text]])],
    ['Location', (text, exchange) => exchange.respond(302, { Location: `/to?${text}` })],
    ['Date', (text, exchange) => exchange.respond(200, { Date: text })],
    ['Connection', (text, exchange) => exchange.respond(200, { Connection: `keep-alive${text}` })],
    ['Content-Length', (text, exchange) => exchange.respond(200, { 'Content-Length': `4${text}` }, 'body')],
    [
      'Content-Type of a stream',
      (text, exchange) => exchange.respond(200, { 'Content-Type': text }, new Blob(['x']).stream() as never),
    ],
    [
      'a trailer that is announced',
      (text, exchange) => exchange.respond(200, {}, 'body', { trailers: { 'X-A': `a${text}` } }),
    ],
    [
      'the name of a trailer',
      (text, exchange) => exchange.respond(200, {}, 'body', { trailers: { [`X-A${text}`]: 'a' } }),
    ],
    ['the status', (text, exchange) => exchange.respond(`200 OK${text}` as unknown as number)],
    [
      'an object that becomes text',
      (text, exchange) => exchange.respond(200, { 'X-A': { toString: () => text } } as unknown as FieldsInit),
    ],
    ['an interim answer', (text, exchange) => exchange.inform(103, { Link: `<${text}>` })],
    ['the name in an interim answer', (text, exchange) => exchange.inform(103, { [`L${text}`]: 'a' })],
  ]

  test.each(places)('through %s', async (_, say) => {
    for (const text of evil) {
      const server = await way.listen((exchange) => say(text, exchange), { onError: () => {} })
      const peer = await client(way, server)
      peer.write(head('GET / HTTP/1.1', 'TE: trailers'))
      const replies = await peer.allReplies()
      expect(replies.map(({ status }) => status)).toEqual([500])
      expect(peer.text).not.toMatch(/injected/i)
      await settled(server)
      await server.close()
    }
  })

  test('through a trailer that is found at the end: the answer is cut', async () => {
    for (const text of evil) {
      const server = await way.listen((exchange) =>
        exchange.respond(200, {}, 'body', { trailers: () => ({ 'X-A': text }) }),
      )
      const peer = await client(way, server)
      peer.write(head('GET / HTTP/1.1', 'TE: trailers'))
      await peer.toEnd()
      expect(peer.text).not.toMatch(/injected|\r\n0\r\n/i)
      await settled(server)
      await server.close()
    }
  })

  const responses: [string, (text: string) => Response][] = [
    ['a header', (text) => new Response('', { headers: { 'X-A': `a${text}` } })],
    ['a header that is set', (text) => setHeader(new Response(''), 'X-A', `a${text}`)],
    ['a name', (text) => new Response('', { headers: { [`X-A${text}`]: 'a' } })],
    ['the status text', (text) => new Response('', { status: 200, statusText: `OK${text}` })],
    ['a redirect', (text) => new Response(null, { status: 302, headers: { Location: `/to${text}` } })],
    [
      'a response of a third kind',
      (text) =>
        ({
          status: 200,
          headers: new Map([['X-A', `a${text}`]]),
          body: null,
          bodyUsed: false,
        }) as unknown as Response,
    ],
  ]

  test.each(responses)('through %s of a Response', async (_, make) => {
    for (const text of evil) {
      const server = await way.serve(() => make(text), { onError: () => {} })
      const peer = await client(way, server)
      peer.write(head('GET / HTTP/1.1', 'Connection: close'))
      const replies = await peer.allReplies()
      expect(replies).toHaveLength(1)
      // White space at the end of a value belongs to nobody, and DEL the Fetch standard lets by, which we do not.
      expect(replies[0]?.status).toBe(500)
      expect(peer.text).not.toMatch(/injected/i)
      await settled(server)
      await server.close()
    }
  })

  test('Response.redirect escapes what a URL escapes', async () => {
    for (const text of evil) {
      const server = await way.serve(() => Response.redirect(`http://example/to${text}`, 302), {
        onError: () => {},
      })
      const peer = await client(way, server)
      peer.write(head('GET / HTTP/1.1', 'Connection: close'))
      const [reply] = await peer.allReplies()
      expect(reply?.headers).not.toHaveProperty('x-injected')
      expect(reply?.headers['location']).toMatch(/^http:\/\/example\/to[!-~]*$/)
      await quiet()
      await server.close()
    }
  })
})

function setHeader(response: Response, name: string, value: string): Response {
  response.headers.set(name, value)
  return response
}
