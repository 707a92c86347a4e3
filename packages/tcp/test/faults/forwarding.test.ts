import { BrokenError, splice, type Spliced } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import { portOf, textOf } from '../harness.ts'
import { next } from '../tls/harness.ts'
import { still, type Way, ways } from './harness.ts'

const clock = useManualClock()
const MiB = 1024 * 1024
const [plain, secure] = ways as [Way, Way]

/** A client, a forwarder and a target; TLS is on one side of the forwarder, or on both. */
async function forward(front: Way, back: Way, options: Partial<tcp.ConnectOptions> = {}) {
  const target = await tcp.listen({ port: 0, ...back.listening })
  const sides: tcp.StreamConnection[] = []
  const results: Spliced[] = []
  const forwarder = await tcp.listen({ port: 0, ...front.listening }, async (near) => {
    const far = await tcp.connect({ port: portOf(target), ...back.connecting, ...options })
    sides.push(near, far)
    results.push(await splice(near, far))
  })
  const connecting = tcp.connect({ port: portOf(forwarder), ...front.connecting })
  const [client, server] = await Promise.all([connecting, next(target)])
  await expect.poll(() => sides.length).toBe(2)
  return {
    client,
    server,
    sides,
    results,
    async [Symbol.asyncDispose]() {
      client.destroy()
      await forwarder.close({ grace: 0 })
      await target.close({ grace: 0 })
    },
  }
}

const pairs: [string, Way, Way][] = [
  ['TLS in front', secure, plain],
  ['TLS behind', plain, secure],
  ['TLS on both sides', secure, secure],
]

describe.each(pairs)('20 a forwarder with %s', (_, front, back) => {
  test('carries the end of each side, and the other goes on', async () => {
    for (const first of ['client', 'server'] as const) {
      await using link = await forward(front, back)
      const [one, other] = first === 'client' ? [link.client, link.server] : [link.server, link.client]
      one.write('question')
      one.end()
      expect(await textOf(other)).toBe('question')
      expect(one.state).toBe('open')
      await other.send(Buffer.alloc(MiB, 'x'))
      other.end()
      expect((await textOf(one)).length).toBe(MiB)
      await expect.poll(() => link.results).toMatchObject([{ reason: { kind: 'remote' } }])
      const { forward: there, backward } = link.results[0] as Spliced
      expect([there, backward].toSorted((a, b) => a - b)).toEqual([8, MiB])
    }
  })

  test('carries a reset of each side', async () => {
    for (const first of ['client', 'server'] as const) {
      await using link = await forward(front, back)
      const [one, other] = first === 'client' ? [link.client, link.server] : [link.server, link.client]
      // Both ways, so that nothing of a handshake is unread when the reset comes.
      one.write('before')
      for await (const _ of other) break
      other.write('before')
      for await (const _ of one) break
      const reading = textOf(other)
      one.destroy()
      await expect(reading).rejects.toThrow(BrokenError)
      await expect.poll(() => link.results).toMatchObject([{ reason: { kind: 'error' } }])
      expect(link.sides.map(({ state }) => state)).toEqual(['closed', 'closed'])
    }
  })

  test('holds the sender back when the reader is slow, and loses nothing', async () => {
    await using link = await forward(front, back)
    const { client, server, sides } = link
    const total = 48 * MiB
    const chunk = Buffer.alloc(64 * 1024, 'x')
    let sent = 0
    let peak = 0
    const sending = (async () => {
      for (; sent < total; sent += chunk.byteLength) {
        await client.send(chunk)
        peak = Math.max(peak, ...sides.map(({ buffered }) => buffered))
      }
      client.end()
    })()
    await still(() => sent)
    expect(sent).toBeLessThan(total)
    let received = 0
    for await (const bytes of server) {
      received += bytes.byteLength
      peak = Math.max(peak, ...sides.map(({ buffered }) => buffered))
      if (received % 7 === 0) await new Promise(setImmediate)
    }
    await sending
    expect(received).toBe(total)
    // The mark, and a chunk of what the system reads at once.
    expect(peak).toBeLessThanOrEqual(2 * 64 * 1024)
  })

  test('ends both sides when its target stalls', async () => {
    await using link = await forward(front, back, { writeTimeout: 30_000 })
    const { client, sides, results } = link
    let sent = 0
    const sending = (async () => {
      for (;;) {
        await client.send(Buffer.alloc(64 * 1024))
        sent++
      }
    })()
    await still(() => sent)
    for (const { buffered } of sides) expect(buffered).toBeLessThanOrEqual(2 * 64 * 1024)
    clock.advance(20_000)
    expect(results).toEqual([])
    clock.advance(20_000)
    await expect(sending).rejects.toThrow(BrokenError)
    await expect.poll(() => results).toMatchObject([{ reason: { kind: 'timeout', phase: 'write' } }])
    expect(results[0]?.by).toBe(sides[1])
    expect(sides.map(({ state }) => state)).toEqual(['closed', 'closed'])
  })
})
