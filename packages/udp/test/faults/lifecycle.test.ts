import { ClosedError, type CloseReason, shutdown } from '@fairlead/core'
import * as udp from '@fairlead/udp'
import { bundle } from '@fairlead/udp/bundle'
import { discover } from '@fairlead/udp/discovery'
import { requests } from '@fairlead/udp/request'
import { afterEach, describe, expect, test } from 'vitest'

import { bare, deafPort, until } from '../tools.ts'
import { alone, noneIsLeftToTheProcess } from './harness.ts'

noneIsLeftToTheProcess()

// Whatever a test did, nothing that it made is left over.
afterEach(async () => {
  await expect.poll(() => process.getActiveResourcesInfo().filter((it) => it.includes('UDP'))).toEqual([])
})

const never = (): Promise<never> => new Promise(() => {})

test('23 what was written right before close is sent, by a socket, a connection, a session and a bundle', async () => {
  await using sink = await udp.bind()
  const listener = await udp.listen({ messages: 'text' }, (session) => ({
    onData(message) {
      session.write(message)
      void session.close()
    },
  }))
  const { port } = sink.address
  const socket = await udp.bind()
  socket.write('1', sink.address)
  const connection = await udp.connect({ port, messages: 'text' })
  connection.write('2')
  const bundled = bundle(await udp.connect({ port }), { messages: 'text' })
  bundled.write('3')
  await using peer = await udp.connect({ port: listener.address.port, messages: 'text' })
  peer.write('4')
  await Promise.all([socket.close(), connection.close({ grace: 5_000 }), bundled.close()])
  expect(await peer[Symbol.asyncIterator]().next()).toEqual({ value: '4', done: false })
  await until(() => sink.stats().received === 3)
  expect(socket.stats()).toMatchObject({ sent: 1, sendErrors: 0 })
  await listener.close()
})

test('23 a destroyed socket with sends under way: all are sent or errors, and nobody hangs', async () => {
  await using sink = await udp.bind()
  for (const open of [() => udp.bind(), () => udp.connect({ port: sink.address.port })]) {
    const socket = await open()
    const drained = [socket.drained()]
    const sends = Array.from({ length: 600 }, () =>
      'remoteAddress' in socket ? socket.send(Buffer.from('x')) : socket.send('x', sink.address),
    )
    drained.push(socket.drained())
    socket.destroy()
    socket.destroy(new Error('again'))
    await Promise.allSettled([...sends, ...drained])
    expect(await socket.closed).toEqual({ kind: 'local' })
    await until(() => socket.stats().sent + socket.stats().sendErrors === 600)
    expect(socket.buffered).toBe(0)
  }
})

test('23 sends to a name that is still looked for end with the socket, by close and by destroy', async () => {
  for (const end of ['close', 'destroy'] as const) {
    const socket = await udp.bind({ lookup: never })
    const sends = Array.from({ length: 10 }, () => socket.send('x', { host: 'a.example', port: 9 }))
    const closing = end === 'close' ? socket.close({ grace: 20 }) : socket.destroy()
    await Promise.allSettled(sends)
    await closing
    const kind = end === 'close' ? 'timeout' : 'local'
    expect((await socket.closed).kind).toBe(kind)
    const { sent, sendErrors } = socket.stats()
    expect([sent, sendErrors]).toEqual([0, 10])
    expect(socket.buffered).toBe(0)
  }
})

describe('23 whatever is called again, or in another order', () => {
  const ends: [
    string,
    (it: { close(options?: { grace: number }): Promise<void>; destroy(error?: Error): void }) => unknown,
    CloseReason['kind'][],
  ][] = [
    ['close, close', (it) => [it.close(), it.close()], ['local']],
    ['close, close without grace', (it) => [it.close(), it.close({ grace: 0 })], ['local', 'timeout']],
    ['close, destroy', (it) => [it.close(), it.destroy(new Error('x'))], ['local', 'error', 'shutdown']],
    ['destroy, close', (it) => [it.destroy(), it.close()], ['local', 'shutdown']],
    [
      'destroy, destroy',
      (it) => [it.destroy(new Error('first')), it.destroy(new Error('second'))],
      ['error', 'local'],
    ],
  ]

  test.each(ends)('%s: one reason, one onClose, and refusals with a clear word', async (_, finish, kinds) => {
    await using peer = await bare()
    const { port } = peer.address()
    const socket = await udp.bind()
    const connection = await udp.connect({ port })
    const listener = await udp.listen()
    const asking = requests(await udp.bind())
    const heard: string[] = []
    const handler = {
      onData() {},
      onDatagram() {},
      onClose: ({ kind }: CloseReason) => void heard.push(kind),
    }
    socket.handle(handler)
    connection.handle(handler)
    for (const it of [socket, connection, listener, asking]) {
      finish(it)
      const { kind } = await it.closed
      expect(kinds).toContain(kind)
      await it.close()
      expect(it.state).toBe('closed')
    }
    await until(() => heard.length >= 2)
    expect(heard.length).toBe(2)
    expect(() => socket.write('x', peer.address() as never)).toThrow(/^Cannot send: /)
    expect(() => connection.write(Buffer.from('x'))).toThrow(/^Cannot write: /)
    expect(() => socket.join('239.77.4.3')).toThrow(ClosedError)
    await expect(asking.request('x', { to: socket.address })).rejects.toThrow(/^Cannot request: /)
    await expect(socket.drained()).rejects.toThrow(/^Cannot send: /)
    const end = await socket[Symbol.asyncIterator]()
      .next()
      .catch((error: Error) => error.name)
    expect([{ value: undefined, done: true }, 'BrokenError']).toContainEqual(end)
  })
})

