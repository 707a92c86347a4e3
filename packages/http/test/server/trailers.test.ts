import { describe, expect, test } from 'vitest'

import { Fields } from '../../src/codec/index.ts'
import type { RespondOptions } from '../../src/server/exchange.ts'
import { ask, client, head, Signal, ways } from './ways.ts'

async function* pieces(...all: string[]): AsyncGenerator<string> {
  for (const piece of all) {
    await new Promise((resolve) => setImmediate(resolve))
    yield piece
  }
}

const asking = head('GET / HTTP/1.1', 'TE: gzip, trailers;q=1', 'Connection: close, TE')

describe.each(ways)('trailers over $name', (way) => {
  test.each([
    ['a stream', () => pieces('ab', 'c')],
    ['text', () => 'abc'],
    ['bytes', () => Buffer.from('abc')],
    ['a web stream', () => new Response('abc').body],
    ['nothing', () => null],
  ])('follow %s, and are announced when they are known', async (_, body) => {
    await using server = await way.listen((exchange) =>
      exchange.respond(200, { A: 'b' }, body(), { trailers: { Digest: 'x', Timing: ['1', '2'] } }),
    )
    const text = await ask(way, server, asking)
    expect(text).toMatch(/\r\nTrailer: Digest, Timing\r\n[^]*Transfer-Encoding: chunked\r\n/)
    expect(text).not.toMatch(/Content-Length/)
    expect(text).toMatch(/\r\n0\r\nDigest: x\r\nTiming: 1\r\nTiming: 2\r\n\r\n$/)
  })

  test('may be made when the body has ended', async () => {
    let size = 0
    await using server = await way.listen((exchange) => {
      const counted = async function* (): AsyncGenerator<string> {
        for await (const piece of pieces('ab', 'cde')) {
          size += piece.length
          yield piece
        }
      }
      return exchange.respond(200, {}, counted(), { trailers: () => new Fields(['Size', String(size)]) })
    })
    const text = await ask(way, server, asking)
    expect(text).not.toContain('Trailer:')
    expect(text).toMatch(/\r\n0\r\nSize: 5\r\n\r\n$/)
  })

  test.each([
    ['does not ask for them', head('GET / HTTP/1.1', 'Connection: close'), 'chunked'],
    ['asks for something else', head('GET / HTTP/1.1', 'TE: gzip', 'Connection: close'), 'chunked'],
    ['is of HTTP/1.0', 'GET / HTTP/1.0\r\nTE: trailers\r\n\r\n', undefined],
    ['gets no body', head('HEAD / HTTP/1.1', 'TE: trailers', 'Connection: close'), undefined],
  ])('are dropped for a client that %s', async (_, text, coding) => {
    let made = 0
    await using server = await way.listen((exchange) => {
      const trailers = (): Record<string, string> => ({ Made: String(++made) })
      return exchange.respond(200, {}, pieces('abc'), { trailers })
    })
    const peer = await client(way, server)
    peer.write(text)
    const [reply] = await peer.allReplies(text.slice(0, text.indexOf(' ')))
    expect(reply?.status).toBe(200)
    expect(reply?.headers['transfer-encoding']).toBe(coding)
    expect(peer.text).not.toMatch(/Made|Trailer/)
    expect(made).toBe(0)
  })

  test.each<[string, NonNullable<RespondOptions['trailers']>]>([
    ['framing', { 'Content-Length': '3' }],
    ['routing', { Host: 'elsewhere' }],
    ['a line in a value', { A: 'b\r\nInjected: 1' }],
  ])('that must not be are refused: %s', async (_, trailers) => {
    const errors: Promise<unknown>[] = []
    await using server = await way.listen((exchange) => {
      const options = { trailers: exchange.request.target === '/late' ? () => trailers as Fields : trailers }
      errors.push(exchange.respond(200, {}, pieces('abc'), options).catch((error: unknown) => error))
    })
    expect(await ask(way, server, asking)).toMatch(/^HTTP\/1\.1 500 /)
    // Half an answer must not look like a whole one.
    const peer = await client(way, server)
    peer.write(asking.replace(' / ', ' /late '))
    expect(await peer.toEnd()).not.toMatch(/\r\n0\r\n/)
    expect(await Promise.all(errors)).toEqual([expect.any(TypeError), expect.any(TypeError)])
  })

  test('of a request are there once its body has ended, but for those that must not be', async () => {
    const seen: unknown[] = []
    const done = new Signal()
    await using server = await way.listen(async ({ request, ...exchange }) => {
      const { body } = request
      void exchange
      seen.push(body.trailers)
      await body.text()
      seen.push(body.trailers?.get('digest'), body.trailers?.has('Host'))
      done.fire()
    })
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Transfer-Encoding: chunked', 'Trailer: Digest'))
    peer.write('1\r\na\r\n0\r\nDigest: x\r\nHost: elsewhere\r\n\r\n')
    await done.fired
    expect(seen).toEqual([undefined, 'x', false])
    peer.connection.destroy()
  })

  test('of a request are none where none came', async () => {
    await using server = await way.listen(async (exchange) => {
      const { body } = exchange.request
      await body.text()
      await exchange.respond(200, {}, body.trailers === undefined ? 'none' : 'some')
    })
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Transfer-Encoding: chunked') + '1\r\na\r\n0\r\n\r\n')
    peer.write(head('GET / HTTP/1.1'))
    expect((await peer.replies(2)).map(({ body }) => body)).toEqual(['none', 'none'])
  })
})
