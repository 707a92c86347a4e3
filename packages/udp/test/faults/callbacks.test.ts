import { BrokenError, SocketError } from '@fairlead/core'
import * as udp from '@fairlead/udp'
import { bundle } from '@fairlead/udp/bundle'
import { requests } from '@fairlead/udp/request'
import { describe, expect, test } from 'vitest'

import type { LaneOwner } from '../../src/queue/lane.ts'
import { until } from '../tools.ts'
import { faults, noneIsLeftToTheProcess, text, trouble } from './harness.ts'

noneIsLeftToTheProcess()

const never = (): Promise<never> => new Promise(() => {})

/** Says something to an echo, and hears it back: whoever else failed, this one works. */
async function works(port: number): Promise<void> {
  await using peer = await udp.connect({ port, messages: 'text' })
  peer.write('ahoy')
  expect(await peer[Symbol.asyncIterator]().next()).toEqual({ value: 'ahoy', done: false })
}

/** Sessions that say `bad` get what is to fail; the others an echo. */
async function listenTo(fault: (session: udp.UdpSession<string>) => object | Promise<void>) {
  const victims: udp.UdpSession<string>[] = []
  const listener = await udp.listen({ messages: 'text' }, async (session) => {
    const { value } = await session[Symbol.asyncIterator]().next()
    if (value !== 'bad') {
      session.handle({ onData: (message) => void session.write(message) }, value)
      return
    }
    victims.push(session)
    const handler = await fault(session)
    if (handler) session.handle({ onData() {}, ...handler }, value)
  })
  const { port } = listener.address
  const peer = await udp.connect({ port, messages: 'text' })
  peer.write('bad')
  await until(() => victims.length === 1)
  return {
    listener,
    port,
    peer,
    victim: victims[0] as udp.UdpSession<string>,
    async [Symbol.asyncDispose]() {
      await peer.close()
      await listener.close({ grace: 0 })
    },
  }
}

