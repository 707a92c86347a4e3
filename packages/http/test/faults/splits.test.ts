import { describe, expect, test } from 'vitest'

import type { Exchange, HttpListener } from '../../src/index.ts'
import type { RawClient, Reply } from '../server/client.ts'
import { client, head, quiet, until, type Way, ways } from '../server/ways.ts'
import { chunked, settled, watchStrays } from './harness.ts'

watchStrays()

/** All kinds of requests that leave a connection open, one behind the other, and the last one. */
const requests = [
  head('GET /1?a=b HTTP/1.1', 'X-One: 1'),
  head('POST /2 HTTP/1.1', 'Content-Length: 5') + 'ab\r\nc',
  head('POST /3 HTTP/1.1', 'Transfer-Encoding: chunked') + chunked('GET /x HTTP/1.1\r\n\r\n', 7),
  head('HEAD /4 HTTP/1.1'),
  '\r\n' + head('PUT /5 HTTP/1.1', 'Transfer-Encoding: chunked') + '1;a="b;c"\r\nx\r\n0\r\nT: end\r\n\r\n',
  head('GET /6 HTTP/1.1', 'Connection: Upgrade', 'Upgrade: other'),
  head('POST /unread HTTP/1.1', 'Content-Length: 3') + 'abc',
  head('OPTIONS * HTTP/1.1', 'Connection: close'),
]
const conversation = requests.join('')
const methods = requests.map((text) => /[A-Z]+/.exec(text)?.[0] ?? '')

/** What an application saw of it. */
interface Seen {
  method: string
  target: string
  fields: readonly string[]
  body: string
  trailers: readonly string[] | undefined
}

async function start(way: Way): Promise<Started> {
  const seen: Seen[] = []
  const server = await way.listen(async (exchange: Exchange) => {
    const { method, target, headers, body: incoming } = exchange.request
    const body = target === '/unread' ? '' : await incoming.text()
    seen.push({ method, target, fields: headers.raw, body, trailers: incoming.trailers?.raw })
    await exchange.respond(200, { 'X-Target': target }, `${method} ${target} ${body}`)
  })
  return { server, seen }
}

interface Started {
  readonly server: HttpListener
  readonly seen: Seen[]
}

async function converse(
  way: Way,
  { server, seen }: Started,
  pieces: readonly string[],
): Promise<{ seen: Seen[]; replies: Reply[] }> {
  const peer = await client(way, server)
  const before = server.stats().bytesIn
  let sent = 0
  for (const piece of pieces) {
    peer.write(piece)
    sent += piece.length
    // Not all is read: what stands behind a request that waits is left with the client.
    if (pieces.length <= 3) await arrival(server, before + sent)
  }
  const replies = await peer.allReplies(...methods)
  for (const reply of replies) delete reply.headers['date']
  return { seen: seen.splice(0), replies }
}

async function arrival(server: HttpListener, bytes: number): Promise<void> {
  for (let turns = 0; turns < 5 && server.stats().bytesIn < bytes; turns++)
    await new Promise((resolve) => setImmediate(resolve))
}

describe.each(ways)('4 input over $name', (way) => {
  test('split at every byte, byte by byte and coalesced gives the same exchanges and answers', async () => {
    const started = await start(way)
    const whole = await converse(way, started, [conversation])
    expect(whole.seen.map(({ method, target, body }) => `${method} ${target} ${body}`)).toEqual([
      'GET /1?a=b ',
      'POST /2 ab\r\nc',
      'POST /3 GET /x HTTP/1.1\r\n\r\n',
      'HEAD /4 ',
      'PUT /5 x',
      'GET /6 ',
      'POST /unread ',
      'OPTIONS * ',
    ])
    expect(whole.seen[4]?.trailers).toEqual(['T', 'end'])
    expect(whole.replies.map(({ headers }) => headers['x-target'])).toEqual(
      whole.seen.map(({ target }) => target),
    )
    expect(await converse(way, started, conversation.split(''))).toEqual(whole)
    // The system takes its time for each; what it adds to the order of things shows without every one of them.
    for (let at = 1; at < conversation.length; at += way.name === 'memory' ? 1 : 3) {
      const halves = await converse(way, started, [conversation.slice(0, at), conversation.slice(at)])
      expect(halves, `split at ${at}`).toEqual(whole)
    }
    await settled(started.server)
    await started.server.close()
  })

  test('one request at a time gives the same, too', async () => {
    const started = await start(way)
    expect(await converse(way, started, requests)).toEqual(await converse(way, started, [conversation]))
    await started.server.close()
  })
})

