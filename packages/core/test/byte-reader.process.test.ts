import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { ByteReader } from '../src/byte-reader.ts'
import {
  BrokenError,
  BusyError,
  type ByteConnection,
  ClosedError,
  LimitError,
  ProtocolError,
  TimeoutError,
} from '../src/index.ts'
import { pair } from '../src/memory.ts'
import { ConnectionBase, defaultHighWaterMark } from '../src/transport.ts'

function reading(options?: ConstructorParameters<typeof ByteReader>[1]): {
  peer: ByteConnection
  connection: ByteConnection
  reader: ByteReader
} {
  const [peer, connection] = pair()
  return { peer, connection, reader: new ByteReader(connection, options) }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function quiet(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await turn()
}

async function text(bytes: Promise<Uint8Array | undefined>): Promise<string | undefined> {
  const read = await bytes
  return read && Buffer.from(read).toString()
}

/** Writes each piece in a turn of its own. */
async function trickle(peer: ByteConnection, pieces: readonly (string | Uint8Array)[]): Promise<void> {
  for (const piece of pieces) {
    peer.write(piece)
    await turn()
  }
}

describe('reading', () => {
  test('so many bytes, across chunks and within one', async () => {
    const { peer, reader } = reading()
    const first = reader.read(4)
    void trickle(peer, ['a', 'bc', 'defgh', 'i'])
    expect(await text(first)).toBe('abcd')
    expect(await text(reader.read(0))).toBe('')
    expect(await text(reader.read(3))).toBe('efg')
    expect(await text(reader.read(2))).toBe('hi')
  })

  test('up to a delimiter, which is taken and not given, at every split', async () => {
    const stream = 'one\r\n\r\ntwo\r\r\nend\r\n'
    for (let place = 0; place <= stream.length; place++) {
      const { peer, reader } = reading()
      void trickle(peer, [stream.slice(0, place), stream.slice(place)])
      const found = []
      for (let count = 0; count < 4; count++) found.push(await text(reader.readUntil('\r\n')))
      expect(found).toEqual(['one', '', 'two\r', 'end'])
    }
  })

  test('what is there, until nothing is', async () => {
    const { peer, reader } = reading({ head: Buffer.from('head') })
    peer.write('more')
    expect(await text(reader.readSome())).toBe('head')
    expect(await text(reader.readSome())).toBe('more')
    peer.end()
    expect(await reader.readSome()).toBeUndefined()
    expect(await reader.readSome()).toBeUndefined()
  })

  test('atEnd waits until it knows, and takes nothing', async () => {
    const { peer, reader } = reading()
    const first = reader.atEnd()
    peer.write('ab')
    expect(await first).toBe(false)
    expect(await text(reader.read(2))).toBe('ab')
    const last = reader.atEnd()
    peer.end()
    expect(await last).toBe(true)
    expect(await text(reader.read(0))).toBe('')
  })

  test('one read at a time', async () => {
    const { peer, reader } = reading()
    const first = reader.read(1)
    await expect(reader.readSome()).rejects.toThrow(BusyError)
    expect(() => reader.release()).toThrow(BusyError)
    peer.write('a')
    expect(await text(first)).toBe('a')
  })

  test('bytes that were given are not written over', async () => {
    const { peer, reader } = reading()
    await trickle(peer, ['a'])
    const reads: Uint8Array[] = []
    for (let count = 0; count < 50; count++) {
      const read = reader.read(3)
      await trickle(peer, [String(count).padEnd(3, '-')])
      reads.push(await read)
    }
    expect(Buffer.concat(reads).toString()).toBe(
      `a${Array.from({ length: 50 }, (_, count) => String(count).padEnd(3, '-')).join('')}`.slice(0, 150),
    )
  })

  test('the same answers for every split', async () => {
    const step = fc.oneof(
      fc.record({ read: fc.nat({ max: 40 }) }),
      fc.record({ until: fc.constantFrom('|', '||', 'ab', 'aab') }),
    )
    const bytes = fc.string({ unit: fc.constantFrom('a', 'b', '|'), maxLength: 120 })
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(step), fc.array(fc.nat({ max: 30 })), async (stream, steps, sizes) => {
        const { peer, reader } = reading()
        const writing = (async () => {
          let place = 0
          for (const size of sizes) await trickle(peer, [stream.slice(place, (place += size))])
          peer.write(stream.slice(place))
          peer.end()
        })()
        let rest = stream
        for (const wanted of steps) {
          const isCount = 'read' in wanted
          const place = isCount ? wanted.read : rest.indexOf(wanted.until)
          const read = isCount ? reader.read(wanted.read) : reader.readUntil(wanted.until)
          if (place === -1 || place > rest.length) {
            await expect(read).rejects.toThrow(ProtocolError)
          } else {
            expect(await text(read)).toBe(rest.slice(0, place))
            rest = rest.slice(place + (isCount ? 0 : wanted.until.length))
          }
        }
        await writing
        let last = ''
        for (let some = await text(reader.readSome()); some; some = await text(reader.readSome()))
          last += some
        expect(last).toBe(rest)
        expect(await reader.atEnd()).toBe(true)
      }),
    )
  })
})