describe('23 destroyed and closed inside a callback', () => {
  const ends = ['destroy', 'close'] as const

  test.each(ends)('%s of a bound socket: nothing more is heard but onClose, once', async (end) => {
    await using client = await udp.bind()
    for (const callback of ['onDatagram', 'onTrouble', 'onDrain', 'onClose'] as const) {
      const socket = await udp.bind()
      const heard: string[] = []
      const note = (name: string) => () => {
        heard.push(name)
        if (name === callback) void socket[end]()
      }
      socket.handle({
        onDatagram: note('onDatagram'),
        onTrouble: note('onTrouble'),
        onDrain: note('onDrain'),
        onClose: note('onClose'),
      })
      if (callback === 'onDatagram') for (const word of 'abc') client.write(word, socket.address)
      if (callback === 'onTrouble') {
        for (const _ of 'abc') socket.write('x', { host: '255.255.255.255', port: 9 })
      }
      if (callback === 'onDrain') for (let at = 0; at < 300; at++) socket.write('x', client.address)
      if (callback === 'onClose') void socket.close()
      expect(await socket.closed).toEqual({ kind: 'local' })
      await until(() => heard.includes('onClose'))
      const told = heard.filter((name) => name !== 'onTrouble' || callback !== 'onTrouble')
      expect(told).toEqual(
        callback.startsWith('onC') || callback === 'onTrouble' ? ['onClose'] : [callback, 'onClose'],
      )
      expect(heard.at(-1)).toBe('onClose')
    }
  })

  test.each(ends)('%s of a session, and of its listener: the others of a burst are dropped', async (end) => {
    for (const what of ['session', 'listener'] as const) {
      let heard = 0
      const listener: udp.UdpListener<string> = await udp.listen({ messages: 'text' }, (session) => ({
        onData() {
          heard++
          void (what === 'session' ? session : listener)[end]()
        },
      }))
      const peer = await udp.connect({ port: listener.address.port, messages: 'text' })
      for (const word of 'abc') peer.write(word)
      if (what === 'session') {
        // Each begins a new session: closing says nothing to the peer.
        await until(() => heard === 3)
        expect(listener.connections.size).toBe(0)
        await listener.close()
      } else {
        await listener.closed
        expect(heard).toBe(1)
      }
      await peer.close()
    }
  })

  test.each(ends)('%s of a requests socket inside answer, and with requests pending', async (end) => {
    const server = requests(await udp.bind(), {
      messages: 'text',
      answer: () => {
        void server[end]()
        return 'late'
      },
    })
    const client = requests(await udp.bind(), { messages: 'text' })
    const asked = client.request('x', { to: server.address, timeout: 5_000 })
    asked.catch(() => {})
    await server.closed
    // A polite closing finishes what it is at work on.
    if (end === 'close') expect(await asked).toBe('late')
    const pending = client.request('y', { to: { host: '127.0.0.1', port: 9 }, timeout: 5_000 })
    pending.catch(() => {})
    void client[end]()
    await expect(pending).rejects.toThrow(ClosedError)
    if (end === 'destroy') await expect(asked).rejects.toThrow(ClosedError)
    await client.closed
  })
})

