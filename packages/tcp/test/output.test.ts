import { BrokenError, LimitError } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import type { ListenOptions } from '../src/listen-options.ts'
import { sliceSize } from '../src/outlet.ts'
import { portOf } from './harness.ts'

const clock = useManualClock()
const MiB = 1024 * 1024

/** A conversation whose accepted side has these options. */
async function meet(options: ListenOptions) {
  const listener = await tcp.listen({ port: 0, ...options })
  const client = await tcp.connect({ port: portOf(listener) })
  for await (const server of listener) {
    return { client, server, [Symbol.asyncDispose]: () => listener.close({ grace: 0 }) }
  }
  throw new Error('nobody came')
}

/** Bytes that say where they stand. */
function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let index = 0; index < length; index += 4) bytes.writeUInt32LE(index, index)
  return bytes
}

/** Writes until the system takes no more. */
function fill(connection: tcp.StreamConnection): void {
  while (connection.write(Buffer.alloc(sliceSize)));
}

describe('large output', () => {
  test('arrives whole and in order, between small writes', async () => {
    await using link = await meet({})
    const big = pattern(3 * MiB + 4)
    const sent = [
      Buffer.from('small, '),
      big,
      Buffer.from('then small'),
      pattern(sliceSize),
      Buffer.from('.'),
    ]
    for (const piece of sent) link.server.write(piece)
    link.server.write('ü', 'latin1')
    link.server.end()
    const chunks: Uint8Array[] = []
    for await (const chunk of link.client) chunks.push(chunk)
    const received = Buffer.concat(chunks)
    expect(received.equals(Buffer.concat([...sent, Buffer.from('ü', 'latin1')]))).toBe(true)
  })

  test('counts as buffered until it has left, and send waits for it', async () => {
    await using link = await meet({})
    const sending = link.server.send(pattern(32 * MiB))
    expect(link.server.buffered).toBeGreaterThan(16 * MiB)
    expect(link.server.write('x')).toBe(false)
    let received = 0
    link.client.handle({ onData: (chunk) => void (received += chunk.byteLength) })
    await sending
    expect(link.server.buffered).toBeLessThanOrEqual(64 * 1024)
    await expect.poll(() => received).toBe(32 * MiB + 1)
  })

  test('survives the write timeout and the cap while the peer reads slowly', async () => {
    await using link = await meet({ writeTimeout: 1_000, maxBuffered: 1 })
    const size = 64 * MiB
    const { server } = link
    let received = 0
    let left = 0
    let time = 0
    const sending = server.send(Buffer.alloc(size))
    link.client.handle({
      onData(chunk) {
        received += chunk.byteLength
        if (server.stats().bytesOut === left) return
        left = server.stats().bytesOut
        clock.advance(750)
        time += 750
      },
    })
    await sending
    expect(time).toBeGreaterThan(10_000)
    await expect.poll(() => received).toBe(size)
    expect(server.state).toBe('open')
  })

  test('of which nothing leaves any more ends its connection', async () => {
    await using link = await meet({ writeTimeout: 1_000 })
    const sending = link.server.send(Buffer.alloc(64 * MiB))
    // The system's own buffers fill up first.
    await expect
      .poll(() => {
        clock.advance(500)
        return link.server.state
      })
      .toBe('closed')
    expect(await link.server.closed).toEqual({ kind: 'timeout', phase: 'write' })
    await expect(sending).rejects.toThrow('Cannot write: write timeout')
  })
})

describe('output that nobody waits for', () => {
  test('destroys the connection beyond the cap', async () => {
    await using link = await meet({ maxBuffered: MiB })
    const { server } = link
    const piece = Buffer.alloc(256 * 1024)
    const flood = (): void => {
      for (let count = 0; count < 1_000; count++) server.write(piece)
    }
    expect(flood).toThrow(LimitError)
    expect(await server.closed).toMatchObject({
      kind: 'error',
      error: { code: 'ERR_FAIRLEAD_LIMIT', limit: 'maxBuffered', phase: 'write', peer: server.remoteAddress },
    })
    expect(server.buffered).toBeLessThanOrEqual(2 * MiB)
    expect(() => server.write('x')).toThrow(BrokenError)
  })

  test('is counted without the one large write that is on its way', async () => {
    await using link = await meet({ maxBuffered: MiB })
    const sending = link.server.send(Buffer.alloc(32 * MiB))
    for (let beat = 0; beat < 100; beat++) link.server.write('still here')
    link.client.handle({ onData() {} })
    await sending
    expect(link.server.state).toBe('open')
  })
})

test('who gathers for ever, a little at a time, meets maxBuffered, too', async () => {
  await using link = await meet({ maxBuffered: MiB })
  const { server } = link
  server.cork()
  const little = Buffer.alloc(1000)
  const gather = (): void => {
    while (server.buffered < 8 * MiB) server.write(little)
  }
  expect(gather).toThrow(LimitError)
  expect(server.state).toBe('closed')
})

test('an end waits behind what waits, even when the socket is corked', async () => {
  await using link = await meet({})
  link.server.cork()
  link.server.write('first, ')
  link.server.write(pattern(MiB))
  link.server.end()
  let size = 0
  for await (const chunk of link.client) size += chunk.byteLength
  expect(size).toBe('first, '.length + MiB)
})

test('what is not bytes or text is refused, full or not', async () => {
  await using link = await meet({})
  const wrong = [1, null, undefined, {}, [1, 2]] as unknown as string[]
  for (const data of wrong) expect(() => link.server.write(data)).toThrow(TypeError)
  fill(link.server)
  for (const data of wrong) expect(() => link.server.write(data)).toThrow(TypeError)
  expect(link.server.state).toBe('open')
})

test('closing politely takes all of it along, destroying none', async () => {
  await using link = await meet({})
  link.server.write(pattern(8 * MiB))
  const closing = link.server.close()
  let size = 0
  for await (const chunk of link.client) size += chunk.byteLength
  expect(size).toBe(8 * MiB)
  await link.client.close()
  await closing
  expect(await link.server.closed).toEqual({ kind: 'local' })

  await using other = await meet({})
  other.server.write(pattern(8 * MiB))
  other.server.destroy()
  expect(other.server.buffered).toBe(0)
})

test('the counters tell what passed, also after the end', async () => {
  await using link = await meet({})
  link.client.write('four')
  link.client.end()
  for await (const chunk of link.server) link.server.write(chunk)
  await Promise.all([link.client.close(), link.server.close()])
  expect(link.server.stats()).toMatchObject({ bytesIn: 4, bytesOut: 4 })
})
