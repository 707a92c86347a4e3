import fc from 'fast-check'
import { expect, test } from 'vitest'

import { compress, decompress } from '../../src/compress/index.ts'
import { Response as OurResponse } from '../../src/index.ts'
import { encodings } from '../coding/decode.ts'
import { call, codings, decoded } from './asking.ts'

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Pieces of a body, some of which are waited for. */
const pieces = fc.array(
  fc.record({
    late: fc.boolean(),
    bytes: fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat(2000))
        .map(([some, times]) => Buffer.concat(Array<Uint8Array>(times).fill(some))),
    ),
  }),
  { maxLength: 20 },
)

interface Piece {
  readonly late: boolean
  readonly bytes: Uint8Array
}

const streamOf = (given: readonly Piece[]): ReadableStream<Uint8Array> => {
  let at = 0
  return new ReadableStream({
    async pull(controller) {
      const piece = given[at++]
      if (piece?.late) await turn()
      if (piece === undefined) controller.close()
      else controller.enqueue(piece.bytes)
    },
  })
}

const wholeOf = (given: readonly Piece[]): Buffer => Buffer.concat(given.map(({ bytes }) => bytes))

test('whatever a body is, and however it comes, its encoding is decoded to the same', async () => {
  const property = fc.asyncProperty(
    pieces,
    fc.constantFrom(...codings),
    fc.boolean(),
    fc.boolean(),
    fc.constantFrom(0, 1024),
    async (given, coding, stream, quiet, threshold) => {
      const expected = wholeOf(given)
      const headers = { 'Content-Type': quiet ? 'text/event-stream' : 'text/plain' }
      const handler = compress(() => new OurResponse(stream ? streamOf(given) : expected, { headers }), {
        threshold,
      })
      const asked = new Request('http://localhost/', { headers: { 'Accept-Encoding': coding } })
      const got = await call(handler, asked)
      expect(Buffer.compare(await decoded(got), expected)).toBe(0)
    },
  )
  await fc.assert(property, { numRuns: 80 })
})

test('whatever is sent encoded, and however it comes, is read as it was', async () => {
  const stacks = fc.array(fc.constantFrom(...encodings), { minLength: 1, maxLength: 3 })
  const property = fc.asyncProperty(
    pieces,
    stacks,
    fc.array(fc.nat(), { maxLength: 6 }),
    async (given, stack, cuts) => {
      const expected = wholeOf(given)
      let encoded: Uint8Array = expected
      for (const { encode } of stack) encoded = encode(encoded)
      const places = cuts.map((cut) => cut % (encoded.byteLength + 1)).toSorted((a, b) => a - b)
      const sent = [...places, encoded.byteLength].map((end, at) => ({
        late: at % 2 === 0,
        bytes: encoded.subarray(places[at - 1] ?? 0, end),
      }))
      const headers = { 'Content-Encoding': stack.map(({ coding }) => coding).join() }
      const init = { method: 'POST', body: streamOf(sent), duplex: 'half', headers }
      const asked = new Request('http://localhost/', init as RequestInit)
      const handler = decompress(async (request) => new OurResponse(await request.arrayBuffer()), {
        limits: { expansion: Infinity },
      })
      const got = await call(handler, asked)
      expect(got.status).toBe(200)
      expect(Buffer.compare(Buffer.from(await got.arrayBuffer()), expected)).toBe(0)
    },
  )
  await fc.assert(property, { numRuns: 80 })
})
