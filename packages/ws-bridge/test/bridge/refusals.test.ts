import { ConnectError } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import type { Refusal } from '@fairlead/ws-bridge'
import { type BridgeOptions, bridgeChannels, type BridgeDiagnosticEvents } from '@fairlead/ws-bridge'
import { describe, expect, test } from 'vitest'

import { gate, portOf, quiet, until } from '../harness.ts'
import { handshake, opcodes, Raw } from '../raw.ts'
import { held, open, page, Target } from './cast.ts'

const clock = useManualClock()

/** An address at which nobody listens. */
async function nobody(): Promise<string> {
  const target = await Target.open()
  await target.listener.close()
  return target.url
}

async function ask(
  bridge: Parameters<typeof portOf>[0],
  fields: Record<string, string | undefined> = {},
  path = '/',
): Promise<Raw> {
  const raw = await Raw.connect(portOf(bridge))
  raw.write(handshake(path, fields))
  return raw
}

async function statusOf(bridge: Parameters<typeof portOf>[0], fields?: Record<string, string | undefined>) {
  const raw = await ask(bridge, fields)
  const { status } = await raw.head()
  raw.connection.destroy()
  return status
}

const origin = { Origin: 'http://localhost' }

describe('a target that cannot be had', () => {
  test('is told by status to a program, and by Close to a page', async () => {
    const bridge = await open({ to: await nobody(), listen: { origins: 'any' } })
    expect(await statusOf(bridge)).toBe(502)
    const raw = await ask(bridge, origin)
    expect((await raw.head()).status).toBe(101)
    expect(await raw.frame()).toMatchObject({
      opcode: opcodes.close,
      code: 1011,
      text: 'the target cannot be reached',
    })
    expect(bridge.stats()).toMatchObject({ open: 0, connecting: 0, total: 0, refused: { unreachable: 2 } })
  })

  test('is told as the option says', async () => {
    const to = await nobody()
    const listen = { origins: 'any' } as const
    expect(await statusOf(await open({ to, listen, unreachable: 'status' }), origin)).toBe(502)
    expect(await statusOf(await open({ to, listen, unreachable: 'close' }))).toBe(101)
  })

  test('is 504 when it stalls, and Close 1011 to a page', async () => {
    const bridge = await open({
      to: 'tcp://slow.example:1',
      connect: { lookup: () => new Promise(() => {}), connectTimeout: 20 },
      listen: { origins: 'any' },
    })
    expect(await statusOf(bridge)).toBe(504)
    const raw = await ask(bridge, origin)
    await raw.head()
    expect(await raw.frame()).toMatchObject({ code: 1011, text: 'the target did not answer in time' })
    expect(bridge.stats().refused.timeout).toBe(2)
  })

  test('is 504 when TLS stalls, 502 when it is not believed', async () => {
    const silent = await Target.open()
    const stalling = await open({
      to: silent.url.replace('tcp:', 'tls:'),
      connect: { connectTimeout: 30 },
    })
    expect(await statusOf(stalling)).toBe(504)
    await until(() => silent.listener.connections.size === 0)
  })

  test('is 1008 to a page when it is not allowed', async () => {
    const target = await Target.open()
    const bridge = await open({ to: { tokens: () => target.url }, listen: { origins: 'any' } })
    const raw = await ask(bridge, origin)
    await raw.head()
    expect(await raw.frame()).toMatchObject({ code: 1008, text: 'the target is not allowed' })
  })

  test('says nothing of where it is', async () => {
    const bridge = await open({ to: await nobody(), listen: { origins: 'any' } })
    const raw = await ask(bridge)
    const { text } = await raw.head()
    await until(() => raw.bytes.length > 0)
    expect(`${text}${raw.bytes.toString()}`).not.toMatch(/127\.0\.0\.1:\d|ECONN|refused/)
  })
})

