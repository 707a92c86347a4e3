import fc from 'fast-check'
import { FormDataEncoder } from 'form-data-encoder'
import { expect, test } from 'vitest'

import { parts } from '../../src/uploads/index.ts'
import { bytesOf } from '../client/download/file-server.ts'
import { Pieces, requestWith } from './uploads.ts'

const wellFormed = (text: string): string => Buffer.from(text).toString()

/** A lone surrogate is none in UTF-8, and what browsers escape by percent can be told from what was sent so by nobody. */
const name = fc.string({ unit: 'binary', maxLength: 20 }).map((text) =>
  wellFormed(text)
    .replaceAll(/\r\n?|\n/g, '\r\n')
    .replaceAll('%', ''),
)
const text = fc.string({ unit: 'binary' }).map((value) => wellFormed(value).replaceAll(/\r\n?|\n/g, '\r\n'))
const size = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 5_000, max: 70_000 }))
/** Of no name at all, browsers and the runtime do not make the same. */
const filename = name.map((some) => some || 'x')

const entry = fc.oneof(
  fc.record({ name, value: text }),
  fc.record({
    name,
    filename,
    size,
    type: fc.constantFrom('', 'image/png', 'text/plain;charset=utf-8'),
  }),
)

type Entry = typeof entry extends fc.Arbitrary<infer T> ? T : never

function formOf(entries: readonly Entry[]): FormData {
  const form = new FormData()
  for (const each of entries) {
    if ('value' in each) form.append(each.name, each.value)
    else form.append(each.name, new File([bytesOf(each.size)], each.filename, { type: each.type }))
  }
  return form
}

interface Read {
  name: string
  filename: string | undefined
  type: string
  body: string
}

async function expected(form: FormData): Promise<Read[]> {
  const all: Read[] = []
  for (const [key, value] of form) {
    const isText = typeof value === 'string'
    const body = isText ? Buffer.from(value) : Buffer.from(await value.arrayBuffer())
    const type = isText ? 'text/plain' : value.type || 'application/octet-stream'
    all.push({ name: key, filename: isText ? undefined : value.name, type, body: body.toString('latin1') })
  }
  return all
}

async function read(request: Request, skips: boolean): Promise<Read[]> {
  const all: Read[] = []
  for await (const part of parts(request, { fileSize: Infinity })) {
    if (skips && all.length % 2 === 1) {
      all.push({ name: part.name, filename: part.sentFilename, type: part.type, body: 'skipped' })
      continue
    }
    const body = Buffer.from(await part.bytes()).toString('latin1')
    all.push({ name: part.name, filename: part.sentFilename, type: part.type, body })
  }
  return all
}

const forms = fc.array(entry, { maxLength: 8 })
const sizes = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1_000, max: 100_000 }))

test('what the runtime writes comes out as it went in', async () => {
  await fc.assert(
    fc.asyncProperty(forms, sizes, fc.boolean(), async (entries, by, skips) => {
      const form = formOf(entries)
      const sent = new Request('http://localhost/', { method: 'POST', body: form })
      const headers = { 'Content-Type': sent.headers.get('content-type')! }
      const wire = new Uint8Array(await sent.arrayBuffer())
      const seen = await read(
        requestWith(new Pieces(wire, Math.max(by, wire.length >> 10)).stream, headers),
        skips,
      )
      const wanted = await expected(form)
      if (skips) for (let at = 1; at < wanted.length; at += 2) wanted[at]!.body = 'skipped'
      expect(seen).toEqual(wanted)
    }),
    { numRuns: 60 },
  )
})

test('what form-data-encoder writes comes out as it went in', async () => {
  await fc.assert(
    fc.asyncProperty(forms, async (entries) => {
      const form = formOf(entries)
      const encoder = new FormDataEncoder(form)
      const pieces: Uint8Array[] = []
      for await (const piece of encoder) pieces.push(piece)
      const request = requestWith(Buffer.concat(pieces), { ...encoder.headers })
      const seen = await read(request, false)
      expect(seen).toEqual(await expected(form))
    }),
    { numRuns: 40 },
  )
})

test('no bytes whatever make it fail in another way than it says', async () => {
  const piece = fc.constantFrom(
    '--b',
    '--b--',
    '\r\n',
    '\r\n\r\n',
    'Content-Disposition: form-data; name="a"',
    'Content-Disposition: form-data; name="a"; filename="b"',
    'X: y',
    ':',
    '-',
    'x',
    '\r',
    '\n',
    '\0',
  )
  const headers = { 'Content-Type': 'multipart/form-data; boundary=b' }
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 30 }), sizes, async (list, by) => {
      const wire = Buffer.from(`--b\r\n${list.join('')}`)
      const outcome = async (length: number): Promise<unknown> => {
        try {
          return await read(requestWith(new Pieces(wire, length).stream, headers), false)
        } catch (error) {
          expect((error as Error).message).toMatch(/^Cannot read body: /)
          expect(error).toMatchObject({ statusHint: 400 })
          return 'refused'
        }
      }
      expect(await outcome(by)).toEqual(await outcome(wire.length))
    }),
    { numRuns: 300 },
  )
})
