import { describe, expect, test } from 'vitest'

import type { HttpListener, HttpListenOptions } from '../../src/index.ts'
import { ask, client, head, quiet, until, ways } from './ways.ts'

/** Servers that answer with what they are asked with, each in its way; what they are told goes to `told`. */
const echoes: Record<
  string,
  (way: (typeof ways)[number], told: unknown[], options?: HttpListenOptions) => Promise<HttpListener>
> = {
  'the body itself': (way, told, options) =>
    way.listen((exchange) => exchange.respond(200, {}, exchange.request.body), {
      ...options,
      onError: (error) => void told.push(error),
    }),
  'a generator that reads it': (way, told, options) =>
    way.listen(
      (exchange) =>
        exchange.respond(
          200,
          {},
          (async function* () {
            yield* exchange.request.body
          })(),
        ),
      { ...options, onError: (error) => void told.push(error) },
    ),
  'a Response of its stream': (way, told, options) =>
    way.serve((request) => new Response(request.body), {
      ...options,
      onError: (error) => void told.push(error),
    }),
}

const kinds = Object.entries(echoes)
const chunked = head('POST / HTTP/1.1', 'Transfer-Encoding: chunked')

describe.each(ways)('answers made of the request over $name', (way) => {
  describe.each(kinds)('as %s', (_, echo) => {
    test.each([
      ['a size that is none', 400, `${chunked}zz\r\n`],
      ['such a size behind data', 400, `${chunked}5\r\nhello\r\nzz\r\n`],
      ['a length beyond the limit', 413, head('POST / HTTP/1.1', 'Content-Length: 4294967301')],
      ['a chunk beyond the limit', 413, `${chunked}fffffff\r\n`],
      ['trailers beyond the limit', 431, `${chunked}0\r\n${'X: y\r\n'.repeat(200)}\r\n`],
    ])('%s is answered with %d', async (_, status, text) => {
      const told: unknown[] = []
      await using server = await echo(way, told)
      const peer = await client(way, server)
      peer.write(text)
      expect(await peer.allReplies()).toMatchObject([{ status, headers: { connection: 'close' } }])
      await quiet()
      expect(told).toEqual([])
      expect(server.stats()).toMatchObject({ answers: { '2xx': 0, '4xx': 1 }, refused: { [status]: 1 } })
      expect(server.stats()).toMatchObject({ aborted: 1, active: 0 })
    })

    test('bytes that are bad once the answer has begun cut it', async () => {
      const told: unknown[] = []
      await using server = await echo(way, told)
      const peer = await client(way, server)
      peer.write(`${chunked}5\r\nhello\r\n`)
      await peer.until(() => peer.text.includes('hello'))
      peer.write('zz\r\n')
      await until(() => server.connections.size === 0)
      expect(peer.text).toMatch(/^HTTP\/1\.1 200 OK/)
      expect(peer.text).not.toContain('\r\n0\r\n')
      await quiet()
      expect(told).toEqual([])
    })

    test.each([
      ['Content-Length: 5', 'hello'],
      ['Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
    ])('with %s, a client that waits for 100 gets it before the head', async (framing, body) => {
      await using server = await echo(way, [])
      const peer = await client(way, server)
      for (const count of [1, 2]) {
        peer.write(head('POST / HTTP/1.1', framing, 'Expect: 100-continue'))
        await peer.until(() => peer.text.split('100 Continue').length === count + 1)
        peer.write(body)
        const replies = await peer.replies(2 * count)
        expect(replies.slice(-2)).toMatchObject([{ status: 100 }, { status: 200, body: 'hello' }])
        expect(replies.at(-1)?.headers['connection']).toBeUndefined()
      }
    })

    test('a body that is read to its end does not cost the connection, whatever its size', async () => {
      const large = 'm'.repeat(1024 * 1024)
      await using server = await echo(way, [])
      const peer = await client(way, server)
      for (const count of [1, 2]) {
        peer.write(head('POST / HTTP/1.1', `Content-Length: ${large.length}`))
        await peer.connection.send(large)
        const reply = (await peer.replies(count)).at(-1)
        expect(reply?.headers['connection']).toBeUndefined()
        expect(reply?.body.length).toBe(large.length)
      }
      expect(server.connections.size).toBe(1)
    })
  })

  test('an answer that takes a part of it, and leaves more than is worth reading, is the last', async () => {
    await using server = await way.listen((exchange) =>
      exchange.respond(
        200,
        {},
        (async function* () {
          for await (const chunk of exchange.request.body) {
            yield String(chunk.byteLength > 0)
            await quiet()
            return
          }
        })(),
      ),
    )
    const peer = await client(way, server)
    peer.write(`${head('POST / HTTP/1.1', 'Content-Length: 1000000')}some`)
    expect(await peer.allReplies()).toMatchObject([{ status: 200, body: 'true' }])
  })

  test('a refusal of the head of HEAD has no content', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200))
    const before = head('GET / HTTP/1.1')
    for (const [text, content] of [
      ['HEAD / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n', ''],
      [`${before}HEAD / HTTP/1.1\r\n\r\n`, ''],
      ['GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n', '400 Bad Request\n'],
      [`${head('HEAD / HTTP/1.1')}GET / HTTP/1.1\r\n\r\n`, '400 Bad Request\n'],
      [`${head('HEAD / HTTP/1.1')}G@T / HTTP/1.1\r\n\r\n`, '400 Bad Request\n'],
    ] as const) {
      const answers = await ask(way, server, text)
      const refusal = answers.slice(answers.indexOf('HTTP/1.1 400'))
      expect(refusal).toMatch(/^HTTP\/1\.1 400[^]*\r\nContent-Length: 16\r\n/)
      expect(refusal.split('\r\n\r\n')[1]).toBe(content)
    }
  })
})
