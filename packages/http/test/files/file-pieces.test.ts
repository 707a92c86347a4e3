import { fstatSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { FilePieces, type Section } from '../../src/files/file-pieces.ts'
import { OpenFile } from '../../src/files/open-file.ts'

const content = Buffer.alloc(2_500_000)
for (let at = 0; at + 4 <= content.length; at += 4) content.writeUInt32LE(at, at)

let folder: string
let path: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-pieces-'))
  path = join(folder, 'file')
  writeFileSync(path, content)
})

afterAll(() => rmSync(folder, { recursive: true }))

function openFile(): OpenFile {
  const descriptor = openSync(path, 'r')
  return new OpenFile(descriptor, fstatSync(descriptor, { bigint: true }))
}

const bytesOf = (section: Section): Buffer =>
  typeof section === 'string' ? Buffer.from(section) : content.subarray(section.start, section.end)

const ranges = fc
  .tuple(fc.nat(content.length), fc.nat(content.length))
  .filter(([a, b]) => a !== b)
  .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }))
const sections = fc.array(fc.oneof(ranges, fc.constant('--boundary\r\n')), { minLength: 1, maxLength: 4 })

test('pieces stay as they are until all of them have left, whatever is read meanwhile', async () => {
  const reuses = fc.array(fc.boolean(), { minLength: 1, maxLength: 7 })
  const property = fc.asyncProperty(sections, reuses, async (parts, turns) => {
    const source = new FilePieces(openFile(), parts)
    let given: Uint8Array[] = []
    const sent: Buffer[] = []
    for (let turn = 0; ; turn++) {
      const { value, done } = await source.next()
      if (done) break
      given.push(typeof value === 'string' ? Buffer.from(value) : value)
      if (!turns[turn % turns.length]) continue
      sent.push(Buffer.concat(given))
      given = []
      source.reuse()
    }
    sent.push(Buffer.concat(given))
    expect(Buffer.compare(Buffer.concat(sent), Buffer.concat(parts.map(bytesOf)))).toBe(0)
  })
  await fc.assert(property, { numRuns: 40 })
})

test('memory that has left is used again', async () => {
  const source = new FilePieces(openFile(), [{ start: 0, end: content.length }])
  const buffers = new Set<ArrayBufferLike>()
  for (;;) {
    const { value, done } = await source.next()
    if (done) break
    buffers.add((value as Uint8Array).buffer)
    source.reuse()
  }
  // Two of the first size, and two of the later one.
  expect(buffers.size).toBeLessThanOrEqual(4)
})
