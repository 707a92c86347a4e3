import type { LimitError, MessageConnection } from '@fairlead/core'
import * as udp from '@fairlead/udp'
import { describe, expect, test } from 'vitest'

import { bare, until } from '../tools.ts'
import { noneIsLeftToTheProcess, text, trouble } from './harness.ts'

noneIsLeftToTheProcess()

const policies = ['drop-newest', 'drop-oldest'] as const

/** Sends in bursts that every buffer of the system takes, so that what is lost is lost here. */
async function burst(
  from: udp.UdpSocket,
  to: { address: udp.IpAddress; stats(): udp.UdpStats },
  count: number,
  messageOf: (at: number) => string | Uint8Array = String,
): Promise<void> {
  for (let at = 0; at < count; at++) {
    await from.send(messageOf(at), to.address)
    if (at % 100 === 99) await until(() => to.stats().received >= at)
  }
  await until(() => to.stats().received >= count)
}

/** What waits and is taken out at last: by handler, since nothing more will come. */
async function rest(socket: udp.UdpSocket): Promise<string[]> {
  const heard: string[] = []
  socket.handle({ onDatagram: (data) => void heard.push(text(data)) })
  await new Promise((resolve) => setImmediate(resolve))
  return heard
}

describe.each(policies)('3 a bound socket that nobody reads, %s', (policy) => {
  test('keeps as many as it may, and received = delivered + dropped', async () => {
    await using socket = await udp.bind({ receiveQueue: { datagrams: 50, policy } })
    await using peer = await udp.bind()
    await burst(peer, socket, 1_000)
    expect(socket.stats()).toMatchObject({ received: 1_000, receiveDropped: 950 })
    const kept = await rest(socket)
    const first = policy === 'drop-newest' ? 0 : 950
    expect(kept).toEqual(Array.from({ length: 50 }, (_, at) => String(first + at)))
    // Read again, it loses nothing.
    for (let at = 0; at < 200; at++) await peer.send('x', socket.address)
    await until(() => socket.stats().received === 1_200)
    expect(socket.stats()).toMatchObject({ received: 1_200, receiveDropped: 950 })
  })

  test('keeps as many bytes as it may, whatever the sizes', async () => {
    await using socket = await udp.bind({ receiveQueue: { bytes: 10_000, policy } })
    await using peer = await udp.bind()
    const sizes = (at: number): Uint8Array => Buffer.alloc((at * 7_919) % 4_000)
    await burst(peer, socket, 500, sizes)
    const kept = await rest(socket)
    const bytes = kept.reduce((sum, data) => sum + data.length, 0)
    expect(bytes).toBeLessThanOrEqual(10_000)
    expect(bytes).toBeGreaterThan(6_000)
    const { received, receiveDropped } = socket.stats()
    expect(received - receiveDropped).toBe(kept.length)
  })

  test('a datagram larger than the whole queue is dropped, and is no end of it', async () => {
    await using socket = await udp.bind({ receiveQueue: { bytes: 100, policy } })
    await using peer = await udp.bind()
    await burst(peer, socket, 3, (at) => Buffer.alloc(at === 1 ? 1_000 : 10))
    expect((await rest(socket)).length).toBe(policy === 'drop-newest' ? 2 : 1)
  })

  test('a slow reader by iteration, or by batches, hears of every datagram that was not dropped', async () => {
    for (const way of ['iteration', 'batches'] as const) {
      await using socket = await udp.bind({ receiveQueue: { datagrams: 50, policy } })
      await using peer = await udp.bind()
      let delivered = 0
      const reader = way === 'iteration' ? socket[Symbol.asyncIterator]() : socket.batches()
      const read = async (): Promise<void> => {
        const { value } = await reader.next()
        delivered += Array.isArray(value) ? value.length : 1
      }
      for (let round = 0; round < 5; round++) {
        const reading = read()
        for (let at = 0; at < 100; at++) await peer.send(String(at), socket.address)
        await until(() => socket.stats().received === 100 * (round + 1))
        await reading
      }
      while (delivered < socket.stats().received - socket.stats().receiveDropped) await read()
      const { received, receiveDropped } = socket.stats()
      expect([received, delivered]).toEqual([500, 500 - receiveDropped])
      expect(receiveDropped).toBeGreaterThan(0)
    }
  })

  test('so does a session: each has its quota, and one that is full takes nothing from another', async () => {
    const sessions: udp.UdpSession<string>[] = []
    const { told, onTrouble } = trouble()
    await using listener = await udp.listen(
      { messages: 'text', receiveQueue: { datagrams: 20, policy } },
      (session) => {
        sessions.push(session)
        session.handle({ onData() {}, onTrouble })
        session.pause()
      },
    )
    await using noisy = await udp.bind()
    await using quiet = await udp.bind()
    await burst(noisy, listener, 500)
    await quiet.send('heard', listener.address)
    await until(() => sessions.length === 2)
    const { received, receiveDropped } = listener.stats()
    expect([received, receiveDropped]).toEqual([501, 480])
    expect(told.map((it) => (it as LimitError).limit)).toEqual(['receiveQueue'])
    const heard = sessions.map(read)
    await until(() => heard[0]?.length === 20 && heard[1]?.length === 1)
    expect(heard[0]?.[0]).toBe(policy === 'drop-newest' ? '0' : '480')
    expect(heard[1]).toEqual(['heard'])
  })

  test('all sessions together have a quota: 16 MiB, or 4,096 datagrams', async () => {
    const options = { maxMessageSize: 65_507, maxSessionsPerAddress: 100, receiveQueue: { policy } } as const
    await using listener = await udp.listen(options, () => new Promise(() => {}))
    const peers = await Promise.all(Array.from({ length: 20 }, () => udp.bind()))
    for (let at = 0; at < 256; at++) {
      for (const peer of peers) await peer.send('x', listener.address)
      await until(() => listener.stats().received >= (at + 1) * peers.length - 1)
    }
    await until(() => listener.stats().received === 256 * 20)
    expect(listener.stats().receiveDropped).toBe(256 * 20 - 4_096)
    // What one gives up by its end is there for the others.
    const [first] = listener.connections
    first?.destroy()
    const before = listener.stats().receiveDropped
    await peers[1]?.send('y', listener.address)
    await until(() => listener.stats().received === 256 * 20 + 1)
    const lost = listener.stats().receiveDropped - before
    // The second has its own 256 already, unless the room was short for it, too.
    expect(lost).toBeLessThanOrEqual(1)
    await listener.close({ grace: 0 })
    await Promise.all(peers.map((peer) => peer.close()))
  })
})

