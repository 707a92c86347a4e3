import { readFileSync } from 'node:fs'

import { BusyError, ClosedError, LimitError, SocketError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { FileError, HttpProtocolError, Response } from '../../src/index.ts'
import { type FormLimits, type Part, parts, statusOf } from '../../src/uploads/index.ts'
import { bytesOf, useFolder } from '../client/download/file-server.ts'
import { failure } from '../client/raw-server.ts'
import { client, emptied, head, quiet, until, ways } from '../server/ways.ts'
import {
  field,
  file,
  formRequest,
  Pieces,
  readAll,
  requestWith,
  serveUploads,
  type WirePart,
  wireForm,
} from './uploads.ts'

const folder = useFolder()

const form = (...list: WirePart[]): Request => formRequest(wireForm(list))

async function names(request: Request, limits?: FormLimits): Promise<string[]> {
  const seen: string[] = []
  for await (const part of parts(request, limits)) seen.push(part.name)
  return seen
}

describe('the parts of a form', () => {
  test('come in their order, each with what it says of itself', async () => {
    const request = form(field('title', 'ahoy'), file('a', 'x.png', '\x89PNG', 'image/png'), field('title'))
    const seen: unknown[] = []
    for await (const part of parts(request)) {
      const { name, filename, type, isFile } = part
      seen.push({ name, filename, type, isFile, text: await part.text() })
    }
    expect(seen).toEqual([
      { name: 'title', filename: undefined, type: 'text/plain', isFile: false, text: 'ahoy' },
      { name: 'a', filename: 'x.png', type: 'image/png', isFile: true, text: '\ufffdPNG' },
      { name: 'title', filename: undefined, type: 'text/plain', isFile: false, text: '' },
    ])
    expect(request.bodyUsed).toBe(true)
  })

  test('have their header fields, whatever their names', async () => {
    const header = 'CONTENT-DISPOSITION: form-data; name=a; filename=b\r\n__proto__: 1\r\nconstructor: 2'
    for await (const part of parts(form([header, '']))) {
      expect(part.headers.get('__proto__')).toBe('1')
      expect(part.headers.get('Constructor')).toBe('2')
      expect(part.headers.count).toBe(3)
      expect(part.type).toBe('application/octet-stream')
    }
  })

  test.each([
    ['UTF-8', 'name="\xc3\xa4\xe2\x82\xac"', 'ä€', undefined],
    ['as browsers escape them', 'name="a%22b%0D%0Ac"; filename="%22.txt"', 'a"b\r\nc', '".txt'],
    ['with backslashes, which browsers do not escape', 'name="a\\"; filename="b\\c"', 'a\\', 'b\\c'],
    ['with quotes as curl escaped them', 'name="a\\"b"; filename="c\\"d\\\\e"', 'a"b', 'c"d\\e'],
    ['without quotes', 'name=a;filename=b.txt', 'a', 'b.txt'],
    ['in extended notation', "name=a; filename*=UTF-8''%e2%82%ac", 'a', '€'],
    ['with semicolons', 'name="a; filename=b"', 'a; filename=b', undefined],
    ['empty', 'name=""; filename=""', '', ''],
    ['of what objects have', 'name="__proto__"; filename="constructor"', '__proto__', 'constructor'],
    ['in another order', 'filename="b"; name="a"', 'a', 'b'],
  ])('have names: %s', async (_, parameters, name, filename) => {
    const request = form([`Content-Disposition: form-data; ${parameters}`, 'body'])
    expect(await readAll(request)).toEqual([{ name, filename, body: 'body' }])
  })

  test('may be none', async () => {
    expect(await readAll(form())).toEqual([])
    expect(await readAll(formRequest(Buffer.from('--b0undary--')))).toEqual([])
  })

  test('may have something before and behind them', async () => {
    const inner = wireForm([field('a', '1')])
    const bytes = Buffer.concat([
      Buffer.from('preamble\r\n-\r\n'),
      inner,
      Buffer.from('epilogue\r\n--b0undary\r\n\r\nx'),
    ])
    for (const size of [1, 2, 3, 1_000]) {
      expect(await readAll(formRequest(bytes, { size }))).toEqual([
        { name: 'a', filename: undefined, body: '1' },
      ])
    }
  })

  test('may have what looks like a boundary', async () => {
    const body = '\r\n--b0undar\r\n-b0undary\r\n--\r\n\r\n--b0undar'
    const request = form(file('a', 'b', body), field('c', ' --b0undary--'))
    expect((await readAll(request)).map((part) => part.body)).toEqual([body, ' --b0undary--'])
  })

  test('are skipped when nobody reads them', async () => {
    expect(await names(form(field('a', 'x'), file('b', 'b', 'x'.repeat(200_000)), field('c')))).toEqual([
      'a',
      'b',
      'c',
    ])
  })

  test('cannot be read when the next one was asked for', async () => {
    const held: Part[] = []
    for await (const part of parts(form(field('a', 'x'), field('b', 'y')))) held.push(part)
    for (const part of held) expect(await failure(part.text())).toBeInstanceOf(ClosedError)
  })

  test('can be read once', async () => {
    for await (const part of parts(form(field('a', 'x')))) {
      const text = part.text()
      expect(await failure(part.save(folder.path('file')))).toBeInstanceOf(BusyError)
      expect(await text).toBe('x')
    }
    expect(folder.names()).toEqual([])
  })

  test('can be read in pieces, and left in the middle', async () => {
    const bytes = wireForm([file('a', 'a', 'x'.repeat(300_000)), field('b', 'y')])
    const seen: unknown[] = []
    for await (const part of parts(formRequest(bytes, { size: 10_000 }))) {
      for await (const piece of part) {
        seen.push(`${part.name} ${Buffer.from(piece.subarray(0, 1)).toString()}`)
        break
      }
    }
    expect(seen).toEqual(['a x', 'b y'])
  })

  test('belong to whoever reads them, who may write over them', async () => {
    const body = '\r\n--b0und\r\n--b0un\r-'.repeat(20)
    const bytes = wireForm([file('a', 'a', body), file('b', 'b', body)])
    for (const size of [1, 3, 8, 1_000]) {
      const seen: string[] = []
      for await (const part of parts(formRequest(bytes, { size }))) {
        let text = ''
        for await (const piece of part) {
          text += Buffer.from(piece).toString()
          piece.fill(0)
        }
        seen.push(text)
      }
      expect(seen).toEqual([body, body])
    }
  })

  test('are files, where they are saved', async () => {
    const body = bytesOf(700_000).toString('latin1')
    const request = form(file('a', 'a', body), file('b', 'b', 'ahoy'), field('c', 'text'))
    const saved: unknown[] = []
    for await (const part of parts(request)) {
      saved.push(await part.save(folder.path(part.name), { digest: 'md5', mode: 0o600 }))
    }
    expect(saved[1]).toMatchObject({ path: folder.path('b'), size: 4, created: true })
    expect(readFileSync(folder.path('a'), 'latin1') === body).toBe(true)
    expect(folder.names()).toEqual(['a', 'b', 'c'])
  })

  test('of which one cannot be saved, the others can be', async () => {
    const seen: unknown[] = []
    for await (const part of parts(form(file('a', 'a', 'x'.repeat(100_000)), file('b', 'b', 'ahoy')))) {
      const path = part.name === 'a' ? folder.path('no/a') : folder.path('b')
      seen.push(await part.save(path).catch((error: unknown) => error))
    }
    expect(seen).toEqual([expect.any(FileError), expect.objectContaining({ size: 4 })])
  })
})

describe('no more is read of a request than the part at hand is', () => {
  const large = wireForm([field('a', 'x'), file('b', 'b', 'x'.repeat(1_000_000)), field('c')])

  test('nothing before a part is asked for', async () => {
    const pieces = new Pieces(large, 1_000)
    const request = requestWith(pieces.stream, { 'Content-Type': 'multipart/form-data; boundary=b0undary' })
    const iterator = parts(request)[Symbol.asyncIterator]()
    await quiet()
    expect(pieces.given).toBe(0)
    await iterator.next()
    await quiet()
    expect(pieces.given).toBeLessThan(3_000)
    const { value } = await iterator.next()
    await quiet()
    expect(pieces.given).toBeLessThan(3_000)
    const body = value![Symbol.asyncIterator]()
    await body.next()
    await quiet()
    // What an iterator holds, and not the file.
    expect(pieces.given).toBeLessThan(100_000)
  })

  test('and whoever leaves the loop lets go of it', async () => {
    const pieces = new Pieces(large, 1_000)
    const request = requestWith(pieces.stream, { 'Content-Type': 'multipart/form-data; boundary=b0undary' })
    let held: Promise<string> | undefined
    for await (const part of parts(request)) {
      if (part.name !== 'b') continue
      held = part.text()
      held.catch(() => {})
      break
    }
    expect(await failure(held!)).toBeInstanceOf(ClosedError)
    await quiet()
    expect(pieces.cancelled).toBeInstanceOf(ClosedError)
    expect(pieces.given).toBeLessThan(100_000)
  })

  test('a part is asked for by one at a time', async () => {
    const iterator = parts(form(field('a')))[Symbol.asyncIterator]()
    const first = iterator.next()
    expect(await failure(iterator.next())).toBeInstanceOf(BusyError)
    expect((await first).value?.name).toBe('a')
    expect(await iterator.next()).toEqual({ value: undefined, done: true })
    expect(await iterator.next()).toEqual({ value: undefined, done: true })
  })
})

describe('what is no form', () => {
  test.each([
    ['of another type', 'application/json', 415],
    ['of a type like it', 'multipart/form-data2; boundary=a', 415],
    ['without a boundary', 'multipart/form-data', 400],
    ['with an empty boundary', 'multipart/form-data; boundary=""', 400],
    ['with a boundary that is too long', `multipart/form-data; boundary=${'a'.repeat(71)}`, 400],
    ['with a boundary of other characters', 'multipart/form-data; boundary="a\u00e4"', 400],
  ])('is one %s', async (_, type, status) => {
    const request = requestWith(Buffer.from('--a--'), { 'Content-Type': type })
    const error = await failure((async () => readAll(request))())
    expect(error).toBeInstanceOf(HttpProtocolError)
    expect(statusOf(error)).toBe(status)
    expect(request.bodyUsed).toBe(false)
  })

  test('is one that is encoded, or a range', async () => {
    const headers = { 'Content-Type': 'multipart/form-data; boundary=a' }
    const ask = (more: Record<string, string>) =>
      failure((async () => readAll(requestWith('--a--', { ...headers, ...more })))())
    expect(statusOf(await ask({ 'Content-Encoding': 'br' }))).toBe(415)
    expect(statusOf(await ask({ 'Content-Range': 'bytes 0-1/2' }))).toBe(400)
  })

  test('has no options that there are not', async () => {
    expect(() => parts(form(), { size: 1 } as FormLimits)).toThrow('Invalid option size')
    expect(() => parts(form(), { files: -1 })).toThrow('Invalid option files')
  })
})

describe('a malformed form is a 400', () => {
  const malformed: [string, Buffer][] = [
    ['empty', Buffer.alloc(0)],
    ['without any boundary', Buffer.from('ahoy')],
    ['without its last boundary', wireForm([field('a', 'x')]).subarray(0, -'--b0undary--\r\n'.length)],
    ['with half of its last boundary', wireForm([field('a', 'x')]).subarray(0, -4)],
    ['cut in a header', Buffer.from('--b0undary\r\nContent-Disposition: form-d')],
    [
      'with a header that has no end',
      wireForm([['Content-Disposition: form-data; name="a"\r\nX: y\r\n--b0undary', '']]),
    ],
    ['of a part without a disposition', wireForm([['Content-Type: text/plain', '']])],
    ['of a part without any header', Buffer.from('--b0undary\r\n\r\nx\r\n--b0undary--\r\n')],
    ['of a part without a name', wireForm([['Content-Disposition: form-data', '']])],
    ['of a part with another disposition', wireForm([['Content-Disposition: attachment; name="a"', '']])],
    ['of a part with two dispositions', wireForm([[`${field('a')[0]}\r\n${field('b')[0]}`, '']])],
    ['with half of a quoted name', wireForm([['Content-Disposition: form-data; name="a', '']])],
    ['with half of a file name', wireForm([['Content-Disposition: form-data; name="a"; filename="b', '']])],
    ['with a line break in a name', wireForm([['Content-Disposition: form-data; name="a\rb"', '']])],
    [
      'with very much white space',
      wireForm([[`Content-Disposition: form-data; name=a${' '.repeat(15_000)}b`, '']]),
    ],
    ['with something behind a name', wireForm([['Content-Disposition: form-data; name="a"b', '']])],
  ]
  test.each(malformed)('%s', async (_, bytes) => {
    for (const size of [1, 5, 1_000]) {
      const error = await failure(names(formRequest(bytes, { size })))
      expect(error).toBeInstanceOf(HttpProtocolError)
      expect(error.message).toMatch(/^Cannot read body: /)
      expect(statusOf(error)).toBe(400)
    }
  })

  test('and what is being read of it hears of that, once', async () => {
    const bytes = wireForm([file('a', 'a', 'x'.repeat(100_000))]).subarray(0, -30)
    const iterator = parts(formRequest(bytes, { size: 1_000 }))
    const { value } = await iterator.next()
    const error = await failure(value!.save(folder.path('file')))
    expect(error).toBeInstanceOf(HttpProtocolError)
    expect(await failure(iterator.next())).toBe(error)
    expect(await iterator.next()).toEqual({ value: undefined, done: true })
    expect(folder.names()).toEqual([])
  })
})

describe('a limit is a 413 that names it', () => {
  const many = (count: number, part: WirePart): Buffer => wireForm(Array.from({ length: count }, () => part))
  const lines = (count: number): string => Array.from({ length: count }, (_, at) => `X-${at}: y`).join('\r\n')
  const limits: [keyof FormLimits, number, Buffer, FormLimits?][] = [
    ['parts', 3, many(3, field('a'))],
    ['fields', 3, many(3, field('a'))],
    ['files', 3, many(3, file('a', 'b'))],
    ['nameSize', 6, wireForm([field('\xc3\xa4'.repeat(3))])],
    ['nameSize', 4, wireForm([file('a', 'abcd')])],
    ['fieldSize', 5, wireForm([field('a', '12345'), field('b', '12345')])],
    ['fieldsSize', 10, wireForm([field('a', '12345'), file('f', 'f', 'x'.repeat(20)), field('b', '12345')])],
    ['fileSize', 10_000, wireForm([file('a', 'a', 'x'.repeat(10_000)), field('b')])],
    ['headerPairs', 4, wireForm([[`${field('a')[0]}\r\n${lines(3)}`, '']])],
    ['headerSize', 87, wireForm([[`${field('a')[0]}\r\nX: ${'y'.repeat(40)}`, '']])],
    ['totalSize', wireForm([field('a')]).length, wireForm([field('a')])],
  ]
  test.each(limits)('%s: %d', async (limit, value, bytes) => {
    for (const size of [1, 7, 1_000_000]) {
      await names(formRequest(bytes, { size }), { [limit]: value })
      const error = await failure(names(formRequest(bytes, { size }), { [limit]: value - 1 }))
      expect(error).toBeInstanceOf(LimitError)
      expect(error).toMatchObject({ limit })
      expect(error.message).toContain(`Cannot read form: more than ${value - 1} `)
      expect(statusOf(error)).toBe(413)
    }
  })

  test.each([
    ['parts', many(10_000, field('a'))],
    ['files', many(10_000, file('a', 'a'))],
    ['headerPairs', wireForm([[`${field('a')[0]}\r\n${lines(10_000)}`, '']])],
    ['headerSize', wireForm([[`X: ${'y'.repeat(1_000_000)}\r\n${field('a')[0]}`, '']])],
    ['headerSize', wireForm([[`Content-Disposition: form-data; name="${'y'.repeat(1_000_000)}`, '']])],
    ['fieldSize', wireForm([field('a', 'x'.repeat(2_000_000))])],
    ['fieldsSize', many(10, field('a', 'x'.repeat(1_000_000)))],
  ])('%s, where nobody said otherwise', async (limit, bytes) => {
    expect(await failure(names(formRequest(bytes, { size: 60_000 })))).toMatchObject({ limit })
  })

  test('10,000 parts are read where that is wanted', async () => {
    const request = formRequest(many(10_000, field('a', 'x')), { size: 60_000 })
    expect(await names(request, { parts: Infinity, fields: 10_000 })).toHaveLength(10_000)
  })

  test('the whole size is known before a byte is read', async () => {
    const pieces = new Pieces(Buffer.from('x'))
    const request = requestWith(pieces.stream, {
      'Content-Type': 'multipart/form-data; boundary=a',
      'Content-Length': '1000',
    })
    expect(() => parts(request, { totalSize: 999 })).toThrow(LimitError)
    expect(pieces.given).toBe(0)
  })

  test('a part may be larger than its reader takes, and the next one still comes', async () => {
    const seen: unknown[] = []
    for await (const part of parts(form(field('a', 'x'.repeat(5)), field('b', 'x')))) {
      seen.push(await part.text(4).catch((error: unknown) => error))
    }
    expect(seen).toEqual([expect.any(LimitError), 'x'])
  })
})

describe.each(ways)('over $name', (way) => {
  const type = 'Content-Type: multipart/form-data; boundary=b0undary'

  test('a form is read, and the connection lives on', async () => {
    await using server = await serveUploads(way, async (request) => Response.json(await readAll(request)))
    const peer = await client(way, server)
    const bytes = wireForm([field('a', 'x'), file('b', 'c', 'y'.repeat(100_000))]).toString('latin1')
    for (let round = 1; round <= 2; round++) {
      peer.write(head('POST / HTTP/1.1', type, `Content-Length: ${bytes.length}`) + bytes)
      const replies = await peer.replies(round)
      expect(JSON.parse(replies.at(-1)!.body)).toMatchObject([{ name: 'a' }, { body: 'y'.repeat(100_000) }])
    }
    peer.connection.destroy()
  })

  test('a client that leaves is heard of', async () => {
    const errors: unknown[] = []
    let begun = false
    await using server = await way.serve(async (request) => {
      try {
        for await (const part of parts(request)) {
          begun = true
          await part.text()
        }
      } catch (error) {
        errors.push(error)
      }
      return new Response()
    })
    const connection = await way.connect(server)
    connection.write(
      `${head('POST / HTTP/1.1', type, 'Content-Length: 1000')}--b0undary\r\n${field('a')[0]}\r\n\r\nx`,
    )
    await until(() => begun)
    connection.destroy()
    await emptied(server)
    await until(() => errors.length === 1)
    expect(errors[0]).toBeInstanceOf(SocketError)
  })

  test('a limit is answered, whatever still comes', async () => {
    await using server = await serveUploads(way, async (request) => {
      await names(request, { fields: 1 })
      return new Response()
    })
    const peer = await client(way, server)
    const bytes = wireForm([field('a'), field('b')]).toString('latin1')
    peer.write(head('POST / HTTP/1.1', type, 'Content-Length: 1000000') + bytes)
    const replies = await peer.replies(1)
    expect(replies).toMatchObject([{ status: 413, body: 'Cannot read form: more than 1 fields' }])
    peer.connection.destroy()
  })
})
