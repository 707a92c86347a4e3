import { connect as open } from 'node:net'

import { BrokenError, lines, sendQueue, type SendPolicy, type SendStats } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import { portOf } from '../harness.ts'
import { next } from '../tls/harness.ts'
import { echoed, meet, meetBare, still, ways } from './harness.ts'

const clock = useManualClock()
const KiB = 1024
const MiB = 1024 * KiB
/** More than the buffers of the system take. */
const large = Buffer.alloc(32 * MiB)
const policies: SendPolicy[] = ['block', 'drop-newest', 'drop-oldest', 'close']

/** What went in is somewhere. */
function expectBalance(stats: SendStats): void {
  expect(stats.offered).toBe(stats.sent + stats.queued + stats.dropped + stats.lost)
  expect(stats.offeredBytes).toBe(stats.sentBytes + stats.queuedBytes + stats.droppedBytes + stats.lostBytes)
}

describe.each(ways)('3 a peer that stops reading over $way', (way) => {
  test.each(policies)('%s holds, its counters add up, and memory is bounded', async (policy) => {
    await using link = await meet(way)
    const { server } = link
    const limits = { policy, maxMessages: 100, maxBytes: 100 * KiB }
    const queue = sendQueue(lines(server), limits)
    const line = 'x'.repeat(KiB)
    let refused = 0
    let peak = 0
    for (let count = 0; count < 12_000; count++) {
      try {
        queue.write(line)
      } catch {
        refused++
      }
      peak = Math.max(peak, queue.buffered)
      expectBalance(queue.stats())
      // The system takes more only between two turns.
      if (count % 100 === 0) await new Promise(setImmediate)
    }
    const stats = queue.stats()
    // The mark, a record of TLS, and the queue.
    expect(peak).toBeLessThan(2 * 64 * KiB + limits.maxBytes)
    expect(stats.sent).toBeLessThan(12_000)
    expect(stats.queued).toBe(policy === 'close' ? 0 : 100)
    expect(stats.dropped > 0).toBe(policy.startsWith('drop'))
    expect(refused > 0).toBe(policy === 'block' || policy === 'close')
    expect(server.state).toBe(policy === 'close' ? 'closed' : 'open')
    server.destroy()
    await server.closed
    await new Promise(setImmediate)
    expectBalance(queue.stats())
    expect(queue.stats().queued).toBe(0)
    expect(queue.buffered).toBe(0)
  })

  test('is cut at the write timeout, and whoever waits in send hears it', async () => {
    await using link = await meet(way)
    const { server } = link
    const waiting = server.send(large)
    await still(() => server.stats().bytesOut)
    clock.advance(59_000)
    expect(server.state).toBe('open')
    clock.advance(16_000)
    expect(await server.closed).toEqual({ kind: 'timeout', phase: 'write' })
    await expect(waiting).rejects.toThrow(BrokenError)
    expect(server.buffered).toBe(0)
  })
})

describe('3 a thousand peers that stop reading', () => {
  test('wait in queues of their own, which are bounded each and emptied when they are gone', async () => {
    const listener = await tcp.listen({ port: 0, backlog: 1_000 })
    const port = portOf(listener)
    const members = []
    for (let count = 0; count < 1_000; count++) {
      const [client, server] = await Promise.all([tcp.connect({ port }), next(listener)])
      // What the system would take for each of them is megabytes; its buffers are full here, in effect.
      server.cork()
      members.push({
        client,
        server,
        queue: sendQueue(lines(server), { policy: 'drop-oldest', maxMessages: 4 }),
      })
    }
    const line = 'x'.repeat(8 * KiB)
    for (let count = 0; count < 20; count++) for (const { queue } of members) queue.write(line)
    let buffered = 0
    for (const { queue } of members) {
      const stats = queue.stats()
      expectBalance(stats)
      expect(stats).toMatchObject({ offered: 20, queued: 4, lost: 0 })
      buffered += queue.buffered
    }
    // The mark, one line above it, and four in the queue.
    expect(buffered).toBeLessThanOrEqual(1_000 * (64 + 5 * 8 + 1) * KiB)
    clock.advance(80_000)
    const ends = await Promise.all(members.map(({ server }) => server.closed))
    for (const end of ends) expect(end).toEqual({ kind: 'timeout', phase: 'write' })
    await new Promise(setImmediate)
    for (const { client, queue } of members) {
      expectBalance(queue.stats())
      expect(queue.stats()).toMatchObject({ queued: 0, lost: 4 })
      expect(queue.buffered).toBe(0)
      client.destroy()
    }
    expect(listener.connections.size).toBe(0)
    const [client, server] = await Promise.all([tcp.connect({ port }), next(listener)])
    server.handle({ onData: (chunk) => void server.write(chunk) })
    expect(await echoed(client, 'ahoy')).toBe('ahoy')
    await listener.close({ grace: 0 })
  })
})

describe('9 a peer that reads one byte every ten seconds', () => {
  test('is cut at the write timeout: that is no progress that the system would tell', async () => {
    const listener = await tcp.listen({ port: 0 })
    let read = 0
    // Reads into one byte, and then no more until it is told to.
    const onread = {
      buffer: Buffer.alloc(1),
      callback(count: number) {
        read += count
        return false
      },
    }
    const peer = open({ port: portOf(listener), host: '127.0.0.1', onread })
    peer.on('error', () => {})
    const server = await next(listener)
    void server.send(large)
    await still(() => server.stats().bytesOut)
    for (let count = 0; server.state === 'open'; count++) {
      const before = read
      peer.resume()
      await expect.poll(() => read, { interval: 1 }).toBeGreaterThan(before)
      clock.advance(10_000)
      expect(count).toBeLessThan(9)
    }
    expect(await server.closed).toEqual({ kind: 'timeout', phase: 'write' })
    peer.destroy()
    await listener.close({ grace: 0 })
  })

  // The system tells of room when a third of its buffer is free: of four MiB on Linux, where it has grown that far.
  test.each(ways)('and one that reads two MiB every ten seconds is not, over $way', async (way) => {
    await using link = await meetBare(way)
    const { peer, server } = link
    const sending = server.send(large)
    let read = 0
    let owed = 0
    peer.on('data', (chunk: Buffer) => {
      read += chunk.byteLength
      if (read >= owed) peer.pause()
    })
    for (; read < large.byteLength; clock.advance(10_000)) {
      owed = Math.min(read + 2 * MiB, large.byteLength)
      peer.resume()
      await expect.poll(() => read, { interval: 1 }).toBeGreaterThanOrEqual(owed)
      await new Promise(setImmediate)
      expect(server.state).toBe('open')
    }
    await sending
  })
})
