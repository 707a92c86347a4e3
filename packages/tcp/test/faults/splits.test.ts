import type { ByteConnection, FramedConnection } from '@fairlead/core'
import {
  delimited,
  delimitedFraming,
  type Framing,
  jsonLineFraming,
  jsonLines,
  lengthPrefixed,
  lengthPrefixedFraming,
  lineFraming,
  lines,
  netstringFraming,
  netstrings,
} from '@fairlead/core/framing'
import { describe, expect, test } from 'vitest'

import { meetBare, ways } from './harness.ts'

interface Case {
  readonly title: string
  readonly wire: Buffer
  readonly frame: (connection: ByteConnection) => FramedConnection<unknown>
  readonly messages: readonly unknown[]
}

/** Messages, and what they are on the wire. */
function said<M>({ encode }: Framing<M>, messages: readonly M[]): Pick<Case, 'wire' | 'messages'> {
  const pieces = messages.flatMap((message): (Uint8Array | string)[] => {
    const encoded = encode(message)
    return typeof encoded === 'string' || encoded instanceof Uint8Array ? [encoded] : [...encoded]
  })
  const wire = Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)))
  return { wire, messages }
}

const texts = ['ahoy', '', 'grüße, 🐙', 'x'.repeat(40)]
const bytes = texts.map((text) => Buffer.from(text))
const delimiter = '\r\n.\r\n'

const cases: Case[] = [
  { title: 'lines', frame: (it) => lines(it), ...said(lineFraming(), texts) },
  {
    title: 'JSON lines',
    frame: (it) => jsonLines(it),
    ...said<unknown>(jsonLineFraming(), [null, 0, 'ahoy', { grüße: ['🐙', {}] }]),
  },
  {
    title: 'length-prefixed',
    frame: (it) => lengthPrefixed(it, { header: 8 }),
    ...said(lengthPrefixedFraming({ header: 8 }), bytes),
  },
  {
    title: 'varint',
    frame: (it) => lengthPrefixed(it, { header: 'varint' }),
    ...said(lengthPrefixedFraming({ header: 'varint' }), [...bytes, Buffer.alloc(200, 'x')]),
  },
  { title: 'netstrings', frame: (it) => netstrings(it), ...said(netstringFraming(), bytes) },
  {
    title: 'delimited',
    frame: (it) => delimited(it, { delimiter }),
    ...said(delimitedFraming({ delimiter }), [...bytes, Buffer.from('\r\n.\r')]),
  },
]

describe.each(ways)('4 the same messages come over $way', (way) => {
  test.each(cases)('$title, byte by byte and all at once', async ({ wire, frame, messages: sent }) => {
    const heard: unknown[][] = []
    for (const size of [1, wire.byteLength]) {
      await using link = await meetBare(way)
      const { peer, server } = link
      const messages: unknown[] = []
      const ended = new Promise<void>((resolve) => {
        frame(server).handle({ onData: (message) => void messages.push(message), onEnd: resolve })
      })
      for (let at = 0; at < wire.byteLength; at += size) {
        peer.write(wire.subarray(at, at + size))
        // The next one waits until this has come, so that nothing joins them on the way.
        if (size === 1) await expect.poll(() => server.stats().bytesIn, { interval: 0 }).toBeGreaterThan(at)
      }
      peer.end()
      await ended
      heard.push(messages.map((message) => (message instanceof Uint8Array ? Buffer.from(message) : message)))
    }
    expect(heard).toEqual([sent, sent])
  })
})
