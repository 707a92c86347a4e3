import { BrokenError, lines, type MessageConnection, SocketError } from '@fairlead/core'
import { pair } from '@fairlead/core/memory'
import * as udp from '@fairlead/udp'
import { expect, test } from 'vitest'

import { openBound } from '../src/opening/open-bound.ts'
import { SessionListener } from '../src/session/listener.ts'
import { Counters } from '../src/stats.ts'
import { ask, bare, next, troubles, until } from './tools.ts'

async function echo(connection: MessageConnection<string>): Promise<void> {
  for await (const message of connection) await connection.send(message)
}

test('one handler runs on sessions and on lines over memory', async () => {
  await using listener = await udp.listen({ messages: 'text' }, echo)
  await using peer = await udp.connect({ port: listener.address.port, messages: 'text' })
  expect(await ask(peer, 'ahoy ⚓')).toBe('ahoy ⚓')

  const [here, there] = pair()
  void echo(lines(there)).then(() => there.close())
  const talk = lines(here)
  expect(await ask(talk, 'ahoy ⚓')).toBe('ahoy ⚓')
  await talk.close()
})

test('each peer has its session, by handler, and each hears its own', async () => {
  await using listener = await udp.listen({}, (session) => ({ onData: (data) => void session.write(data) }))
  const peers = await Promise.all(
    Array.from({ length: 20 }, () => udp.connect({ port: listener.address.port, messages: 'text' })),
  )
  const answers = await Promise.all(peers.map((peer, i) => ask(peer, `peer ${i}`)))
  expect(answers).toEqual(peers.map((_, i) => `peer ${i}`))
  expect(listener.connections.size).toBe(20)
  const ports = [...listener.connections].map((it) => it.remoteAddress.port)
  expect(new Set(ports)).toEqual(new Set(peers.map((it) => it.localAddress.port)))
  await Promise.all(peers.map((peer) => peer.close()))
})

test('is iterated when nobody accepts; a closed session says nothing and a new one begins', async () => {
  await using listener = await udp.listen({ messages: 'text' })
  await using peer = await udp.connect({ port: listener.address.port, messages: 'text' })
  for (const message of ['first', 'second']) {
    await peer.send(message)
    const session = await next(listener)
    expect(session).toMatchObject({ reliable: false, localAddress: listener.address })
    for await (const heard of session) {
      expect(heard).toBe(message)
      break
    }
    await session.send(`re: ${message}`)
    await session.close()
    await session.close()
    expect(await session.closed).toEqual({ kind: 'local' })
    expect(listener.connections.size).toBe(0)
  }
  await until(() => peer.stats().received === 2)
})

test('close lets what was written leave; destroy leaves no promise hanging', async () => {
  await using listener = await udp.listen()
  await using peer = await udp.connect({ port: listener.address.port })
  await peer.send(new Uint8Array(1))
  const session = await next(listener)
  session.validate()
  const reading = session[Symbol.asyncIterator]().next()
  const sends = Array.from({ length: 400 }, () => session.send(new Uint8Array(100)))
  const closing = session.close()
  expect(() => session.write(new Uint8Array(1))).toThrow('Cannot write: connection is closed')
  await closing
  await Promise.allSettled(sends)
  expect(await reading).toMatchObject({ done: true })
  expect(listener.stats().sent).toBe(400)

  await peer.send(new Uint8Array(1))
  const another = await next(listener)
  another.validate()
  const unsent = Array.from({ length: 400 }, () => another.send(new Uint8Array(100)))
  another.destroy(new Error('enough'))
  expect((await Promise.allSettled(unsent)).at(-1)).toMatchObject({ status: 'rejected' })
  expect(await another.closed).toMatchObject({ kind: 'error' })
  expect(() => another.write(new Uint8Array(1))).toThrow(BrokenError)
})

