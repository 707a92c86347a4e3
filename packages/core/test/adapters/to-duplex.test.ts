import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type Duplex, PassThrough, Readable, Transform, Writable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { BrokenError, ClosedError } from '../../src/errors.ts'
import { pair } from '../../src/memory.ts'
import { toDuplex } from '../../src/node.ts'
import { failureOf, fill, joined, pattern, textOf, turn } from './bytes.ts'

const spite = new Error('out of spite')

function ends() {
  const [here, there] = pair()
  return { connection: here, duplex: toDuplex(here), there }
}

/** The events of the end, in order. */
function heard(duplex: Duplex): unknown[] {
  const events: unknown[] = []
  for (const name of ['end', 'finish', 'close']) duplex.on(name, () => void events.push(name))
  duplex.on('error', (error) => void events.push(error))
  return events
}

describe('bytes', () => {
  test('are whole both ways, however they are split', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3_000), { maxLength: 30 }), fc.boolean(), async (sizes, corked) => {
        const { connection, duplex, there } = ends()
        let size = 0
        if (corked) duplex.cork()
        for (const length of sizes) {
          duplex.write(pattern(length, size))
          there.write(pattern(length, size))
          size += length
        }
        if (corked) duplex.uncork()
        duplex.end()
        there.end()
        const [far, near] = await Promise.all([joined(there), joined(duplex)])
        expect([far.equals(pattern(size)), near.equals(pattern(size))]).toEqual([true, true])
        await connection.closed
      }),
      { numRuns: 25 },
    )
  })

  test('may be written as text in any encoding', async () => {
    const { duplex, there } = ends()
    duplex.write('ahøy ')
    duplex.write('ø', 'latin1')
    duplex.end('00ff', 'hex')
    expect(await joined(there)).toEqual(Buffer.from([...Buffer.from('ahøy '), 0xf8, 0, 0xff]))
  })

  test('go through a pipeline, and back', async () => {
    const { connection, duplex, there } = ends()
    const data = pattern(500_000)
    const echo = toDuplex(there)
    const echoing = pipeline(echo, echo)
    const chunks: Uint8Array[] = []
    await pipeline(Readable.from([data]), createGzip(), duplex, createGunzip(), async (source) => {
      for await (const chunk of source) chunks.push(chunk)
    })
    expect(Buffer.concat(chunks).equals(data)).toBe(true)
    await echoing
    expect((await connection.closed).kind).toBe('local')
  })
})

describe('back-pressure', () => {
  test('reads nothing before somebody does', async () => {
    const { duplex, there } = ends()
    const size = await fill(there)
    expect(size).toBe(64 * 1024)
    expect(duplex.readableLength).toBe(0)
  })

  test('stops the peer of a slow reader, and loses nothing', async () => {
    const { duplex, there } = ends()
    duplex.read(0)
    const size = await fill(there)
    expect(size).toBeLessThan(2 * 64 * 1024 + 2 * 4_096 + 1)
    there.end()
    expect((await joined(duplex)).equals(pattern(size))).toBe(true)
  })

  test('stops a pipeline whose peer does not read, until it does', async () => {
    const { connection, duplex, there } = ends()
    let made = 0
    const source = new Readable({
      read() {
        this.push(made < 1_000_000 ? pattern(10_000, made) : null)
        made += 10_000
      },
    })
    const piping = pipeline(source, duplex, new PassThrough())
    await turn(50)
    expect(made).toBeLessThan(300_000)
    expect(connection.buffered).toBeLessThan(64 * 1024 + 10_000)
    const reading = joined(there)
    expect((await reading).equals(pattern(1_000_000))).toBe(true)
    there.end()
    await piping
  })
})

describe('half-close', () => {
  test('the end of reading leaves writing open', async () => {
    const { connection, duplex, there } = ends()
    const events = heard(duplex)
    there.end()
    // Not with `for await`, which destroys a Duplex at the end of reading.
    await once(duplex.resume(), 'end')
    expect([connection.state, duplex.destroyed]).toEqual(['open', false])
    duplex.end('after all')
    expect(await textOf(there)).toBe('after all')
    expect(await connection.closed).toEqual({ kind: 'remote' })
    await expect.poll(() => events).toEqual(['end', 'finish', 'close'])
  })

  test('the end of writing leaves reading open', async () => {
    const { duplex, there } = ends()
    const events = heard(duplex)
    duplex.end()
    expect(await textOf(there)).toBe('')
    there.write('after all')
    there.end()
    expect(await textOf(duplex)).toBe('after all')
    await expect.poll(() => events).toEqual(['finish', 'end', 'close'])
  })

  test('what was read is kept over the close of the connection', async () => {
    const { connection, duplex, there } = ends()
    duplex.read(0)
    duplex.end()
    there.write('kept')
    void there.close()
    await connection.closed
    await turn(3)
    expect(await textOf(duplex)).toBe('kept')
  })
})