describe('a handshake', () => {
  test('that is malformed meets no target', async () => {
    const target = await Target.open()
    const bridge = await open({ to: target.url })
    expect(await statusOf(bridge, { 'Sec-WebSocket-Version': '8' })).toBe(426)
    expect(await statusOf(bridge, { 'Sec-WebSocket-Key': 'short' })).toBe(400)
    expect(await statusOf(bridge, { Upgrade: undefined, Connection: undefined })).toBe(426)
    expect(bridge.stats().refused.handshake).toBe(2)
    expect(target.peers.length).toBe(0)
  })

  test('of a foreign page meets no target, nor is it told by Close', async () => {
    const target = await Target.open()
    const bridge = await open({ to: target.url, unreachable: 'close' })
    expect(await statusOf(bridge, { Origin: 'http://evil.example' })).toBe(403)
    expect(await statusOf(bridge, { Host: 'evil.example' })).toBe(403)
    expect(bridge.stats().refused.origin).toBe(2)
    expect(target.peers.length).toBe(0)
  })

  test.each<[string, string | undefined, number, string | undefined]>([
    ['none', undefined, 101, undefined],
    ['binary, as noVNC does', 'binary', 101, 'binary'],
    ['base64 and binary, as noVNC did', 'base64, binary', 101, 'binary'],
    ['base64 alone', 'base64', 400, undefined],
    ['another', 'mqtt', 400, undefined],
  ])('that offers %s', async (_, offered, status, agreed) => {
    const target = await Target.open()
    const bridge = await open({ to: target.url })
    const raw = await ask(bridge, { 'Sec-WebSocket-Protocol': offered })
    const head = await raw.head()
    expect(head.status).toBe(status)
    expect(/sec-websocket-protocol: (.*)/i.exec(head.text)?.[1]?.trim()).toBe(agreed)
    expect(target.peers.length).toBe(status === 101 ? 1 : 0)
  })

  test('agrees on the subprotocols of the option', async () => {
    const target = await Target.open()
    const bridge = await open({ to: target.url, listen: { protocols: ['mqtt', 'binary'] } })
    expect((await page(bridge, '/', { protocols: ['x', 'binary', 'mqtt'] })).protocol).toBe('binary')
    expect((await page(bridge, '/', { protocols: ['mqtt'] })).protocol).toBe('mqtt')
  })
})

describe('authorize', () => {
  test('says no before anything is connected to, in its own words', async () => {
    const target = await Target.open()
    const asked: string[] = []
    const bridge = await open({
      to: target.url,
      listen: {
        authorize: (request): Refusal | undefined => {
          asked.push(request.target)
          const known = request.headers.get('authorization') === 'Bearer me'
          return known ? undefined : { status: 401, text: 'who?', headers: { 'WWW-Authenticate': 'Bearer' } }
        },
      },
    })
    expect(await statusOf(bridge)).toBe(401)
    expect(target.peers.length).toBe(0)
    expect(await statusOf(bridge, { Authorization: 'Bearer me' })).toBe(101)
    expect(bridge.stats().refused.authorize).toBe(1)
    expect(asked).toEqual(['/', '/'])
  })

  test('that throws or rejects is a 500, and others go on', async () => {
    const target = await Target.open()
    let calls = 0
    const bridge = await open({
      to: target.url,
      listen: {
        authorize: () => {
          calls++
          if (calls === 1) throw new Error('oh')
          // What it could not reach is not the target.
          return calls === 2 ? Promise.reject(new ConnectError('Cannot connect: oh')) : undefined
        },
      },
    })
    expect([await statusOf(bridge), await statusOf(bridge), await statusOf(bridge)]).toEqual([500, 500, 101])
    expect(bridge.stats().refused.failed).toBe(2)
  })

  test('that never answers, or a token that never comes, is 504', async () => {
    const never = () => new Promise<never>(() => {})
    for (const options of [
      { to: await nobody(), listen: { authorize: never, authorizeTimeout: 5_000 } },
      { to: { tokens: never }, listen: { authorizeTimeout: 5_000 } },
    ]) {
      const bridge = await open(options)
      const raw = await ask(bridge)
      await until(() => bridge.stats().connecting === 1)
      clock.advance(6_000)
      expect((await raw.head()).status).toBe(504)
      expect(bridge.stats()).toMatchObject({ connecting: 0, refused: { timeout: 1 } })
    }
  })
})

