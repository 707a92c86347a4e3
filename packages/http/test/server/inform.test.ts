import { BusyError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import type { Exchange } from '../../src/index.ts'
import { ask, client, emptied, head, quiet, Signal, ways } from './ways.ts'

const early = { Link: '</style.css>; rel=preload' }

describe.each(ways)('what is said before the answer over $name', (way) => {
  test('103 and 102 leave before the answer, as often as one likes', async () => {
    const gate = new Signal()
    await using server = await way.listen(async (exchange) => {
      exchange.inform(103, early)
      exchange.inform(102)
      await gate.fired
      exchange.inform(103)
      await exchange.respond(200, {}, 'ok')
    })
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1') + head('GET / HTTP/1.1', 'Connection: close'))
    await peer.until(() => peer.text.includes('102 Processing'))
    expect(peer.text).toBe(
      'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n',
    )
    gate.fire()
    const statuses = (await peer.allReplies()).map(({ status }) => status)
    expect(statuses).toEqual([103, 102, 103, 200, 103, 102, 103, 200])
    expect(server.stats().answers).toMatchObject({ '1xx': 6, '2xx': 2 })
  })

  test('it is never sent to HTTP/1.0, nor to a client that is gone', async () => {
    const begun = new Signal()
    const gate = new Signal()
    const done = new Signal()
    await using server = await way.listen(async (exchange) => {
      exchange.inform(103, early)
      begun.fire()
      if (exchange.request.target === '/gone') await gate.fired
      exchange.inform(103, early)
      done.fire()
      await exchange.respond(200, {}, 'ok').catch(() => {})
    })
    expect(await ask(way, server, 'GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
    const peer = await client(way, server)
    peer.write(head('GET /gone HTTP/1.1'))
    await begun.fired
    await quiet()
    peer.connection.destroy()
    await emptied(server)
    gate.fire()
    await done.fired
  })

  test('what is no interim answer, or comes too late, is refused, and nothing of it is written', async () => {
    const problems: unknown[] = []
    const attempt = (call: () => void): void => {
      try {
        call()
      } catch (error) {
        problems.push(error)
      }
    }
    await using server = await way.listen((exchange) => {
      for (const status of [99, 101, 200, 100.5]) attempt(() => exchange.inform(status))
      attempt(() => exchange.inform(103, { A: 'b\r\nInjected: 1' }))
      attempt(() => exchange.inform(103, { 'Content-Length': 3 }))
      void exchange.respond(200, {}, 'ok')
      attempt(() => exchange.inform(103))
    })
    const text = await ask(way, server, head('GET / HTTP/1.1', 'Connection: close'))
    expect(text).toMatch(/^HTTP\/1\.1 200 [^]*ok$/)
    expect(text).not.toContain('Injected')
    const kinds = [...Array(4).fill(RangeError), TypeError, TypeError, BusyError] as (typeof Error)[]
    expect(problems.map((problem, at) => problem instanceof (kinds[at] ?? Error))).toEqual(
      kinds.map(() => true),
    )
  })

  test('who says 100 himself is not repeated', async () => {
    await using server = await way.listen(async (exchange) => {
      exchange.inform(100)
      await exchange.respond(200, {}, await exchange.request.body.text())
    })
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 2', 'Expect: 100-continue'))
    await peer.until(() => peer.text.includes('100 Continue'))
    await quiet()
    peer.write('ab')
    expect((await peer.replies(2)).map(({ status }) => status)).toEqual([100, 200])
  })

  test('100 is not sent once an answer has begun', async () => {
    await using server = await way.listen((exchange) =>
      exchange.respond(
        200,
        {},
        (async function* () {
          yield 'begun '
          await quiet()
          yield await exchange.request.body.text()
        })(),
      ),
    )
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 2', 'Expect: 100-continue'))
    await peer.until(() => peer.text.includes('begun'))
    peer.write('ab')
    expect((await peer.replies(1)).map(({ status, body }) => [status, body])).toEqual([[200, 'begun ab']])
  })

  test.each([401, 413, 417])(
    'an exchange may answer %d without reading, and no 100 is sent',
    async (status) => {
      await using server = await way.listen((exchange) => exchange.respond(status))
      const peer = await client(way, server)
      peer.write(head('POST / HTTP/1.1', 'Content-Length: 5', 'Expect: 100-Continue'))
      expect(await peer.allReplies()).toMatchObject([{ status, headers: { connection: 'close' } }])
    },
  )

  test.each(['a-cake', '100-continue, a-cake', '200-ok'])(
    'an expectation of %s is refused with 417',
    async (it) => {
      const seen: Exchange[] = []
      await using server = await way.listen((exchange) => void seen.push(exchange))
      const peer = await client(way, server)
      peer.write(head('POST / HTTP/1.1', 'Content-Length: 5', `Expect: ${it}`))
      expect(await peer.allReplies()).toMatchObject([{ status: 417, headers: { connection: 'close' } }])
      expect(seen).toEqual([])
    },
  )

  test('an expectation that means nothing is none: without a body, said twice, or of HTTP/1.0', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200, {}, 'ok'))
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1', 'Expect: 100-continue'))
    peer.write(head('GET / HTTP/1.1', 'Expect: 100-continue', 'Expect: 100-continue'))
    peer.write('GET / HTTP/1.0\r\nExpect: a-cake\r\n\r\n')
    expect((await peer.allReplies()).map(({ status }) => status)).toEqual([200, 200, 200])
  })
})