describe('destroy', () => {
  test('with an error destroys the connection with it', async () => {
    const { connection, duplex, there } = ends()
    const events = heard(duplex)
    duplex.destroy(spite)
    expect(await connection.closed).toMatchObject({ kind: 'error', error: { cause: spite } })
    await expect(joined(there)).rejects.toThrow(BrokenError)
    expect(events).toEqual([spite, 'close'])
  })

  test('without one resets it, under a write that waits, too', async () => {
    const { connection, duplex, there } = ends()
    await fill(connection)
    const write = new Promise<unknown>((resolve) => duplex.write('x', resolve))
    duplex.destroy()
    expect(await write).toBeInstanceOf(ClosedError)
    expect(await connection.closed).toEqual({ kind: 'local' })
    await expect(joined(there)).rejects.toThrow(BrokenError)
  })

  test('after `finish` loses nothing of what was written', async () => {
    const { connection, duplex, there } = ends()
    const size = await fill(connection)
    duplex.end('last')
    duplex.on('finish', () => duplex.destroy())
    const far = await joined(there)
    expect(far.byteLength).toBe(size + 4)
    there.end()
    expect(await connection.closed).toEqual({ kind: 'local' })
  })

  test('while the connection closes does not cut it short', async () => {
    const { connection, duplex, there } = ends()
    connection.write('last')
    void connection.close()
    duplex.destroy()
    expect(await textOf(there)).toBe('last')
    there.end()
    expect(await connection.closed).toEqual({ kind: 'local' })
  })
})

describe('the connection', () => {
  test('that is reset destroys the stream, with one error', async () => {
    const { connection, duplex, there } = ends()
    const events = heard(duplex)
    const waiting = failureOf(finished(duplex))
    const reading = failureOf(joined(duplex))
    there.destroy()
    const error = await waiting
    expect(error).toBeInstanceOf(BrokenError)
    expect(await reading).toBe(error)
    expect(await connection.closed).toEqual({ kind: 'error', error })
    expect(events).toEqual([error, 'close'])
  })

  test('that is reset ends a write that waits', async () => {
    const { connection, duplex, there } = ends()
    await fill(connection)
    const write = new Promise<unknown>((resolve) => duplex.write('x', resolve))
    there.destroy()
    expect(await write).toBeInstanceOf(BrokenError)
  })

  test('that is reset while nobody listens ends nothing', async () => {
    const { connection, duplex, there } = ends()
    duplex.write('x')
    there.destroy()
    expect((await connection.closed).kind).toBe('error')
    await expect.poll(() => duplex.closed).toBe(true)
    expect(duplex.errored).toBeInstanceOf(BrokenError)
  })

  test('that is closed ends reading, and refuses writing', async () => {
    const { connection, duplex, there } = ends()
    const events = heard(duplex)
    duplex.resume()
    void there.close()
    await connection.close()
    await expect.poll(() => events).toEqual(['end', 'close'])
    const late = new Promise<unknown>((resolve) => duplex.write('late', resolve))
    expect(await late).toBeInstanceOf(Error)
  })

  test('that is destroyed by somebody else is a premature close', async () => {
    const { connection, duplex } = ends()
    const waiting = failureOf(finished(duplex))
    connection.destroy()
    expect(await waiting).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
  })

  test('that somebody else reads ends reading', async () => {
    const { connection, duplex, there } = ends()
    connection.handle({ onData() {} })
    there.write('x')
    expect(await textOf(duplex)).toBe('')
  })

  test('that cannot be written breaks the stream', async () => {
    const { connection, duplex } = ends()
    const events = heard(duplex)
    connection.end()
    duplex.write('late')
    await expect.poll(() => events).toEqual([expect.any(ClosedError), 'close'])
  })
})

test('an error in a pipeline is a reset for the peer', async () => {
  const { duplex, there } = ends()
  const failing = new Transform({ transform: (_chunk, _encoding, done) => done(spite) })
  await expect(pipeline(Readable.from(['x']), failing, duplex, new PassThrough())).rejects.toBe(spite)
  await expect(joined(there)).rejects.toThrow(BrokenError)
})

test('a client and a server of node:http talk over it', async () => {
  const { duplex, there } = ends()
  const server = createServer((request, response) => void request.pipe(response))
  server.emit('connection', toDuplex(there))
  const body = pattern(200_000)
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const outgoing = request({ method: 'POST', createConnection: () => duplex }, (incoming) => {
      joined(incoming).then(resolve, reject)
    })
    outgoing.on('error', reject).end(body)
  })
  expect(answer.equals(body)).toBe(true)
  server.closeAllConnections()
  duplex.destroy()
})

test('a slow consumer gets everything through backpressured writes', async () => {
  const { duplex, there } = ends()
  const chunks: Uint8Array[] = []
  const slow = new Writable({
    highWaterMark: 1,
    write: (chunk: Uint8Array, _encoding, done) => void setImmediate(() => (chunks.push(chunk), done())),
  })
  const piping = pipeline(duplex, slow)
  for (let index = 0; index < 100; index++) await there.send(pattern(5_000, index * 5_000))
  there.end()
  duplex.end()
  void joined(there)
  await piping
  expect(Buffer.concat(chunks).equals(pattern(500_000))).toBe(true)
})