function read<M>(connection: MessageConnection<M>): M[] {
  const heard: M[] = []
  connection.handle({ onData: (message) => void heard.push(message) })
  return heard
}

describe.skipIf(process.platform !== 'linux')('3 an event loop that stalls', () => {
  test.each([50, 5_000])('what the system dropped is told exactly, after %i datagrams', async (count) => {
    await using socket = await udp.bind({ recvBufferSize: 2_048 })
    await using peer = await bare()
    let heard = 0
    socket.handle({ onDatagram: () => void heard++ })
    // All in one tick: nobody reads meanwhile.
    let sent = 0
    await new Promise<void>((resolve) => {
      for (let at = 0; at < count; at++) {
        peer.send('datagram', socket.address.port, '127.0.0.1', () => ++sent === count && resolve())
      }
    })
    await until(() => socket.stats().received + (socket.stats().kernelDropped ?? 0) === count)
    const { received, kernelDropped = 0 } = socket.stats()
    expect(heard).toBe(received)
    expect(kernelDropped).toBeGreaterThan(0)
    await socket.close()
    // The kernel forgets what is closed; this does not.
    expect(socket.stats()).toMatchObject({ received, kernelDropped })
  })

  test('of a listener and of a connection, too', async () => {
    await using listener = await udp.listen({ recvBufferSize: 2_048 })
    await using peer = await udp.connect({ port: listener.address.port, recvBufferSize: 2_048 })
    peer.write(Buffer.from('ahoy'))
    const { value: session } = await listener[Symbol.asyncIterator]().next()
    session?.validate()
    for (let at = 0; at < 100; at++) {
      peer.write(Buffer.from('x'))
      session?.write(Buffer.from('y'))
    }
    const heardBy = (it: { stats(): udp.UdpStats }): number =>
      it.stats().received + (it.stats().kernelDropped ?? 0)
    await until(() => heardBy(listener) === 101 && heardBy(peer) === 100)
    expect(listener.stats().kernelDropped).toBeGreaterThan(0)
    expect(peer.stats().kernelDropped).toBeGreaterThan(0)
  })
})
