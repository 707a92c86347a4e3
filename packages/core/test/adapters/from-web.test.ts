import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { BrokenError, ClosedError } from '../../src/errors.ts'
import { lines } from '../../src/index.ts'
import { fromWeb } from '../../src/web.ts'
import { failureOf, fill, joined, pattern, textOf, turn } from './bytes.ts'

const spite = new Error('out of spite')

/** A connection, and by hand what is under it. */
function byHand() {
  const written: Uint8Array[] = []
  const told: unknown[] = []
  let input!: ReadableStreamDefaultController<Uint8Array>
  let output!: WritableStreamDefaultController
  let pulls = 0
  /** What a write waits for. */
  const gate: { open?: () => void; busy: boolean } = { busy: false }
  const connection = fromWeb({
    readable: new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (input = controller),
        pull: () => void pulls++,
        cancel: (reason) => void told.push(['cancel', reason]),
      },
      { highWaterMark: 0 },
    ),
    writable: new WritableStream<Uint8Array>({
      start: (controller) => void (output = controller),
      async write(chunk) {
        if (gate.busy) await new Promise<void>((resolve) => (gate.open = resolve))
        written.push(chunk)
      },
      close: () => void told.push('close'),
      abort: (reason) => void told.push(['abort', reason]),
    }),
  })
  return { connection, input, output, written, told, gate, pulls: () => pulls }
}

describe('what it is made of', () => {
  test('has the addresses it is given, or names without a place', () => {
    const address = { kind: 'ip', family: 4, host: '192.0.2.1', port: 7 } as const
    const streams = () => new TransformStream<Uint8Array, Uint8Array>()
    const connection = fromWeb(streams(), { remoteAddress: address })
    expect(connection.remoteAddress).toEqual(address)
    expect(connection.localAddress).toEqual({ kind: 'memory', name: 'web' })
    expect(connection).toMatchObject({ state: 'open', buffered: 0 })
  })

  test('is refused when locked, and left as it was', () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    writable.getWriter()
    expect(() => fromWeb({ readable, writable })).toThrow('Cannot adapt web streams: writable is locked')
    expect(readable.locked).toBe(false)
    readable.getReader()
    expect(() => fromWeb({ readable, writable })).toThrow(TypeError)
  })
})

describe('bytes', () => {
  test('come back whole from a transform, however they are split', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3_000), { maxLength: 40 }), async (sizes) => {
        const connection = fromWeb(new TransformStream<Uint8Array, Uint8Array>())
        const reading = joined(connection)
        let size = 0
        for (const length of sizes) {
          await connection.send(pattern(length, size))
          size += length
        }
        connection.end()
        expect((await reading).equals(pattern(size))).toBe(true)
        expect(await connection.closed).toEqual({ kind: 'local' })
      }),
      { numRuns: 25 },
    )
  })

  test('go through a pair of compressions', async () => {
    const packing = fromWeb(new CompressionStream('gzip'))
    const unpacking = fromWeb(new DecompressionStream('gzip'))
    packing.handle({ onData: (data) => void unpacking.write(data), onEnd: () => unpacking.end() })
    const reading = textOf(unpacking)
    for (let index = 0; index < 1_000; index++) await packing.send(`line ${index}\n`)
    packing.end()
    expect(await reading).toBe(Array.from({ length: 1_000 }, (_, index) => `line ${index}\n`).join(''))
  })

  test('are framed as on any other connection', async () => {
    const { connection, input, written } = byHand()
    const framed = lines(connection)
    input.enqueue(Buffer.from('a\r\nb'))
    input.enqueue(Buffer.from('\nc'))
    input.close()
    const texts: string[] = []
    for await (const line of framed) texts.push(line)
    expect(texts).toEqual(['a', 'b', 'c'])
    await framed.send('back')
    await turn()
    expect(Buffer.concat(written).toString()).toBe('back\n')
  })

  test('are the stream’s own: the caller may change his', async () => {
    const { connection, written } = byHand()
    const data = Buffer.from('abc')
    connection.write(data)
    data.fill(0)
    await turn()
    expect(Buffer.concat(written).toString()).toBe('abc')
    expect(written[0]!.buffer.byteLength).toBe(3)
  })

  test('leave together while the stream is busy or the cork is in', async () => {
    const { connection, written, gate } = byHand()
    gate.busy = true
    for (const text of ['a', 'b', '', 'c']) connection.write(text)
    connection.write('ø', 'latin1')
    expect(connection.buffered).toBe(4)
    await turn()
    gate.busy = false
    gate.open?.()
    await turn()
    expect(written.map((chunk) => Buffer.from(chunk).toString('latin1'))).toEqual(['a', 'bcø'])
    connection.cork()
    connection.write('1')
    connection.write('2')
    await turn()
    expect(written).toHaveLength(2)
    connection.uncork()
    await turn()
    expect(Buffer.from(written[2]!).toString()).toBe('12')
    expect(connection.buffered).toBe(0)
  })

  test('that are none break the connection', async () => {
    const { connection, input, told } = byHand()
    input.enqueue('text' as never)
    await expect(joined(connection)).rejects.toThrow('Connection broken: a chunk of type string is not bytes')
    expect(told).toHaveLength(2)
    expect(() => byHand().connection.write(5 as never)).toThrow(TypeError)
  })
})

