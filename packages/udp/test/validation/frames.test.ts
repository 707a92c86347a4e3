import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { type FrameType, looksLikeFrame, readFrame, writeFrame } from '../../src/validation/frames.ts'

const nonce = Buffer.from('000102030405060708090a0b0c0d0eff', 'hex').toString('latin1')
const cookie = Buffer.from('05a0a1a2a3a4a5a6a7a8a9aaabacadaeaf', 'hex')
const empty = new Uint8Array()

const all: readonly [FrameType, number, string, Uint8Array][] = [
  ['hello', 48, nonce, empty],
  ['retry', 41, nonce, cookie],
  ['answer', 41, nonce, cookie],
  ['welcome', 24, nonce, empty],
  ['refuse', 24, nonce, empty],
  ['stale', 8, '', empty],
]

test.each(all)('%s is written in %i octets and read back', (type, size, nonce, cookie) => {
  const data = writeFrame(type, nonce, cookie)
  expect(data.byteLength).toBe(size)
  expect(looksLikeFrame(data)).toBe(true)
  const frame = readFrame(data)
  expect(frame).toMatchObject({ type, nonce })
  expect([...(frame?.cookie ?? [0])]).toEqual([...cookie])
})

test.each(all)('%s cut short at any octet, or longer by one, is none', (type, size, nonce, cookie) => {
  const data = Buffer.from(writeFrame(type, nonce, cookie))
  for (let length = 0; length < size; length++) expect(readFrame(data.subarray(0, length))).toBeUndefined()
  expect(readFrame(Buffer.concat([data, Buffer.alloc(1)]))).toBeUndefined()
})

test('another magic, version or type is none', () => {
  const data = Buffer.from(writeFrame('welcome', nonce))
  for (let octet = 0; octet < 8; octet++) {
    const other = Buffer.from(data)
    other[octet] = (other[octet] as number) ^ 0x80
    expect(readFrame(other)).toBeUndefined()
  }
  for (const type of [0, 1, 2, 3, 7, 255]) {
    data[7] = type
    expect(readFrame(data)).toBeUndefined()
  }
  expect(looksLikeFrame(Buffer.from('any text'))).toBe(false)
  expect(looksLikeFrame(empty)).toBe(false)
})

test('a frame that was read keeps nothing of the datagram alive', () => {
  const data = Buffer.from(writeFrame('retry', nonce, cookie))
  const frame = readFrame(data)
  data.fill(0)
  expect(Buffer.from(frame?.cookie ?? empty)).toEqual(cookie)
})

test("the specification's example, byte for byte", () => {
  const page = readFileSync(new URL('../../../../docs/wire/VALIDATION.md', import.meta.url), 'utf8')
  const lines = [...page.matchAll(/^([A-Z]+) {2,}((?:[0-9a-f]+ ?)+)$/gm)]
  const nonce = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex').toString('latin1')
  const written = lines.map(([, name = '']) => {
    const type = name.toLowerCase() as FrameType
    const [, , , proof] = all.find(([it]) => it === type) ?? []
    return Buffer.from(writeFrame(type, type === 'stale' ? '' : nonce, proof)).toString('hex')
  })
  expect(lines.length).toBe(6)
  expect(written).toEqual(lines.map(([, , hex = '']) => hex.replaceAll(' ', '')))
})
