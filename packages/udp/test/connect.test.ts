import { createSocket } from 'node:dgram'
import { once } from 'node:events'

import { ConnectError, formatAddress, TimeoutError } from '@fairlead/core'
import * as udp from '@fairlead/udp'
import { expect, test } from 'vitest'

import type { Carrier } from '../src/carrier.ts'
import type { SendQueueOptions } from '../src/queue/quota.ts'
import { converse } from '../src/session/conversation.ts'
import { Counters } from '../src/stats.ts'
import { bare, deafPort, troubles, until } from './tools.ts'

test('talks to one peer, in bytes', async () => {
  await using server = await bare()
  server.on('message', (data, from) => server.send(data, from.port, from.address))
  await using peer = await udp.connect({ port: server.address().port })
  await peer.send(Buffer.from('ahoy'))
  for await (const data of peer) {
    expect(Buffer.from(data).toString()).toBe('ahoy')
    break
  }
  expect(peer).toMatchObject({ reliable: false, maxMessageSize: 1_200 })
  expect(peer.remoteAddress).toEqual({
    kind: 'ip',
    family: 4,
    host: '127.0.0.1',
    port: server.address().port,
  })
  expect(peer.localAddress).toMatchObject({ kind: 'ip', family: 4, host: '127.0.0.1' })
  expect(peer.stats()).toMatchObject({ sent: 1, sentBytes: 4, received: 1, receivedBytes: 4 })
})

test('a name is resolved once', async () => {
  await using server = await udp.listen({ messages: 'text' }, (session) => ({
    onData: (message) => void session.write(message),
  }))
  await using peer = await udp
    .connect({ host: 'localhost', port: server.address.port, messages: 'text' })
    .then((it) =>
      it.remoteAddress.family === 4
        ? it
        : it.close().then(() => udp.connect({ port: server.address.port, messages: 'text' })),
    )
  await peer.send('ahoy')
  expect(await peer[Symbol.asyncIterator]().next()).toEqual({ value: 'ahoy', done: false })
})

test('a refusal is told and counted, is not fatal, and the connection works once somebody is there', async () => {
  const port = await deafPort()
  await using peer = await udp.connect({ port, messages: 'text' })
  const { told, first, onTrouble } = troubles()
  const heard: string[] = []
  peer.handle({ onData: (message) => void heard.push(message), onTrouble })
  await peer.send('nobody')
  expect(await first).toMatchObject({
    name: 'BrokenError',
    message: `Cannot send to 127.0.0.1:${port}: connection refused`,
    retryable: true,
    peer: peer.remoteAddress,
  })
  expect(peer.state).toBe('open')
  expect(peer.stats()).toMatchObject({ sent: 1, refused: 1, sendErrors: 0, lastError: told[0] })

  await using server = await bare(port)
  server.on('message', (data, from) => server.send(data, from.port, from.address))
  await peer.send('somebody')
  await until(() => heard.length === 1)
  expect(heard).toEqual(['somebody'])
})

test('the datagram that met a refusal is sent once more', async () => {
  const port = await deafPort()
  await using peer = await udp.connect({ port, messages: 'text' })
  const { told, onTrouble } = troubles()
  peer.handle({ onData() {}, onTrouble })
  peer.write('refused')
  // Bound in this same tick, so that the refusal waits for the next send and not for the event loop.
  const server = createSocket({ type: 'udp4', lookup: (host, _, callback) => callback(null, host, 4) })
  server.bind(port, '127.0.0.1')
  peer.write('again')
  const [data] = (await once(server, 'message')) as [Buffer]
  expect(data.toString()).toBe('again')
  await until(() => peer.buffered === 0)
  expect(told.length).toBe(1)
  expect(peer.stats()).toMatchObject({ sent: 2, sentBytes: 12, refused: 1, sendErrors: 0 })
  server.close()
})

test('a burst at a closed port: every datagram is accounted for, and nothing throws', async () => {
  await using peer = await udp.connect({ port: await deafPort() })
  const { told, onTrouble } = troubles()
  peer.handle({ onData() {}, onTrouble })
  await Promise.all(Array.from({ length: 1_000 }, () => peer.send(new Uint8Array(10))))
  await until(() => peer.buffered === 0)
  const { sent, sendErrors, refused } = peer.stats()
  expect(sent + sendErrors).toBe(1_000)
  expect(refused).toBeGreaterThan(0)
  expect(refused).toBe(told.length)
})

test('strangers are not heard', async () => {
  await using server = await bare()
  await using stranger = await bare()
  await using peer = await udp.connect({ port: server.address().port, messages: 'text' })
  const { port } = peer.localAddress
  stranger.send('psst', port, '127.0.0.1')
  server.send('ahoy', port, '127.0.0.1')
  expect(await peer[Symbol.asyncIterator]().next()).toEqual({ value: 'ahoy', done: false })
  expect(peer.stats().received).toBe(1)
})

test('close waits for what was written, ends the reader, and may be repeated', async () => {
  await using server = await bare()
  let heard = 0
  server.on('message', () => heard++)
  const peer = await udp.connect({ port: server.address().port, messages: 'text' })
  const reading = peer[Symbol.asyncIterator]().next()
  const sends = Array.from({ length: 200 }, () => peer.send('x'))
  await Promise.all([peer.close(), peer.close()])
  await Promise.allSettled(sends)
  expect(await reading).toMatchObject({ done: true })
  expect(await peer.closed).toEqual({ kind: 'local' })
  await until(() => heard === 200)
  peer.destroy()
  await expect(peer.send('x')).rejects.toThrow('Cannot write: connection is closed')
})

