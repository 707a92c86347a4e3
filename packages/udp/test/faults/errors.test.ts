import { createSocket } from 'node:dgram'

import { BrokenError, LimitError } from '@fairlead/core'
import * as udp from '@fairlead/udp'
import { describe, expect, test } from 'vitest'

import { bare, deafPort, until } from '../tools.ts'
import { noneIsLeftToTheProcess, trouble } from './harness.ts'

noneIsLeftToTheProcess()

/** Binds in the same tick, so that nothing happens in between. */
function bareAt(port: number): { heard: string[]; close(): void } {
  const heard: string[] = []
  const socket = createSocket({ type: 'udp4', lookup: (host, _, callback) => callback(null, host, 4) })
  socket.on('message', (data) => void heard.push(data.toString()))
  socket.bind(port, '127.0.0.1')
  return { heard, close: () => void socket.close() }
}

describe('21 a refusal by ICMP', () => {
  test('spaced: each is told, each datagram counts as sent, and the connection goes on', async () => {
    const port = await deafPort()
    await using peer = await udp.connect({ port, messages: 'text' })
    const { told, onTrouble } = trouble()
    peer.handle({ onData() {}, onTrouble })
    for (let at = 1; at <= 5; at++) {
      await peer.send(String(at))
      await until(() => told.length === at)
    }
    expect(peer.stats()).toMatchObject({ sent: 5, sendErrors: 0, refused: 5 })
    const receiver = bareAt(port)
    await peer.send('somebody there?')
    await until(() => receiver.heard.length === 1)
    expect(peer.state).toBe('open')
    receiver.close()
  })

  test('in a burst: every datagram that was accepted is either sent or an error', async () => {
    const port = await deafPort()
    await using peer = await udp.connect({ port, messages: 'text' })
    const { told, onTrouble } = trouble()
    peer.handle({ onData() {}, onTrouble })
    let accepted = 0
    for (let burst = 0; burst < 10; burst++) {
      for (let at = 0; at < 50; at++, accepted++) peer.write(`${burst}.${at}`)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => peer.buffered === 0)
    const { sent, sendErrors, refused } = peer.stats()
    expect(sent + sendErrors).toBe(accepted)
    expect(refused).toBeGreaterThan(0)
    expect(told.every((it) => it instanceof BrokenError && it.retryable)).toBe(true)
    expect(peer.state).toBe('open')
  })

  test('a receiver that comes up gets the datagram that met the refusal, and all that follow', async () => {
    const port = await deafPort()
    await using peer = await udp.connect({ port, messages: 'text' })
    peer.write('lost')
    peer.write('refused')
    const receiver = bareAt(port)
    peer.write('third')
    peer.write('fourth')
    await until(() => peer.buffered === 0 && receiver.heard.length === 3)
    expect(receiver.heard.toSorted()).toEqual(['fourth', 'refused', 'third'])
    expect(peer.stats()).toMatchObject({ sent: 4, sendErrors: 0, refused: 1 })
    receiver.close()
  })

  test('that nobody hears of, while iterating or without any reader, ends nothing', async () => {
    const port = await deafPort()
    await using unread = await udp.connect({ port, messages: 'text' })
    await using read = await udp.connect({ port, messages: 'text' })
    const reading = read[Symbol.asyncIterator]().next()
    for (const peer of [unread, read]) {
      for (let at = 0; at < 20; at++) await peer.send('x')
      await until(() => peer.stats().refused > 0)
      expect(peer.stats().lastError?.message).toBe(`Cannot send to 127.0.0.1:${port}: connection refused`)
      expect(peer.state).toBe('open')
    }
    await read.close()
    expect(await reading).toMatchObject({ done: true })
  })

  test('of an answer of a listener, or of a bound socket, is heard by nobody and hurts nobody', async () => {
    await using listener = await udp.listen({ messages: 'text' }, (session) => ({
      onData: (message) => void session.write(message),
    }))
    await using bound = await udp.bind()
    bound.handle({ onDatagram: (data, from) => void bound.write(data, from) })
    for (const { port } of [listener.address, bound.address]) {
      const gone = await udp.bind()
      gone.write('x', { host: '127.0.0.1', port })
      await gone.close()
    }
    await until(() => listener.stats().sent === 1 && bound.stats().sent === 1)
    await using peer = await udp.connect({ port: listener.address.port, messages: 'text' })
    await peer.send('ahoy')
    expect(await peer[Symbol.asyncIterator]().next()).toEqual({ value: 'ahoy', done: false })
    expect(listener.stats()).toMatchObject({ sendErrors: 0, refused: 0 })
  })
})

