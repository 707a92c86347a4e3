import { readFileSync } from 'node:fs'

import { LimitError } from '@fairlead/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

import { type Announce, decode, encode } from '../../src/discovery/message.ts'
import { announceOf, idOf } from './tools.ts'

const specification = readFileSync(new URL('../../../../docs/wire/DISCOVERY.md', import.meta.url), 'utf8')

/** The blocks of hex in the specification, without what is said behind each line. */
const [announced, asked] = [...specification.matchAll(/```hex\n([^`]*)```/g)].map(([, block = '']) =>
  Buffer.from(block.replace(/ {2}.*$/gm, '').replace(/\s/g, ''), 'hex'),
)
const anna = announceOf({ data: { colour: 'red' } }, { id: '00112233445566778899aabbccddeeff', revision: 3 })

test('writes and reads the examples of the specification, byte for byte', () => {
  expect(Buffer.from(encode(anna))).toEqual(announced)
  expect(decode(announced as Buffer)).toEqual(anna)
  expect(Buffer.from(encode({ kind: 'query', type: 'chat' }))).toEqual(asked)
  expect(decode(asked as Buffer)).toEqual({ kind: 'query', type: 'chat' })
})

test('refuses every truncation, and reads past what a later version appends', () => {
  for (const whole of [encode(anna), encode({ kind: 'query', type: 'chat' })]) {
    for (let end = 0; end < whole.byteLength; end++) expect(decode(whole.subarray(0, end))).toBeUndefined()
    expect(decode(Buffer.concat([whole, Buffer.from('more')]))).toEqual(decode(whole))
  }
})

test('refuses other versions, other kinds, and too much', () => {
  const whole = Buffer.from(encode(anna))
  for (const [index, byte] of [0, 1, 2, 3].entries()) {
    const other = Buffer.from(whole)
    other[index] = (other[byte] ?? 0) ^ 0x80
    expect(decode(other)).toBeUndefined()
  }
  for (const kind of [0, 3, 255]) {
    const other = Buffer.from(whole)
    other[4] = kind
    expect(decode(other)).toBeUndefined()
  }
  expect(decode(Buffer.concat([whole, Buffer.alloc(1_200 - whole.byteLength)]))).toEqual(anna)
  expect(decode(Buffer.concat([whole, Buffer.alloc(1_201 - whole.byteLength)]))).toBeUndefined()
})

test.each([
  ['port 0', { port: 0 }],
  ['an empty type', { type: '' }],
  ['an escape sequence', { name: '\x1b[2J' }],
  ['a line end', { name: 'a\nb' }],
  ['a C1 control', { data: { key: '\x9b' } }],
  ['a right-to-left override', { name: 'a\u202egnp.exe' }],
  ['a key with a control', { data: { 'k\0': 'v' } }],
  ['an empty key', { data: { '': 'v' } }],
  ['a name too long', { name: 'n'.repeat(64) }],
  ['a key too long', { data: { ['k'.repeat(64)]: '' } }],
  ['too many keys', { data: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, ''])) }],
])('refuses an announcement with %s', (_, service) => {
  expect(decode(encode(announceOf(service)))).toBeUndefined()
})

test('refuses bytes that are no UTF-8, and a key that comes twice', () => {
  const bytes = Buffer.from(encode(announceOf({ name: 'anna', data: { k1: 'a', k2: 'b' } })))
  const broken = Buffer.from(bytes)
  broken[broken.indexOf('anna')] = 0xff
  expect(decode(broken)).toBeUndefined()
  const twice = Buffer.from(bytes)
  twice.write('k1', twice.indexOf('k2'))
  expect(decode(twice)).toBeUndefined()
})

test('a key called __proto__ is a key like any other', () => {
  const data = Object.create(null) as Record<string, string>
  Object.defineProperty(data, '__proto__', { value: 'polluted', enumerable: true })
  const message = decode(encode(announceOf({ data }))) as Announce
  expect(Object.getPrototypeOf(message.service.data)).toBeNull()
  expect(Object.entries(message.service.data)).toEqual([['__proto__', 'polluted']])
  expect('polluted' in {}).toBe(false)
})

test('refuses to write what is larger than a datagram', () => {
  const data = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`k${i}`, 'v'.repeat(255)]))
  expect(() => encode(announceOf({ data }))).toThrow(LimitError)
})

test('any bytes are read or refused, never thrown at', () => {
  const head = [...encode(anna)].slice(0, 5)
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 1_300 }),
    fc.uint8Array({ maxLength: 300 }).map((rest) => Uint8Array.from([...head, ...rest])),
    fc.tuple(fc.nat(200), fc.nat(255)).map(([index, byte]) => {
      const whole = Buffer.from(encode(anna))
      whole[index % whole.byteLength] = byte
      return whole
    }),
  )
  fc.assert(
    fc.property(anything, (bytes) => {
      const message = decode(bytes)
      if (message) expect(decode(encode(message))).toEqual(message)
    }),
    { numRuns: 2_000 },
  )
})

test('what is written is read again', () => {
  const label = fc.stringMatching(/^[a-z0-9äß🚢_-]{1,12}$/u)
  const service = fc.record({
    type: label,
    name: label,
    port: fc.integer({ min: 1, max: 65_535 }),
    data: fc.dictionary(label, label, { maxKeys: 8 }),
  })
  fc.assert(
    fc.property(service, fc.nat(0xffff_ffff), fc.nat(3_600_000), (given, revision, lifetime) => {
      const message = announceOf(given, { id: idOf(revision), revision, lifetime })
      expect(decode(encode(message))).toEqual(message)
    }),
  )
})