describe('back-pressure', () => {
  test('asks for nothing before somebody reads, nor while he pauses', async () => {
    const { connection, input, pulls } = byHand()
    await turn()
    expect(pulls()).toBe(0)
    const heard: number[] = []
    connection.handle({
      onData(data) {
        heard.push(data.byteLength)
        connection.pause()
      },
    })
    await turn()
    expect(pulls()).toBe(1)
    input.enqueue(new Uint8Array(3))
    await turn(3)
    expect([heard, pulls()]).toEqual([[3], 1])
    connection.resume()
    await turn()
    expect(pulls()).toBe(2)
  })

  test('stops a sender while the stream takes nothing', async () => {
    const { connection, gate, written } = byHand()
    gate.busy = true
    const drains: string[] = []
    connection.handle({ onData() {}, onDrain: () => void drains.push('drain') })
    const size = await fill(connection)
    expect(size).toBe(64 * 1024)
    const room = connection.drained().then(() => drains.push('room'))
    await turn()
    expect(drains).toEqual([])
    gate.busy = false
    gate.open?.()
    await room
    expect(drains.toSorted()).toEqual(['drain', 'room'])
    await turn()
    expect(Buffer.concat(written).equals(pattern(size))).toBe(true)
  })
})

describe('the ends', () => {
  test('are apart: reading goes on after end(), writing after the peer’s', async () => {
    const { connection, input, told, written } = byHand()
    connection.handle({ onData() {}, onEnd() {} })
    input.close()
    await turn()
    connection.write('after all')
    connection.end()
    expect(() => connection.write('late')).toThrow(ClosedError)
    expect(await connection.closed).toEqual({ kind: 'remote' })
    expect(told).toEqual(['close'])
    expect(Buffer.concat(written).toString()).toBe('after all')
  })

  test('close() waits for what was written, then for the peer', async () => {
    const { connection, input, told, gate } = byHand()
    gate.busy = true
    connection.write('a')
    connection.write('b')
    const closing = connection.close()
    await turn()
    expect(told).toEqual([])
    gate.busy = false
    gate.open?.()
    await turn()
    expect([told, connection.state]).toEqual([['close'], 'closing'])
    input.close()
    await closing
    expect(await connection.closed).toEqual({ kind: 'local' })
  })

  test('close() is bounded in time, whatever comes in', async () => {
    const endless = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(pattern(9)) })
    const connection = fromWeb({ readable: endless, writable: new WritableStream() })
    let heard = 0
    connection.handle({ onData: (data) => void (heard += data.byteLength) })
    await expect.poll(() => heard).toBeGreaterThan(1_000)
    await connection.close({ grace: 10 })
    expect(await connection.closed).toEqual({ kind: 'timeout', phase: 'close' })
  })

  test('destroy aborts and cancels with the error', async () => {
    for (const [error, name] of [
      [spite, 'BrokenError'],
      [undefined, 'ClosedError'],
    ] as const) {
      const { connection, told } = byHand()
      connection.destroy(error)
      await turn()
      const reason = expect.objectContaining({ name })
      expect(told).toEqual(
        expect.arrayContaining([
          ['abort', reason],
          ['cancel', reason],
        ]),
      )
    }
  })
})

describe('a stream that fails', () => {
  test.each(['input', 'output'] as const)(
    'breaks the connection, and takes the other one: %s',
    async (which) => {
      const setting = byHand()
      const { connection, told } = setting
      setting[which].error(spite)
      const reason = await connection.closed
      expect(reason).toMatchObject({ error: { message: 'Connection broken: out of spite', cause: spite } })
      await turn()
      expect(told).toEqual([
        [which === 'input' ? 'abort' : 'cancel', reason.kind === 'error' && reason.error],
      ])
      expect(() => connection.write('late')).toThrow(BrokenError)
    },
  )

  test('with something that is no error does, too', async () => {
    const { connection, input } = byHand()
    input.error(undefined)
    await expect(joined(connection)).rejects.toThrow('Connection broken: undefined')
  })

  test('ends the senders that wait', async () => {
    const { connection, gate, output } = byHand()
    gate.busy = true
    await fill(connection)
    const room = failureOf(connection.drained())
    output.error(spite)
    gate.open?.()
    expect(await room).toBeInstanceOf(BrokenError)
    expect(connection.buffered).toBe(0)
  })

  test('after its end changes nothing', async () => {
    const { connection, input, output } = byHand()
    connection.end()
    input.close()
    expect(await textOf(connection)).toBe('')
    expect(await connection.closed).toEqual({ kind: 'local' })
    output.error(spite)
    await turn()
    expect(connection.state).toBe('closed')
  })
})
