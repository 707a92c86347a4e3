import type { ByteConnection } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'
import { describe, expect, test } from 'vitest'

import { ca, localhost } from '../client/certificates.ts'
import { portOf, quiet, until, urlOf } from '../harness.ts'
import { closeFrame, frame, handshake, opcodes, Raw } from '../raw.ts'
import { heard, held, open, page, Peer, Target } from './cast.ts'

const said = Buffer.concat([
  Buffer.from(handshake('/')),
  frame(opcodes.binary, 'first'),
  frame(opcodes.text, 'second'),
  frame(opcodes.ping, 'ping'),
  closeFrame(1000, 'bye'),
])

/** Everything is over, and each crossing has ended once. */
async function settled(bridge: websocket.Bridge, target?: Target): Promise<void> {
  await until(() => bridge.stats().open + bridge.stats().connecting === 0)
  if (target) await until(() => target.listener.connections.size === 0)
  const { total, ended } = bridge.stats()
  expect(Object.values(ended).reduce((sum, count) => sum + count, 0)).toBe(total)
}

const fronts = {
  ws: { from: 'ws://127.0.0.1:0', listen: {}, dial: {} },
  wss: {
    from: 'wss://127.0.0.1:0',
    listen: { tls: localhost },
    dial: { tls: { ca, serverName: 'localhost' } },
  },
}

describe.each(Object.entries(fronts))('a client over %s', (_, { from, listen, dial }) => {
  test.each(['destroy', 'end'] as const)(
    'that is gone by %s after any of its bytes leaves nothing',
    async (way) => {
      const target = await Target.open({ port: 0 }, true)
      const bridge = await open({ from, listen, to: target.url })
      for (let cut = 0; cut <= said.length; cut += 9) {
        const client = await tcp.connect({ port: portOf(bridge), ...dial })
        client.handle({ onData() {} })
        client.write(said.subarray(0, cut))
        client[way]()
      }
      await settled(bridge, target)
      const last = await websocket.connect(`${from.slice(0, -12)}//localhost:${portOf(bridge)}`, {
        ...('tls' in dial && { tls: { ca } }),
      })
      last.destroy()
      await settled(bridge, target)
    },
  )

  test('that comes byte by byte is the same client', async () => {
    const target = await Target.open()
    const bridge = await open({ from, listen, to: target.url })
    const client = new Peer(await tcp.connect({ port: portOf(bridge), ...dial }))
    for (const byte of said) await client.connection.send(Buffer.of(byte))
    const peer = await target.peer()
    await until(() => peer.reason !== undefined)
    expect([peer.text, peer.reason]).toEqual(['firstsecond', { kind: 'remote' }])
    await settled(bridge, target)
    expect(bridge.stats().ended.from).toBe(1)
  })
})

test('a client that is gone in its TLS handshake leaves nothing', async () => {
  const target = await Target.open()
  const bridge = await open({ from: 'wss://127.0.0.1:0', listen: { tls: localhost }, to: target.url })
  for (const bytes of [0, 1, 5, 100]) {
    const client = await tcp.connect({ port: portOf(bridge) })
    client.write(
      Buffer.concat([Buffer.from('1603010200010001fc0303', 'hex'), Buffer.alloc(100)]).subarray(0, bytes),
    )
    client.destroy()
  }
  await settled(bridge)
  expect(target.peers.length).toBe(0)
})

/** A server that lets go of each connection when it has heard so many bytes. */
async function fickle(bytes: number, act: (connection: ByteConnection) => void) {
  return tcp.listen({ port: 0 }, (connection) => {
    let left = bytes
    if (left === 0) act(connection)
    return {
      onData(chunk) {
        left -= chunk.byteLength
        if (left <= 0) act(connection)
      },
    }
  })
}

