import { gzipSync } from 'node:zlib'

import { describe, expect, test } from 'vitest'

import type { FetchHandler } from '../../src/index.ts'
import { Response as OurResponse } from '../../src/web/response.ts'
import { Signal, until } from '../server/ways.ts'
import { type Fetching, fetching, fetchingFrom } from './fetching.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The ways in which a program answers with what it fetched. */
const ways: readonly (readonly [string, (world: Fetching<unknown>) => FetchHandler])[] = [
  ['as it is', (world) => (request) => world.fetch(request)],
  [
    'with the request as init',
    (world) => (request) => world.fetch(`http://b${new URL(request.url).pathname}`, request),
  ],
  [
    'in another Response',
    (world) => async (request) => {
      const response = await world.fetch(request)
      return new OurResponse(response.body, response)
    },
  ],
  ['as a clone', (world) => async (request) => (await world.fetch(request)).clone()],
]

describe.each(ways)('a fetched response that is passed on %s', (name, wayOf) => {
  test('comes out as it came in', async () => {
    await using behind = await fetching(async (exchange) => {
      const { method, headers } = exchange.request
      const body = await exchange.request.body.text()
      await exchange.respond(
        202,
        [
          ['Set-Cookie', 'a'],
          ['Set-Cookie', 'b'],
          ['X-Host', headers.get('host')!],
        ],
        `${method} ${body}`,
      )
    })
    await using front = await fetchingFrom(wayOf(behind))
    const response = await front.fetch('http://a/b', { method: 'POST', body: 'ahoy' })
    expect([response.status, response.headers.getSetCookie(), await response.text()]).toEqual([
      202,
      ['a', 'b'],
      'POST ahoy',
    ])
    const streamed = { method: 'PUT', body: pieces('ah', 'oy') as never, duplex: 'half' as const }
    expect(await (await front.fetch('http://a/b', streamed)).text()).toBe('PUT ahoy')
    expect(await (await front.fetch('http://a/b')).text()).toBe('GET ')
    expect((await front.fetch('http://a/b', { method: 'HEAD' })).status).toBe(202)
  })

  test('is not said to be encoded when it was decoded', async () => {
    const body = 'ahoy '.repeat(10_000)
    await using behind = await fetching((exchange) =>
      exchange.respond(200, { 'Content-Encoding': 'gzip' }, gzipSync(body)),
    )
    await using front = await fetchingFrom(wayOf(behind))
    expect(await (await front.fetch('http://a/')).text()).toBe(body)
  })

  test('takes no more from its server than its reader does', async () => {
    const chunk = new Uint8Array(64 * 1024)
    let given = 0
    const lost = new Signal()
    await using behind = await fetching((exchange) => {
      exchange.signal.addEventListener('abort', () => lost.fire())
      const body = (async function* () {
        for (;;) {
          given++
          yield chunk
        }
      })()
      return exchange.respond(200, {}, body).catch(() => {})
    })
    await using front = await fetchingFrom(wayOf(behind))
    const response = await front.fetch('http://a/')
    let before = -1
    for (let still = 0; still < 50; still = before === given ? still + 1 : 0) {
      before = given
      await turn()
    }
    expect(given).toBeLessThan(100)
    await response.body!.cancel()
    // The clone has another half, which goes on to wait for its reader.
    if (name !== 'as a clone') await lost.fired
  })
})

test('a server that breaks off breaks off what is passed on', async () => {
  const errors: unknown[] = []
  await using behind = await fetching((exchange) =>
    exchange
      .respond(
        200,
        {},
        (async function* () {
          yield 'x'.repeat(100_000)
          throw new Error('broken')
        })(),
      )
      .catch(() => {}),
  )
  await using front = await fetchingFrom((request) => behind.fetch(request))
  const response = await front.fetch('http://a/').catch((error: unknown) => errors.push(error))
  if (response instanceof OurResponse) await response.text().catch((error: unknown) => errors.push(error))
  expect(errors).toEqual([expect.any(TypeError)])
  await until(() => front.server.connections.size === 0)
})

test('fields of the connection stay behind', async () => {
  const seen: string[][] = []
  await using behind = await fetching((exchange) => {
    seen.push([...exchange.request.headers.raw])
    return exchange.respond(
      200,
      { 'X-Mine': '1', Connection: 'close, X-Mine', 'Keep-Alive': 'timeout=1' },
      'x',
    )
  })
  await using front = await fetchingFrom((request) => behind.fetch('http://b/', request))
  const headers = { 'X-Hop': '1', Connection: 'X-Hop', TE: 'trailers' }
  const response = await front.fetch('http://a/', { headers })
  expect(['x-mine', 'keep-alive', 'connection'].map((name) => response.headers.get(name))).toEqual([
    null,
    null,
    null,
  ])
  const names = new Set(seen[0]!.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase()))
  expect([names.has('x-hop'), names.has('te'), seen[0]![seen[0]!.indexOf('Host') + 1]]).toEqual([
    false,
    false,
    'b',
  ])
})

test('what a request says to a proxy goes no further', async () => {
  const seen: (string | undefined)[] = []
  await using behind = await fetching((exchange) => {
    const { headers } = exchange.request
    seen.push(headers.get('x-a'), headers.get('proxy-authorization'))
    return exchange.respond(200, {}, 'x')
  })
  const proxy = 'http://proxy.example'
  await using front = await fetchingFrom((request) => behind.fetch('http://b/', request), { proxy })
  const headers = { 'X-A': 'b', 'Proxy-Authorization': 'Basic x' }
  expect(await (await front.fetch('http://a/', { headers })).text()).toBe('x')
  expect(seen).toEqual(['b', undefined])
})

async function* pieces(...all: string[]): AsyncGenerator<Uint8Array> {
  for (const piece of all) {
    await turn()
    yield Buffer.from(piece)
  }
}
