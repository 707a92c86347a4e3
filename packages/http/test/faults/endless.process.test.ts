import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { describe, expect, test } from 'vitest'

import type { HttpListener } from '../../src/index.ts'
import { client, head, quiet, until, type Way, ways } from '../server/ways.ts'
import { chunked, never, settled, watchStrays } from './harness.ts'

watchStrays()

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What is held once nothing is left that could be let go of. */
function heapUsed(): number {
  collect()
  return process.memoryUsage().heapUsed
}

/** A client that reads and counts, and keeps nothing. */
async function counting(way: Way, server: HttpListener) {
  const connection = await way.connect(server)
  const state = { connection, bytes: 0, ended: false, last: '' }
  connection.handle({
    onData: (chunk) => {
      state.bytes += chunk.byteLength
      state.last = Buffer.from(chunk).toString('latin1')
    },
    onEnd: () => {
      state.ended = true
      connection.end()
    },
  })
  return state
}

/** Microseconds of the processor that `run` took; the least of three, since others work here, too. */
async function cost(run: () => Promise<void>): Promise<number> {
  let least = Infinity
  for (let round = 0; round < 3; round++) {
    const { user, system } = process.cpuUsage()
    await run()
    const after = process.cpuUsage()
    least = Math.min(least, after.user + after.system - user - system)
  }
  return least
}

/** Twice the work costs about twice as much: what is quadratic costs four times, and here much more than that. */
async function linear(count: number, run: (count: number) => Promise<void>): Promise<void> {
  await run(count)
  const once = await cost(() => run(count))
  const eight = await cost(() => run(8 * count))
  expect(eight / once).toBeLessThan(24)
}

