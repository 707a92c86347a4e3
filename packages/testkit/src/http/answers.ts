import assert from 'node:assert/strict'

import type { Exchange } from '@fairlead/http'

import { feature, type Feature } from '../check.ts'
import { soon, turn, until } from '../wait.ts'
import { ask, Gate, head, open, pieces, wire } from './meeting.ts'

const echoTarget = (exchange: Exchange): Promise<void> => exchange.respond(200, {}, exchange.request.target)

export const answerFeatures: readonly Feature[] = [
  feature('a request is told, and its answer has date and length', async (broom) => {
    const served = await open(broom, (exchange) => {
      const { method, target, authority, headers } = exchange.request
      const { remoteAddress: remote, localAddress: local } = exchange
      assert.ok(remote.kind === 'ip' && remote.host === '127.0.0.1')
      assert.ok(local.kind === 'ip' && local.port === served.port)
      return exchange.respond(
        200,
        { 'X-A': ['1', '2'] },
        `${method} ${target} ${authority} ${headers.get('x-b')}`,
      )
    })
    const client = await wire(broom, served)
    client.write(head('GET /ahoy?there', 'X-B: c'))
    const [answer] = await client.answers(1)
    assert.deepEqual([answer?.status, answer?.body], [200, 'GET /ahoy?there example c'])
    assert.deepEqual(answer?.fields.all('x-a'), ['1', '2'])
    assert.equal(answer?.fields.get('content-length'), '25')
    assert.ok(Math.abs(Date.parse(answer?.fields.get('date') ?? '') - Date.now()) < 60_000)
  }),

  feature('a connection is kept, until either side says otherwise', async (broom) => {
    const served = await open(broom, echoTarget)
    const client = await wire(broom, served)
    for (const [index, target] of ['/1', '/2', '/3'].entries()) {
      client.write(head(`GET ${target}`))
      assert.equal((await client.answers(index + 1)).at(-1)?.body, target)
    }
    assert.equal(client.ended, false)
    client.write(head('GET /4', 'Connection: close'))
    await client.toEnd()
    assert.equal((await client.answers(4)).at(-1)?.fields.get('connection'), 'close')
    assert.equal(served.server.stats().requests, 4)
    const [old] = await ask(broom, served, 'GET /5 HTTP/1.0\r\n\r\n')
    assert.equal(old?.body, '/5')
  }),

  feature('requests that came together are answered in their order, one after the other', async (broom) => {
    const gate = new Gate()
    const begun: string[] = []
    const served = await open(broom, async (exchange) => {
      begun.push(exchange.request.target)
      if (begun.length === 1) await gate.opened
      await echoTarget(exchange)
    })
    const client = await wire(broom, served)
    const targets = Array.from({ length: 20 }, (_, index) => `/${index}`)
    client.write(targets.map((target) => head(`GET ${target}`)).join(''))
    await until(() => begun.length > 0, 'the first has begun')
    await turn(20)
    assert.deepEqual([begun, client.text], [['/0'], ''])
    gate.open()
    assert.deepEqual(
      (await client.answers(20)).map(({ body }) => body),
      targets,
    )
  }),

  feature('a request may come byte by byte', async (broom) => {
    const served = await open(broom, async (exchange) => {
      await exchange.respond(200, {}, await exchange.request.body.text())
    })
    const client = await wire(broom, served)
    for (const byte of head('POST /', 'Transfer-Encoding: chunked') + '4\r\nahoy\r\n0\r\n\r\n') {
      client.write(byte)
      await turn()
    }
    assert.equal((await client.answers(1))[0]?.body, 'ahoy')
  }),

  feature('what has no body is answered without one: HEAD, 204, 304', async (broom) => {
    const served = await open(broom, (exchange) => {
      const status = Number(exchange.request.target.slice(1))
      return status === 200 ? exchange.respond(200, {}, 'ahoy') : exchange.respond(status, { ETag: '"1"' })
    })
    const client = await wire(broom, served)
    client.write(head('HEAD /200') + head('GET /204') + head('GET /304') + head('GET /200'))
    const answers = await client.answers(4, 'HEAD')
    assert.deepEqual(
      answers.map(({ status, body }) => [status, body]),
      [
        [200, ''],
        [204, ''],
        [304, ''],
        [200, 'ahoy'],
      ],
    )
    assert.equal(answers[0]?.fields.get('content-length'), '4')
  }),

  feature('what is said before the answer leaves before it', async (broom) => {
    const gate = new Gate()
    const served = await open(broom, async (exchange) => {
      exchange.inform(103, { Link: '</style.css>; rel=preload' })
      await gate.opened
      await exchange.respond(200, {}, 'ok')
    })
    const client = await wire(broom, served)
    client.write(head('GET /'))
    await client.heard('\r\n\r\n')
    assert.equal(client.text, 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n')
    gate.open()
    assert.deepEqual(
      (await client.answers(2)).map(({ status }) => status),
      [103, 200],
    )
  }),

  feature('a client that has ended its side fires the signal, and is answered still', async (broom) => {
    const gate = new Gate()
    const begun = new Gate()
    const aborted = new Gate()
    const served = await open(broom, async (exchange) => {
      exchange.signal.addEventListener('abort', () => aborted.open())
      begun.open()
      await gate.opened
      await exchange.respond(200, {}, pieces('late ', 'but whole'))
    })
    const client = await wire(broom, served)
    client.write(head('GET /'))
    client.connection.end()
    await soon(begun.opened, 'it is asked')
    await soon(aborted.opened, 'the signal fires')
    gate.open()
    await client.toEnd()
    assert.equal((await client.answers(1))[0]?.body, 'late but whole')
  }),

  feature('a client that is gone fires the signal, and its stream is let go of', async (broom) => {
    const released = new Gate()
    const aborted = new Gate()
    const served = await open(broom, (exchange) => {
      exchange.signal.addEventListener('abort', () => aborted.open())
      return exchange.respond(
        200,
        {},
        (async function* () {
          try {
            for (;;) {
              yield 'more\n'
              await turn()
            }
          } finally {
            released.open()
          }
        })(),
      )
    })
    const client = await wire(broom, served)
    client.write(head('GET /'))
    await client.heard('more')
    client.connection.destroy()
    await soon(aborted.opened, 'the signal is fired')
    await soon(released.opened, 'the stream is let go of')
    await until(() => served.server.connections.size === 0, 'the connection is gone')
    assert.equal(served.server.stats().aborted, 1)
  }),

  feature('what the application throws costs one answer, and is told to onError', async (broom) => {
    const told: string[] = []
    const onError = (error: unknown): void => void told.push((error as Error).message)
    const served = await open(
      broom,
      (exchange) => {
        if (exchange.request.target === '/throws') throw new Error('thrown')
        if (exchange.request.target === '/rejects') return Promise.reject(new Error('rejected'))
        return exchange.respond(200, {}, 'fine')
      },
      { onError },
    )
    for (const [target, status] of [
      ['/throws', 500],
      ['/rejects', 500],
      ['/', 200],
    ] as const) {
      const [answer] = await ask(broom, served, head(`GET ${target}`, 'Connection: close'))
      assert.equal(answer?.status, status)
    }
    assert.deepEqual(told, ['thrown', 'rejected'])
  }),

  feature('a stream that fails is cut, and never looks whole', async (broom) => {
    const served = await open(
      broom,
      (exchange) =>
        exchange.respond(
          200,
          {},
          (async function* () {
            yield 'half'
            await turn(3)
            throw new Error('the cellar is flooded')
          })(),
        ),
      { onError: () => {} },
    )
    const client = await wire(broom, served)
    client.write(head('GET /'))
    await client.toEnd()
    assert.equal(client.text.includes('\r\n0\r\n'), false)
    assert.equal(client.text.includes('cellar'), false)
  }),

  feature('without a callback the listener is iterated', async (broom) => {
    const served = await open(broom)
    const client = await wire(broom, served)
    client.write(head('GET /1') + head('GET /2'))
    let count = 0
    for await (const exchange of served.server) {
      await echoTarget(exchange)
      if (++count === 2) break
    }
    assert.deepEqual(
      (await client.answers(2)).map(({ body }) => body),
      ['/1', '/2'],
    )
  }),
]
