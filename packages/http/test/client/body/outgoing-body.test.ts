import { Readable } from 'node:stream'

import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { type OutgoingBody, outgoingBody } from '../../../src/client/body/outgoing-body.ts'
import type { RequestBody } from '../../../src/client/options.ts'
import { drain, send } from './sending.ts'

/** What needs no waiting. */
function body(given: unknown): OutgoingBody {
  return outgoingBody(given as RequestBody) as OutgoingBody
}

/** All of a body as a peer gets it, by its length if it has one. */
async function sent(given: OutgoingBody): Promise<Buffer> {
  const arrived = await send({ source: given.open(), framing: given.length ?? 'chunked' })
  if (given.length !== undefined) expect(arrived).toHaveLength(given.length)
  return arrived
}

describe('text and bytes', () => {
  test('text has its length in UTF-8, a type, and is whole', async () => {
    const given = body('grüße')
    expect(given).toMatchObject({ length: 7, type: 'text/plain;charset=UTF-8', replayable: true })
    expect(given.whole).toBe('grüße')
    expect((await sent(given)).toString()).toBe('grüße')
  })

  test('empty text is a body of no length', async () => {
    expect(body('')).toMatchObject({ length: 0, whole: '' })
    expect(await sent(body(''))).toHaveLength(0)
  })

  test('a surrogate that stands alone is U+FFFD, and counted as it', async () => {
    expect((await sent(body('a\ud800b\udc00'))).toString()).toBe('a\ufffdb\ufffd')
  })

  test('long text is encoded as it goes, and no character is cut', async () => {
    // Halves of a character stand on both sides of where a piece would end.
    const text = `${'x'.repeat(65_535)}\u{1f6a2}${'ü'.repeat(65_535)}\u{1f6a2}`.repeat(2)
    const given = body(text)
    expect(given.whole).toBe(undefined)
    expect((await sent(given)).equals(Buffer.from(text))).toBe(true)
    expect((await sent(given)).equals(Buffer.from(text))).toBe(true)
    const { value } = await given.open().next()
    expect(value).toHaveLength(65_535)
  })

  test.each([
    ['Uint8Array', Uint8Array.of(1, 2, 3)],
    ['ArrayBuffer', Uint8Array.of(1, 2, 3).buffer],
    ['DataView', new DataView(Uint8Array.of(0, 1, 2, 3, 4).buffer, 1, 3)],
    ['Buffer', Buffer.of(1, 2, 3)],
    ['Int8Array', Int8Array.of(1, 2, 3)],
  ])('%s is sent as it is, without a type', async (_, bytes) => {
    const given = body(bytes)
    expect(given).toMatchObject({ length: 3, type: undefined, replayable: true })
    expect([...(given.whole as Uint8Array)]).toEqual([1, 2, 3])
    expect([...(await sent(given))]).toEqual([1, 2, 3])
  })

  test('bytes are not copied', async () => {
    const bytes = Buffer.from('abc')
    const given = body(bytes)
    expect(given.whole).toBe(bytes)
    expect((await given.open().next()).value).toBe(bytes)
  })

  test('64 KiB are whole, one byte more is not', () => {
    expect(body(Buffer.alloc(65_536)).whole).toHaveLength(65_536)
    expect(body(Buffer.alloc(65_537)).whole).toBe(undefined)
    expect(body('x'.repeat(65_536)).whole).toHaveLength(65_536)
    expect(body(`${'x'.repeat(65_535)}ü`).whole).toBe(undefined)
  })

  test('bytes that were transferred meanwhile fail, and are not sent as fewer', async () => {
    const bytes = Uint8Array.of(1, 2, 3)
    const given = body(bytes)
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
    expect(given.whole).toBe(undefined)
    await expect(sent(given)).rejects.toThrow('shorter than its Content-Length')
  })

  test('search parameters are those of when the request was made', async () => {
    const parameters = new URLSearchParams({ a: 'ü &', b: '1' })
    const given = body(parameters)
    parameters.set('b', '2')
    const type = 'application/x-www-form-urlencoded;charset=UTF-8'
    expect(given).toMatchObject({ type, whole: 'a=%C3%BC+%26&b=1', length: 16 })
  })
})

describe('blobs', () => {
  test('a Blob has its type and size, and may be sent again', async () => {
    const given = body(new Blob(['grü', 'ße'], { type: 'text/x-port' }))
    expect(given).toMatchObject({ length: 7, type: 'text/x-port', replayable: true })
    expect((await sent(given)).toString()).toBe('grüße')
    expect((await sent(given)).toString()).toBe('grüße')
  })

  test('a File without a type has none', async () => {
    const given = body(new File(['x'], 'x.txt'))
    expect(given).toMatchObject({ length: 1, type: undefined })
  })

  test('one of a library is known by its tag', async () => {
    const blob = { [Symbol.toStringTag]: 'Blob', size: 2, type: '', stream: () => new Blob(['ab']).stream() }
    expect((await sent(body(blob))).toString()).toBe('ab')
  })

  test('one that is not as large as it says fails', async () => {
    const blob = { [Symbol.toStringTag]: 'Blob', size: 3, type: '', stream: () => new Blob(['ab']).stream() }
    await expect(sent(body(blob))).rejects.toThrow('shorter than its Content-Length')
  })
})