describe.each(['tcp', 'tls'] as const)('a target over %s', (scheme) => {
  test.each(['destroy', 'end'] as const)(
    'that is gone by %s after any of its bytes costs one crossing',
    async (way) => {
      for (const bytes of [0, 1, 5, 50, 300]) {
        const listener = held(await fickle(bytes, (connection) => connection[way]()))
        const bridge = await open({ to: `${scheme}://127.0.0.1:${portOf(listener)}` })
        const raw = await Raw.connect(portOf(bridge))
        raw.write(said.subarray(0, -8), frame(opcodes.binary, 'x'.repeat(400)))
        const { status } = await raw.head()
        expect([101, 502]).toContain(status)
        if (scheme === 'tls') expect(status).toBe(502)
        await until(() => raw.ended)
        await settled(bridge)
        await until(() => listener.connections.size === 0)
      }
    },
  )
})

test('a target over TLS that is believed by nobody is 502', async () => {
  const target = await Target.open({ port: 0, tls: localhost })
  const bridge = await open({ to: `tls://127.0.0.1:${portOf(target.listener)}` })
  const raw = await Raw.connect(portOf(bridge))
  raw.write(handshake('/'))
  expect((await raw.head()).status).toBe(502)
  expect(target.peers.length).toBe(0)
})

test('a WebSocket that is gone after any of its bytes costs one crossing, the other way round', async () => {
  for (const bytes of [0, 1, 50, 120]) {
    const listener = held(await fickle(bytes, (connection) => connection.destroy()))
    const bridge = await open({ from: 'tcp://127.0.0.1:0', to: urlOf(listener) })
    const client = await tcp.connect({ port: portOf(bridge) }).then((connection) => new Peer(connection))
    await until(() => client.reason !== undefined)
    expect(client.reason).toMatchObject({ kind: 'error' })
    await settled(bridge)
  }
})

test('a bridge that is closed while clients come and go ends', async () => {
  const target = await Target.open({ port: 0 }, true)
  const bridge = await open({ to: target.url })
  const port = portOf(bridge)
  const clients = Array.from({ length: 40 }, async (_, index) => {
    const raw = await Raw.connect(port)
    raw.write(said.subarray(0, index * 7))
    if (index % 3 === 0) raw.connection.destroy()
    if (index % 3 === 1) raw.connection.end()
  })
  await Promise.allSettled(clients)
  await Promise.all([bridge.close({ grace: 1_000 }), bridge.close({ grace: 100 })])
  expect(bridge.state).toBe('closed')
  await settled(bridge, target)
})

test('many that do not read are bounded together, and each ends by itself', async () => {
  const target = await Target.open()
  const bridge = await open({ to: target.url })
  const count = 20
  const clients = await Promise.all(Array.from({ length: count }, () => page(bridge)))
  for (const client of clients) client.pause()
  await until(() => target.peers.length === count)
  let most = 0
  let stuck = 0
  await Promise.all(
    target.peers.map(async ({ connection }) => {
      for (let sent = true; sent;) {
        const went = connection.send(Buffer.alloc(256 * 1024)).then(() => true)
        sent = await Promise.race([went, quiet().then(() => connection.buffered === 0)])
        most = Math.max(most, bridge.stats().buffered)
      }
      stuck++
    }),
  )
  expect(stuck).toBe(count)
  expect(most).toBeLessThanOrEqual(count * (128 * 1024 + 10))
  for (const client of clients) client.destroy()
  await settled(bridge)
  expect(bridge.stats().ended.fromBroken).toBe(count)
})

test('resets on both sides at once end a crossing once', async () => {
  const target = await Target.open()
  const bridge = await open({ to: target.url })
  for (let turn = 0; turn < 10; turn++) {
    const client = await page(bridge)
    heard(client)
    const peer = await target.peer(turn)
    client.destroy()
    peer.connection.destroy()
  }
  await settled(bridge, target)
  expect(bridge.stats().total).toBe(10)
})

test('ends on both sides at once end a crossing once, and well', async () => {
  const target = await Target.open()
  const bridge = await open({ to: target.url })
  for (let turn = 0; turn < 10; turn++) {
    const client = await page(bridge)
    const back = heard(client)
    const peer = await target.peer(turn)
    void client.close()
    peer.connection.end()
    await until(() => back.reason !== undefined && peer.reason !== undefined)
    expect(back.reason).toMatchObject({ kind: 'local' })
  }
  await settled(bridge, target)
  const { from, to } = bridge.stats().ended
  expect(from + to).toBe(10)
})
