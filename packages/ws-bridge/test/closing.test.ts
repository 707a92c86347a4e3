import { BrokenError, ClosedError, type CloseReason, TimeoutError } from '@fairlead/core'
import * as http from '@fairlead/http'
import * as websocket from '@fairlead/ws-bridge'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'

import { echo, gate, meet, portOf, quiet, read, until, urlOf } from './harness.ts'
import { closeFrame, frame, opcodes, Raw } from './raw.ts'

/** A listener whose one connection is met by a raw peer. */
async function rawly(handler: Parameters<typeof websocket.listen>[1] = () => ({ onData() {} })) {
  const server = await http.listen({ port: 0 }, (exchange) => exchange.respond(404))
  const { promise, open } = gate<Parameters<NonNullable<typeof handler>>[0]>()
  const listener = await websocket.listen({ server }, (connection) => {
    open(connection)
    return handler(connection)
  })
  const raw = await Raw.open(portOf(server), '/', { end: false })
  return { server, listener, raw, peer: await promise }
}

describe('close', () => {
  test('says 1000 and waits for the answer', async () => {
    const { client, peer, server, listener } = await meet()
    const reading = read(peer)
    void client.send('last')
    const closing = client.close()
    expect(client.state).toBe('closing')
    expect(() => client.write('more')).toThrow(ClosedError)
    await closing
    await client.close()
    expect(await client.closed).toEqual({ kind: 'local' })
    expect(await reading).toEqual(['last'])
    expect(await peer.closed).toEqual({ kind: 'remote', code: 1000 })
    await until(() => server.connections.size === 0)
    expect(listener.connections.size).toBe(0)
    await server.close()
  })

  test('from both sides at once is local on both', async () => {
    const { client, peer, server } = await meet()
    await Promise.all([client.close(), peer.close()])
    expect([await client.closed, await peer.closed]).toEqual([{ kind: 'local' }, { kind: 'local' }])
    await server.close()
  })

  test('of a peer brings its code and text', async () => {
    const { server, listener, raw, peer } = await rawly()
    raw.write(closeFrame(4_321, 'über'))
    expect(await raw.frame()).toMatchObject({ opcode: opcodes.close, code: 4_321, text: 'über' })
    raw.connection.end()
    expect(await peer.closed).toEqual({ kind: 'remote', code: 4_321, text: 'über' })
    await until(() => server.connections.size === 0)
    expect(listener.connections.size).toBe(0)
    await server.close()
  })

  test('of a peer without a code is 1005', async () => {
    const { server, raw, peer } = await rawly()
    raw.write(frame(opcodes.close), frame(opcodes.text, 'after'))
    expect((await raw.frame()).payload.length).toBe(0)
    raw.connection.end()
    expect(await peer.closed).toEqual({ kind: 'remote', code: 1005 })
    await server.close()
  })

  test('of a peer is heard as an end and a close behind what was paused', async () => {
    const { client, peer, server } = await meet()
    const heard: unknown[] = []
    peer.handle({
      onData(message) {
        heard.push(message)
        peer.pause()
      },
      onEnd: () => void heard.push('end'),
      onClose: ({ kind }) => void heard.push(kind),
    })
    client.cork()
    for (const message of ['a', 'b', 'c']) void client.send(message)
    void client.close()
    await until(() => heard.length === 1)
    await quiet()
    for (let turn = 0; turn < 3; turn++) {
      peer.resume()
      await quiet()
    }
    expect(heard).toEqual(['a', 'b', 'c', 'end', 'remote'])
    await server.close()
  })

  test('of a peer leaves nothing to write to, and says so', async () => {
    const { server, raw, peer } = await rawly()
    raw.write(closeFrame(1000))
    await raw.frame()
    await quiet()
    expect(() => peer.write('late')).toThrow(BrokenError)
    await expect(peer.send('late')).rejects.toThrow('Cannot write: the peer closed')
    raw.connection.end()
    await peer.closed
    expect(() => peer.write('later')).toThrow('Cannot write: the peer closed')
    await server.close()
  })

  test('cuts a peer that does not answer when the grace is over', async () => {
    const { server, listener, raw, peer } = await rawly()
    await peer.close({ grace: 50 })
    expect(await peer.closed).toEqual({ kind: 'timeout', phase: 'close' })
    expect(await raw.frame()).toMatchObject({ code: 1000 })
    await until(() => raw.ended && server.connections.size === 0)
    expect(listener.connections.size).toBe(0)
    await server.close()
  })

  test('cuts a peer that goes on sending instead', async () => {
    const { server, raw, peer } = await rawly()
    const flood = setInterval(() => {
      if (!raw.closed) raw.write(frame(opcodes.text, 'x'.repeat(10_000)))
    }, 1)
    await peer.close({ grace: 50 })
    expect(await peer.closed).toEqual({ kind: 'timeout', phase: 'close' })
    clearInterval(flood)
    await server.close({ grace: 100 })
  })

  test('is good with a peer that ends instead of answering', async () => {
    const { server, raw, peer } = await rawly()
    const closing = peer.close()
    await raw.frame()
    raw.connection.end()
    await closing
    expect(await peer.closed).toEqual({ kind: 'local' })
    await until(() => server.connections.size === 0)
    await server.close()
  })

  test('may be followed by destroy', async () => {
    const { server, peer } = await rawly()
    void peer.close()
    peer.destroy()
    peer.destroy()
    expect(await peer.closed).toEqual({ kind: 'local' })
    await until(() => server.connections.size === 0)
    await server.close()
  })
})

