import { SocketError } from '@fairlead/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

import { decodeWhole } from '../../src/coding/decoder.ts'
import { decode, type Encoding, encodings, limits } from './decode.ts'

const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }),
  fc.string({ maxLength: 500 }).map((text) => Buffer.from(text.repeat(20))),
)
const stacks = fc.array(fc.constantFrom(...encodings), { minLength: 1, maxLength: 3 })
const cuts = fc.array(fc.nat(), { maxLength: 6 })

const encodeAll = (stack: readonly Encoding[], body: Uint8Array): Uint8Array => {
  let encoded = body
  for (const { encode } of stack) encoded = encode(encoded)
  return encoded
}

/** `bytes` in parts, cut where `cuts` says. */
function partsOf(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = cuts.map((cut) => cut % (bytes.byteLength + 1)).toSorted((a, b) => a - b)
  return [...places, bytes.byteLength].map((end, at) => bytes.subarray(places[at - 1] ?? 0, end))
}

/** The bytes, or what was thrown in their place. */
function atOnce(codings: readonly string[], bytes: Uint8Array): Uint8Array | SocketError {
  try {
    return decodeWhole(codings, bytes, limits)
  } catch (error) {
    if (SocketError.is(error)) return error
    throw error
  }
}

test('whatever is encoded, in whatever codings, comes back, however it is cut', async () => {
  const property = fc.asyncProperty(bodies, stacks, cuts, async (body, stack, cuts) => {
    const codings = stack.map(({ coding }) => coding)
    const encoded = encodeAll(stack, body)
    const { bytes, ends } = await decode(codings, partsOf(encoded, cuts))
    expect(ends).toEqual(['finish'])
    expect(Buffer.compare(bytes, body)).toBe(0)
    expect(Buffer.compare(Buffer.from(decodeWhole(codings, encoded, limits)), body)).toBe(0)
  })
  await fc.assert(property, { numRuns: 150 })
})

test('whatever is changed, the end comes once, and at once or in parts it is the same', async () => {
  const changes = fc.array(
    fc.tuple(fc.nat(), fc.constantFrom('replace', 'remove', 'double', 'cut'), fc.nat(255)),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  const property = fc.asyncProperty(bodies, stacks, changes, cuts, async (body, stack, changes, cuts) => {
    const codings = stack.map(({ coding }) => coding)
    let bytes: number[] = [...encodeAll(stack, body)]
    for (const [place, change, byte] of changes) {
      const at = place % (bytes.length + 1)
      if (change === 'cut') bytes = bytes.slice(0, at)
      else if (change === 'remove') bytes.splice(at, 1)
      else if (change === 'double') bytes.splice(at, 0, ...bytes.slice(at))
      else bytes[at] = byte
    }
    const changed = Uint8Array.from(bytes)
    const heard = await decode(codings, partsOf(changed, cuts))
    expect(heard.ends).toHaveLength(1)
    const whole = atOnce(codings, changed)
    if (whole instanceof Uint8Array) expect(Buffer.compare(heard.bytes, whole)).toBe(0)
    else expect(heard.error).toMatchObject({ code: whole.code })
  })
  await fc.assert(property, { numRuns: 250 })
})

test('of bytes that nobody encoded, nothing but our own errors comes', async () => {
  const garbage = fc.uint8Array({ minLength: 1, maxLength: 200 })
  const property = fc.asyncProperty(garbage, stacks, async (bytes, stack) => {
    const codings = stack.map(({ coding }) => coding)
    const { ends, error, failures } = await decode(codings, [bytes])
    expect(ends).toHaveLength(1)
    expect(failures).toEqual(ends[0] === 'abort' ? [error] : [])
    expect(error === undefined || SocketError.is(error)).toBe(true)
  })
  await fc.assert(property, { numRuns: 250 })
})