describe.each(faults)('2 a callback that %s', (_, fault) => {
  test('onDatagram: costs that datagram, when there is an onTrouble', async () => {
    await using server = await udp.bind()
    await using client = await udp.bind()
    const { told, onTrouble } = trouble()
    const heard: string[] = []
    server.handle({
      onDatagram: (data) => (text(data) === 'bad' ? fault() : void heard.push(text(data))),
      onTrouble,
    })
    for (const word of ['bad', 'good', 'bad', 'good']) client.write(word, server.address)
    await until(() => heard.length === 2 && told.length === 2)
    expect(told.every((it) => it instanceof SocketError)).toBe(true)
    expect(server.stats()).toMatchObject({ received: 4, handlerErrors: 2, receiveDropped: 0 })
    expect(server.state).toBe('open')
  })

  test('onDatagram: costs that datagram of those that waited, too', async () => {
    await using server = await udp.bind()
    await using client = await udp.bind()
    for (const word of ['good', 'bad', 'bad', 'good']) client.write(word, server.address)
    await until(() => server.stats().received === 4)
    const { told, onTrouble } = trouble()
    const heard: string[] = []
    server.handle({
      onDatagram: (data) => (text(data) === 'bad' ? fault() : void heard.push(text(data))),
      onTrouble,
    })
    await until(() => told.length === 2)
    expect(heard).toEqual(['good', 'good'])
  })

  test('onDatagram: costs the socket, when there is nobody to be told; onClose hears why', async () => {
    await using client = await udp.bind()
    const server = await udp.bind()
    const reasons: string[] = []
    server.handle({ onDatagram: () => fault(), onClose: ({ kind }) => void reasons.push(kind) })
    client.write('bad', server.address)
    expect(await server.closed).toMatchObject({
      kind: 'error',
      error: expect.any(SocketError) as SocketError,
    })
    await until(() => reasons.length > 0)
    expect(reasons).toEqual(['error'])
    expect(client.state).toBe('open')
  })

  test('onTrouble of a bound socket: costs that socket, once', async () => {
    const server = await udp.bind()
    const reasons: string[] = []
    server.handle({ onDatagram() {}, onTrouble: fault, onClose: ({ kind }) => void reasons.push(kind) })
    await server.send('x', { host: '255.255.255.255', port: 9 })
    expect(await server.closed).toMatchObject({ kind: 'error' })
    await until(() => reasons.length > 0)
    expect(reasons).toEqual(['error'])
  })

  test('onClose of a bound socket, after close and after destroy: changes nothing', async () => {
    for (const end of ['close', 'destroy'] as const) {
      const server = await udp.bind()
      server.handle({ onDatagram() {}, onClose: fault })
      void server[end]()
      expect(await server.closed).toEqual({ kind: 'local' })
    }
  })

  test('onDrain of a bound socket: costs the socket or nothing, and every send settles', async () => {
    await using sink = await udp.bind()
    const server = await udp.bind()
    let drains = 0
    server.handle({ onDatagram() {}, onTrouble() {}, onDrain: () => (drains++, fault()) })
    const sends = Array.from({ length: 400 }, () => server.send('x', sink.address))
    await Promise.allSettled(sends)
    await until(() => drains > 0)
    await server.close()
    expect(server.state).toBe('closed')
  })

  test('accept: costs that session', async () => {
    const ended: string[] = []
    await using listener = await udp.listen({ messages: 'text' }, (session) => {
      if (session.remoteAddress.port === bad.address.port) {
        void session.closed.then(({ kind }) => ended.push(kind))
        return fault()
      }
      return { onData: (message) => void session.write(message) }
    })
    const bad = await udp.bind()
    const { port } = listener.address
    bad.write('x', listener.address)
    await until(() => ended.length === 1)
    expect(ended).toEqual(['error'])
    await works(port)
    await bad.close()
  })

  test.each(['onData', 'onTrouble', 'onClose', 'onDrain', 'onShutdown'])(
    '%s of a session: costs that session at most',
    async (name) => {
      await using scene = await listenTo(() => ({ [name]: () => fault() }))
      const { victim, peer, port, listener } = scene
      if (name === 'onTrouble') (victim as unknown as LaneOwner).troubled(new BrokenError('told'))
      if (name === 'onDrain') {
        victim.validate()
        for (let at = 0; at < 300; at++) victim.write('x')
      }
      if (name === 'onClose') victim.destroy()
      if (name === 'onShutdown') {
        await works(port)
        await listener.close({ grace: 50 })
        expect(listener.connections.size).toBe(0)
        return
      }
      await until(() => victim.state === 'closed')
      expect(listener.state).toBe('open')
      expect(peer.state).toBe('open')
      await works(port)
    },
  )

  test('the body of an iteration over a session, or over the socket: costs what it throws from', async () => {
    await using scene = await listenTo(async (session) => {
      for await (const _ of session) await fault()
    })
    scene.peer.write('again')
    await until(() => scene.victim.state === 'closed')
    expect(await scene.victim.closed).toMatchObject({ kind: 'error' })
    await works(scene.port)

    await using socket = await udp.bind()
    await using client = await udp.bind()
    client.write('first', socket.address)
    client.write('second', socket.address)
    const loop = async (): Promise<void> => {
      for await (const _ of socket) await fault()
    }
    await loop().catch(() => {})
    const again = async (): Promise<void> => {
      for await (const _ of socket.batches()) await fault()
    }
    await again().catch(() => {})
    expect(socket.state).toBe('open')
  })

  test('lookup of bind, of listen and of connect: that call rejects, and names the phase', async () => {
    const options = { host: 'a.example', lookup: fault }
    await expect(udp.bind(options)).rejects.toMatchObject({ name: 'ListenError' })
    await expect(udp.listen(options)).rejects.toMatchObject({ name: 'ListenError' })
    await expect(udp.connect({ ...options, port: 9 })).rejects.toMatchObject({ name: 'ConnectError' })
  })

  test('lookup of a send: costs the datagrams to that name', async () => {
    await using socket = await udp.bind({
      lookup: async (host) => (host === 'bad.example' ? fault() : ['127.0.0.1']),
    })
    await using other = await udp.bind()
    const { port } = other.address
    const { told, onTrouble } = trouble()
    socket.handle({ onDatagram() {}, onTrouble })
    await socket.send('x', { host: 'bad.example', port })
    await socket.send('y', { host: 'good.example', port })
    await until(() => told.length === 1 && other.stats().received === 1)
    expect(socket.stats()).toMatchObject({ sent: 1, sendErrors: 1 })
    expect(told[0]).toMatchObject({ phase: 'dns' })
  })

  test('onChange of a membership: told to onTrouble, and the membership stays', async () => {
    await using socket = await udp.bind({ host: '0.0.0.0', reuseAddr: true })
    const { told, onTrouble } = trouble()
    socket.handle({ onDatagram() {}, onTrouble })
    const membership = socket.join('239.77.4.1', { interfaces: ['127.0.0.1'], onChange: () => fault() })
    await until(() => told.length === 1)
    expect(told[0]).toBeInstanceOf(SocketError)
    expect(membership.interfaces.length).toBe(1)
    expect(socket.state).toBe('open')
  })

  test('answer, onDatagram and onTrouble of requests: cost that request', async () => {
    await using server = requests(await udp.bind(), {
      messages: 'text',
      answer: (question) => (question === 'bad' ? fault() : question),
      onDatagram: fault,
      onTrouble: fault,
    })
    await using client = requests(await udp.bind(), { messages: 'text' })
    await using stranger = await udp.bind()
    stranger.write('no request', server.address)
    await until(() => server.stats().stray === 1)
    const to = server.address
    await expect(client.request('bad', { to, timeout: 5_000 })).rejects.toThrow('failed to answer')
    expect(await client.request('good', { to, timeout: 5_000 })).toBe('good')
    expect(server.stats()).toMatchObject({ executed: 2, failed: 1, running: 0 })
  })

  test('onData and onTrouble of a bundle: cost that bundle', async () => {
    await using scene = await listenTo((session) => {
      const bundled = bundle(session as unknown as udp.UdpSession<Uint8Array>)
      bundled.handle({ onData: () => fault(), onTrouble: () => fault() })
      return new Promise<void>((resolve) => void session.closed.then(() => resolve()))
    })
    scene.peer.write('this is no bundle')
    await until(() => scene.victim.state === 'closed')
    await works(scene.port)
  })
})

