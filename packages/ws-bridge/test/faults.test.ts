import { BrokenError, type CloseReason, type ConnectionHandler, type MessageConnection } from '@fairlead/core'
import * as http from '@fairlead/http'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { meet, portOf, quiet, read, until, urlOf, wait } from './harness.ts'
import { closeFrame, frame, handshake, opcodes, Raw } from './raw.ts'

type Text = MessageConnection<string>

let server: http.HttpListener
let listener: Awaited<ReturnType<typeof websocket.listen>>
let reasons: CloseReason[]
let connections: Text[]
/** What the next connections meet; without it, an echo. */
let accept: ((connection: Text) => ConnectionHandler<string> | Promise<never>) | undefined

beforeEach(async () => {
  reasons = []
  connections = []
  accept = undefined
  server = await http.listen({ port: 0 }, (exchange) => exchange.respond(404))
  listener = await websocket.listen({ server, path: '/' }, (connection) => {
    connections.push(connection)
    void connection.closed.then((reason) => reasons.push(reason))
    return accept ? accept(connection) : { onData: (message) => void connection.write(message) }
  })
})

afterEach(async () => {
  await server.close({ grace: 0 })
  await listener.closed
})

/** All is as if nobody had come, and the next one is served. */
async function nothingIsLeft(): Promise<void> {
  await until(() => server.connections.size === 0)
  expect(listener.connections.size).toBe(0)
  accept = undefined
  const client = await websocket.connect(urlOf(server))
  await client.send('still here')
  expect(await read(client, 1)).toEqual(['still here'])
  await client.close()
  await until(() => server.connections.size === 0)
}

describe('a peer that vanishes', () => {
  const whole = handshake('/')
  const before: [string, string][] = [
    ['before a byte', ''],
    ['in the request line', whole.slice(0, 5)],
    ['in the head', whole.slice(0, 60)],
    ['one byte short of the head', whole.slice(0, -1)],
  ]
  test.each(before)('%s', async (_, bytes) => {
    for (const leave of ['end', 'destroy'] as const) {
      const raw = await Raw.connect(portOf(server))
      if (bytes !== '') raw.write(bytes)
      await quiet()
      raw.connection[leave]()
    }
    await nothingIsLeft()
    expect(reasons.map(({ kind }) => kind)).toEqual(['remote'])
  })

  const after: [string, (raw: Raw) => unknown, string][] = [
    ['with its handshake', () => {}, 'error'],
    ['in a frame’s header', (raw) => raw.write(frame(opcodes.text, 'x').subarray(0, 1)), 'error'],
    ['in a frame', (raw) => raw.write(frame(opcodes.text, 'xyz').subarray(0, 8)), 'error'],
    ['between fragments', (raw) => raw.write(frame(opcodes.text, 'x', { fin: false })), 'error'],
    ['after a message', (raw) => raw.write(frame(opcodes.text, 'x')), 'error'],
    ['after its Close', (raw) => raw.write(closeFrame(1000)), 'remote'],
  ]
  for (const leave of ['end', 'destroy'] as const) {
    test.each(after)(`by ${leave}, %s`, async (_, act, kind) => {
      const raw = await Raw.connect(portOf(server))
      raw.write(handshake('/'))
      await raw.head()
      act(raw)
      await quiet()
      raw.connection[leave]()
      await until(() => reasons.length === 1)
      expect(reasons[0]?.kind).toBe(kind)
      if (reasons[0]?.kind === 'error') expect(reasons[0].error).toBeInstanceOf(BrokenError)
      await nothingIsLeft()
      expect(reasons.length).toBe(2)
    })
  }

  test('right behind its handshake', async () => {
    for (const leave of ['end', 'destroy'] as const) {
      for (let turn = 0; turn < 20; turn++) {
        const raw = await Raw.connect(portOf(server))
        raw.write(handshake('/'), frame(opcodes.text, 'x'))
        if (turn % 2 === 0) await wait(1)
        raw.connection[leave]()
      }
    }
    await nothingIsLeft()
  })

  test('while this side closes', async () => {
    for (const leave of ['end', 'destroy'] as const) {
      const raw = await Raw.open(portOf(server), '/', { end: false })
      await until(() => connections.length > 0)
      const closing = connections.pop()?.close()
      await raw.frame()
      raw.connection[leave]()
      await closing
    }
    expect(reasons.map(({ kind }) => kind)).toEqual(['local', 'error'])
    await nothingIsLeft()
  })

  test('while it is paused is noticed at the latest when it is read again', async () => {
    const raw = await Raw.open(portOf(server))
    await until(() => connections.length === 1)
    connections[0]?.pause()
    raw.connection.destroy()
    await quiet()
    connections[0]?.resume()
    await until(() => reasons.length === 1)
    await nothingIsLeft()
  })

  test('without reading what waits for it', async () => {
    for (const leave of ['end', 'destroy'] as const) {
      const raw = await Raw.open(portOf(server), '/', { end: false })
      raw.connection.pause()
      await until(() => connections.length > 0)
      const peer = connections.pop() as Text
      while (peer.write('x'.repeat(100_000)));
      const waiting = peer.send('never')
      raw.connection[leave]()
      await expect(waiting).rejects.toThrow(BrokenError)
      await expect(peer.drained()).rejects.toThrow(BrokenError)
      await peer.closed
      raw.connection.destroy()
    }
    await nothingIsLeft()
  })

  test('during 1,000 sends that nobody awaits ends nothing else', async () => {
    const raw = await Raw.open(portOf(server))
    raw.connection.pause()
    const other = await websocket.connect(urlOf(server))
    await until(() => connections.length === 2)
    const peer = connections[0] as Text
    for (let index = 0; index < 1_000; index++) {
      void peer.send('x'.repeat(1_000))
      if (index === 500) raw.connection.destroy()
      if (index % 100 === 0) await wait(1)
    }
    await peer.closed
    await other.send('ahoy')
    expect(await read(other, 1)).toEqual(['ahoy'])
    await other.close()
    await nothingIsLeft()
  })
})

