import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'

import { LimitError, ProtocolError } from '../../src/errors.ts'
import type { Encoded, Framing } from '../../src/framing/framing.ts'

/** A message as a transcript tells it. */
type Show<M> = (message: M) => unknown

/** What a framing makes of `input`: its messages, then `end: ` and what the end brought, or the error. */
export interface Transcript {
  title: string
  input: string | Uint8Array
  events: unknown[]
}

/** Bytes, one character each. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

/** What `chunks` are decoded to; an error is told as its limit or its message, and is the last event. */
export function decode<M>(framing: Framing<M>, chunks: readonly Uint8Array[], show: Show<M>): unknown[] {
  const decoder = framing.decoder()
  const events: unknown[] = []
  try {
    for (const chunk of chunks) {
      // The decoder owns the bytes, so that each run has its own.
      decoder.push(Buffer.from(chunk))
      for (let message = decoder.next(); message !== undefined; message = decoder.next()) {
        events.push(show(message))
      }
    }
    const last = decoder.end()
    if (last !== undefined) events.push(`end: ${String(show(last))}`)
  } catch (error) {
    if (error instanceof LimitError) events.push(`limit: ${error.limit}`)
    else if (error instanceof ProtocolError && error.side === 'remote') events.push(error.message)
    else throw error
  }
  return events
}

/** Cuts `bytes` at each of `places`. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  )
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end))
}

/** Places to cut at. */
export const places = fc.array(fc.nat(), { maxLength: 20 })

/** Each transcript holds for the whole input, byte by byte, and cut at every two places. */
export function holds<M>(framing: Framing<M>, transcripts: readonly Transcript[], show: Show<M>): void {
  describe.each(transcripts)('$title', ({ input, events }) => {
    const bytes = Buffer.from(input as Uint8Array)

    test('as a whole', () => expect(decode(framing, [bytes], show)).toEqual(events))

    test('byte by byte', () => {
      expect(decode(framing, cut(bytes, [...bytes.keys()]), show)).toEqual(events)
    })

    test('cut at every two places', () => {
      for (let first = 0; first <= bytes.length; first++) {
        for (let second = first; second <= bytes.length; second++) {
          const chunks = cut(bytes, [first, second])
          expect(decode(framing, chunks, show), `cut at ${first} and ${second}`).toEqual(events)
        }
      }
    })
  })
}

/** The bytes that `framing` makes of `messages`. */
export function encodeAll<M>(framing: Framing<M>, messages: readonly M[]): Buffer {
  return Buffer.concat(messages.map((message) => joined(framing.encode(message))))
}

export function joined(encoded: Encoded): Buffer {
  if (typeof encoded === 'string') return Buffer.from(encoded)
  return encoded instanceof Uint8Array ? Buffer.from(encoded) : Buffer.concat(encoded)
}

/**
 * Feeds 40,000 bytes in chunks of `chunkLength`, and counts the bytes that are copied, searched and decoded on
 * the way: some for each byte if the time is linear, thousands if it is quadratic.
 */
export function expectLinear<M>(framing: Framing<M>, input: (size: number) => Buffer, chunkLength = 1): void {
  const bytes = input(40_000)
  const decoder = framing.decoder()
  const touched = countTouched(() => {
    for (let index = 0; index < bytes.length; index += chunkLength) {
      decoder.push(bytes.subarray(index, index + chunkLength))
      while (decoder.next() !== undefined);
    }
  })
  expect(touched / bytes.length).toBeLessThan(64)
}

/** The bytes that the methods of Buffer handle while `run` runs. */
function countTouched(run: () => void): number {
  let touched = 0
  const { copy, set, indexOf, toString } = Buffer.prototype
  const spies = [
    vi.spyOn(Buffer.prototype, 'copy').mockImplementation(function (this: Buffer, ...args) {
      const copied = copy.apply(this, args)
      touched += copied
      return copied
    }),
    vi.spyOn(Buffer.prototype, 'set').mockImplementation(function (this: Buffer, ...args: unknown[]) {
      const [source, offset = 0] = args as [Uint8Array, number?]
      touched += source.length
      set.call(this, source, offset)
    }),
    vi.spyOn(Buffer.prototype, 'indexOf').mockImplementation(function (this: Buffer, ...args: unknown[]) {
      const [wanted, from = 0] = args as [number | Uint8Array, number?]
      const found = indexOf.call(this, wanted, from)
      touched += (found === -1 ? this.length : found + 1) - from
      return found
    }),
    vi.spyOn(Buffer.prototype, 'toString').mockImplementation(function (this: Buffer, ...args: unknown[]) {
      const [encoding, start = 0, end = this.length] = args as [BufferEncoding?, number?, number?]
      touched += end - start
      return toString.call(this, encoding, start, end)
    }),
  ]
  try {
    run()
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
  return touched
}