test('nobody by that name, aborted, wrong options: each with its own error', async () => {
  await expect(udp.connect({ host: 'nobody.invalid', port: 9 })).rejects.toThrow(ConnectError)
  await expect(udp.connect({ port: 0 })).rejects.toThrow(RangeError)
  await expect(udp.connect({} as never)).rejects.toThrow(/^Invalid option port/)
  await expect(udp.connect({ host: 5 as never, port: 9 })).rejects.toThrow(TypeError)
  const reason = new Error('changed my mind')
  await expect(udp.connect({ port: 9, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  const controller = new AbortController()
  const connecting = udp.connect({ host: 'nobody.invalid', port: 9, signal: controller.signal })
  controller.abort(reason)
  await expect(connecting).rejects.toBe(reason)
})

const cookie = { messages: 'text', validation: 'cookie' } as const

test('by cookie, it is refused where nobody listens, and times out where nobody understands', async () => {
  const port = await deafPort()
  const refused = udp.connect({ port, ...cookie })
  await expect(refused).rejects.toThrow(ConnectError)
  await expect(refused).rejects.toMatchObject({
    message: `Cannot connect to 127.0.0.1:${port}: connection refused`,
    retryable: true,
  })
  await using server = await bare()
  const silent = udp.connect({ port: server.address().port, connectTimeout: 50, ...cookie })
  await expect(silent).rejects.toThrow(TimeoutError)
  await expect(silent).rejects.toMatchObject({ phase: 'handshake', peer: { host: '127.0.0.1' } })
  const controller = new AbortController()
  const reason = new Error('changed my mind')
  const aborted = udp.connect({ port: server.address().port, signal: controller.signal, ...cookie })
  setImmediate(() => controller.abort(reason))
  await expect(aborted).rejects.toBe(reason)
})

test('by cookie, a listener that was restarted on its port hears of it again', async () => {
  const echoing = (port: number) =>
    udp.listen({ port, ...cookie }, (session) => ({ onData: (message) => void session.write(message) }))
  const before = await echoing(0)
  const { port } = before.address
  await using peer = await udp.connect({ port, ...cookie })
  const heard: string[] = []
  peer.handle({ onData: (message) => void heard.push(message) })
  peer.write('before the restart')
  await until(() => heard.length === 1)
  await before.close()
  await using after = await echoing(port)
  const speaking = setInterval(() => peer.write('after the restart'), 20)
  await until(() => heard.length > 1).finally(() => clearInterval(speaking))
  expect(heard[1]).toBe('after the restart')
  expect(after.connections.size).toBe(1)
  expect(after.stats()).toMatchObject({ cookies: 1, badCookies: 0 })
  // What came until it was known again.
  expect(after.stats().rejected).toBeGreaterThan(0)
})

/** A connection whose system takes nothing until told to. */
async function stuck(sendQueue: SendQueueOptions) {
  const callbacks: ((error: Error | null) => void)[] = []
  const socket: Carrier = {
    send: (...parts: unknown[]) => void callbacks.push(parts.at(-1) as (error: Error | null) => void),
    on() {},
    close() {},
    getSendQueueCount: () => callbacks.length,
    getSendQueueSize: () => callbacks.length,
  }
  const address = { kind: 'ip', family: 4, host: '127.0.0.1', port: 9 } as const
  const sender = { address: '127.0.0.1', port: 9, family: 'IPv4' } as const
  const opened = { socket, address, peer: { address, sender }, addressOf: () => address }
  const counters = new Counters()
  const connection = await converse<Uint8Array, udp.IpAddress>(opened, { sendQueue }, counters, 0)
  const take = (): void => {
    for (const callback of callbacks.splice(0)) callback(null)
  }
  return { connection, callbacks, take }
}

test('the send queue has its policy: send waits for room, or the connection is destroyed', async () => {
  const blocked = await stuck({ policy: 'block', datagrams: 2 })
  const data = new Uint8Array(1)
  blocked.connection.write(data)
  blocked.connection.write(data)
  const third = blocked.connection.send(data)
  expect(() => blocked.connection.write(data)).toThrow('Cannot send: the send queue is full')
  expect(blocked.callbacks.length).toBe(1)
  for (let count = 0; count < 3; count++) {
    blocked.take()
    await until(() => blocked.callbacks.length === (count < 2 ? 1 : 0))
  }
  await third
  blocked.connection.destroy()

  const closed = await stuck({ policy: 'close', datagrams: 2 })
  for (let index = 0; index < 3; index++) closed.connection.write(data)
  expect(await closed.connection.closed).toMatchObject({ kind: 'error', error: { limit: 'sendQueue' } })
})

test('an address with a zone is connected to as it was received', async () => {
  const address = { kind: 'ip', family: 6, host: 'fe80::1', zone: 'lo', port: 9 } as const
  // Whether there is a way is the machine's affair; that the zone is on it is ours.
  const outcome = await udp.connect(address).then(
    async (peer) => {
      await peer.close()
      return formatAddress(peer.remoteAddress)
    },
    (error: Error) => error.message,
  )
  expect(outcome).toContain('[fe80::1%lo]:9')
})
