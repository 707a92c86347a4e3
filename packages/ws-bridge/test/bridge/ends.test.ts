import { useManualClock } from '@fairlead/harness'
import type { BridgeOptions } from '@fairlead/ws-bridge'
import { describe, expect, test } from 'vitest'

import { portOf, quiet, until } from '../harness.ts'
import { closeFrame, frame, opcodes, Raw } from '../raw.ts'
import { heard, open, page, Target } from './cast.ts'

const clock = useManualClock()

async function meet(options: Partial<BridgeOptions> = {}) {
  const target = await Target.open()
  const bridge = await open({ to: target.url, ...options })
  const client = await page(bridge)
  return { target, bridge, client, back: heard(client), peer: await target.peer() }
}

/** A client that says exactly what it is told to. */
async function meetRaw(options: Partial<BridgeOptions> = {}, end = true) {
  const target = await Target.open()
  const bridge = await open({ to: target.url, ...options })
  const raw = await Raw.open(portOf(bridge), '/', { end })
  return { target, bridge, raw, peer: await target.peer() }
}

test('a target that is reset is Close 1011, behind what it sent', async () => {
  const { bridge, back, peer } = await meet()
  peer.connection.write('last words')
  await until(() => back.messages.length > 0)
  peer.connection.destroy()
  await until(() => back.reason !== undefined && bridge.stats().open === 0)
  expect(back.messages).toEqual(['last words'])
  expect(back.reason).toEqual({ kind: 'remote', code: 1011, text: 'the other side broke off' })
  expect(bridge.stats().ended.toBroken).toBe(1)
})

describe('a Close frame', () => {
  test.each([1000, 1001, 3000, 4000, 4999])('with %i is an end', async (code) => {
    const { bridge, raw, peer } = await meetRaw()
    raw.write(frame(opcodes.binary, 'all'), closeFrame(code))
    await until(() => peer.reason !== undefined && bridge.stats().open === 0)
    expect([peer.text, peer.reason]).toEqual(['all', { kind: 'remote' }])
    expect(bridge.stats().ended.from).toBe(1)
  })

  test('without a code is an end', async () => {
    const { raw, peer } = await meetRaw()
    raw.write(frame(opcodes.close))
    await until(() => peer.reason !== undefined)
    expect(peer.reason).toEqual({ kind: 'remote' })
  })

  test.each([1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013])('with %i is a reset', async (code) => {
    const { bridge, raw, peer } = await meetRaw()
    raw.write(closeFrame(code))
    await until(() => peer.reason !== undefined && bridge.stats().open === 0)
    expect(peer.reason).toMatchObject({ kind: 'error' })
    expect(bridge.stats().ended.fromBroken).toBe(1)
  })
})

test.each<[string, (raw: Raw) => void, number | undefined]>([
  ['that ends without a Close frame', (raw) => raw.connection.end(), undefined],
  ['that is reset', (raw) => raw.connection.destroy(), undefined],
  [
    'that is reset in the middle of a frame',
    (raw) => {
      raw.write(frame(opcodes.binary, 'half', { length: 100 }))
      raw.connection.destroy()
    },
    undefined,
  ],
  ['that breaks the protocol', (raw) => raw.write(frame(opcodes.binary, 'x', { mask: false })), 1002],
  ['that sends too much', (raw) => raw.write(frame(opcodes.binary, '', { length: 2 ** 31 })), 1009],
  ['whose lengths lie', (raw) => raw.write(frame(opcodes.binary, '', { length: 2 ** 53 })), 1009],
])('a client %s resets the target', async (_, act, code) => {
  const { bridge, raw, peer } = await meetRaw()
  act(raw)
  await until(() => peer.reason !== undefined && bridge.stats().open === 0)
  expect(peer.reason).toMatchObject({ kind: 'error' })
  expect(bridge.stats().ended.fromBroken).toBe(1)
  if (code !== undefined) expect(await raw.frame()).toMatchObject({ opcode: opcodes.close, code })
})

test('what the target still says behind a Close is read, and dropped', async () => {
  const { bridge, client, back, peer } = await meet()
  peer.polite = false
  await client.close()
  await until(() => peer.ended)
  await peer.connection.send(Buffer.alloc(1024 * 1024))
  peer.connection.end()
  await until(() => peer.reason !== undefined && bridge.stats().open === 0)
  expect(peer.reason).toEqual({ kind: 'remote' })
  expect(back.messages).toEqual([])
})

test('what the client still says behind the end of the target is read, and dropped', async () => {
  const { bridge, raw, peer } = await meetRaw()
  peer.connection.end()
  expect(await raw.frame()).toMatchObject({ opcode: opcodes.close, code: 1000 })
  raw.write(frame(opcodes.binary, 'late'), closeFrame(1000))
  await until(() => peer.reason !== undefined && bridge.stats().open === 0)
  expect(peer.text).toBe('')
})

test('a target that does not end behind a Close is cut when lingerTimeout is over', async () => {
  const { bridge, client, peer } = await meet({ lingerTimeout: 20 })
  peer.polite = false
  await client.close()
  await until(() => bridge.stats().open === 0)
  expect(peer.ended).toBe(true)
  expect(bridge.stats().ended.from).toBe(1)
})

