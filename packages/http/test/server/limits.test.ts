import { LimitError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { defaultLimits } from '../../src/codec/index.ts'
import type { Exchange } from '../../src/index.ts'
import { ask, client, emptied, head, quiet, until, ways } from './ways.ts'

const chunked = head('POST / HTTP/1.1', 'Transfer-Encoding: chunked')

/** Field lines of that many bytes in all. */
function lines(bytes: number): string {
  return `A: ${'b'.repeat(bytes - 5)}\r\n`
}

test('every limit has a default that is finite', () => {
  for (const [name, value] of Object.entries(defaultLimits)) {
    expect([name, Number.isSafeInteger(value) && value > 0]).toEqual([name, true])
  }
})

describe.each(ways)('limits over $name', (way) => {
  const atLimit: [number, string, string, string][] = [
    [431, 'a head of 16 KiB', `GET / HTTP/1.1\r\nHost: a\r\n${lines(16_384 - 27)}\r\n`, lines(16_384 - 26)],
    [414, 'a target of 8 KiB', `GET /${'a'.repeat(8191)} HTTP/1.1\r\nHost: a\r\n\r\n`, ''],
    [431, '100 fields', head('GET / HTTP/1.1', ...Array.from({ length: 99 }, (_, at) => `A${at}: b`)), ''],
    [413, 'a body of maxBodySize', head('POST / HTTP/1.1', 'Content-Length: 1000') + 'x'.repeat(1000), ''],
    [413, 'a body of that many bytes in chunks', `${chunked}3e8\r\n${'x'.repeat(1000)}\r\n0\r\n\r\n`, ''],
    [400, 'an extension of 256 bytes', `${chunked}1;${'e'.repeat(255)}\r\nx\r\n0\r\n\r\n`, ''],
    [431, 'trailers of 8 KiB', `${chunked}1\r\nx\r\n0\r\n${lines(8190)}\r\n`, ''],
  ]
  const beyond: Record<string, string> = {
    'a head of 16 KiB': `GET / HTTP/1.1\r\nHost: a\r\n${lines(16_384 - 26)}\r\n`,
    'a target of 8 KiB': `GET /${'a'.repeat(8192)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    '100 fields': head('GET / HTTP/1.1', ...Array.from({ length: 100 }, (_, at) => `A${at}: b`)),
    'a body of maxBodySize': head('POST / HTTP/1.1', 'Content-Length: 1001') + 'x'.repeat(1001),
    'a body of that many bytes in chunks': `${chunked}3e8\r\n${'x'.repeat(1000)}\r\n1\r\nx\r\n0\r\n\r\n`,
    'an extension of 256 bytes': `${chunked}1;${'e'.repeat(256)}\r\nx\r\n0\r\n\r\n`,
    'trailers of 8 KiB': `${chunked}1\r\nx\r\n0\r\n${lines(8191)}\r\n`,
  }

  test.each(atLimit)('%d beyond %s, which passes', async (status, what, text) => {
    await using server = await way.listen(
      async (exchange) => exchange.respond(200, {}, String((await exchange.request.body.bytes()).byteLength)),
      { maxBodySize: 1000 },
    )
    const peer = await client(way, server)
    peer.write(text)
    expect((await peer.replies(1))[0]?.status).toBe(200)
    const other = await client(way, server)
    other.write(beyond[what] ?? '')
    const body = expect.stringMatching(new RegExp(`^${status} [A-Z][A-Za-z ]+\n$`)) as string
    expect(await other.allReplies()).toMatchObject([{ status, body, headers: { connection: 'close' } }])
    expect(server.stats().refused).toEqual({ [status]: 1 })
  })

  test.each([
    ['bytes()', (exchange: Exchange) => exchange.request.body.bytes(10)],
    ['text()', (exchange: Exchange) => exchange.request.body.text(10)],
  ])('a body beyond what its reader gives %s is answered with 413, and told to nobody', async (_, read) => {
    const told: unknown[] = []
    await using server = await way.listen(
      async (exchange) => exchange.respond(200, {}, String((await read(exchange)).length)),
      { onError: (error) => void told.push(error) },
    )
    for (const text of [
      head('POST / HTTP/1.1', 'Content-Length: 11') + 'x'.repeat(11),
      head('POST / HTTP/1.1', 'Content-Length: 20000') + 'x'.repeat(11),
      `${chunked}b\r\n${'x'.repeat(11)}\r\n`,
    ]) {
      const peer = await client(way, server)
      peer.write(text)
      const body = '413 Content Too Large\n'
      expect(await peer.allReplies()).toMatchObject([{ status: 413, body, headers: { connection: 'close' } }])
    }
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 10') + 'x'.repeat(10))
    expect((await peer.replies(1)).map(({ body }) => body)).toEqual(['10'])
    await quiet()
    expect(told).toEqual([])
    expect(server.stats().refused).toEqual({ 413: 3 })
    peer.connection.destroy()
  })

  test('another LimitError is a fault of the application, and one that was caught is none', async () => {
    const told: unknown[] = []
    await using server = await way.listen(
      async (exchange) => {
        const error = await exchange.request.body.bytes(1).catch((reason: unknown) => reason)
        if (exchange.request.target === '/other') throw new LimitError('other', { limit: 'x', value: 1 })
        await exchange.respond(422, {}, (error as Error).message)
      },
      { onError: (error) => void told.push((error as Error).message) },
    )
    for (const [path, status] of [
      ['/other', 500],
      ['/', 422],
    ] as const) {
      const peer = await client(way, server)
      peer.write(head(`POST ${path} HTTP/1.1`, 'Content-Length: 2') + 'xy')
      expect((await peer.replies(1)).map((reply) => reply.status)).toEqual([status])
      peer.connection.destroy()
    }
    expect(told).toEqual(['other'])
  })

  test.each([
    ['malformed', 400, 'nonsense\r\n\r\n'],
    ['the preface of HTTP/2', 505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['another coding', 501, head('POST / HTTP/1.1', 'Transfer-Encoding: gzip, chunked')],
  ])('what is %s gets a small, whole %d, and the end', async (_, status, text) => {
    await using server = await way.listen((exchange) => exchange.respond(200))
    const peer = await client(way, server)
    peer.write(text)
    const [reply] = await peer.allReplies()
    expect(reply).toMatchObject({ status, headers: { connection: 'close', 'content-type': 'text/plain' } })
    expect(reply?.headers['content-length']).toBe(String(reply?.body.length))
    expect(Date.parse(reply?.headers['date'] ?? '')).toBeGreaterThan(0)
    expect(peer.text.length).toBeLessThan(250)
    await emptied(server)
  })

  test('one-byte chunks with long extensions are stopped', async () => {
    await using server = await way.listen(async (exchange) => void (await exchange.request.body.text()))
    const text = await ask(way, server, chunked + `1;${'e'.repeat(200)}\r\nx\r\n`.repeat(200))
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
  })

  test('very many requests in a pipeline cost time and memory in line with their number', async () => {
    const total = way.name === 'tcp' ? 100_000 : 20_000
    let waiting = 0
    let most = 0
    let served = 0
    await using server = await way.listen(async (exchange) => {
      most = Math.max(most, ++waiting)
      served++
      await Promise.resolve()
      waiting--
      await exchange.respond(204)
    })
    const connection = await way.connect(server)
    let got = 0
    let buffered = 0
    connection.handle({
      onData: (chunk) => void (got += chunk.byteLength),
    })
    const some = head('GET / HTTP/1.1').repeat(total / 10)
    for (let count = 0; count < 10; count++) {
      await connection.send(some)
      for (const served of server.connections) buffered = Math.max(buffered, served.buffered)
    }
    await until(() => served === total && server.stats().active === 0)
    await quiet()
    expect(most).toBe(1)
    expect(buffered).toBeLessThan(1_000_000)
    expect(server.stats()).toMatchObject({ requests: total, answers: { '2xx': total } })
    await until(() => got === server.stats().bytesOut)
    connection.destroy()
  })
})

test('no more connections than maxConnections are taken, 10,000 unless said otherwise', async () => {
  const way = ways.find(({ name }) => name === 'tcp')!
  await using server = await way.listen((exchange) => exchange.respond(200, {}, 'ok'), { maxConnections: 2 })
  const peers = [await client(way, server), await client(way, server)]
  await until(() => server.connections.size === 2)
  // Reset at once: the client may hear of it while it connects, or after that.
  const third = await client(way, server).catch(() => undefined)
  expect((await third?.toEnd()) ?? '').toBe('')
  for (const peer of peers) {
    peer.write(head('GET / HTTP/1.1', 'Connection: close'))
    expect(await peer.allReplies()).toMatchObject([{ body: 'ok' }])
  }
  expect(server.stats().connections).toMatchObject({ refused: { connections: 1 } })
})
