import { pair } from '@fairlead/core/memory'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type PieceSource, sourceOf } from '../../../src/message/piece-source.ts'
import { ManualSource, prepare, send, turn } from './sending.ts'

const head = 'POST / HTTP/1.1\r\nHost: a\r\n\r\n'

async function* pieces(...all: (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  yield* all
}

/** What is written to `connection`, one entry for each time that it leaves. */
function writes(connection: ReturnType<typeof pair>[0]): string[] {
  const { write, cork, uncork } = connection
  const log: string[] = []
  let corks = 0
  let together = ''
  const leave = (): void => {
    if (corks === 0 && together !== '') log.push(together)
    if (corks === 0) together = ''
  }
  connection.write = (data, encoding) => {
    together += typeof data === 'string' ? data : Buffer.from(data).toString('latin1')
    leave()
    return write.call(connection, data, encoding)
  }
  connection.cork = () => {
    corks++
    cork.call(connection)
  }
  connection.uncork = () => {
    corks--
    uncork.call(connection)
    leave()
  }
  return log
}

describe('framing', () => {
  test('a body of a known length is written as it is', async () => {
    const arrived = await send({ source: sourceOf(pieces('grü', 'ße')), framing: 7 }, head)
    expect(arrived.toString()).toBe(`${head}grüße`)
  })

  test('a body in chunks has a chunk for each piece, and an end', async () => {
    const arrived = await send({ source: sourceOf(pieces('abc', '', 'x'.repeat(17))), framing: 'chunked' })
    expect(arrived.toString()).toBe(`3\r\nabc\r\n11\r\n${'x'.repeat(17)}\r\n0\r\n\r\n`)
  })

  test('trailers are asked for when the body has ended', async () => {
    const source = new ManualSource()
    let asked = 0
    const trailers = (): Record<string, string> => ({ Digest: `${++asked}` })
    const sent = prepare({ source, framing: 'chunked', trailers })
    const arrived = sent.read()
    sent.writer.start()
    source.give('a')
    await turn()
    expect(asked).toBe(0)
    source.end()
    await sent.over
    sent.here.end()
    expect((await arrived).toString()).toBe('1\r\na\r\n0\r\nDigest: 1\r\n\r\n')
  })

  test('trailers that must not stand there fail the body', async () => {
    const body = { framing: 'chunked', trailers: () => ({ 'Content-Length': '1' }) } as const
    await expect(send({ source: sourceOf('a'), ...body })).rejects.toThrow(/must not be a trailer/)
  })

  test('trailers that throw fail the body', async () => {
    const trailers = (): never => {
      throw new Error('no digest')
    }
    const body = { source: sourceOf('a'), framing: 'chunked', trailers } as const
    await expect(send(body)).rejects.toThrow('no digest')
  })

  test('what arrives is what was given, in pieces of whatever size', async () => {
    const size = fc.oneof(
      fc.nat({ max: 20 }),
      fc.nat({ max: 5000 }),
      fc.integer({ min: 60_000, max: 200_000 }),
    )
    const sizes = fc.array(size, { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(sizes, fc.boolean(), fc.boolean(), async (sizes, chunked, later) => {
        const all = sizes.map((size, index) => Buffer.alloc(size, `${index}abcdefg`))
        const whole = Buffer.concat(all)
        const given = async function* (): AsyncGenerator<Uint8Array> {
          for (const one of all) {
            if (later) await turn()
            yield one
          }
        }
        const framing = chunked ? 'chunked' : whole.byteLength
        const arrived = await send({ source: sourceOf(given()), framing }, head)
        expect(arrived.subarray(0, head.length).toString()).toBe(head)
        const body = arrived.subarray(head.length)
        expect((chunked ? dechunked(body) : body).equals(whole)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('bytes in another view than Uint8Array are bytes', async () => {
    const view = new DataView(Uint8Array.of(0, 65, 66, 0).buffer, 1, 2)
    const source = sourceOf(pieces(view as unknown as Uint8Array))
    expect((await send({ source, framing: 2 })).toString()).toBe('AB')
  })
})

describe('leaving together', () => {
  test('what comes in the first turn leaves in one write with the head', async () => {
    const ends = pair()
    const log = writes(ends[0])
    const sent = prepare({ source: sourceOf(pieces('a', 'b')), framing: 'chunked' }, ends)
    sent.writer.start(head)
    expect(log).toEqual([])
    await sent.over
    expect(log).toEqual([`${head}1\r\na\r\n1\r\nb\r\n0\r\n\r\n`])
    expect(sent.told.at(-1)).toBe('finished')
  })

  test('a head does not wait for a body that comes later', async () => {
    const ends = pair()
    const log = writes(ends[0])
    const source = new ManualSource()
    const sent = prepare({ source, framing: 1 }, ends)
    sent.writer.start(head)
    expect(sent.writer.begun).toBe(false)
    await turn()
    expect(log).toEqual([head])
    expect(sent.writer.begun).toBe(true)
  })

  test('large bytes begin with the head, and go on in slices of 64 KiB', async () => {
    const ends = pair()
    const log = writes(ends[0])
    const sent = prepare({ source: sourceOf(Buffer.alloc(150_000)), framing: 150_000 }, ends)
    const arrived = sent.read()
    sent.writer.start(head)
    await sent.over
    sent.here.end()
    await arrived
    expect(log.map((it) => it.length)).toEqual([head.length + 65_536, 65_536, 150_000 - 131_072])
  })

  test('nothing is written when the first turn fails', async () => {
    const failing = async function* (): AsyncGenerator<string> {
      yield 'a'
      throw new Error('no more')
    }
    const sent = prepare({ source: sourceOf(failing()), framing: 'chunked' })
    sent.writer.start(head)
    expect(await sent.over).toEqual(new Error('no more'))
    await turn()
    expect(sent.writer.begun).toBe(false)
    expect(sent.told).toEqual(['failed'])
    sent.here.end()
    expect((await sent.read()).length).toBe(0)
  })
})

describe('back-pressure', () => {
  test('a peer that does not read holds the source', async () => {
    const source = new ManualSource()
    const sent = prepare({ source, framing: 'chunked' })
    sent.writer.start()
    source.give(Buffer.alloc(65_536))
    for (let turns = 0; turns < 10; turns++) await turn()
    expect(source.asked).toBe(1)
    expect(sent.told).toEqual(['wrote 65545', 'blocked true'])
    const arrived = sent.read()
    await expect.poll(() => source.asked).toBe(2)
    expect(sent.told.slice(2)).toEqual(['blocked false', 'progress 65536'])
    source.end()
    await sent.over
    sent.here.end()
    expect((await arrived).length).toBe(65_545 + 5)
  })

  test('of a large piece, one slice stands beyond the high-water mark', async () => {
    const sent = prepare({ source: sourceOf(Buffer.alloc(1024 * 1024)), framing: 1024 * 1024 })
    sent.writer.start(head)
    for (let turns = 0; turns < 10; turns++) await turn()
    expect(sent.here.buffered).toBe(head.length + 65_536)
    expect(sent.told).toEqual([`wrote ${head.length}`, 'wrote 65536', 'blocked true'])
  })

  test('progress is told when the peer has made room, never twice, and ends with all of it', async () => {
    const sent = prepare({ source: sourceOf(Buffer.alloc(200_000)), framing: 200_000 })
    const arrived = sent.read()
    sent.writer.start(head)
    await sent.over
    sent.here.end()
    await arrived
    const progress = sent.told.filter((it) => it.startsWith('progress'))
    expect(progress).toEqual(['progress 65536', 'progress 131072', 'progress 196608', 'progress 200000'])
    const wrote = sent.told.filter((it) => it.startsWith('wrote')).map((it) => Number(it.slice(6)))
    expect(wrote.reduce((sum, bytes) => sum + bytes)).toBe(head.length + 200_000)
  })

  test('it is finished when the peer has made room for its end', async () => {
    const sent = prepare({ source: sourceOf(Buffer.alloc(65_536)), framing: 65_536 })
    sent.writer.start(head)
    for (let turns = 0; turns < 10; turns++) await turn()
    expect(sent.told).not.toContain('finished')
    const arrived = sent.read()
    expect(await sent.over).toBe(undefined)
    expect(sent.told.slice(-3)).toEqual(['blocked false', 'progress 65536', 'finished'])
    sent.here.end()
    await arrived
  })

  test('that holds for what leaves in one write as well, and for one that is stopped meanwhile', async () => {
    const whole = Buffer.alloc(65_520)
    const [read, stopped] = [0, 1].map(() => prepare({ source: sourceOf(whole), framing: 65_520 }))
    for (const sent of [read!, stopped!]) sent.writer.start(head)
    for (let turns = 0; turns < 10; turns++) await turn()
    const told = [`wrote ${head.length}`, 'wrote 65520', 'blocked true']
    expect([read!.told, stopped!.told]).toEqual([told, told])
    stopped!.writer.stop(undefined)
    const arrived = [read!, stopped!].map((sent) => sent.read())
    await read!.over
    await turn()
    expect(read!.told.slice(3)).toEqual(['blocked false', 'progress 65520', 'finished'])
    expect(stopped!.told).toEqual(told)
    for (const sent of [read!, stopped!]) sent.here.end()
    await Promise.all(arrived)
  })

  test('an empty body tells of no progress', async () => {
    const sent = prepare({ source: sourceOf(''), framing: 0 })
    sent.writer.start(head)
    await sent.over
    expect(sent.told).toEqual([`wrote ${head.length}`, 'finished'])
  })

  test('a source that gives empty pieces without end leaves others their turns', async () => {
    const empty = async function* (): AsyncGenerator<string> {
      for (;;) yield ''
    }
    const sent = prepare({ source: sourceOf(empty()), framing: 'chunked' })
    sent.writer.start(head)
    await turn()
    await turn()
    sent.writer.stop(undefined)
    expect(sent.told).toEqual([`wrote ${head.length}`])
  })
})

describe('what does not fit', () => {
  test.each([
    ['shorter', 5],
    ['longer', 3],
  ])('a body that is %s than its Content-Length fails', async (how, framing) => {
    const source = new ManualSource()
    const sent = prepare({ source, framing })
    sent.writer.start(head)
    await turn()
    source.give('ab')
    await turn()
    source.give('cd')
    await turn()
    source.end()
    expect(await sent.over).toEqual(new TypeError(`Cannot send body: it is ${how} than its Content-Length`))
    expect(source.cancelled).toHaveLength(1)
    // Not a byte more than was announced.
    expect(sent.told.filter((it) => it === 'wrote 2')).toHaveLength(how === 'longer' ? 1 : 2)
  })

  test('a piece that is neither text nor bytes fails the body, and cancels its source', async () => {
    const source = new ManualSource()
    const sent = prepare({ source, framing: 'chunked' })
    sent.writer.start(head)
    source.give(5 as unknown as string)
    const error = await sent.over
    expect(error).toEqual(new TypeError('Cannot send body: a piece of it is neither text nor bytes'))
    expect(source.cancelled).toEqual([error])
  })

  test.each<[string, () => unknown]>([
    [
      'throws when it is asked',
      () => {
        throw new Error('broken')
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['answers with nothing', () => undefined],
  ])('a source that %s fails the body', async (_, next) => {
    const sent = prepare({ source: { next, cancel() {} } as unknown as PieceSource, framing: 'chunked' })
    sent.writer.start(head)
    expect(await sent.over).toBeInstanceOf(Error)
    expect(sent.told).toEqual(['failed'])
  })

  test('a connection that is gone fails the body', async () => {
    const source = new ManualSource()
    const sent = prepare({ source, framing: 'chunked' })
    sent.writer.start(head)
    await turn()
    sent.here.destroy()
    source.give('a')
    expect(await sent.over).toMatchObject({ name: 'ClosedError' })
    expect(source.cancelled).toHaveLength(1)
  })

  test.each(['progress', 'blocked true', 'blocked false', 'finished'])(
    'a host that throws when it is told of %s hears that the body failed',
    async (what) => {
      const sent = prepare({ source: sourceOf(Buffer.alloc(100_000)), framing: 'chunked' })
      sent.told.push = (told: string) => {
        if (told.startsWith(what)) throw new Error('not mine')
        return 0
      }
      const arrived = sent.read()
      sent.writer.start(head)
      expect(await sent.over).toEqual(new Error('not mine'))
      sent.here.end()
      await arrived
    },
  )
})

describe('stopping', () => {
  test('in the middle of a piece that is waited for lets go of the source at once', async () => {
    const source = new ManualSource()
    const sent = prepare({ source, framing: 'chunked' })
    sent.writer.start(head)
    await turn()
    const reason = new Error('aborted')
    sent.writer.stop(reason)
    expect(source.cancelled).toEqual([reason])
    source.fail(new Error('too late'))
    sent.writer.stop(reason)
    await turn()
    expect(source.cancelled).toHaveLength(1)
    expect(sent.told).toEqual([`wrote ${head.length}`])
  })

  test('leaves the trailers alone, whatever still comes', async () => {
    const source = new ManualSource()
    let asked = false
    const trailers = (): [] => {
      asked = true
      return []
    }
    const sent = prepare({ source, framing: 'chunked', trailers })
    sent.writer.start(head)
    await turn()
    sent.writer.stop(undefined)
    source.end()
    await turn()
    expect(asked).toBe(false)
    expect(sent.told).toEqual([`wrote ${head.length}`])
  })

  test('while the peer has to read, nothing more is written', async () => {
    let released = false
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(Buffer.alloc(65_536)),
      cancel: () => void (released = true),
    })
    const sent = prepare({ source: sourceOf(endless), framing: 'chunked' })
    sent.writer.start(head)
    await turn()
    sent.writer.stop(undefined)
    const before = sent.told.length
    expect(released).toBe(true)
    const arrived = sent.read()
    await turn()
    await turn()
    expect(sent.told).toHaveLength(before)
    sent.here.destroy()
    await arrived.catch(() => {})
  })

  test('in the turn in which it started, nothing was written', async () => {
    const source = new ManualSource()
    const sent = prepare({ source, framing: 'chunked' })
    sent.writer.start(head)
    source.give('a')
    await Promise.resolve()
    sent.writer.stop(undefined)
    await turn()
    expect(sent.writer.begun).toBe(false)
    expect(sent.told).toEqual([])
  })

  test('from within progress ends it there', async () => {
    const sent = prepare({ source: sourceOf(Buffer.alloc(300_000)), framing: 300_000 })
    const arrived = sent.read()
    const { push } = sent.told
    sent.told.push = (what: string) => {
      if (what.startsWith('progress')) sent.writer.stop(undefined)
      return push.call(sent.told, what)
    }
    sent.writer.start(head)
    await expect.poll(() => sent.told.at(-1)).toBe('progress 65536')
    await turn()
    await turn()
    expect(sent.told.at(-1)).toBe('progress 65536')
    sent.here.destroy()
    await arrived.catch(() => {})
  })
})

/** The data of a body in chunks. @throws when it is none. */
function dechunked(body: Buffer): Buffer {
  const data: Buffer[] = []
  for (let at = 0; ;) {
    const line = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.toString('latin1', at, line), 16)
    at = line + 2
    if (size === 0) {
      expect(body.toString('latin1', at)).toBe('\r\n')
      return Buffer.concat(data)
    }
    data.push(body.subarray(at, at + size))
    expect(body.toString('latin1', at + size, at + size + 2)).toBe('\r\n')
    at += size + 2
  }
}