describe.each(ways)('8 endless small things over $name', (way) => {
  test('a hundred thousand pipelined requests are answered, in little memory', async () => {
    const server = await way.listen((exchange) => exchange.respond(200, {}, 'ok'))
    const peer = await counting(way, server)
    const thousand = head('GET / HTTP/1.1').repeat(1000)
    const total = 100_000
    const before = heapUsed()
    for (let sent = 0; sent < total; sent += 1000) await peer.connection.send(Buffer.from(thousand))
    await until(() => server.stats().answers['2xx'] === total)
    const { bytesOut } = server.stats()
    await until(() => peer.bytes === bytesOut)
    expect(heapUsed() - before).toBeLessThan(5_000_000)
    expect(server.stats()).toMatchObject({ requests: total, active: 0, refused: {} })
    peer.connection.destroy()
    await settled(server)
    await server.close()
  })

  test('a hundred thousand pipelined requests of a client that does not read wait with the client', async () => {
    const server = await way.listen((exchange) => exchange.respond(200, {}, 'x'.repeat(1000)))
    const connection = await way.connect(server)
    const thousand = Buffer.from(head('GET / HTTP/1.1').repeat(1000))
    for (let sent = 0; sent < 100_000; sent += 1000) connection.write(thousand)
    let seen = -1
    for (; seen !== server.stats().requests; await quiet()) seen = server.stats().requests
    const [held] = server.connections
    expect(held?.buffered).toBeLessThan(1_000_000)
    expect(server.stats().requests).toBeLessThan(50_000)
    connection.destroy()
    await settled(server)
    await server.close()
  })

  test('one-byte chunks cost time by their number', async () => {
    const server = await way.listen(async (exchange) => {
      let size = 0
      exchange.request.body.handle({
        onData: (chunk) => void (size += chunk.byteLength),
        onEnd: () => exchange.respond(200, {}, String(size)),
      })
    })
    const peer = await counting(way, server)
    await linear(2000, async (count) => {
      const before = server.stats().answers['2xx']
      await peer.connection.send(
        head('POST / HTTP/1.1', 'Transfer-Encoding: chunked') + chunked('x'.repeat(count), 1),
      )
      await until(() => server.stats().answers['2xx'] > before)
      await until(() => peer.last.endsWith(`\r\n\r\n${count}`))
    })
    peer.connection.destroy()
    await server.close()
  })

  test('a head that comes byte by byte costs time by its length', async () => {
    const limits = { headBytes: 1_000_000 }
    const server = await way.listen((exchange) => exchange.respond(200), { limits })
    const peer = await counting(way, server)
    await linear(2000, async (count) => {
      const before = server.stats().answers['2xx']
      const text = head('GET / HTTP/1.1', `X: ${'x'.repeat(count)}`)
      for (const byte of text) peer.connection.write(byte)
      await until(() => server.stats().answers['2xx'] > before)
    })
    peer.connection.destroy()
    await server.close()
  })

  test('a body that comes byte by byte to a reader that pauses costs time by its length', async () => {
    const server = await way.listen(({ request: { body }, ...rest }) => {
      void rest
      body.handle({
        onData: () => {
          body.pause()
          queueMicrotask(() => body.resume())
        },
      })
    })
    await linear(2000, async (count) => {
      const peer = await counting(way, server)
      peer.connection.write(
        head('POST / HTTP/1.1', 'Transfer-Encoding: chunked') + chunked('x'.repeat(count), 1).slice(0, -5),
      )
      const { bytesIn } = server.stats()
      await until(() => server.stats().bytesIn > bytesIn)
      await quiet()
      peer.connection.destroy()
      await settledQuietly(server)
    })
    await server.close()
  })

  const collectors: [string, (held: Promise<unknown>[]) => Promise<HttpListener>][] = [
    ['bytes()', (held) => way.listen(({ request }) => (held.push(request.body.bytes(Infinity)), never))],
    ['text() of a Request', (held) => way.serve((request) => (held.push(request.text()), never))],
  ]

  test.each(collectors)(
    '%s of a body in one-byte chunks holds little more than its bytes',
    async (_, start) => {
      const held: Promise<unknown>[] = []
      const server = await start(held)
      const count = 50_000
      const peer = await counting(way, server)
      const before = heapUsed()
      await peer.connection.send(head('POST / HTTP/1.1', 'Transfer-Encoding: chunked'))
      const piece = '1\r\nx\r\n'.repeat(10_000)
      for (let sent = 0; sent < count; sent += 10_000) await peer.connection.send(piece)
      await until(() => server.stats().bytesIn >= 6 * count)
      await quiet()
      // An object for each would be five megabytes, and for all that maxBodySize allows two thousand.
      expect(heapUsed() - before).toBeLessThan(2_000_000)
      const outcomes = Promise.allSettled(held)
      peer.connection.destroy()
      await settledQuietly(server)
      await server.close()
      expect((await outcomes).map(({ status }) => status)).toEqual(['rejected'])
    },
  )

  test.each([
    ['of one chunk', `1;a="${'x'.repeat(16_384)}"\r\n`, 1],
    ['of all chunks', `1;a=${'x'.repeat(200)}\r\nx\r\n`, 1000],
    ['that end', '1;a=b\r\nx\r\n', 10_000],
  ])('extensions %s are refused when they are too many', async (_, piece, count) => {
    const server = await way.listen(async (exchange) => void (await exchange.request.body.text()))
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Transfer-Encoding: chunked') + piece.repeat(count))
    expect((await peer.allReplies()).map(({ status }) => status)).toEqual([400])
    await settled(server)
    await server.close()
  })

  test.each([
    ['trailers of many bytes', `0\r\nX: ${'x'.repeat(100_000)}`, 431],
    ['trailers of many fields', `0\r\n${'X: y\r\n'.repeat(10_000)}`, 431],
    ['trailers without a name', `0\r\n${'\0'.repeat(10)}`, 400],
  ])('%s are refused', async (_, text, status) => {
    const server = await way.listen(async (exchange) => void (await exchange.request.body.text()))
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Transfer-Encoding: chunked') + text)
    expect((await peer.allReplies()).map((reply) => reply.status)).toEqual([status])
    await settled(server)
    await server.close()
  })

  test('ten thousand fields are refused at the hundred and first', async () => {
    const server = await way.listen(() => expect.unreachable())
    const peer = await client(way, server)
    peer.write('GET / HTTP/1.1\r\nHost: example\r\n' + 'a: b\r\n'.repeat(10_000))
    expect((await peer.allReplies()).map(({ status }) => status)).toEqual([431])
    await settled(server)
    await server.close()
  })

  test('a connection that asks for another thing each time keeps nothing of what was asked', async () => {
    const server = await way.listen((exchange) =>
      exchange.respond(200, { 'X-Echo': exchange.request.target }),
    )
    const peer = await counting(way, server)
    const round = async (from: number): Promise<void> => {
      let text = ''
      for (let at = from; at < from + 2000; at++)
        text += head(`GET /${at}${'x'.repeat(200)} HTTP/1.1`, `X-${at}: ${at}`)
      const before = server.stats().requests
      await peer.connection.send(text)
      await until(() => server.stats().requests === before + 2000)
      await quiet()
    }
    for (let at = 0; at < 4000; at += 2000) await round(at)
    const before = heapUsed()
    for (let at = 4000; at < 8000; at += 2000) await round(at)
    // Four thousand targets of 200 characters, with a field each, would be more than a megabyte and a half.
    expect(heapUsed() - before).toBeLessThan(1_000_000)
    expect(peer.connection.state).toBe('open')
    const { bytesOut } = server.stats()
    await until(() => peer.bytes === bytesOut)
    expect(peer.last).toContain(`/7999${'x'.repeat(200)}`)
    peer.connection.destroy()
    await settled(server)
    await server.close()
  })
})

async function settledQuietly(server: HttpListener): Promise<void> {
  await until(() => server.connections.size === 0 && server.stats().active === 0)
}