describe('a callback', () => {
  const boom = (): never => {
    throw new Error('boom')
  }
  const faults: Record<string, () => never | Promise<never>> = {
    throws: boom,
    rejects: () => Promise.reject(new Error('boom')),
    'rejects later': async () => quiet().then(boom),
  }

  for (const [what, fault] of Object.entries(faults)) {
    test(`onData that ${what} costs its connection: 1011`, async () => {
      accept = () => ({ onData: fault })
      const client = await websocket.connect(urlOf(server))
      void client.send('x')
      expect(await read(client)).toEqual([])
      expect(await client.closed).toEqual({ kind: 'remote', code: 1011 })
      expect(reasons[0]).toMatchObject({ kind: 'error', error: { cause: { message: 'boom' } } })
      await nothingIsLeft()
    })

    test(`accept that ${what} costs its connection: 1011`, async () => {
      accept = fault
      const client = await websocket.connect(urlOf(server))
      expect(await read(client)).toEqual([])
      expect(await client.closed).toEqual({ kind: 'remote', code: 1011 })
      await nothingIsLeft()
    })

    test(`onClose that ${what} costs nothing`, async () => {
      accept = () => ({ onData() {}, onClose: fault })
      await (await websocket.connect(urlOf(server))).close()
      expect(reasons[0]).toEqual({ kind: 'remote', code: 1000 })
      await nothingIsLeft()
    })

    test(`onShutdown that ${what} costs its connection`, async () => {
      accept = () => ({ onData() {}, onShutdown: fault })
      const client = await websocket.connect(urlOf(server))
      const reading = read(client)
      await until(() => connections.length === 1)
      await server.close({ grace: 2_000 })
      expect(await reading).toEqual([])
      expect(await client.closed).toEqual({ kind: 'remote', code: 1011 })
    })
  }

  test('that never settles costs nothing', async () => {
    accept = () => ({ onData: () => new Promise(() => {}) })
    const client = await websocket.connect(urlOf(server))
    await client.send('x')
    await client.close()
    expect(reasons[0]).toEqual({ kind: 'remote', code: 1000 })
    accept = () => new Promise<never>(() => {})
    const unread = await websocket.connect(urlOf(server))
    await until(() => connections.length === 2)
    await unread.close({ grace: 50 })
    connections[1]?.destroy()
    await nothingIsLeft()
  })

  test('onEnd that throws or rejects is the reason', async () => {
    for (const fault of [boom, () => Promise.reject(new Error('boom'))]) {
      accept = () => ({ onData() {}, onEnd: fault })
      await (await websocket.connect(urlOf(server))).close()
      await until(() => reasons.length === 1)
      expect(reasons.pop()).toMatchObject({ kind: 'error', error: { cause: { message: 'boom' } } })
    }
    await nothingIsLeft()
  })

  test('may close or destroy its own connection', async () => {
    for (const act of ['close', 'destroy'] as const) {
      accept = (connection) => ({ onData: () => void connection[act]() })
      const client = await websocket.connect(urlOf(server))
      const reading = read(client).catch(() => [])
      await client.send('x')
      await reading
      expect((await client.closed).kind).toBe(act === 'close' ? 'remote' : 'error')
      await until(() => reasons.length === 1)
      expect(reasons.pop()).toEqual({ kind: 'local' })
    }
    await nothingIsLeft()
  })
})

test('what is written after the socket broke is refused, and ends nothing', async () => {
  const { client, peer, server: other } = await meet()
  peer.handle({ onData() {} })
  client.destroy()
  await peer.closed
  for (let turn = 0; turn < 3; turn++) {
    expect(() => peer.write('x')).toThrow(BrokenError)
    void peer.send('x')
    await wait(1)
  }
  await other.close({ grace: 0 })
})
