import type { Address } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { answer } from '../client/raw-server.ts'
import { watchStrays } from '../faults/harness.ts'
import { head, until } from '../server/ways.ts'
import { before, front, memory, sockets } from './stage.ts'

watchStrays()

const refused = { cause: { cause: { code: 'ERR_FAIRLEAD_NOT_ALLOWED' } } }

describe('whom a proxy may ask', () => {
  test.each([
    '127.0.0.1',
    'localhost',
    '0x7f.1',
    '017700000001',
    '2130706433',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[0:0:0:0:0:ffff:7f00:1]',
    '0',
  ])('a function that names http://%s reaches nobody of this machine', async (host) => {
    await using server = await sockets.raw.open(() => answer('inside'))
    const target = `http://${host}:${server.port}`
    await using at = await front(sockets, () => target)
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    expect((await client.replies(1))[0]).toMatchObject({ status: 502, body: '502 Bad Gateway\n' })
    expect(server.peers).toEqual([])
    const [error] = at.errors
    expect(JSON.stringify(causes(error))).toContain('ERR_FAIRLEAD_NOT_ALLOWED')
  })

  test('a fixed target is asked wherever it is, and one of a function where allow says so', async () => {
    await using server = await sockets.raw.open(() => answer('inside'))
    const asked: Address[] = []
    const allow = (address: Address): boolean => asked.push(address) > 0
    await using at = await front(sockets, () => Promise.resolve(new URL(server.url)), { proxy: { allow } })
    await using fixed = await before(sockets, server)
    for (const one of [at, fixed]) {
      const client = await one.client()
      client.write(head('GET / HTTP/1.1'))
      expect((await client.replies(1))[0]).toMatchObject({ status: 200, body: 'inside' })
    }
    expect(asked).toEqual([{ kind: 'ip', family: 4, host: '127.0.0.1', port: server.port }])
  })

  test('a fixed target that allow forbids is not asked', async () => {
    await using server = await sockets.raw.open(() => answer('inside'))
    await using at = await before(sockets, server, { proxy: { allow: () => false } })
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    expect((await client.replies(1))[0]?.status).toBe(502)
    expect([server.peers.length, at.errors]).toMatchObject([0, [refused]])
  })

  test.each([
    ['forbids', () => false],
    [
      'throws',
      () => {
        throw new Error('no opinion')
      },
    ],
    ['promises', () => Promise.resolve(true)],
  ])('to whom a hook connected, and allow %s, nothing is said', async (_how, allow) => {
    await using server = await memory.raw.open(() => answer('inside'))
    await using at = await before(memory, server, { proxy: { allow: allow as () => boolean } })
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    expect((await client.replies(1))[0]?.status).toBe(502)
    const peer = await server.peer()
    await until(() => peer.gone)
    expect(peer.text).toBe('')
  })

  test('a hook may connect to memory only where that is allowed', async () => {
    await using server = await memory.raw.open(() => answer('inside'))
    for (const [status, options] of [
      [502, {}],
      [200, { allow: ({ kind }: Address) => kind === 'memory' }],
    ] as const) {
      await using at = await front(memory, () => server.url, {
        proxy: { connect: server.options.connect!, ...options },
      })
      const client = await at.client()
      client.write(head('GET / HTTP/1.1'))
      expect((await client.replies(1))[0]?.status).toBe(status)
    }
  })
})

/** The codes of an error and of all that it stands on. */
function causes(error: unknown): unknown[] {
  if (!(error instanceof Error)) return []
  const { code, cause } = error as Error & { code?: string }
  const beneath = cause instanceof AggregateError ? cause.errors.flatMap(causes) : causes(cause)
  return [code, ...beneath]
}
