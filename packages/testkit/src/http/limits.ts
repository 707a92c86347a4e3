import assert from 'node:assert/strict'

import { TimeoutError } from '@fairlead/core'
import type { HttpListenOptions } from '@fairlead/http'

import { feature, type Feature } from '../check.ts'
import { soon, turn, until } from '../wait.ts'
import { ask, Gate, head, open, pieces, wire } from './meeting.ts'

/** What is refused, under which limits, with which status. */
const refusals: readonly (readonly [string, number, string, HttpListenOptions])[] = [
  ['a long target', 414, head(`GET /${'a'.repeat(100)}`), { limits: { targetBytes: 64 } }],
  ['a long head', 431, head('GET /', `X: ${'a'.repeat(300)}`), { limits: { headBytes: 256 } }],
  ['many fields', 431, head('GET /', ...Array<string>(20).fill('X: y')), { limits: { fieldCount: 10 } }],
  ['two framings', 400, head('PUT /', 'Content-Length: 4', 'Transfer-Encoding: chunked') + '0\r\n\r\n', {}],
  ['another version', 505, 'GET / HTTP/2.0\r\nHost: example\r\n\r\n', {}],
  ['no HTTP at all', 400, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', {}],
]

export const limitFeatures: readonly Feature[] = [
  ...refusals.map(([what, status, text, options]) =>
    feature(`${what}: ${status}, and the application never hears of it`, async (broom) => {
      const asked: unknown[] = []
      const served = await open(
        broom,
        async (exchange) => {
          asked.push(exchange)
          await exchange.request.body.bytes()
          await exchange.respond(200)
        },
        options,
      )
      const [answer] = await ask(broom, served, text)
      assert.deepEqual([answer?.status, answer?.fields.get('connection')], [status, 'close'])
      assert.deepEqual(served.server.stats().refused, { [status]: 1 })
      assert.equal(asked.length, 0)
    }),
  ),

  feature('a body that is too large: 413, and its reader hears of it', async (broom) => {
    const errors: unknown[] = []
    const served = await open(
      broom,
      async (exchange) => {
        await exchange.request.body.bytes().catch((error: unknown) => errors.push(error))
      },
      { maxBodySize: 8 },
    )
    const chunks = '6\r\nabcdef\r\n6\r\nghijkl\r\n0\r\n\r\n'
    const requests = [
      head('PUT /', 'Content-Length: 9'),
      head('PUT /', 'Transfer-Encoding: chunked') + chunks,
    ]
    for (const [index, text] of requests.entries()) {
      const [answer] = await ask(broom, served, text)
      assert.deepEqual([answer?.status, answer?.fields.get('connection')], [413, 'close'])
      await until(() => errors.length > index, 'the reader hears of it')
    }
  }),

  feature('a head that does not end: 408; one that does not begin: not a word', async (broom) => {
    const served = await open(broom, (exchange) => exchange.respond(200), { headersTimeout: 200 })
    const begun = await wire(broom, served)
    begun.write('GET / HTTP/1.1\r\nHost: ex')
    const silent = await wire(broom, served)
    await Promise.all([begun.toEnd(), silent.toEnd()])
    assert.match(begun.text, /^HTTP\/1\.1 408 [^]*\r\nConnection: close\r\n/)
    assert.equal(silent.text, '')
    assert.equal(served.server.stats().timeouts.headers, 2)
  }),

  feature('a body that does not come: 408, and its reader hears of it', async (broom) => {
    const errors: unknown[] = []
    const served = await open(
      broom,
      async (exchange) => {
        await exchange.request.body.bytes().catch((error: unknown) => errors.push(error))
      },
      { bodyTimeout: 100 },
    )
    const [answer] = await ask(broom, served, head('PUT /', 'Content-Length: 10') + 'half')
    assert.equal(answer?.status, 408)
    await until(() => errors.length === 1, 'the reader hears of it')
    const [error] = errors
    assert.ok(error instanceof TimeoutError && error.phase === 'body', String(error))
  }),

  feature('a connection that is not used again is closed without a word', async (broom) => {
    const served = await open(broom, (exchange) => exchange.respond(204), { keepAliveTimeout: 100 })
    const client = await wire(broom, served)
    client.write(head('GET /'))
    await client.toEnd()
    assert.equal((await client.answers(1)).length, 1)
    assert.equal(served.server.stats().timeouts.idle, 1)
  }),

  feature('an application that takes too long: 503, and its signal fires', async (broom) => {
    const aborted = new Gate()
    const served = await open(
      broom,
      (exchange) => {
        exchange.signal.addEventListener('abort', () => aborted.open())
        return aborted.opened
      },
      { handlerTimeout: 100 },
    )
    const [answer] = await ask(broom, served, head('GET /'))
    assert.equal(answer?.status, 503)
    await soon(aborted.opened, 'the signal fires')
  }),

  feature('a client that takes nothing is cut off', async (broom) => {
    const aborted = new Gate()
    const served = await open(
      broom,
      (exchange) => {
        exchange.signal.addEventListener('abort', () => aborted.open())
        const megabyte = 'x'.repeat(1024 * 1024)
        return exchange.respond(200, {}, pieces(...Array<string>(64).fill(megabyte)))
      },
      { writeTimeout: 100 },
    )
    const client = await wire(broom, served)
    client.connection.pause()
    client.write(head('GET /'))
    await soon(aborted.opened, 'the signal fires')
    await until(() => served.server.connections.size === 0, 'the connection is gone')
    assert.equal(served.server.stats().timeouts.write, 1)
    await turn()
  }),
]
