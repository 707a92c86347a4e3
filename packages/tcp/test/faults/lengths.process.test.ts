import { type FramedConnection, LimitError, ProtocolError } from '@fairlead/core'
import { lengthPrefixed, netstrings } from '@fairlead/core/framing'
import type { StreamConnection } from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import { meetBare, ways } from './harness.ts'

type Frame = (connection: StreamConnection) => FramedConnection<Uint8Array>

const maxLength = 16 * 1024 * 1024
const fixed =
  (header: 4 | 8): Frame =>
  (it) =>
    lengthPrefixed(it, { header, maxLength })
const varint: Frame = (it) => lengthPrefixed(it, { header: 'varint', maxLength })
const netstring: Frame = (it) => netstrings(it, { maxLength })

/** A length in big endian. */
function length(header: 4 | 8, value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * header, '0'), 'hex')
}

const beyond = BigInt(maxLength + 1)
const lies: [string, Frame, Buffer][] = [
  ['4 bytes of max + 1', fixed(4), length(4, beyond)],
  ['4 bytes of 2^31', fixed(4), length(4, 2n ** 31n)],
  ['4 bytes of 2^32 - 1', fixed(4), length(4, 2n ** 32n - 1n)],
  ['8 bytes of max + 1', fixed(8), length(8, beyond)],
  ['8 bytes of 2^31', fixed(8), length(8, 2n ** 31n)],
  ['8 bytes of 2^53', fixed(8), length(8, 2n ** 53n)],
  ['8 bytes of 2^63', fixed(8), length(8, 2n ** 63n)],
  ['8 bytes of 2^64 - 1', fixed(8), length(8, 2n ** 64n - 1n)],
  ['a varint of 2^63', varint, Buffer.from([...Array<number>(9).fill(0x80), 1])],
  ['a netstring of max + 1', netstring, Buffer.from(`${beyond}:`)],
  ['a netstring of 2^63', netstring, Buffer.from(`${2n ** 63n}:`)],
]

const holds: [string, Frame, Buffer][] = [
  ['4 bytes', fixed(4), length(4, BigInt(maxLength))],
  ['8 bytes', fixed(8), length(8, BigInt(maxLength))],
  ['a varint', varint, Buffer.from([0x80, 0x80, 0x80, 8])],
  ['a netstring', netstring, Buffer.from(`${maxLength}:`)],
]

describe.each(ways)('17 a length that lies, over $way', (way) => {
  test.each(lies)('%s ends the connection before anything of that size is there', async (_, frame, bytes) => {
    await using link = await meetBare(way)
    const { peer, server } = link
    frame(server).handle({ onData: () => expect.unreachable() })
    const before = process.memoryUsage().arrayBuffers
    peer.write(bytes)
    const reason = await server.closed
    expect(reason).toMatchObject({ kind: 'error', error: { limit: 'maxLength' } })
    expect(reason.kind === 'error' && reason.error).toBeInstanceOf(LimitError)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(maxLength)
  })

  test.each(holds)(
    '%s of all that may be, then silence, takes no memory; then an end',
    async (_, frame, bytes) => {
      await using link = await meetBare(way)
      const { peer, server } = link
      frame(server).handle({ onData: () => expect.unreachable() })
      const before = process.memoryUsage().arrayBuffers
      peer.write(bytes)
      peer.write('x')
      await expect.poll(() => server.stats().bytesIn).toBeGreaterThan(bytes.byteLength)
      expect(server.state).toBe('open')
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(maxLength)
      peer.end()
      const reason = await server.closed
      expect(reason.kind === 'error' && reason.error).toBeInstanceOf(ProtocolError)
    },
  )

  test('of nothing is a message of nothing, and those behind it come', async () => {
    await using link = await meetBare(way)
    const { peer, server } = link
    const messages: string[] = []
    fixed(8)(server).handle({ onData: (message) => void messages.push(Buffer.from(message).toString()) })
    peer.write(Buffer.concat([length(8, 0n), length(8, 0n), length(8, 4n), Buffer.from('ahoy')]))
    await expect.poll(() => messages).toEqual(['', '', 'ahoy'])
  })

  test('as an endless varint or digits without end ends the connection', async () => {
    for (const [frame, bytes] of [
      [varint, Buffer.alloc(64, 0xff)],
      [netstring, Buffer.alloc(64, '9')],
    ] as const) {
      await using link = await meetBare(way)
      frame(link.server).handle({ onData: () => expect.unreachable() })
      link.peer.write(bytes)
      expect(await link.server.closed).toMatchObject({ kind: 'error' })
    }
  })
})
