import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'
import { describe, expect, test } from 'vitest'

import { ca, localhost } from '../client/certificates.ts'
import { portOf, quiet, until, urlOf } from '../harness.ts'
import { type Heard, held, open, Peer, Target } from './cast.ts'

const clock = useManualClock()
let count = 0

interface Server {
  readonly url: string
  readonly peers: { connection: websocket.WebSocketConnection; heard: Heard }[]
}

/** A WebSocket server, and all that it hears. */
async function server(options: Partial<websocket.WebSocketListenOptions<'both'>> = {}): Promise<Server> {
  const peers: Server['peers'] = []
  const protocols = ['binary']
  const listener = held(
    await websocket.listen({ port: 0, messages: 'both', protocols, ...options }, (connection) => {
      const heard: Heard = { messages: [], reason: undefined }
      peers.push({ connection, heard })
      return {
        onData: (message) =>
          void heard.messages.push(typeof message === 'string' ? message : Buffer.from(message).toString()),
        onClose: (reason) => (heard.reason = reason),
      }
    }),
  )
  return { url: urlOf(listener), peers }
}

async function firstOf({ peers }: Server) {
  await until(() => peers.length > 0)
  return peers[0] as Server['peers'][0]
}

/** The ways in. */
const ways: Record<string, () => { from: string; listen: websocket.BridgeOptions['listen']; dial: object }> =
  {
    tcp: () => ({ from: 'tcp://127.0.0.1:0', listen: {}, dial: {} }),
    tls: () => ({ from: 'tls://127.0.0.1:0', listen: { tls: localhost }, dial: { tls: { ca } } }),
    unix: () => {
      const path = join(tmpdir(), `bridge-in-${process.pid}-${count++}.sock`)
      return { from: `unix:${path}`, listen: { mode: 0o600 }, dial: { path } }
    },
  }

describe.each(Object.entries(ways))('from %s', (_, way) => {
  async function meet(options: Partial<websocket.BridgeOptions> = {}) {
    const target = await server()
    const { from, listen, dial } = way()
    const bridge = await open({ from, to: target.url, ...options, listen: { ...listen, ...options.listen } })
    const port = bridge.address.kind === 'ip' ? { port: bridge.address.port } : {}
    const client = new Peer(held(await tcp.connect({ ...port, ...dial })))
    const peer = await firstOf(target)
    await until(() => bridge.stats().open === 1)
    return { bridge, client, ...peer }
  }

  test('each connection is a WebSocket', async () => {
    const { bridge, client, connection, heard } = await meet()
    expect(connection.protocol).toBe('binary')
    client.connection.write('ahoy')
    await until(() => heard.messages.join('') === 'ahoy')
    connection.write('text ')
    connection.write(Buffer.from('and bytes'))
    await until(() => client.text === 'text and bytes')
    expect(bridge.stats()).toMatchObject({
      open: 1,
      forward: { bytes: 4, messages: 1 },
      backward: { bytes: 14, messages: 2 },
    })
    const [crossing] = bridge.crossings
    expect(crossing?.to).toEqual(connection.localAddress)
  })

  test('an end is Close 1000, and Close is an end', async () => {
    const one = await meet()
    one.client.connection.write('x'.repeat(100_000))
    one.client.connection.end()
    await until(() => one.heard.reason !== undefined && one.client.reason !== undefined)
    expect(one.heard.messages.join('').length).toBe(100_000)
    expect(one.heard.reason).toEqual({ kind: 'remote', code: 1000 })
    await until(() => one.bridge.stats().ended.from === 1)
    const other = await meet()
    other.connection.write('x'.repeat(100_000))
    void other.connection.close()
    await until(() => other.client.reason !== undefined)
    expect(other.client.text.length).toBe(100_000)
    expect(other.client.ended).toBe(true)
    await until(() => other.bridge.stats().ended.to === 1)
  })

  test('a WebSocket that is lost is a reset', async () => {
    const { bridge, client, connection } = await meet()
    connection.destroy()
    await until(() => client.reason !== undefined)
    if (client.connection.remoteAddress.kind === 'ip') expect(client.reason).toMatchObject({ kind: 'error' })
    await until(() => bridge.stats().ended.toBroken === 1)
  })

  test('with halfClose wait, who has asked and ended gets the answer', async () => {
    const { bridge, client, connection, heard } = await meet({ halfClose: 'wait', lingerTimeout: 10_000 })
    client.connection.write('question')
    client.connection.end()
    await until(() => heard.messages.length > 0)
    await quiet()
    expect(heard.reason).toBe(undefined)
    clock.advance(8_000)
    connection.write('answer')
    await until(() => client.text === 'answer')
    clock.advance(8_000)
    await quiet()
    expect(heard.reason).toBe(undefined)
    clock.advance(10_000)
    await until(() => heard.reason !== undefined && client.reason !== undefined && bridge.stats().open === 0)
    expect(heard.reason).toEqual({ kind: 'remote', code: 1000 })
    expect(client.reason).toEqual({ kind: 'local' })
  })
})

