import type { ByteConnection } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import { describe, expect, test } from 'vitest'

import { type Client, RequestError } from '../../src/index.ts'
import { quiet, Signal, until } from '../server/ways.ts'
import { answer, failure, nothing, raw, type RawServer, rawWays, standing, watch } from './raw-server.ts'

useManualClock()

/** Each answer waits for the test. */
async function held(server: RawServer): Promise<Signal> {
  const gate = new Signal()
  server.script = (asked, peer) => void gate.fired.then(() => peer.write(answer(asked.target)))
  return gate
}

async function refuses(client: Client): Promise<void> {
  const error = await failure(client.request('/'))
  expect(error).toMatchObject({ name: 'ClosedError', code: 'ERR_FAIRLEAD_CLOSED' })
  expect(await failure(client.upgrade('/', { protocol: 'x' }))).toMatchObject({ code: 'ERR_FAIRLEAD_CLOSED' })
}

describe.each(rawWays)('close over $name', (way) => {
  test('lets idle connections go', async () => {
    await using server = await way.open(() => answer())
    const client = server.client()
    await Promise.all([client.request('/'), client.request('/')])
    await client.close()
    expect([client.state, await client.closed, client.stats().origins]).toEqual([
      'closed',
      { kind: 'local' },
      {},
    ])
    await until(() => server.peers.every((peer) => peer.gone))
    await refuses(client)
  })

  test('waits for what is under way, queued or being connected', async () => {
    await using server = await way.open()
    const gate = await held(server)
    const client = server.client({ maxConnections: 2 })
    const all = ['/1', '/2', '/3', '/4', '/5'].map((target) => client.request(target))
    await until(() => server.peers.length === 2)
    const closed = client.close()
    const seen = watch(closed)
    await quiet()
    expect([client.state, 'value' in seen]).toEqual(['closing', false])
    await refuses(client)
    gate.fire()
    for (const [at, got] of (await Promise.all(all)).entries()) expect(await got.text()).toBe(`/${at + 1}`)
    await closed
    expect(client.stats()).toMatchObject({ active: 0, failed: 0, origins: {} })
    await until(() => server.peers.every((peer) => peer.gone))
  })

  test('waits for the body of an answer', async () => {
    await using server = await way.open((_asked, peer) =>
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall'),
    )
    const client = server.client()
    const got = await client.request('/')
    const closed = client.close()
    const text = got.text()
    await quiet()
    expect(client.state).toBe('closing')
    server.peers[0]!.write(' of it')
    expect(await text).toBe('all of it')
    await closed
  })

  test('waits no longer than its grace', async () => {
    await using server = await way.open()
    const client = server.client({ maxConnections: 1 })
    const all = [client.request('/1'), client.request('/2')].map((it) => failure<RequestError>(it))
    await until(() => server.peers[0]?.asked.length === 1)
    await client.close({ grace: 5 })
    for (const error of await Promise.all(all))
      expect(error).toMatchObject({ name: 'RequestError', code: 'ERR_FAIRLEAD_CLOSED' })
    expect(client.stats()).toMatchObject({ active: 0, failed: 2, origins: {} })
    await until(() => server.peers[0]!.gone)
  })
})

describe('close', () => {
  test('of a client that never did anything is over at once, as often as one likes', async () => {
    await using server = await raw.open()
    const client = server.client()
    await Promise.all([client.close(), client.close({ grace: 0 }), client[Symbol.asyncDispose]()])
    client.destroy()
    expect([client.state, await client.closed]).toEqual(['closed', { kind: 'local' }])
  })

  test('a second time may shorten the first', async () => {
    await using server = await raw.open()
    const client = server.client()
    const error = failure(client.request('/'))
    await until(() => server.peers[0]?.asked.length === 1)
    const first = client.close({ grace: 1_000_000 })
    await client.close({ grace: 0 })
    await first
    expect(await error).toMatchObject({ code: 'ERR_FAIRLEAD_CLOSED' })
  })

  test('with a signal stops waiting, and goes on closing', async () => {
    await using server = await raw.open()
    const gate = await held(server)
    const client = server.client()
    const request = client.request('/')
    await until(() => server.peers[0]?.asked.length === 1)
    const why = new Error('no patience')
    expect(await failure(client.close({ signal: AbortSignal.abort(why) }))).toBe(why)
    expect(client.state).toBe('closing')
    gate.fire()
    expect(await (await request).text()).toBe('/')
    await client.closed
  })

  test('refuses a grace that is none', async () => {
    await using server = await raw.open()
    await using client = server.client()
    expect(await failure(client.close({ grace: -1 }))).toBeInstanceOf(RangeError)
    expect(client.state).toBe('open')
  })

  test('ends with a connection that nobody ever makes', async () => {
    await using server = await raw.open()
    const client = server.client({ connect: () => new Promise<ByteConnection>(() => {}) })
    const error = failure(client.request('/'))
    await client.close({ grace: 5 })
    expect(await error).toMatchObject({ name: 'RequestError', bytesWritten: 0, retryable: true })
  })
})

describe.each(rawWays)('destroy over $name', (way) => {
  test('ends everything at once, and says why', async () => {
    await using server = await way.open()
    server.script = (asked, peer) => {
      if (asked.target === '/body') peer.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall')
      return asked.target === '/idle' ? answer() : undefined
    }
    const client = server.client({ maxConnections: 3 })
    await client.request('/idle')
    const got = await client.request('/body')
    const text = failure<RequestError>(got.text())
    const all = ['/1', '/2', '/3', '/4'].map((target) => failure<RequestError>(client.request(target)))
    await until(() => server.peers.length === 3 && server.peers.every(({ asked }) => asked.length > 0))
    const why = new Error('the ship sinks')
    client.destroy(why)
    expect(client.state).toBe('closed')
    for (const error of [await text, ...(await Promise.all(all))]) {
      expect(error).toBeInstanceOf(RequestError)
      expect(error.message).toContain('the ship sinks')
    }
    expect([await client.closed, client.stats()]).toMatchObject([
      { kind: 'local' },
      { active: 0, retries: 0, origins: {} },
    ])
    await until(() => server.peers.every((peer) => peer.gone))
    await quiet()
    expect([server.peers.length, standing(client)]).toEqual([3, nothing])
    await refuses(client)
  })

  test('sends nothing again, be it on a connection that was reused', async () => {
    await using server = await way.open((asked) => (asked.target === '/first' ? answer() : undefined))
    const client = server.client()
    await client.request('/first')
    const error = failure<RequestError>(client.request('/again'))
    await until(() => server.peers[0]!.asked.length === 2)
    client.destroy()
    expect(await error).toMatchObject({
      name: 'RequestError',
      code: 'ERR_FAIRLEAD_CLOSED',
      attempts: 1,
      phase: 'headers',
      reused: true,
    })
    await quiet()
    expect([server.peers.length, client.stats().retries]).toEqual([1, 0])
  })
})