describe('streams', () => {
  const kinds: [string, () => unknown][] = [
    ['ReadableStream', () => new Blob(['ab']).stream()],
    ['async generator', pieces],
    ['Readable', () => Readable.from(['a', Buffer.from('b')])],
    ['iterable', () => ({ [Symbol.asyncIterator]: () => pieces() })],
  ]

  test.each(kinds)('%s goes out in chunks, once', async (_, make) => {
    const given = body(make())
    expect(given).toMatchObject({ length: undefined, type: undefined, replayable: false, whole: undefined })
    expect((await drain(given.open())).toString()).toBe('ab')
    expect(() => given.open()).toThrow(new TypeError('Cannot send body: the stream was sent already'))
  })

  test('a stream that has a reader is refused at once', () => {
    const stream = new Blob(['ab']).stream()
    stream.getReader()
    expect(() => body(stream)).toThrow(new TypeError('Invalid option body: the stream has a reader'))
  })

  test.each<[string, (stream: ReadableStream) => Promise<unknown>]>([
    [
      'read',
      async (stream) => {
        const reader = stream.getReader()
        await reader.read()
        reader.releaseLock()
      },
    ],
    ['cancelled', (stream) => stream.cancel()],
  ])('a stream that was %s is refused at once', async (_, use) => {
    const stream = new Blob(['ab']).stream()
    await use(stream)
    expect(() => body(stream)).toThrow(new TypeError('Invalid option body: the stream was used already'))
  })

  test('a stream that was used is refused where the runtime tells of those of Node alone', async () => {
    const spy = vi.spyOn(Readable, 'isDisturbed').mockReturnValue(false)
    onTestFinished(() => spy.mockRestore())
    const used = new Blob(['ab']).stream()
    await used.cancel()
    expect(() => body(used)).toThrow('the stream was used already')
    expect((await drain(body(new Blob(['ab']).stream()).open())).toString()).toBe('ab')
  })

  test('a Node stream that has ended or was destroyed is refused, and one that was peeked at is not', async () => {
    const ended = Readable.from(['a'])
    for await (const _ of ended);
    expect(() => body(ended)).toThrow(/^Invalid option body: the stream has ended/)
    const kept = new Readable({ autoDestroy: false, read: () => kept.push(null) })
    for await (const _ of kept.iterator({ destroyOnReturn: false }));
    expect(() => body(kept)).toThrow(/^Invalid option body: the stream has ended/)
    const destroyed = new Readable({ read() {} }).destroy()
    expect(() => body(destroyed)).toThrow(/^Invalid option body: the stream has ended/)
    const peeked = Readable.from(Buffer.from('ab'), { objectMode: false })
    await new Promise((resolve) => peeked.once('readable', resolve))
    peeked.unshift(peeked.read() as Buffer)
    expect((await drain(body(peeked).open())).toString()).toBe('ab')
  })

  test('one that is not sent is let go of', async () => {
    let cancelled = false
    const stream = new ReadableStream({ cancel: () => void (cancelled = true) })
    const given = body(stream)
    given.discard()
    given.discard()
    expect(cancelled).toBe(true)
    expect(() => given.open()).toThrow(TypeError)
    const readable = new Readable({ read() {} })
    body(readable).discard()
    expect(readable.destroyed).toBe(true)
  })

  test('one that was opened is its source, which discarding does not touch', async () => {
    const given = body(pieces())
    const source = given.open()
    given.discard()
    expect((await drain(source)).toString()).toBe('ab')
  })

  async function* pieces(): AsyncGenerator<string | Uint8Array> {
    yield 'a'
    yield Buffer.from('b')
  }
})

describe('anything else is refused, and the option named', () => {
  test.each([
    [undefined, 'a value of type undefined'],
    [null, 'null'],
    [1, 'a value of type number'],
    [true, 'a value of type boolean'],
    [() => 'a', 'a value of type function'],
    [{}, 'a value of type object'],
    [['a'], 'an array'],
    [{ file: 5 }, 'a value of type object'],
    [new Map(), 'a value of type object'],
    [new SharedArrayBuffer(1), 'a value of type object'],
  ])('%o', (given, what) => {
    expect(() => body(given)).toThrow(TypeError)
    expect(() => body(given)).toThrow(`Invalid option body: ${what} is neither text, bytes, a Blob`)
  })
})

test('bodies that nobody sends leave no rejection behind', async () => {
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  const failing = (): ReadableStream => new ReadableStream({ cancel: () => Promise.reject(new Error('no')) })
  body(failing()).discard()
  body(failing()).open().cancel(undefined)
  const locked = failing()
  const given = body(locked)
  locked.getReader()
  given.discard()
  for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve))
  expect(unhandled).toEqual([])
})