test('to wss, with headers and subprotocols of its own', async () => {
  const seen: unknown[] = []
  const target = await server({
    tls: localhost,
    protocols: ['v1'],
    path: '/in',
    authorize: ({ target: path, headers }) => void seen.push(path, headers.get('authorization')),
  })
  const bridge = await open({
    from: 'tcp://127.0.0.1:0',
    to: `${target.url.replace('ws://127.0.0.1', 'wss://localhost')}in?a=b`,
    connect: { tls: { ca }, headers: { Authorization: 'Bearer me' }, protocols: ['v1'] },
  })
  const client = new Peer(held(await tcp.connect({ port: portOf(bridge) })))
  client.connection.write('ahoy')
  const { connection, heard } = await firstOf(target)
  await until(() => heard.messages.join('') === 'ahoy')
  expect(connection.protocol).toBe('v1')
  expect(seen).toEqual(['/in?a=b', 'Bearer me'])
})

test('who comes is reset when the WebSocket cannot be had', async () => {
  const gone = await Target.open()
  await gone.listener.close()
  const answering = await server({ authorize: () => ({ status: 401 }) })
  const cases: [string, object, string][] = [
    [`ws://127.0.0.1:${portOf(gone.listener)}`, {}, 'unreachable'],
    [answering.url, {}, 'unreachable'],
    [(await Target.open()).url.replace('tcp:', 'ws:'), { handshakeTimeout: 20 }, 'timeout'],
  ]
  for (const [to, connect, cause] of cases) {
    const bridge = await open({ from: 'tcp://127.0.0.1:0', to, connect })
    const client = new Peer(await tcp.connect({ port: portOf(bridge) }))
    client.connection.write('ahoy')
    await until(() => {
      clock.advance(250)
      return client.reason !== undefined
    })
    expect(client.reason).toMatchObject({ kind: 'error' })
    expect(bridge.stats()).toMatchObject({ connecting: 0, total: 0, refused: { [cause]: 1 } })
  }
})

test('who comes is reset when too many are there, and when the bridge closes meanwhile', async () => {
  const silent = await Target.open()
  const bridge = await open({
    from: 'tcp://127.0.0.1:0',
    to: silent.url.replace('tcp:', 'ws:'),
    listen: { maxHandshakes: 1 },
  })
  const first = new Peer(await tcp.connect({ port: portOf(bridge) }))
  await until(() => bridge.stats().connecting === 1)
  // The reset may come before it knows that it is connected.
  const second = await tcp.connect({ port: portOf(bridge) }).catch(() => undefined)
  if (second) await new Peer(second).connection.closed
  expect(bridge.stats().refused.limit).toBe(1)
  await bridge.close()
  await until(() => first.reason !== undefined)
  expect(bridge.stats().connecting).toBe(0)
  await until(() => silent.listener.connections.size === 0)
})

test('close tells both sides', async () => {
  const target = await server()
  const bridge = await open({ from: 'tcp://127.0.0.1:0', to: target.url })
  const client = new Peer(held(await tcp.connect({ port: portOf(bridge) })))
  const { heard } = await firstOf(target)
  await until(() => bridge.stats().open === 1)
  await bridge.close()
  await until(() => client.reason !== undefined && heard.reason !== undefined)
  expect(heard.reason).toEqual({ kind: 'remote', code: 1001 })
  expect(client.reason).toEqual({ kind: 'remote' })
  expect(bridge.stats().ended.shutdown).toBe(1)
})

test('two bridges, back to back, are a tunnel', async () => {
  const target = await Target.open({ port: 0 }, true)
  const far = await open({ to: target.url })
  const near = await open({ from: 'tcp://127.0.0.1:0', to: urlOf(far) })
  const client = new Peer(held(await tcp.connect({ port: portOf(near) })))
  client.connection.write('x'.repeat(1024 * 1024))
  const total = () => client.chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)
  await until(() => total() === 1024 * 1024)
  client.connection.end()
  await until(() => client.reason !== undefined && far.stats().open + near.stats().open === 0)
  expect([near.stats().ended.from, far.stats().ended.from]).toEqual([1, 1])
})