describe('destroy', () => {
  test('is no orderly end: the peer sees 1006, or a BrokenError', async () => {
    const { client, peer, server } = await meet()
    const reading = read(client)
    peer.destroy()
    await expect(reading).rejects.toThrow(BrokenError)
    expect(await peer.closed).toEqual({ kind: 'local' })
    expect(await client.closed).toMatchObject({ kind: 'error' })
    await server.close()
    await using listener = await websocket.listen({ port: 0 }, (connection) => connection.destroy())
    const foreign = new WebSocket(urlOf(listener))
    foreign.on('error', () => {})
    expect(await new Promise((resolve) => foreign.on('close', resolve))).toBe(1006)
  })

  test('with an error says 1011', async () => {
    const { client, peer, server } = await meet()
    const reading = read(client)
    peer.destroy(new Error('out of order'))
    expect(await reading).toEqual([])
    expect(await client.closed).toEqual({ kind: 'remote', code: 1011 })
    expect(await peer.closed).toMatchObject({ kind: 'error' })
    await server.close()
  })
})

describe('shutdown', () => {
  async function shutDown(close: (meeting: Awaited<ReturnType<typeof meet>>) => Promise<void>) {
    const meeting = await meet()
    const { client, peer, server, listener } = meeting
    const heard: unknown[] = []
    client.handle({ onData() {}, onClose: (reason) => void heard.push(reason) })
    peer.handle({ onData() {} })
    await close(meeting)
    expect(await peer.closed).toEqual({ kind: 'shutdown' })
    await until(() => heard.length === 1)
    expect(heard).toEqual([{ kind: 'remote', code: 1001 }])
    await server.close()
    await listener.closed
    expect([server.connections.size, listener.connections.size]).toEqual([0, 0])
  }

  test('of the HTTP listener says 1001, and closes the WebSocket listener', async () => {
    await shutDown(({ server }) => server.close())
  })

  test('of the WebSocket listener says 1001, and leaves HTTP alone', async () => {
    await shutDown(async ({ server, listener, url }) => {
      await listener.close()
      expect(server.state).toBe('open')
      await expect(websocket.connect(url)).rejects.toThrow('404')
    })
  })

  test('of an unread connection says 1001, too', async () => {
    const { client, peer, server } = await meet()
    const reading = read(client)
    void client.send('never read')
    await quiet()
    await server.close()
    expect(await reading).toEqual([])
    expect(await peer.closed).toEqual({ kind: 'shutdown' })
    expect(await client.closed).toEqual({ kind: 'remote', code: 1001 })
  })

  test('is heard once by a handler that takes it in hand, whoever closes', async () => {
    const { client, peer, server, listener } = await meet()
    const heard: unknown[] = []
    const reading = read(client)
    peer.handle({
      onData() {},
      onShutdown(grace) {
        heard.push(grace)
        void peer.send('farewell').then(() => peer.close({ grace }))
      },
      onClose: ({ kind }) => void heard.push(kind),
    })
    await Promise.all([listener.close({ grace: 1_234 }), server.close({ grace: 1_234 })])
    expect(heard).toEqual([1_234, 'local'])
    expect(await reading).toEqual(['farewell'])
  })

  test('cuts who is still there when the grace is over, for the same reason on both floors', async () => {
    for (const floor of ['server', 'listener'] as const) {
      const meeting = await meet()
      const { client, peer } = meeting
      const reading = read(client)
      peer.handle({ onData() {}, onShutdown() {} })
      await meeting[floor].close({ grace: 40 })
      expect(await peer.closed).toEqual({ kind: 'shutdown' })
      await expect(reading).rejects.toThrow(BrokenError)
      await meeting.server.close({ grace: 0 })
    }
  })

  test('by destroy of the HTTP listener brings its error', async () => {
    const { client, peer, server, listener } = await meet()
    void read(client).catch(() => {})
    const error = new TimeoutError('Cannot go on: out of time', { phase: 'total' })
    server.destroy(error)
    expect(await peer.closed).toEqual({ kind: 'error', error })
    expect((await listener.closed).kind).toBe('local')
    await client.closed
  })

  test('of 200 connections is over long before its grace', async () => {
    const server = await http.listen({ port: 0 }, (exchange) => exchange.respond(404))
    const listener = await websocket.listen({ server }, echo)
    const reasons: CloseReason[] = []
    const clients = await Promise.all(Array.from({ length: 200 }, () => websocket.connect(urlOf(server))))
    for (const client of clients)
      client.handle({ onData() {}, onClose: (reason) => void reasons.push(reason) })
    await until(() => listener.connections.size === 200)
    const start = performance.now()
    await server.close({ grace: 5_000 })
    expect(performance.now() - start).toBeLessThan(2_500)
    await until(() => reasons.length === 200)
    expect(reasons.every((reason) => reason.kind === 'remote' && reason.code === 1001)).toBe(true)
    expect(listener.connections.size).toBe(0)
  })

  test('does not wait for a peer that broke the protocol and stays', async () => {
    const { server, listener, raw, peer } = await rawly()
    raw.write(frame(opcodes.text, 'x', { mask: false }))
    expect(await peer.closed).toMatchObject({ kind: 'error' })
    expect([listener.connections.size, server.connections.size]).toEqual([0, 1])
    const start = performance.now()
    await server.close({ grace: 5_000 })
    expect(performance.now() - start).toBeLessThan(1_000)
  })

  test('cuts a peer that said Close and stays, when the grace is over', async () => {
    const { server, raw, peer } = await rawly()
    raw.write(closeFrame(1000))
    await raw.frame()
    await server.close({ grace: 50 })
    expect(['shutdown', 'timeout']).toContain((await peer.closed).kind)
  })
})

test('nothing is left running, however it ended', async () => {
  const running = (): Record<string, number> => {
    const counts: Record<string, number> = { Timeout: 0, TCPSocketWrap: 0, TCPServerWrap: 0 }
    for (const name of process.getActiveResourcesInfo()) if (name in counts) (counts[name] as number)++
    return counts
  }
  const before = running()
  const ends: ((meeting: Awaited<ReturnType<typeof meet>>) => unknown)[] = [
    ({ client }) => client.close(),
    ({ peer }) => peer.close({ grace: 20 }),
    ({ client }) => client.destroy(),
    ({ peer }) => peer.destroy(new Error('enough')),
    ({ server }) => server.close({ grace: 20 }),
    ({ listener }) => listener.close({ grace: 0 }),
  ]
  for (const end of ends) {
    const meeting = await meet()
    const { client, peer, server } = meeting
    peer.handle({ onData() {} })
    await end(meeting)
    client.handle({ onData() {} })
    await Promise.all([client.closed, peer.closed])
    await server.close({ grace: 100 })
  }
  // What earlier tests left may go meanwhile, too.
  await until(() => Object.entries(running()).every(([name, count]) => count <= (before[name] ?? 0)))
})
