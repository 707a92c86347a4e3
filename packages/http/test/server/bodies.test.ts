import { BusyError, ClosedError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { client, head, quiet, Signal, until, ways } from './ways.ts'

const megabyte = 'm'.repeat(1024 * 1024)

describe.each(ways)('request bodies over $name', (way) => {
  test('a small body that nobody reads is dropped, and the connection kept', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200, {}, exchange.request.target))
    const peer = await client(way, server)
    const length = 1000
    peer.write(head('POST /1 HTTP/1.1', `Content-Length: ${length}`) + 'x'.repeat(500))
    const [first] = await peer.replies(1)
    expect(first?.headers['connection']).toBeUndefined()
    peer.write(
      'x'.repeat(500) + head('POST /2 HTTP/1.1', 'Transfer-Encoding: chunked') + '3\r\nabc\r\n0\r\n\r\n',
    )
    peer.write(head('GET /3 HTTP/1.1'))
    expect((await peer.replies(3)).map(({ body }) => body)).toEqual(['/1', '/2', '/3'])
  })

  test('a large body that nobody reads costs the connection', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200, {}, 'no'))
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 1000000'))
    const [reply] = await peer.allReplies()
    expect(reply).toMatchObject({ status: 200, headers: { connection: 'close' } })
  })

  test('a chunked body that nobody reads is dropped up to a limit', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200, {}, 'no'))
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Transfer-Encoding: chunked'))
    await peer.replies(1)
    for (let count = 0; count < 20 && !peer.ended; count++) {
      peer.write(`1000\r\n${'x'.repeat(0x1000)}\r\n`)
      await quiet()
    }
    await peer.toEnd()
    expect(peer.chunks).toHaveLength(1)
  })

  test.each([401, 413])('the client sees an early %d while 50 MB are still coming', async (status) => {
    await using server = await way.listen((exchange) => exchange.respond(status))
    const peer = await client(way, server, { stay: true })
    peer.write(head('POST / HTTP/1.1', `Content-Length: ${50 * megabyte.length}`))
    for (let count = 0; count < 50; count++) await peer.connection.send(megabyte)
    await peer.toEnd()
    const [reply] = await peer.allReplies()
    expect(reply).toMatchObject({ status, headers: { connection: 'close' } })
    peer.connection.end()
  })

  test('a client that waits for 100 gets its early 401, and no 100', async () => {
    await using server = await way.listen((exchange) => exchange.respond(401))
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 5', 'Expect: 100-continue'))
    expect((await peer.allReplies()).map(({ status }) => status)).toEqual([401])
  })

  test('100 is sent once somebody wants the body, and once only', async () => {
    const gate = new Signal()
    await using server = await way.listen(async (exchange) => {
      await gate.fired
      await exchange.respond(200, {}, await exchange.request.body.text())
    })
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 5', 'Expect: 100-continue'))
    await quiet()
    expect(peer.text).toBe('')
    gate.fire()
    await peer.until(() => peer.text === 'HTTP/1.1 100 Continue\r\n\r\n')
    peer.write('ab')
    await quiet()
    peer.write('cde')
    const replies = await peer.replies(2)
    expect(replies.map(({ status, body }) => [status, body])).toEqual([
      [100, ''],
      [200, 'abcde'],
    ])
  })

  test('100 is never sent to 1.0, nor where the body is there, nor before a 413', async () => {
    await using server = await way.listen(
      async (exchange) => exchange.respond(200, {}, await exchange.request.body.text()),
      { maxBodySize: 10 },
    )
    const old = await client(way, server)
    old.write('POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n')
    await quiet()
    expect(old.text).toBe('')
    old.write('ab')
    expect((await old.allReplies()).map(({ status }) => status)).toEqual([200])

    const eager = await client(way, server)
    eager.write(head('POST / HTTP/1.1', 'Content-Length: 2', 'Expect: 100-continue') + 'ab')
    expect((await eager.replies(1)).map(({ status }) => status)).toEqual([200])

    const large = await client(way, server)
    large.write(head('POST / HTTP/1.1', 'Content-Length: 11', 'Expect: 100-continue'))
    expect((await large.allReplies()).map(({ status }) => status)).toEqual([413])
  })

  test('a body beyond the limit is refused before its first byte, or at the byte that exceeds it', async () => {
    const errors: unknown[] = []
    await using server = await way.listen(
      async (exchange) => {
        try {
          await exchange.request.body.bytes()
        } catch (error) {
          errors.push(error)
          throw error
        }
      },
      { maxBodySize: 10, onError: (error) => errors.push('told', error) },
    )
    const announced = await client(way, server)
    announced.write(head('POST / HTTP/1.1', 'Content-Length: 11'))
    expect((await announced.allReplies())[0]).toMatchObject({ status: 413 })
    const chunked = await client(way, server)
    chunked.write(head('POST / HTTP/1.1', 'Transfer-Encoding: chunked') + 'a\r\n0123456789\r\n1\r\nx\r\n')
    expect((await chunked.allReplies())[0]).toMatchObject({ status: 413 })
    expect(errors).toMatchObject([{ statusHint: 413 }, { statusHint: 413 }])
  })

  test('a body that nobody reads stops the client', async () => {
    const begun = new Signal()
    const gate = new Signal()
    await using server = await way.listen(
      async (exchange) => {
        begun.fire()
        await gate.fired
        let size = 0
        for await (const chunk of exchange.request.body) size += chunk.byteLength
        await exchange.respond(200, {}, String(size))
      },
      { maxBodySize: 64 * megabyte.length },
    )
    const peer = await client(way, server)
    const total = 32 * megabyte.length
    peer.write(head('POST / HTTP/1.1', `Content-Length: ${total}`))
    const sent = (async () => {
      for (let count = 0; count < 32; count++) await peer.connection.send(megabyte)
    })()
    await begun.fired
    await quiet()
    expect(peer.connection.buffered).toBeGreaterThan(0)
    gate.fire()
    await sent
    expect((await peer.replies(1))[0]?.body).toBe(String(total))
  })

  test('a handler of the body may pause it', async () => {
    const got: string[] = []
    const ended = new Signal()
    await using server = await way.listen((exchange) => {
      const { body } = exchange.request
      body.handle({
        onData: (chunk) => {
          got.push(Buffer.from(chunk).toString())
          body.pause()
          setImmediate(() => body.resume())
        },
        onEnd: () => {
          ended.fire()
          return exchange.respond(200, {}, got.join(''))
        },
      })
    })
    const peer = await client(way, server)
    peer.write(
      head('POST / HTTP/1.1', 'Transfer-Encoding: chunked') + '1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n',
    )
    await ended.fired
    expect((await peer.replies(1))[0]?.body).toBe('abc')
    expect(got).toEqual(['a', 'b', 'c'])
  })

  test('an answer may be given from within onData', async () => {
    await using server = await way.listen((exchange) => {
      exchange.request.body.handle({ onData: () => exchange.respond(200, {}, exchange.request.target) })
    })
    const peer = await client(way, server)
    for (const path of ['/1', '/2']) peer.write(head(`POST ${path} HTTP/1.1`, 'Content-Length: 4') + 'abcd')
    expect((await peer.replies(2)).map(({ body }) => body)).toEqual(['/1', '/2'])
  })

  test('the request is echoed as it comes', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200, {}, exchange.request.body))
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Transfer-Encoding: chunked') + '3\r\nabc\r\n')
    await peer.until(() => peer.text.includes('abc'))
    peer.write('3\r\ndef\r\n0\r\n\r\n')
    expect((await peer.replies(1))[0]?.body).toBe('abcdef')
  })

  test('who reads on after the answer hears so, and does not take a part for the whole', async () => {
    const outcome: Promise<unknown>[] = []
    await using server = await way.listen((exchange) => {
      outcome.push(exchange.request.body.text().catch((error: unknown) => error))
      return exchange.respond(200, {}, 'early')
    })
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 4') + 'ab')
    await peer.replies(1)
    expect(await outcome[0]).toBeInstanceOf(ClosedError)
  })

  test('a reader of an earlier body has no say in a later one', async () => {
    const bodies: { text(): Promise<string> }[] = []
    await using server = await way.listen(({ request, ...exchange }) => {
      bodies.push(request.body)
      void exchange
    })
    const peer = await client(way, server)
    peer.write(head('POST /1 HTTP/1.1', 'Content-Length: 1') + 'a')
    await until(() => bodies.length === 1)
    expect(await bodies[0]?.text()).toBe('a')
    peer.connection.destroy()
  })

  test('a body has one reader', async () => {
    await using server = await way.listen(async (exchange) => {
      const { body } = exchange.request
      const first = body.text()
      expect(() => body[Symbol.asyncIterator]()).toThrow(BusyError)
      expect(() => body.handle({ onData() {} })).toThrow(BusyError)
      await exchange.respond(200, {}, await first)
    })
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 1') + 'a')
    expect((await peer.replies(1))[0]?.body).toBe('a')
  })
})
