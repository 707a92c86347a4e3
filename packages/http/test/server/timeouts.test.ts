import { describe, expect, test } from 'vitest'

import { client, emptied, head, until, ways } from './ways.ts'

const short = 50

describe.each(ways)('timeouts over $name', (way) => {
  test('a connection that sends nothing, or nothing more, is closed without a word', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200), {
      headersTimeout: short,
      keepAliveTimeout: short,
    })
    const silent = await client(way, server)
    const idle = await client(way, server)
    idle.write(head('GET / HTTP/1.1'))
    expect(await silent.toEnd()).toBe('')
    expect(await idle.allReplies()).toHaveLength(1)
    await emptied(server)
  })

  test.each(['at a stretch', 'after an answer'])(
    'a head that does not end gets 408, sent byte by byte %s',
    async (how) => {
      await using server = await way.listen((exchange) => exchange.respond(200), { headersTimeout: 400 })
      const peer = await client(way, server)
      if (how === 'after an answer') {
        peer.write(head('GET / HTTP/1.1'))
        await peer.replies(1)
      }
      peer.write('GET / HTTP/1.1\r\nX: ')
      const drip = setInterval(() => peer.connection.state === 'open' && peer.write('y'), 20)
      const replies = await peer.allReplies()
      clearInterval(drip)
      expect(replies.at(-1)).toMatchObject({ status: 408, headers: { connection: 'close' } })
      await emptied(server)
    },
  )

  test.each(['does not come', 'comes byte by byte'])('a body that %s gets 408', async (how) => {
    const errors: unknown[] = []
    await using server = await way.listen(
      async (exchange) => {
        await exchange.request.body.text().catch((error: unknown) => errors.push(error))
      },
      { bodyTimeout: 300 },
    )
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 100000') + 'a')
    const drip = setInterval(() => how !== 'does not come' && !peer.ended && peer.write('y'), 20)
    const replies = await peer.allReplies()
    clearInterval(drip)
    expect(replies).toMatchObject([{ status: 408 }])
    expect(errors).toMatchObject([{ phase: 'body' }])
    await emptied(server)
  })

  test('a body that comes slowly, but comes, is waited for; so is one that nobody reads yet', async () => {
    await using server = await way.listen(
      async (exchange) => {
        await new Promise((resolve) => setTimeout(resolve, 700))
        await exchange.respond(200, {}, String((await exchange.request.body.bytes()).byteLength))
      },
      { bodyTimeout: 300 },
    )
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 24000'))
    let left = 12
    const drip = setInterval(() => left-- > 0 && peer.write('y'.repeat(2000)), 120)
    expect((await peer.replies(1))[0]?.body).toBe('24000')
    clearInterval(drip)
  })

  test.each([
    ['streamed', 1],
    ['whole', 1],
    ['small', 20_000],
  ])('a client that does not read its %s answer is cut off', async (kind, count) => {
    await using server = await way.listen(
      (exchange) => {
        if (kind === 'small') return exchange.respond(200, {}, 'x'.repeat(60_000))
        const large = Buffer.alloc(64 * 1024 * 1024, 120)
        return exchange.respond(200, {}, kind === 'whole' ? large : new Response(large).body)
      },
      { writeTimeout: short },
    )
    const connection = await way.connect(server)
    connection.write(head('GET / HTTP/1.1').repeat(count))
    await until(() => server.connections.size === 1)
    const [served] = server.connections
    expect(await served?.closed).toMatchObject({ kind: 'error', error: { phase: 'write' } })
    connection.destroy()
  })

  test('a client that reads slowly gets all of it', async () => {
    const size = 8 * 1024 * 1024
    await using server = await way.listen((exchange) => exchange.respond(200, {}, Buffer.alloc(size, 120)), {
      writeTimeout: 600,
      keepAliveTimeout: short,
    })
    const connection = await way.connect(server)
    connection.write(head('GET / HTTP/1.1', 'Connection: close'))
    let got = 0
    for await (const chunk of connection) {
      got += chunk.byteLength
      if (got < size && Math.random() < 0.05) await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(got).toBeGreaterThan(size)
    await connection.close()
  })

  test('a client that keeps sending after the last answer is let go', async () => {
    await using server = await way.listen((exchange) => exchange.respond(401), { lingerGrace: 300 })
    const peer = await client(way, server, { stay: true })
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 1000000'))
    const drip = setInterval(() => peer.connection.state === 'open' && peer.write('y'), 20)
    expect((await peer.replies(1))[0]?.status).toBe(401)
    await emptied(server)
    clearInterval(drip)
    peer.connection.destroy()
  })

  test('a time or a limit that is none is refused by name, before anything listens', async () => {
    const options = [
      { headersTimeout: -1 },
      { bodyTimeout: 1.5 },
      { maxBodySize: -1 },
      { limits: { headBytes: Number.NaN } },
    ]
    for (const option of options) {
      const [name = ''] = Object.keys(option)
      await expect(way.listen(undefined, option)).rejects.toThrow(new RegExp(`Invalid option ${name}`))
    }
    await using server = await way.listen(undefined, { bodyTimeout: Infinity, maxBodySize: Infinity })
    expect(server.accepting).toBe(true)
  })
})