describe.each(ways)('10 pipelining over $name', (way) => {
  test('a thousand at once, the first of them slow, are answered in order', async () => {
    let slow: (() => void) | undefined
    let running = 0
    let most = 0
    const server = await way.listen(async (exchange) => {
      most = Math.max(most, ++running)
      const { target } = exchange.request
      if (target === '/0') await new Promise<void>((resolve) => (slow = resolve))
      else if (Number(target.slice(1)) % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
      running--
      await exchange.respond(200, {}, target)
    })
    const peer = await client(way, server)
    const targets = Array.from({ length: 1000 }, (_, at) => `/${at}`)
    peer.write(targets.map((target) => head(`GET ${target} HTTP/1.1`)).join(''))
    await until(() => slow !== undefined)
    await quiet()
    expect(peer.text).toBe('')
    slow?.()
    expect((await peer.replies(1000)).map(({ body }) => body)).toEqual(targets)
    expect(most).toBe(1)
    peer.connection.destroy()
    await settled(server)
    await server.close()
  })

  test.each([
    ['malformed', 'GET /3 HTTP/1.1\r\nHost : a\r\n\r\n', 400],
    ['too long', `GET /${'a'.repeat(9000)} HTTP/1.1\r\n`, 414],
    ['ambiguous', head('POST /3 HTTP/1.1', 'Content-Length: 1', 'Transfer-Encoding: chunked'), 400],
  ])('of which one is %s: those before it are answered, those behind it are not', async (_, bad, status) => {
    const asked: string[] = []
    const server = await way.listen(async (exchange) => {
      asked.push(exchange.request.target)
      await quiet()
      await exchange.respond(200, {}, exchange.request.target)
    })
    const peer = await client(way, server)
    peer.write(head('GET /1 HTTP/1.1') + head('GET /2 HTTP/1.1') + bad + head('GET /4 HTTP/1.1'))
    const replies = await peer.allReplies()
    expect(replies.map((reply) => reply.status)).toEqual([200, 200, status])
    expect(replies.map(({ body }) => body).slice(0, 2)).toEqual(['/1', '/2'])
    expect(asked).toEqual(['/1', '/2'])
    await settled(server)
    await server.close()
  })

  const lasts: [string, (exchange: Exchange, server: HttpListener) => void | Promise<void>, number][] = [
    [
      'fails',
      () => {
        throw new Error('in the middle')
      },
      500,
    ],
    ['fails later', async () => Promise.reject(new Error('in the middle')), 500],
    ['says that it is the last', (exchange) => exchange.respond(201, { Connection: 'close' }), 201],
    [
      'begins to close the listener',
      (exchange, server) => {
        void server.close()
        return exchange.respond(201)
      },
      201,
    ],
    ['cannot be sent', (exchange) => exchange.respond(999.5).catch(() => {}), 500],
  ]

  test.each(lasts)(
    'an answer that %s costs what is behind it, and nothing before it',
    async (_, answer, status) => {
      const asked: string[] = []
      const server: HttpListener = await way.listen((exchange) => {
        const { target } = exchange.request
        asked.push(target)
        return target === '/3' ? answer(exchange, server) : exchange.respond(200, {}, target)
      })
      const peer = await client(way, server)
      peer.write(['/1', '/2', '/3', '/4', '/5'].map((target) => head(`GET ${target} HTTP/1.1`)).join(''))
      expect((await peer.allReplies()).map((reply) => reply.status)).toEqual([200, 200, status])
      await settled(server)
      // Nobody hears of what is not going to be answered.
      expect(asked).toEqual(['/1', '/2', '/3'])
      expect(server.stats()).toMatchObject({ requests: 3, active: 0, aborted: 0 })
      await server.close()
    },
  )

  test.each(['at once', 'later'])('bytes behind the last request are nobody’s, answered %s', async (when) => {
    const asked: string[] = []
    const server = await way.listen(async (exchange) => {
      asked.push(exchange.request.target)
      if (when === 'later') await quiet()
      await exchange.respond(200, {}, exchange.request.target)
    })
    const peer = await client(way, server)
    peer.write(
      head('GET /1 HTTP/1.1', 'Connection: close') + head('GET /2 HTTP/1.1') + 'nonsense'.repeat(5000),
    )
    expect((await peer.allReplies()).map(({ body }) => body)).toEqual(['/1'])
    expect(asked).toEqual(['/1'])
    expect(peer.reason?.kind).not.toBe('error')
    await settled(server)
    await server.close()
  })

  test('what stands behind a CONNECT that is declined is no request', async () => {
    const asked: string[] = []
    await using server = await way.listen((exchange) => {
      asked.push(exchange.request.target)
      return exchange.respond(405)
    })
    const peer = await client(way, server)
    peer.write('CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n' + head('GET /inner HTTP/1.1'))
    await peer.replies(1)
    await quiet()
    expect(asked).toEqual(['a.example:443'])
    peer.connection.destroy()
  })

  test('an answer of 205 has no content (RFC 9110 section 15.3.6)', async () => {
    await using server = await way.listen((exchange) => exchange.respond(205, {}, 'body'))
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1', 'Connection: close'))
    expect((await peer.allReplies())[0]).toMatchObject({ body: '' })
  })

  test('no more is read than is answered', async () => {
    const server = await way.listen(() => new Promise<never>(() => {}))
    const peer: RawClient = await client(way, server)
    const request = head('GET / HTTP/1.1', `X: ${'x'.repeat(1000)}`)
    for (let count = 0; count < 2000; count++) peer.write(request)
    await until(() => server.stats().requests === 1)
    await quiet()
    // In memory all that was written before the reader said stop comes in one turn.
    const { bytesIn } = server.stats()
    for (let count = 0; count < 2000; count++) peer.write(request)
    await quiet()
    expect(server.stats().bytesIn).toBe(bytesIn)
    if (way.name === 'tcp') expect(bytesIn).toBeLessThan(1_000_000)
    peer.connection.destroy()
    await server.close({ grace: 0 })
  })
})