test('a client that does not answer a Close is cut when lingerTimeout is over', async () => {
  const { bridge, raw, peer } = await meetRaw({ lingerTimeout: 20 }, false)
  peer.connection.end()
  await until(() => raw.ended && bridge.stats().open === 0)
  expect(bridge.stats().ended.to).toBe(1)
})

test('idleTimeout closes both sides politely', async () => {
  const { bridge, client, back, peer } = await meet({ idleTimeout: 10_000 })
  clock.advance(8_000)
  client.write(Buffer.from('still here'))
  await until(() => peer.text !== '')
  clock.advance(8_000)
  peer.connection.write('so am I')
  await until(() => back.messages.length > 0)
  clock.advance(8_000)
  await quiet()
  expect(bridge.stats().open).toBe(1)
  clock.advance(4_000)
  await until(() => back.reason !== undefined && peer.reason !== undefined && bridge.stats().open === 0)
  expect(back.reason).toEqual({ kind: 'remote', code: 1008, text: 'idle timeout' })
  expect(peer.reason).toEqual({ kind: 'remote' })
  expect(bridge.stats().ended.idle).toBe(1)
})

test('totalTimeout ends what goes on for ever, and says that it is not whole', async () => {
  const { bridge, back, peer } = await meet({ totalTimeout: 60_000, heartbeat: false })
  for (let second = 0; second < 61; second++) {
    if (peer.connection.state === 'open') peer.connection.write('.')
    await until(() => back.messages.join('').length > second || back.reason !== undefined)
    clock.advance(1_000)
  }
  await until(() => back.reason !== undefined && peer.reason !== undefined && bridge.stats().open === 0)
  expect(back.reason).toEqual({ kind: 'remote', code: 1008, text: 'total timeout' })
  expect(peer.reason).toMatchObject({ kind: 'error' })
  expect(bridge.stats().ended.total).toBe(1)
})

test('a client that shows no sign of life is given up, and its target reset', async () => {
  const { bridge, raw, peer } = await meetRaw()
  await quiet()
  clock.advance(31_000)
  expect(await raw.frame()).toMatchObject({ opcode: 9 })
  clock.advance(70_000)
  await until(() => peer.reason !== undefined && bridge.stats().open === 0)
  expect(peer.reason).toMatchObject({ kind: 'error' })
  expect(bridge.stats().ended.fromBroken).toBe(1)
})

test('a target that takes nothing for too long is Close 1011', async () => {
  const target = await Target.open()
  const bridge = await open({ to: target.url, heartbeat: false })
  const client = await page(bridge, '/', { heartbeat: false })
  const back = heard(client)
  const peer = await target.peer()
  peer.connection.pause()
  while (bridge.stats().buffered < 64 * 1024) {
    await client.send(Buffer.alloc(64 * 1024))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await until(() => client.buffered === 0)
  clock.advance(90_000)
  await until(() => back.reason !== undefined)
  expect(back.reason).toMatchObject({ code: 1011 })
  expect(bridge.stats().ended.toBroken).toBe(1)
})

test('close tells both sides, and waits for them', async () => {
  const { bridge, back, peer } = await meet()
  peer.polite = false
  let closed = false
  const closing = bridge.close({ grace: 5_000 }).then(() => (closed = true))
  await until(() => back.reason !== undefined && peer.ended)
  expect(back.reason).toEqual({ kind: 'remote', code: 1001 })
  expect(closed).toBe(false)
  peer.connection.end()
  await closing
  expect(bridge.state).toBe('closed')
  expect(bridge.stats().ended.shutdown).toBe(1)
  expect(await bridge.closed).toEqual({ kind: 'local' })
})

test('close waits no longer than its grace', async () => {
  const { bridge, raw, peer } = await meetRaw({}, false)
  peer.polite = false
  await bridge.close({ grace: 20 })
  await until(() => peer.ended && raw.ended)
  expect(bridge.stats().open).toBe(0)
})

test('destroy cuts both sides', async () => {
  const { bridge, back, peer } = await meet()
  bridge.destroy(new Error('enough'))
  expect(await bridge.closed).toMatchObject({ kind: 'error' })
  await until(() => peer.reason !== undefined && back.reason !== undefined)
  expect(peer.reason).toMatchObject({ kind: 'error' })
  expect(bridge.stats().ended.destroyed).toBe(1)
})

test('one crossing can be closed, or destroyed, by itself', async () => {
  const { target, bridge, back, peer } = await meet()
  const other = await page(bridge)
  const otherBack = heard(other)
  const otherPeer = await target.peer(1)
  const [first, second] = bridge.crossings
  expect([first?.id, second?.id]).toEqual([1, 2])
  expect(first?.to).toEqual(target.listener.address)
  expect(second?.from).toEqual(other.localAddress)
  first?.close()
  await until(() => back.reason !== undefined && peer.ended)
  expect(back.reason).toMatchObject({ code: 1001 })
  second?.destroy()
  await until(() => otherBack.reason !== undefined && otherPeer.reason !== undefined)
  expect(otherPeer.reason).toMatchObject({ kind: 'error' })
  await until(() => bridge.stats().open === 0)
})