describe('23 aborted', () => {
  const reason = new Error('changed my mind')
  const opened: [string, (options: object) => Promise<{ destroy(): void }>][] = [
    ['bind', (options) => udp.bind({ port: 0, ...options })],
    ['listen', (options) => udp.listen({ port: 0, ...options })],
    ['connect', (options) => udp.connect({ port: 9, ...options })],
  ]

  test.each(opened)('%s: before, in the same tick, and while the resolver hangs', async (_, open) => {
    await expect(open({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    for (const rest of [{}, { host: 'a.example', lookup: never }]) {
      const cancel = new AbortController()
      const opening = open({ signal: cancel.signal, ...rest })
      cancel.abort(reason)
      await expect(opening).rejects.toBe(reason)
    }
    const cancel = new AbortController()
    const hanging = open({ signal: cancel.signal, host: 'a.example', lookup: never })
    setImmediate(() => cancel.abort(reason))
    await expect(hanging).rejects.toBe(reason)
  })

  test('after it was opened: of no effect', async () => {
    for (const [, open] of opened) {
      const cancel = new AbortController()
      const it = (await open({ signal: cancel.signal })) as udp.UdpSocket
      cancel.abort(reason)
      expect(it.state).toBe('open')
      await it.close()
    }
  })

  test('drained and close: the wait ends, and nothing else', async () => {
    await using sink = await udp.bind()
    const socket = await udp.bind()
    await expect(socket.drained({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    for (let at = 0; at < 300; at++) socket.write('x', sink.address)
    const cancel = new AbortController()
    const [aborted, patient] = [socket.drained({ signal: cancel.signal }), socket.drained()]
    cancel.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    await patient
    expect(socket.stats()).toMatchObject({ sent: 300, sendErrors: 0 })
    for (let at = 0; at < 300; at++) socket.write('x', sink.address)
    await expect(socket.close({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(await socket.closed).toEqual({ kind: 'local' })
  })

  test('discover and a request: the same', async () => {
    await expect(discover({}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await using client = requests(await udp.bind())
    const cancel = new AbortController()
    const to = { host: '127.0.0.1', port: await deafPort() }
    const asked = client.request('x', { to, signal: cancel.signal })
    cancel.abort(reason)
    await expect(asked).rejects.toBe(reason)
    expect(client.stats()).toMatchObject({ pending: 0, aborted: 1 })
  })
})

test('23 a shutdown with silent peers in every phase ends within its grace', async () => {
  const silent = { onData() {}, onShutdown() {} }
  const listeners = [
    await udp.listen({}, () => silent),
    await udp.listen({}, never),
    await udp.listen({}),
    await udp.listen({}, async (session) => {
      for await (const _ of session) await never()
    }),
    await udp.listen({ validation: 'cookie' }, () => silent),
  ]
  const peers = []
  for (const [at, { address, stats }] of listeners.entries()) {
    const validation = at === 4 ? 'cookie' : 'none'
    const peer = await udp.connect({ port: address.port, validation })
    peers.push(peer)
    await peer.send(Buffer.from('a datagram'))
    await until(() => stats.call(listeners[at]).received > 0 && listeners[at]?.connections.size === 1)
  }
  await shutdown(listeners, { grace: 50 })
  // The signal twice.
  await shutdown(listeners, { grace: 50 })
  for (const listener of listeners) {
    expect(listener.state).toBe('closed')
    expect(listener.connections.size).toBe(0)
  }
  await Promise.all(peers.map((peer) => peer.close()))
})

test('22 a port in use: ListenError that may be tried again, by hand and when it is free', async () => {
  const taken = await bare()
  const { port } = taken.address()
  const refusal = { name: 'ListenError', retryable: true, phase: 'bind' }
  await expect(udp.bind({ port })).rejects.toMatchObject(refusal)
  await expect(udp.listen({ port })).rejects.toMatchObject(refusal)
  await taken[Symbol.asyncDispose]()
  const [first, second] = await Promise.allSettled([udp.bind({ port }), udp.listen({ port })])
  expect([first.status, second.status].toSorted()).toEqual(['fulfilled', 'rejected'])
  if (first.status === 'fulfilled') await first.value.close()
  if (second.status === 'fulfilled') await second.value.close()
})

test('22 no descriptors: opening fails and says so, what is open goes on, and later it works again', async () => {
  const result = await alone('outOfDescriptors', ['sh', '-c', 'ulimit -n 128; exec "$0" "$@"'])
  expect(result).toEqual({
    bind: 'ListenError: Cannot bind 127.0.0.1:0: too many open files',
    listen: 'ListenError: Cannot listen on 127.0.0.1:0: too many open files',
    connect: 'ConnectError: Cannot connect to 127.0.0.1:9: too many open files',
    validated: 'ConnectError: Cannot connect to 127.0.0.1:9: too many open files',
    discover: expect.stringMatching(/^ListenError: .*too many open files/) as string,
    join: true,
    interfaces: expect.any(Array) as unknown[],
    kernelDropped: 'undefined',
    echoed: 'still here',
    after: 'still here',
  })
})

test('23 thousands of starts and stops leave nothing over', async () => {
  const { cycles, resources, descriptors, sockets } = await alone<Record<string, unknown>>('startsAndStops')
  expect(cycles).toBe(2_000)
  expect({ resources, descriptors, sockets }).toEqual({ resources: [], descriptors: 0, sockets: 0 })
}, 30_000)
