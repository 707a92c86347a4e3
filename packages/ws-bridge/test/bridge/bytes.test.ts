import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { ca, localhost as identity } from '../client/certificates.ts'
import { portOf, quiet, until } from '../harness.ts'
import { frame, opcodes, Raw } from '../raw.ts'
import { heard, open, page, Target } from './cast.ts'

let count = 0

/** The ways to a target of bytes. */
const ways = {
  async tcp() {
    const target = await Target.open()
    return { target, to: target.url, connect: {} }
  },
  async tls() {
    const target = await Target.open({ port: 0, tls: identity })
    const to = `tls://localhost:${portOf(target.listener)}`
    return { target, to, connect: { tls: { ca }, family: 4 as const } }
  },
  async unix() {
    const path = join(tmpdir(), `bridge-${process.pid}-${count++}.sock`)
    return { target: await Target.open({ path }), to: `unix:${path}`, connect: {} }
  },
}

describe.each(Object.entries(ways))('to %s', (_, way) => {
  async function meet(options = {}) {
    const { target, to, connect } = await way()
    const bridge = await open({ to, connect, ...options })
    const client = await page(bridge)
    return { target, bridge, client, back: heard(client), peer: await target.peer() }
  }

  test('bytes go both ways, and are counted', async () => {
    const { bridge, client, back, peer } = await meet()
    expect(client.protocol).toBe('binary')
    client.write(Buffer.from('ahoy'))
    await until(() => peer.text === 'ahoy')
    peer.connection.write('back')
    await until(() => back.messages.join('') === 'back')
    const { forward, backward, ...others } = bridge.stats()
    expect(others).toMatchObject({ open: 1, connecting: 0, total: 1, buffered: 0 })
    expect([forward, backward]).toEqual([
      { bytes: 4, messages: 1 },
      { bytes: 4, messages: 1 },
    ])
  })

  test('the end of the target is Close 1000 behind its last byte', async () => {
    const { bridge, client, back, peer } = await meet()
    peer.connection.write('x'.repeat(300_000))
    peer.connection.end()
    await until(() => back.reason !== undefined)
    expect(back.reason).toEqual({ kind: 'remote', code: 1000 })
    expect(back.messages.join('').length).toBe(300_000)
    await until(() => peer.reason !== undefined && bridge.stats().open === 0)
    expect(peer.reason).toEqual({ kind: 'local' })
    expect(bridge.stats().ended.to).toBe(1)
    expect(client.state).toBe('closed')
  })

  test('Close is an end behind the last byte', async () => {
    const { bridge, client, peer } = await meet()
    client.write(Buffer.alloc(300_000, 'x'))
    await client.close()
    await until(() => peer.ended)
    expect(peer.text.length).toBe(300_000)
    await until(() => peer.reason !== undefined && bridge.stats().open === 0)
    expect(peer.reason).toEqual({ kind: 'remote' })
    expect(bridge.stats().ended.from).toBe(1)
  })

  test('a WebSocket that is lost resets the target', async () => {
    const { bridge, client, peer } = await meet()
    client.destroy()
    await until(() => peer.reason !== undefined && bridge.stats().open === 0)
    if (peer.connection.remoteAddress.kind === 'ip') expect(peer.reason).toMatchObject({ kind: 'error' })
    expect(bridge.stats().ended.fromBroken).toBe(1)
  })

  test('what a slow target does not read waits in the client', async () => {
    const { bridge, client, peer } = await meet()
    peer.connection.pause()
    const { sent, most } = pour(client, bridge)
    await until(() => client.buffered > 0)
    await quiet()
    expect(bridge.stats().buffered).toBeGreaterThan(0)
    peer.connection.resume()
    await sent
    await until(() => sizeOf(peer.chunks) === total)
    expect(most()).toBeLessThanOrEqual(2 * piece)
  })

  test('what a slow client does not read waits in the target', async () => {
    const { bridge, client, peer, back } = await meet()
    client.pause()
    const { sent, most } = pour(peer.connection, bridge)
    await until(() => bridge.stats().buffered > piece)
    await quiet()
    client.resume()
    await sent
    await until(() => sizeOf(back.messages) === total)
    // The mark, a chunk, and its frame.
    expect(most()).toBeLessThanOrEqual(2 * piece + 10)
  })
})

test('64 MiB go through to a client that reads a little at a time', async () => {
  const target = await Target.open()
  const bridge = await open({ to: target.url })
  const client = await page(bridge)
  const { connection } = await target.peer()
  const { sent, most } = pour(connection, bridge, 4 * total)
  let read = 0
  client.handle({
    onData: (message) => {
      read += message.byteLength
      client.pause()
      setImmediate(() => client.resume())
    },
  })
  await sent
  await until(() => read === 4 * total)
  expect(most()).toBeLessThanOrEqual(2 * piece + 10)
})

test('text is carried as the bytes that it is', async () => {
  const target = await Target.open()
  const bridge = await open({ to: target.url })
  const raw = await Raw.open(portOf(bridge))
  raw.write(
    frame(opcodes.text, 'grüße'),
    frame(opcodes.binary),
    frame(opcodes.text),
    frame(opcodes.binary, '!'),
  )
  const peer = await target.peer()
  await until(() => peer.text === 'grüße!')
  expect(bridge.stats().forward).toEqual({ bytes: 8, messages: 4 })
  peer.connection.write('ü')
  expect(await raw.frame()).toMatchObject({ opcode: opcodes.binary, text: 'ü' })
})

test('a chunk larger than a message may be is several', async () => {
  const target = await Target.open()
  const bridge = await open({ to: target.url, maxPayload: 1_000 })
  const back = heard(await page(bridge))
  const { connection } = await target.peer()
  connection.write('x'.repeat(2_500))
  await until(() => back.messages.join('').length === 2_500)
  expect(back.messages.every(({ length }) => length <= 1_000)).toBe(true)
})

test('one crossing that stands still does not hold up another', async () => {
  const target = await Target.open({ port: 0 }, true)
  const bridge = await open({ to: target.url })
  const stuck = await page(bridge)
  const { connection } = await target.peer()
  connection.pause()
  const { sent } = pour(stuck, bridge)
  sent.catch(() => {})
  await until(() => stuck.buffered > 0)
  const other = await page(bridge)
  const back = heard(other)
  other.write(Buffer.from('ahoy'))
  await until(() => back.messages.join('') === 'ahoy')
})

const piece = 64 * 1024
const total = 256 * piece

/** Sends `bytes`, and looks at what the bridge holds meanwhile. */
function pour(
  connection: { send(data: Uint8Array): Promise<void> },
  bridge: { stats(): { buffered: number } },
  bytes = total,
) {
  let most = 0
  const sent = (async () => {
    for (let left = bytes; left > 0; left -= piece) {
      await connection.send(Buffer.alloc(piece))
      most = Math.max(most, bridge.stats().buffered)
    }
  })()
  return { sent, most: () => most }
}

function sizeOf(pieces: readonly { readonly length: number }[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0)
}