describe('limits', () => {
  test('a length that lies is refused before anything comes', async () => {
    const { reader } = reading({ maxLength: 100 })
    for (const length of [101, 2 ** 31, 2 ** 53 - 1]) {
      await expect(reader.read(length)).rejects.toMatchObject({ limit: 'maxLength', value: length })
    }
    for (const length of [-1, 1.5, Number.NaN, 2 ** 63, Infinity]) {
      await expect(reader.read(length)).rejects.toThrow(RangeError)
    }
  })

  test('a delimiter that never comes', async () => {
    const { peer, reader } = reading({ maxLength: 8 })
    const read = reader.readUntil('\r\n')
    await trickle(peer, ['12345678', '\r'])
    await trickle(peer, ['9'])
    await expect(read).rejects.toThrow(LimitError)
    expect(await text(reader.readSome())).toBe('12345678')
    expect(await text(reader.readUntil('9', { maxLength: 1 }))).toBe('\r')
  })

  test('exactly as many bytes as may be', async () => {
    const { peer, reader } = reading()
    void trickle(peer, ['1234', '5678', '\r', '\n', '123456789\r\n'])
    expect(await text(reader.readUntil('\r\n', { maxLength: 8 }))).toBe('12345678')
    await expect(reader.readUntil('\r\n', { maxLength: 8 })).rejects.toThrow(LimitError)
    expect(await text(reader.readUntil('\r\n', { maxLength: 9 }))).toBe('123456789')
  })

  test('a peer that sends faster than anybody reads is held back', async () => {
    const { peer, reader } = reading()
    const chunk = Buffer.alloc(16_384)
    let sent = 0
    const count = 256
    const pouring = (async () => {
      for (; sent < count; sent++) await peer.send(chunk)
    })()
    await quiet()
    expect(sent * chunk.length).toBeLessThanOrEqual(defaultHighWaterMark + chunk.length)
    await reader.read(1)
    await quiet()
    expect(sent * chunk.length).toBeLessThanOrEqual(3 * defaultHighWaterMark)
    await reader.read(chunk.length * 60)
    for (let left = chunk.length * (count - 60) - 1; left > 0;) left -= (await reader.readSome())?.length ?? 0
    await pouring
  })

  test.each([0, -1, 1.5, Infinity])('refuses maxLength %d', async (maxLength) => {
    const [connection] = pair()
    expect(() => new ByteReader(connection, { maxLength })).toThrow(RangeError)
    await expect(new ByteReader(connection).readUntil('x', { maxLength })).rejects.toThrow(RangeError)
  })

  test('refuses an empty delimiter', async () => {
    const { reader } = reading()
    await expect(reader.readUntil('')).rejects.toThrow(RangeError)
  })
})

