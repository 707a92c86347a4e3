import { spawn } from 'node:child_process'
import { Duplex, PassThrough } from 'node:stream'

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { BrokenError, ClosedError } from '../../src/errors.ts'
import { pair } from '../../src/memory.ts'
import { fromDuplex, toDuplex } from '../../src/node.ts'
import { failureOf, fill, joined, pattern, textOf, turn } from './bytes.ts'

const spite = new Error('out of spite')

describe('what it is made of', () => {
  test('has the addresses it is given, or names without a place', () => {
    const address = { kind: 'unix', path: '/dev/ttyS0' } as const
    const connection = fromDuplex(new PassThrough(), { remoteAddress: address })
    expect(connection.remoteAddress).toEqual(address)
    expect(connection.localAddress).toEqual({ kind: 'memory', name: 'duplex' })
  })

  test('is refused when it does not carry bytes', () => {
    expect(() => fromDuplex(new PassThrough({ objectMode: true }))).toThrow(TypeError)
    expect(() => fromDuplex(new PassThrough().setEncoding('utf8'))).toThrow('it does not read bytes')
  })

  test('may be over already', async () => {
    const destroyed = new PassThrough()
    destroyed.on('error', () => {}).destroy(spite)
    expect(await fromDuplex(destroyed).closed).toMatchObject({ error: { cause: spite } })
    const quiet = new PassThrough().destroy()
    expect(await fromDuplex(quiet).closed).toMatchObject({ error: { code: 'ERR_FAIRLEAD_BROKEN' } })
    const [here] = pair()
    const ended = toDuplex(here)
    ended.push(null)
    await new Promise((resolve) => ended.resume().on('end', resolve))
    const connection = fromDuplex(ended)
    expect(await textOf(connection)).toBe('')
    connection.write('still open')
  })
})

describe('bytes', () => {
  test('come back whole, however they are split', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3_000), { maxLength: 40 }), async (sizes) => {
        const connection = fromDuplex(new PassThrough())
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

  test('go through the pipes of a child process', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.pipe(process.stdout)'])
    const connection = fromDuplex(Duplex.from({ readable: child.stdout, writable: child.stdin }))
    const reading = joined(connection)
    for (let index = 0; index < 30; index++) await connection.send(pattern(10_000, index * 10_000))
    connection.end()
    expect((await reading).equals(pattern(300_000))).toBe(true)
    expect(await connection.closed).toEqual({ kind: 'local' })
  })

  test('that are none are refused, and end nothing', () => {
    const connection = fromDuplex(new PassThrough())
    for (const wrong of [undefined, null, 5, {}])
      expect(() => connection.write(wrong as never)).toThrow(TypeError)
    expect(connection.state).toBe('open')
  })
})

test('nothing is read before somebody does, and a sender is stopped until then', async () => {
  const duplex = new PassThrough()
  const connection = fromDuplex(duplex)
  const drains: string[] = []
  while (connection.write(pattern(4_096))) expect(connection.buffered).toBeLessThan(1_000_000)
  const room = connection.drained().then(() => drains.push('room'))
  await turn(3)
  expect(drains).toEqual([])
  connection.handle({ onData() {}, onDrain: () => void drains.push('drain') })
  await room
  expect(drains.toSorted()).toEqual(['drain', 'room'])
})

describe('the ends', () => {
  test('are apart where the Duplex keeps them apart', async () => {
    const [here, there] = pair()
    const connection = fromDuplex(toDuplex(here))
    connection.handle({ onData() {}, onEnd() {} })
    there.end()
    await turn(5)
    expect(connection.state).toBe('open')
    connection.write('after all')
    connection.end()
    expect(await textOf(there)).toBe('after all')
    expect(await connection.closed).toEqual({ kind: 'remote' })
  })

  test('are one where the Duplex closes with its input', async () => {
    const duplex = new Duplex({ allowHalfOpen: false, read() {}, write: (_chunk, _encoding, done) => done() })
    const connection = fromDuplex(duplex)
    connection.handle({ onData() {}, onEnd() {} })
    duplex.push(null)
    expect(await connection.closed).toEqual({ kind: 'remote' })
    expect(() => connection.write('late')).toThrow(BrokenError)
  })

  test('made by somebody else refuse writing, and break nothing', async () => {
    const [here] = pair()
    const duplex = toDuplex(here)
    const connection = fromDuplex(duplex)
    duplex.end()
    expect(() => connection.write('late')).toThrow(ClosedError)
    await turn(3)
    expect(connection.state).toBe('open')
  })

  test('destroy reaches the Duplex, with an error always', async () => {
    for (const [error, kind] of [
      [spite, BrokenError],
      [undefined, ClosedError],
    ] as const) {
      const duplex = new PassThrough()
      const connection = fromDuplex(duplex)
      connection.destroy(error)
      expect(duplex.errored).toBeInstanceOf(kind)
      expect((await connection.closed).kind).toBe(error ? 'error' : 'local')
    }
  })
})

describe('a Duplex', () => {
  test('that fails breaks the connection', async () => {
    const duplex = new PassThrough()
    const connection = fromDuplex(duplex)
    const reading = failureOf(joined(connection))
    duplex.destroy(spite)
    const error = await reading
    expect(error).toMatchObject({ message: 'Connection broken: out of spite', cause: spite })
    expect(await connection.closed).toEqual({ kind: 'error', error })
    expect(() => connection.write('late')).toThrow(BrokenError)
  })

  test('that closes without its ends breaks it, too', async () => {
    const duplex = new PassThrough()
    const connection = fromDuplex(duplex)
    duplex.destroy()
    expect(await connection.closed).toMatchObject({
      error: { message: 'Connection broken: the stream was closed too early' },
    })
  })

  test('that fails under senders that wait ends them', async () => {
    const duplex = new PassThrough()
    const connection = fromDuplex(duplex)
    while (connection.write(pattern(4_096)));
    const room = failureOf(connection.drained())
    duplex.destroy(spite)
    expect(await room).toBeInstanceOf(BrokenError)
  })

  test('whose connection is reset passes that on as it was', async () => {
    const [here, there] = pair()
    const connection = fromDuplex(toDuplex(here))
    await fill(there)
    const reading = failureOf(joined(connection))
    there.destroy()
    expect(await reading).toBeInstanceOf(BrokenError)
    const reasons = await Promise.all([here.closed, connection.closed])
    expect(reasons[0]).toEqual(reasons[1])
  })
})
