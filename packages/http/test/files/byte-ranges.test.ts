import fc from 'fast-check'
import { expect, test } from 'vitest'

import { contentRange, frameByteRanges, unsatisfiedRange } from '../../src/files/byte-ranges.ts'
import { rangesOf } from '../../src/files/ranges.ts'

const boundary = 'THIS_STRING_SEPARATES'

test('the example of RFC 9110 section 15.3.7.2', () => {
  const ranges = [
    { start: 500, end: 999 },
    { start: 7000, end: 7999 },
  ]
  const { type, heads, tail, length } = frameByteRanges(ranges, {
    size: 8000,
    type: 'application/pdf',
    boundary,
  })
  expect(type).toBe('multipart/byteranges; boundary=THIS_STRING_SEPARATES')
  expect(heads).toEqual([
    '--THIS_STRING_SEPARATES\r\nContent-Type: application/pdf\r\nContent-Range: bytes 500-999/8000\r\n\r\n',
    '\r\n--THIS_STRING_SEPARATES\r\nContent-Type: application/pdf\r\nContent-Range: bytes 7000-7999/8000\r\n\r\n',
  ])
  expect(tail).toBe('\r\n--THIS_STRING_SEPARATES--\r\n')
  expect(length).toBe(500 + 1000 + heads.join('').length + tail.length)
})

test('a boundary that nobody knows beforehand', () => {
  const ranges = [{ start: 0, end: 0 }]
  const file = { size: 9, type: 'text/plain' }
  const boundaries = Array.from(
    { length: 20 },
    () => frameByteRanges(ranges, file).type.split('boundary=')[1] ?? '',
  )
  expect(new Set(boundaries).size).toBe(20)
  // RFC 2046 section 5.1.1, and no quotes needed.
  for (const one of boundaries) expect(one).toMatch(/^[\w-]{20,70}$/)
})

test('Content-Range of one range, and of none', () => {
  expect(contentRange({ start: 0, end: 499 }, 1234)).toBe('bytes 0-499/1234')
  expect(contentRange({ start: 2 ** 40, end: 2 ** 50 }, 2 ** 52)).toBe(
    'bytes 1099511627776-1125899906842624/4503599627370496',
  )
  expect(unsatisfiedRange(47022)).toBe('bytes */47022')
})

/** As a client reads it: by the boundary alone. */
function partsOf(
  body: string,
  type: string,
): { start: number; end: number; size: number; content: string }[] {
  const delimiter = `--${type.split('boundary=')[1]}`
  const [preamble, ...parts] = `\r\n${body}`.split(`\r\n${delimiter}`)
  expect(preamble).toBe('')
  expect(parts.pop()).toBe('--\r\n')
  return parts.map((part) => {
    const [, start, end, size, content = ''] =
      /^\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Range: bytes (\d+)-(\d+)\/(\d+)\r\n\r\n(.*)$/s.exec(
        part,
      ) ?? []
    return { start: Number(start), end: Number(end), size: Number(size), content }
  })
}

test('parts of any file are read back where they were', () => {
  const files = fc.string({
    minLength: 2,
    maxLength: 60,
    unit: fc.constantFrom('\r', '\n', '-', 'a', 'b', '\xff'),
  })
  const specs = fc.array(fc.tuple(fc.nat(60), fc.nat(5)), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(files, specs, (content, specs) => {
      const size = content.length
      const value = `bytes=${specs.map(([start, more]) => `${start}-${start + more}`).join()}`
      const ranges = rangesOf('GET', value, size)
      if (typeof ranges === 'string') return
      const framing = frameByteRanges(ranges, { size, type: 'text/plain; charset=utf-8' })
      const body =
        ranges.map(({ start, end }, index) => framing.heads[index] + content.slice(start, end + 1)).join('') +
        framing.tail
      expect(Buffer.byteLength(body, 'latin1')).toBe(framing.length)
      const parts = partsOf(body, framing.type)
      expect(parts.map(({ start, end }) => ({ start, end }))).toEqual(ranges)
      for (const part of parts) {
        expect(part.size).toBe(size)
        expect(part.content).toBe(content.slice(part.start, part.end + 1))
      }
    }),
  )
})
