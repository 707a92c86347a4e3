import assert from 'node:assert/strict'

import { formatAddress } from '@fairlead/core'
import { httpChannels } from '@fairlead/http'

import { feature, type Feature } from '../check.ts'
import { settled, soon, turn, until } from '../wait.ts'
import { ask, Gate, head, open, pieces, wire } from './meeting.ts'

export const operationFeatures: readonly Feature[] = [
  feature('the server is asked without a socket', async (broom) => {
    const { server } = await open(broom, async (exchange) => {
      const { method, target, body } = exchange.request
      assert.equal(exchange.remoteAddress.kind, 'memory')
      await exchange.respond(201, { 'X-A': 'b' }, pieces(`${method} `, `${target} `, await body.text()))
    })
    const asked = [
      server.inject('/a', { method: 'POST', body: 'ahoy' }),
      server.inject(new URL('http://example/a'), { method: 'POST', body: new Blob(['ahoy']) }),
      server.inject(new Request('http://example/a', { method: 'POST', body: 'ahoy' })),
    ]
    for (const response of await soon(Promise.all(asked), 'they are answered')) {
      assert.deepEqual([response.status, response.headers.get('x-a')], [201, 'b'])
      assert.equal(await response.text(), 'POST /a ahoy')
    }
  }),

  feature('everything is counted', async (broom) => {
    const served = await open(broom, (exchange) => {
      exchange.inform(103)
      return exchange.respond(exchange.request.target === '/' ? 200 : 404, {}, 'x')
    })
    const client = await wire(broom, served)
    const text = head('GET /') + head('GET /none') + 'broken\r\n\r\n'
    client.write(text)
    await client.toEnd()
    await until(() => served.server.connections.size === 0, 'the connection is gone')
    const stats = served.server.stats()
    assert.deepEqual(stats.answers, { '1xx': 2, '2xx': 1, '3xx': 0, '4xx': 2, '5xx': 0 })
    assert.deepEqual([stats.requests, stats.active, stats.refused], [2, 0, { 400: 1 }])
    assert.deepEqual([stats.bytesIn, stats.bytesOut], [text.length, client.text.length])
    assert.equal(stats.connections?.accepted, 1)
  }),

  feature('everything is told on the channels', async (broom) => {
    const told: string[] = []
    const undo: (() => void)[] = []
    const listen = <T>(
      channel: {
        subscribe(hear: (event: T) => void): unknown
        unsubscribe(hear: (event: T) => void): unknown
      },
      hear: (event: T) => void,
    ): void => {
      channel.subscribe(hear)
      undo.push(() => channel.unsubscribe(hear))
    }
    listen(httpChannels.request, ({ exchange }) => told.push(`request ${exchange.request.target}`))
    listen(httpChannels.answer, ({ status, bytesOut }) => told.push(`answer ${status} ${bytesOut > 0}`))
    listen(httpChannels.error, ({ error }) => told.push(`error ${(error as Error).message}`))
    listen(httpChannels.refuse, ({ status }) => told.push(`refuse ${status}`))
    try {
      const served = await open(broom, (exchange) => {
        if (exchange.request.target === '/fails') throw new Error('flooded')
        return exchange.respond(200)
      })
      await ask(broom, served, head('GET /1') + 'broken\r\n\r\n')
      await ask(broom, served, head('GET /fails'))
    } finally {
      for (const each of undo) each()
    }
    assert.deepEqual(told.toSorted(), [
      'answer 200 true',
      'answer 500 true',
      'error flooded',
      'refuse 400',
      'request /1',
      'request /fails',
    ])
  }),

  feature('a polite close waits for work behind the answers', async (broom) => {
    const gate = new Gate()
    const told: unknown[] = []
    const served = await open(
      broom,
      (exchange) => {
        exchange.waitUntil(gate.opened)
        exchange.waitUntil(Promise.reject(new Error('lost')))
        return exchange.respond(200)
      },
      { onError: (error) => void told.push((error as Error).message) },
    )
    await ask(broom, served, head('GET /', 'Connection: close'))
    const closing = served.server.close()
    await until(() => served.server.connections.size === 0, 'the connection is gone')
    await turn(20)
    assert.deepEqual([await settled(closing), served.server.state], [false, 'closing'])
    gate.open()
    await soon(closing, 'it is closed')
    assert.deepEqual([told, served.server.state], [['lost'], 'closed'])
  }),

  feature('shutdown answers what is under way, and leaves idle clients a moment', async (broom) => {
    const gate = new Gate()
    const served = await open(
      broom,
      async (exchange) => {
        if (exchange.request.target === '/slow') await gate.opened
        await exchange.respond(200, {}, exchange.request.target)
      },
      { idleGrace: 1_000 },
    )
    const [idle, slow] = [await wire(broom, served), await wire(broom, served)]
    idle.write(head('GET /1'))
    slow.write(head('GET /slow'))
    await idle.answers(1)
    await until(() => served.server.stats().requests === 2, 'both were asked')
    const closing = served.server.close({ grace: 10_000 })
    assert.equal(served.server.accepting, false)
    idle.write(head('GET /2'))
    await idle.toEnd()
    const last = (await idle.answers(2)).at(-1)
    assert.deepEqual([last?.body, last?.fields.get('connection')], ['/2', 'close'])
    gate.open()
    await slow.toEnd()
    const [answer] = await slow.answers(1)
    assert.deepEqual([answer?.body, answer?.fields.get('connection')], ['/slow', 'close'])
    await soon(closing, 'it is closed')
    assert.deepEqual(await served.server.closed, { kind: 'local' })
  }),

  feature('what is left when the grace ends is cut off', async (broom) => {
    const aborted = new Gate()
    const served = await open(broom, (exchange) => {
      exchange.signal.addEventListener('abort', () => aborted.open())
      return new Promise(() => {})
    })
    const client = await wire(broom, served)
    client.write(head('GET /'))
    await until(() => served.server.stats().requests === 1, 'it is asked')
    await soon(served.server.close({ grace: 50 }), 'it is closed')
    await soon(aborted.opened, 'the signal fires')
    assert.equal(await client.toEnd(), '')
  }),

  feature('a listener that was suspended is resumed', async (broom) => {
    const served = await open(broom, (exchange) => exchange.respond(200, {}, 'ahoy'))
    const client = await wire(broom, served)
    client.write(head('GET /'))
    await client.answers(1)
    await served.server.suspend()
    client.write(head('GET /'))
    await client.answers(2)
    await served.server.resume()
    const [answer] = await ask(broom, served, head('GET /', 'Connection: close'))
    assert.equal(answer?.body, 'ahoy')
  }),

  feature('proxies that are trusted tell who asks', async (broom) => {
    for (const [fields, line] of [
      ['Forwarded', 'Forwarded: for="[2001:db8::7]:81";proto=https;host=a.example'],
      [
        'X-Forwarded',
        'X-Forwarded-For: 2001:db8::7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example',
      ],
    ] as const) {
      const tell: Parameters<typeof open>[1] = (exchange) => {
        const { address, protocol, host } = exchange.client
        return exchange.respond(200, {}, `${formatAddress(address)} ${protocol} ${host}`)
      }
      const text = head('GET /', line, 'Connection: close')
      const from = ['127.0.0.0/8']
      const [believed] = await ask(broom, await open(broom, tell, { trustProxy: { from, fields } }), text)
      assert.match(believed?.body ?? '', /^\[?2001:db8::7\]?(:\d+)? https a\.example$/)
      const [plain] = await ask(broom, await open(broom, tell), text)
      assert.match(plain?.body ?? '', /^127\.0\.0\.1:\d+ http example$/)
    }
  }),

  feature('the runtime’s own fetch is served: methods, bodies, streams, many at once', async (broom) => {
    const served = await open(broom, async (exchange) => {
      const { method, body } = exchange.request
      await exchange.respond(200, { 'X-Method': method }, pieces('<', await body.text(), '>'))
    })
    const asked = Array.from({ length: 20 }, async (_, index) => {
      const init = index % 2 === 0 ? {} : { method: 'POST', body: `ahoy ${index}` }
      const response = await fetch(served.origin, init)
      const method = init.method ?? 'GET'
      assert.deepEqual([response.status, response.headers.get('x-method')], [200, method])
      assert.equal(await response.text(), `<${init.body ?? ''}>`)
    })
    await soon(Promise.all(asked), 'all are answered')
  }),
]
