import * as zlib from 'node:zlib'

import { describe, expect, test } from 'vitest'

import { decode, encodings, noise, open, type Opened, turn } from './decode.ts'

const kibibyte = 1024
const body = noise(3 * 1024 * kibibyte)

/** Sends 64 KiB at a time while bytes are wanted, as a connection does. */
class Source {
  readonly #bytes: Uint8Array
  sent = 0
  #wanted = false
  #sending = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  flow(decoder: Opened['decoder'], wanted: boolean): void {
    this.#wanted = wanted
    if (this.#sending) return
    this.#sending = true
    while (this.#wanted && this.sent < this.#bytes.byteLength) {
      const from = this.sent
      this.sent = Math.min(from + 64 * kibibyte, this.#bytes.byteLength)
      decoder.push(this.#bytes.subarray(from, this.sent))
      if (this.sent === this.#bytes.byteLength) decoder.finish(undefined)
    }
    this.#sending = false
  }
}

describe.each([
  ...encodings.map(({ title, coding, encode }) => ({ title, codings: [coding], encode })),
  {
    title: 'three codings',
    codings: ['gzip', 'deflate', 'gzip'],
    encode: (bytes: Uint8Array | string) => zlib.gzipSync(zlib.deflateSync(zlib.gzipSync(bytes))),
  },
])('$title', ({ codings, encode }) => {
  const encoded = encode(body)
  // For each: what waits, with one piece beyond, what the engine has, and what it decoded ahead.
  const ahead = codings.length * 448 * kibibyte

  test('wants nothing before its reader does', async () => {
    const { decoder, heard } = open(codings)
    await turn()
    expect(heard.flow).toEqual([])
    decoder.flow(true)
    expect(heard.flow).toEqual([true])
    decoder.flow(false)
    expect(heard.flow).toEqual([true, false])
    decoder.destroy()
  })

  test('gives nothing to a reader that wants nothing, and holds little for it', async () => {
    const source = new Source(encoded)
    let wanted = true
    let unwanted = 0
    let most = 0
    const { decoder, heard, ended } = open(
      codings,
      {},
      {
        flow: (decoder, wanted) => source.flow(decoder, wanted),
        push: (decoder) => {
          if (!wanted) unwanted++
          most = Math.max(most, source.sent - heard.size)
          wanted = false
          decoder.flow(false)
          setImmediate(() => {
            wanted = true
            decoder.flow(true)
          })
        },
      },
    )
    decoder.flow(true)
    await ended
    expect(heard.bytes.equals(body)).toBe(true)
    expect(unwanted).toBe(0)
    expect(most).toBeLessThan(ahead)
  })

  test('stops its source when the reader stops for good', async () => {
    const source = new Source(encoded)
    const stopped = new Promise<void>((resolve) => {
      const { decoder } = open(
        codings,
        {},
        {
          flow: (decoder, wanted) => source.flow(decoder, wanted),
          push: (decoder) => {
            decoder.flow(false)
            resolve()
          },
        },
      )
      decoder.flow(true)
    })
    await stopped
    const { sent } = source
    expect(sent).toBeLessThan(ahead)
    await decode(codings, [encoded])
    expect(source.sent).toBe(sent)
  })
})

test('a source that sends on all the same is told once, and nothing is lost', async () => {
  const encoded = zlib.gzipSync(body)
  const { decoder, heard, ended } = open(['gzip'])
  decoder.push(encoded)
  decoder.finish(undefined)
  decoder.flow(true)
  await ended
  expect(heard.bytes.equals(body)).toBe(true)
  expect(heard.flow).toEqual([])
})

test('a bomb that nobody reads gives nothing, however much it would', async () => {
  const bomb = zlib.gzipSync(Buffer.alloc(8 * 1024 * kibibyte))
  const { decoder, heard, ended } = open(['gzip'], { expansion: Infinity })
  decoder.push(bomb)
  decoder.finish(undefined)
  await decode(['gzip'], [bomb], { expansion: Infinity })
  expect(heard.size).toBe(0)
  decoder.flow(true)
  await ended
  expect(heard.size).toBe(8 * 1024 * kibibyte)
})

test.each(encodings)(
  'a reader that stops in the midst of a $coding bomb gets nothing until it goes on',
  async ({ coding, encode }) => {
    const bomb = encode(Buffer.alloc(8 * 1024 * kibibyte))
    let patient = true
    let stopped!: () => void
    const first = new Promise<void>((resolve) => {
      stopped = resolve
    })
    const push = (decoder: Opened['decoder']): void => {
      if (!patient) return
      decoder.flow(false)
      stopped()
    }
    const { decoder, heard, ended } = open([coding], { expansion: Infinity }, { push })
    decoder.flow(true)
    decoder.push(bomb)
    decoder.finish(undefined)
    await first
    // As long as it takes to decode all of it.
    await decode([coding], [bomb], { expansion: Infinity })
    expect(heard.pieces).toHaveLength(1)
    patient = false
    decoder.flow(true)
    await ended
    expect(heard.size).toBe(8 * 1024 * kibibyte)
  },
)