describe('21 what the system will not send', () => {
  // No socket of this machine's loopback can send to anywhere else.
  const refusals: [string, string, RegExp][] = [
    ['a broadcast without the option', '255.255.255.255', /permission denied \(a broadcast address needs/],
    ['an address that loopback does not lead to', '192.0.2.1', /^Cannot send to 192\.0\.2\.1:9: ./],
  ]

  test.each(refusals)(
    '%s: told and counted, once for each, and all that is good goes',
    async (_, host, why) => {
      await using socket = await udp.bind()
      await using other = await udp.bind()
      const { told, onTrouble } = trouble()
      socket.handle({ onDatagram() {}, onTrouble })
      for (let at = 0; at < 10; at++) {
        await socket.send('bad', { host, port: 9 })
        await socket.send('good', other.address)
      }
      await until(() => socket.buffered === 0 && other.stats().received === 10)
      expect(told.length).toBe(10)
      for (const error of told) {
        expect(error).toBeInstanceOf(BrokenError)
        expect(error.message).toMatch(why)
      }
      expect(socket.stats()).toMatchObject({ sent: 10, sendErrors: 10, lastError: told.at(-1) })
    },
  )

  test('of a session: the session lives, and its listener, too', async () => {
    await using listener = await udp.listen({ messages: 'text' })
    const { told, onTrouble } = trouble()
    const sender = { address: '192.0.2.1', port: 9, family: 'IPv4' } as const
    // As if it had come from there.
    const { receive } = listener as unknown as { receive(data: Uint8Array, from: typeof sender): void }
    receive.call(listener, Buffer.from('forged'), sender)
    const { value: session } = await listener[Symbol.asyncIterator]().next()
    session?.handle({ onData() {}, onTrouble })
    await session?.send('answer')
    await until(() => told.length === 1)
    expect(session?.state).toBe('open')
    expect(listener.stats()).toMatchObject({ sent: 0, sendErrors: 1 })
    expect(told[0]).toMatchObject({ peer: { host: '192.0.2.1', port: 9 } })
  })

  test('another family: refused at the call, before anything is counted', async () => {
    await using four = await udp.bind()
    await using six = await udp.bind({ host: '::1', ipv6Only: true })
    expect(() => four.write('x', { host: '::1', port: 9 })).toThrow(TypeError)
    await expect(four.send('x', { host: '::1', port: 9 })).rejects.toThrow(TypeError)
    expect(() => six.write('x', { host: '127.0.0.1', port: 9 })).toThrow(/bound to IPv6 alone/)
    expect(four.stats()).toMatchObject({ sent: 0, sendErrors: 0 })
    expect(six.stats()).toMatchObject({ sent: 0, sendErrors: 0 })
  })
})

describe('21 more than a datagram holds', () => {
  test('over IPv4: 65,507 bytes arrive, 65,508 do not leave', async () => {
    await using server = await udp.listen({ maxMessageSize: 65_507 })
    await using peer = await udp.connect({ port: server.address.port, maxMessageSize: 65_527 })
    expect(peer.maxMessageSize).toBe(65_507)
    await peer.send(Buffer.alloc(65_507, 1))
    const { value: session } = await server[Symbol.asyncIterator]().next()
    expect((await session?.[Symbol.asyncIterator]().next())?.value?.byteLength).toBe(65_507)
    await expect(peer.send(Buffer.alloc(65_508))).rejects.toMatchObject({ limit: 'maxMessageSize' })
    expect(() => session?.write(Buffer.alloc(65_508))).toThrow(LimitError)
    expect(peer.stats()).toMatchObject({ sent: 1, oversized: 1, sendErrors: 0 })
  })

  test('over IPv6: 65,527 bytes arrive, 65,528 do not leave', async () => {
    await using server = await udp.bind({ host: '::1' })
    await using client = await udp.bind({ host: '::1' })
    await client.send(Buffer.alloc(65_527, 1), server.address)
    expect((await server[Symbol.asyncIterator]().next()).value?.data.byteLength).toBe(65_527)
    const refused = { limit: 'maxDatagramSize', value: 65_528 }
    await expect(client.send(Buffer.alloc(65_528), server.address)).rejects.toMatchObject(refused)
    expect(client.stats()).toMatchObject({ sent: 1, oversized: 1, sendErrors: 0 })
  })
})

test('21 an error of the socket itself is told, counted as nothing, and ends nothing', async () => {
  await using peer = await bare()
  peer.on('message', (data, { port }) => peer.send(data, port))
  await using client = await udp.connect({ port: peer.address().port, messages: 'text' })
  const { told, onTrouble } = trouble()
  const heard: string[] = []
  client.handle({ onData: (message) => void heard.push(message), onTrouble })
  // As the runtime says it of a socket.
  const { setup } = client as unknown as { setup: { socket: NodeJS.EventEmitter } }
  setup.socket.emit('error', Object.assign(new Error('recvmsg ENOMEM'), { code: 'ENOMEM' }))
  expect(told.map((it) => it.phase)).toEqual(['read'])
  await client.send('ahoy')
  await until(() => heard.length === 1)
})