test('a session of which nothing is heard expires, whatever is sent to it; one that is heard does not', async () => {
  await using listener = await udp.listen({ messages: 'text', idleTimeout: 80, maxAmplification: Infinity })
  await using quiet = await udp.connect({ port: listener.address.port, messages: 'text' })
  await using lively = await udp.connect({ port: listener.address.port, messages: 'text' })
  await quiet.send('x')
  const dozing = await next(listener)
  await lively.send('x')
  const awake = await next(listener)
  const since = performance.now()
  const speaking = setInterval(() => {
    lively.write('still here')
    if (dozing.state === 'open') dozing.write('are you there?')
  }, 10)
  const reading = (async () => {
    for await (const _ of dozing);
  })()
  expect(await dozing.closed).toEqual({ kind: 'timeout', phase: 'idle' })
  expect(performance.now() - since).toBeGreaterThan(60)
  await reading
  expect(awake.state).toBe('open')
  clearInterval(speaking)
  expect(await awake.closed).toEqual({ kind: 'timeout', phase: 'idle' })
  expect(listener.stats().expired).toBe(2)
  expect(listener.connections.size).toBe(0)
})

test('sessions that nobody takes are given up beyond the backlog', async () => {
  const counters = new Counters()
  await using listener = new SessionListener({}, await openBound({}, counters), counters, undefined)
  for (let i = 0; i < 200; i++) {
    listener.receive(Buffer.from('x'), { address: `10.0.0.${i}`, family: 'IPv4', port: 4_000 })
  }
  expect(listener.connections.size).toBe(128)
  expect(listener.stats().rejected).toBe(72)
  listener.destroy()
  await listener.closed
})

test('what nobody reads is kept up to the limit, then dropped, counted, and told once', async () => {
  const counters = new Counters()
  const options = { messages: 'text', receiveQueue: { datagrams: 3 } } as const
  await using listener = new SessionListener<string, udp.IpAddress>(
    options,
    await openBound({}, counters),
    counters,
    undefined,
  )
  const info = { address: '10.0.0.1', family: 'IPv4', port: 4_000 } as const
  for (let i = 0; i < 5; i++) listener.receive(Buffer.from(String(i)), info)
  const session = await next(listener)
  const heard: string[] = []
  const { told, onTrouble } = troubles()
  session.handle({ onData: (message) => void heard.push(message), onTrouble })
  await until(() => heard.length === 3)
  expect(heard).toEqual(['0', '1', '2'])
  expect(listener.stats()).toMatchObject({ received: 5, receiveDropped: 2 })

  session.pause()
  for (let i = 5; i < 15; i++) listener.receive(Buffer.from(String(i)), info)
  expect(told).toMatchObject([{ name: 'LimitError', limit: 'receiveQueue', value: 3 }])
  expect(listener.stats().receiveDropped).toBe(9)
  session.resume()
  expect(heard.length).toBe(3)
  await until(() => heard.length === 6)
  listener.receive(Buffer.from('last'), info)
  expect(heard).toEqual(['0', '1', '2', '5', '6', '7', 'last'])
})

test('a message beyond maxMessageSize is refused before the system sees it', async () => {
  await using listener = await udp.listen({ messages: 'text' })
  await using peer = await udp.connect({
    port: listener.address.port,
    messages: 'text',
    maxMessageSize: 9_000,
  })
  await peer.send('x'.repeat(9_000))
  const session = await next(listener)
  for await (const message of session) {
    expect(message.length).toBe(9_000)
    break
  }
  expect(session.write('€'.repeat(400))).toBe(true)
  expect(listener.stats().oversized).toBe(0)
  const refused = { name: 'LimitError', limit: 'maxMessageSize', value: 1_203 }
  await expect(session.send('€'.repeat(401))).rejects.toMatchObject(refused)
  await expect(peer.send('x'.repeat(9_001))).rejects.toMatchObject({ value: 9_001 })
  expect(session.state).toBe('open')
  expect(() => session.write(new Uint8Array(1) as never)).toThrow(TypeError)
})

test('a callback that throws or rejects costs its session, and no other', async () => {
  let sessions = 0
  await using listener = await udp.listen({ messages: 'text' }, (session) => {
    sessions++
    if (sessions === 1) throw new Error('accept throws')
    if (sessions === 2) return Promise.reject(new Error('accept rejects'))
    return {
      onData(message) {
        if (message === 'throw') throw new Error('handler throws')
        session.write(message)
      },
    }
  })
  const peer = await udp.connect({ port: listener.address.port, messages: 'text' })
  await using other = await udp.connect({ port: listener.address.port, messages: 'text' })
  peer.write('1')
  peer.write('2')
  await until(() => sessions === 2 && listener.connections.size === 0)
  expect(await ask(other, 'ahoy')).toBe('ahoy')
  peer.write('throw')
  await until(() => sessions === 4 && listener.connections.size === 1)
  expect(await ask(other, 'still here')).toBe('still here')
  await peer.close()
})

