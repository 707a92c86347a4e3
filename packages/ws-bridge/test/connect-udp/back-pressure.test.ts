import type { CloseReason, ConnectionHandler } from '@fairlead/core'
import { pair } from '@fairlead/core/memory'
import type { UdpProxyOptions } from '@fairlead/ws-bridge/connect-udp'
import { describe, expect, test } from 'vitest'

import { proxySettings } from '../../src/connect-udp/options.ts'
import { Counters } from '../../src/connect-udp/stats.ts'
import { Tunnel, type TunnelSides } from '../../src/connect-udp/tunnel.ts'
import { capsules, cleansUp, quiet, Raw, until } from './tools.ts'

cleansUp()

/** A target's socket that takes so many datagrams, and then no more until it is relieved. */
class Slow {
  readonly remoteAddress = { kind: 'ip', family: 4, host: '192.0.2.1', port: 1 } as const
  readonly maxMessageSize = 65_507
  readonly sent: string[] = []
  room: number
  closed = false
  #handler: ConnectionHandler<Uint8Array> | undefined

  constructor(room: number) {
    this.room = room
  }

  handle(handler: ConnectionHandler<Uint8Array>): void {
    this.#handler = handler
  }

  write(datagram: Uint8Array): boolean {
    if (this.closed) throw new Error('Cannot write: connection is closed')
    this.sent.push(Buffer.from(datagram).toString())
    return --this.room > 0
  }

  relieve(room: number): void {
    this.room = room
    this.#handler?.onDrain?.()
  }

  say(...messages: string[]): void {
    for (const message of messages) void this.#handler?.onData(Buffer.from(message))
  }

  async close(): Promise<void> {
    this.end({ kind: 'local' })
  }

  destroy(): void {
    this.end({ kind: 'local' })
  }

  end(reason: CloseReason): void {
    if (this.closed) return
    this.closed = true
    queueMicrotask(() => this.#handler?.onClose?.(reason))
  }
}

/** A tunnel from a client in memory to a socket that takes `room` datagrams. */
function tunnel(room: number, options: UdpProxyOptions = {}) {
  const [near, far] = pair()
  const client = new Raw(near)
  const target = new Slow(room)
  const counters = new Counters()
  let released = false
  const host = { settings: proxySettings(options), counters, release: () => void (released = true) }
  const sides = { client: far, target: target as unknown as TunnelSides['target'] }
  new Tunnel(sides, host).begin(new Uint8Array(0))
  return { client, server: far, target, counters, isReleased: () => released }
}

describe('a target that cannot be sent to fast enough', () => {
  test('stops its client, in the middle of what had come', async () => {
    const { client, target, counters } = tunnel(2)
    client.write(capsules('a', 'b', 'c', 'd', 'e'))
    await until(() => target.sent.length === 2)
    client.write(capsules('f'))
    await quiet()
    expect(target.sent).toEqual(['a', 'b'])
    target.relieve(2)
    expect(target.sent).toEqual(['a', 'b', 'c', 'd'])
    await quiet()
    expect(target.sent).toHaveLength(4)
    target.relieve(10)
    await until(() => target.sent.length === 6)
    expect(counters).toMatchObject({ forward: 6, forwardBytes: 6 })
  })

  test('gets all of it before the end of its client is taken for the end', async () => {
    const { client, target, counters, isReleased } = tunnel(1)
    client.write(capsules('a', 'b', 'c'))
    client.connection.end()
    await quiet()
    expect([target.sent, target.closed]).toEqual([['a'], false])
    target.relieve(10)
    await until(isReleased)
    expect(target.sent).toEqual(['a', 'b', 'c'])
    expect(counters.ends.client).toBe(1)
  })

  test('is heard meanwhile', async () => {
    const { client, target } = tunnel(1)
    client.write(capsules('a', 'b'))
    await until(() => target.sent.length === 1)
    target.say('answer', 'and another')
    expect(await client.payloads(2)).toEqual(['answer', 'and another'])
  })
})

describe('a client that does not read', () => {
  test('costs the datagrams that come meanwhile, and no memory', async () => {
    const { client, server, target, counters } = tunnel(10, { maxBuffered: 100_000 })
    client.connection.pause()
    const payload = 'x'.repeat(1_000)
    for (let turn = 0; turn < 20; turn++) {
      target.say(...Array.from({ length: 100 }, () => payload))
      await new Promise((resolve) => setImmediate(resolve))
      expect(server.buffered).toBeLessThanOrEqual(100_000)
    }
    const { backward, backwardBytes, dropped } = counters
    expect(dropped).toBeGreaterThan(1_500)
    expect([backward + dropped, backwardBytes]).toEqual([2_000, backward * 1_000])
    client.connection.resume()
    expect(await client.payloads(backward)).toHaveLength(backward)
    target.say('fresh')
    expect(await client.payloads(1)).toEqual(['fresh'])
    expect(counters).toMatchObject({ dropped, backward: backward + 1 })
  })

  test('costs nothing that came together before it stopped', async () => {
    const { client, target, counters } = tunnel(10)
    target.say(...Array.from({ length: 100 }, (_, index) => `${index}`))
    expect(await client.payloads(100)).toEqual(Array.from({ length: 100 }, (_, index) => `${index}`))
    expect(counters.dropped).toBe(0)
  })
})

describe('a target whose socket breaks', () => {
  test('ends the tunnel in good order', async () => {
    const { client, target, counters, isReleased } = tunnel(10)
    client.write(capsules('a'))
    await until(() => target.sent.length === 1)
    target.end({ kind: 'local' })
    await until(isReleased)
    expect([client.ended, client.reason]).toEqual([true, 'remote'])
    expect(counters.ends).toMatchObject({ target: 1, protocol: 0 })
  })

  test('is no fault of its client’s, whatever comes in the very moment', async () => {
    const { client, target, counters, isReleased } = tunnel(10)
    target.closed = true
    client.write(capsules('a', 'b'))
    await until(() => client.reason !== undefined)
    expect(client.reason).toBe('remote')
    expect(counters.ends).toMatchObject({ target: 1, protocol: 0 })
    expect(isReleased()).toBe(false)
  })
})