describe('when no more comes', () => {
  test('a read cut short by the end takes nothing', async () => {
    const { peer, connection, reader } = reading()
    peer.write('abc')
    peer.end()
    await expect(reader.read(4)).rejects.toMatchObject({
      code: 'ERR_FAIRLEAD_INCOMPLETE',
      side: 'remote',
      message: 'Cannot read 4 bytes: the peer ended after 3 bytes',
    })
    await expect(reader.readUntil('\n')).rejects.toThrow(ProtocolError)
    expect(await reader.atEnd()).toBe(false)
    expect(await text(reader.read(3))).toBe('abc')
    await expect(reader.read(1)).rejects.toThrow(ProtocolError)
    // The end was not answered.
    connection.write('still here')
    connection.end()
    let answer = ''
    for await (const chunk of peer) answer += Buffer.from(chunk).toString()
    expect(answer).toBe('still here')
    expect((await connection.closed).kind).toBe('remote')
    expect(await reader.atEnd()).toBe(true)
  })

  test('a reset fails what it leaves unanswered', async () => {
    const { peer, reader } = reading()
    const read = reader.read(4)
    await trickle(peer, ['abcdef'])
    expect(await text(read)).toBe('abcd')
    const waiting = reader.read(4)
    await quiet()
    peer.destroy()
    await expect(waiting).rejects.toThrow(BrokenError)
    expect(await text(reader.read(2))).toBe('ef')
    await expect(reader.readSome()).rejects.toThrow(BrokenError)
  })

  test('a timeout', async () => {
    const { connection, reader } = reading()
    const read = reader.readSome()
    await quiet()
    if (!(connection instanceof ConnectionBase)) throw new Error('not of this house')
    connection.abandon({ kind: 'timeout', phase: 'idle' })
    await expect(read).rejects.toThrow(TimeoutError)
  })

  test('our own close, even behind the end', async () => {
    const { peer, connection, reader } = reading()
    peer.end()
    expect(await reader.atEnd()).toBe(true)
    connection.destroy()
    await expect(reader.read(1)).rejects.toThrow(ClosedError)
  })

  test('our own close', async () => {
    const { connection, reader } = reading()
    const read = reader.readSome()
    await quiet()
    void connection.close()
    await expect(read).rejects.toThrow(ClosedError)
    await expect(reader.atEnd()).rejects.toThrow(ClosedError)
    connection.destroy()
  })

  test('an aborted signal ends the waiting, and takes nothing', async () => {
    const { peer, reader } = reading()
    const reason = new Error('changed my mind')
    await expect(reader.read(1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    const read = reader.read(4, { signal: controller.signal })
    await trickle(peer, ['ab'])
    controller.abort(reason)
    await expect(read).rejects.toBe(reason)
    void trickle(peer, ['cd'])
    expect(await text(reader.read(4))).toBe('abcd')
    controller.abort()
  })

  test('a failure that nobody awaits ends nothing', async () => {
    const rejections: unknown[] = []
    const note = (error: unknown): void => void rejections.push(error)
    process.on('unhandledRejection', note)
    const { peer, reader } = reading()
    void reader.read(1)
    void reader.read(1)
    peer.destroy()
    await quiet()
    process.off('unhandledRejection', note)
    expect(rejections).toEqual([])
  })
})

describe('giving back', () => {
  test('release gives the connection, paused, and what was not asked for', async () => {
    const { peer, connection, reader } = reading()
    peer.write('line\nand the rest')
    expect(await text(reader.readUntil('\n'))).toBe('line')
    const released = reader.release()
    expect(released.connection).toBe(connection)
    peer.write(', and more')
    peer.end()
    await quiet()
    await expect(reader.read(1)).rejects.toThrow(BusyError)
    expect(() => reader.release()).toThrow(BusyError)
    const heard: string[] = []
    connection.handle(
      {
        onData: (chunk) => void heard.push(Buffer.from(chunk).toString()),
        onEnd: () => void heard.push('end'),
      },
      released.head,
    )
    await expect.poll(() => heard).toEqual(['and the rest', ', and more', 'end'])
  })

  test('it can be iterated, or read by another reader', async () => {
    const { peer, reader } = reading()
    peer.write('ab')
    expect(await text(reader.read(1))).toBe('a')
    const { connection, head } = reader.release()
    const next = new ByteReader(connection, { head })
    expect(await text(next.read(1))).toBe('b')
    next.release()
    peer.write('c')
    peer.end()
    let rest = ''
    for await (const chunk of connection) rest += Buffer.from(chunk).toString()
    expect(rest).toBe('c')
  })

  test('whoever handles the connection has what was not read', async () => {
    const { peer, connection, reader } = reading()
    peer.write('abc')
    expect(await text(reader.read(1))).toBe('a')
    const waiting = reader.read(10)
    const heard: string[] = []
    connection.handle({ onData: (chunk) => void heard.push(Buffer.from(chunk).toString()) })
    await expect(waiting).rejects.toThrow(BusyError)
    peer.write('d')
    await expect.poll(() => heard.join('')).toBe('bcd')
  })

  test('a second reader by iteration is refused', () => {
    const { connection } = reading()
    expect(() => connection[Symbol.asyncIterator]()).toThrow(BusyError)
  })
})