test('suspended, it makes no new sessions and those there are go on; resumed, it does again', async () => {
  await using listener = await udp.listen({ messages: 'text' }, echo)
  await using known = await udp.connect({ port: listener.address.port, messages: 'text' })
  await using late = await udp.connect({ port: listener.address.port, messages: 'text' })
  expect(await ask(known, 'one')).toBe('one')
  await listener.suspend()
  expect(listener.accepting).toBe(false)
  await late.send('nobody hears')
  expect(await ask(known, 'two')).toBe('two')
  expect(listener.stats().rejected).toBe(1)
  await listener.resume()
  expect(await ask(late, 'three')).toBe('three')
})

test('closing ends the sessions for shutdown, and the port is free when it is closed', async () => {
  const listener = await udp.listen({ messages: 'text' }, echo)
  await using peer = await udp.connect({ port: listener.address.port, messages: 'text' })
  await ask(peer, 'ahoy')
  const [session] = listener.connections
  await Promise.all([listener.close(), listener.close()])
  expect(await session?.closed).toEqual({ kind: 'shutdown' })
  await using again = await udp.listen({ port: listener.address.port })
  expect(again.address).toEqual(listener.address)
  listener.destroy()
})

test('a handler that finishes its work during a shutdown is waited for, and cut when it does not', async () => {
  const graces: number[] = []
  const listener = await udp.listen({ messages: 'text' }, (session) => ({
    onData: (message) => void session.write(message),
    onShutdown(grace) {
      graces.push(grace)
      if (graces.length === 1) void session.close()
    },
  }))
  await using one = await udp.connect({ port: listener.address.port, messages: 'text' })
  await using two = await udp.connect({ port: listener.address.port, messages: 'text' })
  await Promise.all([ask(one, 'x'), ask(two, 'x')])
  const sessions = [...listener.connections]
  await listener.close({ grace: 50 })
  expect(graces).toEqual([50, 50])
  expect(await Promise.all(sessions.map((it) => it.closed))).toEqual([
    { kind: 'local' },
    { kind: 'shutdown' },
  ])
})

test('bytes that are no UTF-8, and empty datagrams, break nothing', async () => {
  await using listener = await udp.listen({ messages: 'text' }, echo)
  await using peer = await udp.connect({ port: listener.address.port })
  const answers: string[] = []
  peer.handle({ onData: (data) => void answers.push(Buffer.from(data).toString()) })
  peer.write(new Uint8Array([0x61, 0xff, 0x62]))
  peer.write(new Uint8Array())
  await until(() => answers.length === 2)
  expect(answers).toEqual(['a\uFFFDb', ''])
})

test('a port in use is a ListenError; wrong options are named', async () => {
  await using taken = await bare()
  const listening = udp.listen({ port: taken.address().port })
  await expect(listening).rejects.toSatisfy((it) => SocketError.is(it) && it.code === 'ERR_FAIRLEAD_LISTEN')
  await expect(udp.listen({ port: -1 })).rejects.toThrow(/^Invalid option port/)
  await expect(udp.listen({ host: '' })).rejects.toThrow(/^Invalid option host/)
  await expect(udp.listen({ messages: 'json' as never })).rejects.toThrow(/^Invalid option messages/)
  await expect(udp.listen({ idleTimeout: Infinity })).rejects.toThrow(/^Invalid option idleTimeout/)
  await expect(udp.listen({ maxSessions: 0 })).rejects.toThrow(/^Invalid option maxSessions/)
  await expect(udp.listen({ maxMessageSize: 70_000 })).rejects.toThrow(/^Invalid option maxMessageSize/)
  await expect(udp.listen({ validation: 'tls' as never })).rejects.toThrow(/^Invalid option validation/)
  await expect(udp.listen({ maxAmplification: 0 })).rejects.toThrow(/^Invalid option maxAmplification/)
  const maxUnvalidatedDatagrams = 0.5
  await expect(udp.listen({ maxUnvalidatedDatagrams })).rejects.toThrow(
    /^Invalid option maxUnvalidatedDatagrams/,
  )
  await expect(udp.listen({ receiveQueue: { bytes: 0.5 } })).rejects.toThrow(
    /^Invalid option receiveQueue.bytes/,
  )
  await expect(udp.bind({ sendQueue: 5 as never })).rejects.toThrow(/^Invalid option sendQueue/)
})