describe('while the target is connected to', () => {
  async function waiting(options: Partial<BridgeOptions> = {}) {
    const { promise, open: answer } = gate<readonly string[]>()
    const aborted: unknown[] = []
    const lookup: tcp.Lookup = (_, signal) => {
      signal.addEventListener('abort', () => aborted.push(signal.reason))
      return promise
    }
    const target = await Target.open()
    const to = `tcp://name.example:${portOf(target.listener)}`
    const bridge = await open({ to, ...options, connect: { lookup } })
    return { target, bridge, answer: () => answer(['127.0.0.1']), aborted }
  }

  test.each(['end', 'destroy'] as const)('a client that leaves by %s ends the attempt', async (way) => {
    const { target, bridge, answer, aborted } = await waiting()
    const raw = await ask(bridge)
    await until(() => bridge.stats().connecting === 1)
    raw.connection[way]()
    await until(() => bridge.stats().connecting === 0)
    expect(aborted.length).toBe(1)
    answer()
    await quiet()
    expect(target.peers.length).toBe(0)
    expect(bridge.stats().refused.gone).toBe(1)
  })

  test('close answers with 503', async () => {
    const { bridge, aborted } = await waiting()
    const raw = await ask(bridge)
    await until(() => bridge.stats().connecting === 1)
    await bridge.close()
    expect((await raw.head()).status).toBe(503)
    expect([aborted.length, bridge.stats().refused.closing]).toEqual([1, 1])
  })

  test('there may be maxHandshakes, and no more', async () => {
    const { bridge, answer } = await waiting({ listen: { maxHandshakes: 2 } })
    const first = [await ask(bridge), await ask(bridge)]
    await until(() => bridge.stats().connecting === 2)
    expect(await statusOf(bridge)).toBe(503)
    answer()
    for (const raw of first) expect((await raw.head()).status).toBe(101)
    expect(await statusOf(bridge)).toBe(101)
    expect(bridge.stats().refused.limit).toBe(1)
  })

  test('what the client sends already is carried when the target is there', async () => {
    const { target, bridge, answer } = await waiting()
    const raw = await ask(bridge)
    raw.write(Buffer.from([0x82, 0x84, 0, 0, 0, 0]), 'ahoy')
    await until(() => bridge.stats().connecting === 1)
    await quiet()
    answer()
    const peer = await target.peer()
    await until(() => peer.text === 'ahoy')
  })
})

test('there may be maxConnections, and no more; who leaves makes room', async () => {
  const target = await Target.open()
  const bridge = await open({ to: target.url, listen: { maxConnections: 2, maxHandshakes: 5 } })
  const first = await page(bridge)
  await page(bridge)
  expect(await statusOf(bridge)).toBe(503)
  await first.close()
  await until(() => bridge.stats().open === 1)
  expect(await statusOf(bridge)).toBe(101)
  expect(bridge.stats().refused.limit).toBe(1)
})

test('one address may have maxConnectionsPerAddress, however many come at once', async () => {
  const target = await Target.open()
  const bridge = await open({ to: target.url, listen: { maxConnectionsPerAddress: 1 } })
  const client = await page(bridge)
  expect(await statusOf(bridge)).toBe(429)
  await client.close()
  await until(() => bridge.stats().open === 0)
  const raws = await Promise.all(Array.from({ length: 5 }, () => ask(bridge)))
  const statuses = await Promise.all(raws.map(async (raw) => (await raw.head()).status))
  expect(statuses.filter((status) => status === 101).length).toBe(1)
  expect(statuses.filter((status) => status === 429 || status === 503).length).toBe(4)
  await until(() => target.listener.connections.size === 1)
})

test('refusals are told, each with its cause', async () => {
  const told: BridgeDiagnosticEvents['refuse'][] = []
  const listener = (event: BridgeDiagnosticEvents['refuse']): void => void told.push(event)
  bridgeChannels.refuse.subscribe(listener)
  try {
    const bridge = await open({ to: await nobody() })
    await statusOf(bridge)
    await statusOf(bridge, { Origin: 'http://evil.example' })
    expect(told.map(({ cause }) => cause)).toEqual(['unreachable', 'origin'])
    expect(told[0]).toMatchObject({ bridge, peer: { host: '127.0.0.1' }, error: { phase: 'connect' } })
    expect(told[1]?.error).toBe(undefined)
  } finally {
    bridgeChannels.refuse.unsubscribe(listener)
  }
})

test('a target that accepts and resets at once is no 101 that hangs', async () => {
  const listener = held(await tcp.listen({ port: 0 }, (connection) => connection.destroy()))
  const bridge = await open({ to: `tcp://127.0.0.1:${portOf(listener)}` })
  for (let turn = 0; turn < 20; turn++) {
    const raw = await ask(bridge)
    const { status } = await raw.head()
    if (status === 101) expect(await raw.frame()).toMatchObject({ opcode: opcodes.close, code: 1011 })
    else expect(status).toBe(502)
  }
  await until(() => bridge.stats().open === 0)
})