describe('2 a callback that never settles', () => {
  test('onDatagram: nothing waits for it', async () => {
    await using server = await udp.bind()
    await using client = await udp.bind()
    let calls = 0
    server.handle({ onDatagram: () => (calls++, never()) })
    for (let at = 0; at < 100; at++) client.write('x', server.address)
    await until(() => calls === 100)
    await server.close()
    expect(await server.closed).toEqual({ kind: 'local' })
  })

  test('accept, and the body of an iteration: the session waits within its quota, others go on', async () => {
    await using scene = await listenTo(async () => never())
    // In parts that any receive buffer takes.
    for (let sent = 0; sent < 300;) {
      for (let at = 0; at < 50; at++, sent++) scene.peer.write('x')
      await until(() => scene.listener.stats().received === 1 + sent)
    }
    expect(scene.listener.stats().receiveDropped).toBe(300 - 256)
    await works(scene.port)
    await scene.listener.close({ grace: 10 })
    expect(scene.victim.state).toBe('closed')
  })

  test('lookup of bind and connect: ends with the signal; of connect in its time', async () => {
    const reason = new Error('enough')
    for (const open of [udp.bind, udp.listen]) {
      const cancel = new AbortController()
      const opening = open({ host: 'a.example', lookup: never, signal: cancel.signal }) as Promise<unknown>
      setImmediate(() => cancel.abort(reason))
      await expect(opening).rejects.toBe(reason)
    }
    const aborted = udp.connect({
      host: 'a.example',
      port: 9,
      lookup: never,
      signal: AbortSignal.abort(reason),
    })
    await expect(aborted).rejects.toBe(reason)
    const late = udp.connect({ host: 'a.example', port: 9, lookup: never, connectTimeout: 20 })
    await expect(late).rejects.toMatchObject({ name: 'TimeoutError', phase: 'dns' })
  })

  test('answer: fails in its time, and takes the place of no other', async () => {
    await using server = requests(await udp.bind(), {
      messages: 'text',
      answerTimeout: 50,
      answer: (question) => (question === 'bad' ? never() : question),
    })
    await using client = requests(await udp.bind(), { messages: 'text' })
    const to = server.address
    const bad = client.request('bad', { to, timeout: 5_000 })
    bad.catch(() => {})
    expect(await client.request('good', { to, timeout: 5_000 })).toBe('good')
    await expect(bad).rejects.toThrow('failed to answer')
    expect(server.stats()).toMatchObject({ running: 0, failed: 1 })
    await server.close({ grace: 20 })
  })

  test('onTrouble, onClose, onChange: nothing waits for them', async () => {
    const server = await udp.bind({ host: '0.0.0.0', reuseAddr: true })
    server.handle({
      onDatagram() {},
      onTrouble: never,
      onClose: never,
    })
    server.join('239.77.4.2', { interfaces: ['127.0.0.1'], onChange: never })
    await server.send('x', { host: '255.255.255.255', port: 9 })
    await server.close()
    expect(await server.closed).toEqual({ kind: 'local' })
  })
})

describe('2 a lookup that gives rubbish', () => {
  const answers: [string, unknown][] = [
    ['nothing', undefined],
    ['null', null],
    ['a string', '127.0.0.1'],
    ['an empty list', []],
    ['what are no addresses', ['localhost', '0x7f.1', '', '127.0.0.1:9', '999.1.1.1']],
    ['what are no strings', [1, null, {}, Object.create(null), ['127.0.0.1']]],
    ['a list without end', Object.assign([], { length: 3 })],
  ]

  test.each(answers)('%s: the call rejects, or the datagram is lost; nothing else', async (_, answer) => {
    const lookup = async () => answer as string[]
    await expect(udp.bind({ host: 'a.example', lookup })).rejects.toThrow('no such host')
    const connecting = udp.connect({ host: 'a.example', port: 9, lookup })
    await expect(connecting).rejects.toMatchObject({ name: 'ConnectError' })
    await using socket = await udp.bind({ lookup })
    await socket.send('x', { host: 'a.example', port: 9 })
    await until(() => socket.stats().sendErrors === 1)
    expect(socket.state).toBe('open')
  })

  test('not even a promise: the same', async () => {
    const lookup = (() => ['127.0.0.1']) as unknown as udp.Lookup
    await using socket = await udp.bind({ host: 'a.example', lookup })
    expect(socket.address.host).toBe('127.0.0.1')
    const none = (() => 5) as unknown as udp.Lookup
    await expect(udp.bind({ host: 'a.example', lookup: none })).rejects.toThrow('no such host')
  })
})
