import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { ByteConnection, CloseReason, Listener } from '../src/index.ts'
import { BrokenError } from '../src/index.ts'
import { listenBytes, connectBytes, pair } from '../src/memory.ts'
import { splice, type Spliced, type SpliceOptions } from '../src/splice.ts'
import { ConnectionBase, defaultHighWaterMark } from '../src/transport.ts'

/** `client` and `server` with a splice in between, of `a` and `b`. */
interface Line {
  client: ByteConnection
  server: ByteConnection
  a: ByteConnection
  b: ByteConnection
  result: Promise<Spliced>
}

function line(options?: SpliceOptions): Line {
  const [client, a] = pair()
  const [b, server] = pair()
  return { client, server, a, b, result: splice(a, b, options) }
}

async function textOf(connection: ByteConnection): Promise<string> {
  let text = ''
  for await (const chunk of connection) text += Buffer.from(chunk).toString()
  return text
}

/** Reads until `text` is there; what comes behind it is kept. */
async function read(connection: ByteConnection, text: string): Promise<void> {
  let seen = ''
  for await (const chunk of connection) {
    seen += Buffer.from(chunk).toString()
    if (seen.length >= text.length) break
  }
  expect(seen).toBe(text)
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function quiet(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await turn()
}

function errorIn(reason: CloseReason): Error {
  if (reason.kind !== 'error') throw new Error(`closed with ${reason.kind}`)
  return reason.error
}

describe('carrying', () => {
  test('both ways, until both peers have ended', async () => {
    const { client, server, a, b, result } = line()
    client.write('ping')
    await read(server, 'ping')
    server.write('pong!')
    await read(client, 'pong!')
    server.end()
    client.end()
    expect(await Promise.all([textOf(client), textOf(server)])).toEqual(['', ''])
    expect(await result).toEqual({
      forward: 4,
      backward: 5,
      reason: { kind: 'remote' },
      by: expect.anything(),
    })
    expect([a.state, b.state, client.state, server.state]).toEqual(Array(4).fill('closed'))
  })

  test('the end of one side goes behind its last byte, and the other direction goes on', async () => {
    const { client, server, a, b, result } = line()
    client.write('request')
    client.end()
    expect(await textOf(server)).toBe('request')
    await quiet()
    expect([a.state, b.state]).toEqual(['open', 'open'])
    server.write('a late answer')
    server.end()
    expect(await textOf(client)).toBe('a late answer')
    const { forward, backward, reason, by } = await result
    expect([forward, backward, reason.kind, by === a]).toEqual([7, 13, 'remote', true])
  })

  test('a side that is closed leaves the other the time to hand over what was written', async () => {
    const { client, server, a, b, result } = line()
    client.handle({ onData() {} })
    server.end()
    client.write('to somebody who reads late')
    client.end()
    await quiet()
    expect([a.state, b.state]).toEqual(['closed', 'open'])
    expect(await textOf(server)).toBe('to somebody who reads late')
    expect(await result).toMatchObject({ forward: 26, reason: { kind: 'remote' } })
  })

  test('heads come first, then what was pending', async () => {
    const [client, a] = pair()
    const [b, server] = pair()
    client.write('first ')
    server.write('greeting ')
    for await (const _ of a) break
    for await (const _ of b) break
    client.write('second')
    server.write('more')
    client.end()
    server.end()
    await quiet()
    const heads = [Buffer.from('first '), Buffer.from('greeting ')] as const
    const result = splice(a, b, { heads })
    expect(await Promise.all([textOf(server), textOf(client)])).toEqual(['first second', 'greeting more'])
    expect(await result).toMatchObject({ forward: 12, backward: 13 })
  })

  test('one head alone', async () => {
    const { client, server, result } = line({ heads: [undefined, Buffer.from('hello')] })
    client.end()
    server.end()
    expect(await Promise.all([textOf(client), textOf(server)])).toEqual(['hello', ''])
    expect(await result).toMatchObject({ forward: 0, backward: 5 })
  })

  test('a side that does not read stops the other, in bounded memory, and nothing is lost', async () => {
    const { client, server, a, b, result } = line()
    const chunk = Buffer.alloc(16_384, 'x')
    const count = 1_024
    let sent = 0
    const pouring = (async () => {
      for (; sent < count; sent++) await client.send(chunk)
      client.end()
    })()
    await quiet()
    await quiet()
    // The mark and one chunk on the way out, and the sender's own.
    expect(b.buffered).toBeLessThanOrEqual(defaultHighWaterMark + chunk.length)
    expect(sent * chunk.length).toBeLessThanOrEqual(4 * defaultHighWaterMark)
    expect([a.state, b.state]).toEqual(['open', 'open'])
    // The other direction does not suffer.
    server.write('meanwhile')
    await read(client, 'meanwhile')
    let received = 0
    let peak = 0
    for await (const piece of server) {
      received += piece.length
      peak = Math.max(peak, b.buffered)
    }
    await pouring
    expect(received).toBe(count * chunk.length)
    expect(peak).toBeLessThanOrEqual(defaultHighWaterMark + chunk.length)
    server.end()
    expect(await textOf(client)).toBe('')
    expect(await result).toMatchObject({ forward: received, backward: 9, reason: { kind: 'remote' } })
  })

  test('the same bytes come out, whatever goes in and whoever pauses', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 90_000 }), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(sizes, sizes, fc.array(fc.boolean()), async (there, back, pauses) => {
        const { client, server, result } = line()
        const ends = [
          { from: client, to: server, sizes: there },
          { from: server, to: client, sizes: back },
        ]
        const totals = await Promise.all(
          ends.map(async ({ from, to, sizes: pieces }) => {
            const sending = (async () => {
              for (const [index, size] of pieces.entries()) await from.send(Buffer.alloc(size, index))
              from.end()
            })()
            const seen: number[] = []
            let total = 0
            for await (const piece of to) {
              if (pauses[total % (pauses.length || 1)]) await turn()
              for (const byte of new Set(piece)) if (seen.at(-1) !== byte) seen.push(byte)
              total += piece.length
            }
            await sending
            expect(seen).toEqual(pieces.map((_, index) => index))
            return total
          }),
        )
        expect(await result).toMatchObject({ forward: totals[0], backward: totals[1] })
      }),
      { numRuns: 40 },
    )
  })
})

describe('breaking', () => {
  test.each(['client', 'server'] as const)('a reset of the %s resets the other', async (who) => {
    const ends = line()
    ends.client.write('half a ')
    await read(ends.server, 'half a ')
    ends[who].destroy()
    const [near, far, peer] = who === 'client' ? [ends.a, ends.b, ends.server] : [ends.b, ends.a, ends.client]
    peer.handle({ onData() {} })
    const { reason, by } = await ends.result
    expect(by).toBe(near)
    expect(reason).toBe(await near.closed)
    const error = errorIn(await far.closed)
    expect(error).toBeInstanceOf(BrokenError)
    expect(error.cause).toBe(errorIn(reason))
    expect(error.message).toBe('Splice broken: Connection reset by peer')
    expect(errorIn(await peer.closed)).toBeInstanceOf(BrokenError)
  })

  test('a reset behind one end is a reset still', async () => {
    const { client, server, a, result } = line()
    server.handle({ onData() {}, onEnd() {} })
    client.write('all of it')
    client.end()
    await quiet()
    client.destroy()
    expect((await result).by).toBe(a)
    expect((await server.closed).kind).toBe('error')
  })

  test('whoever destroys one without an error breaks the other all the same', async () => {
    const { client, server, a, b, result } = line()
    for (const peer of [client, server]) peer.handle({ onData() {} })
    await quiet()
    a.destroy()
    expect(await result).toMatchObject({ reason: { kind: 'local' }, by: a })
    expect(errorIn(await b.closed).message).toBe('Splice broken: the other connection is closed')
    expect((await server.closed).kind).toBe('error')
  })

  test('a timeout of one ends the other', async () => {
    const { server, a, b, result } = line()
    server.handle({ onData() {} })
    await quiet()
    if (!(a instanceof ConnectionBase)) throw new Error('not of this house')
    a.abandon({ kind: 'timeout', phase: 'idle' })
    expect(await result).toMatchObject({ reason: { kind: 'timeout', phase: 'idle' }, by: a })
    expect(errorIn(await b.closed).message).toBe('Splice broken: idle timeout')
    expect((await server.closed).kind).toBe('error')
  })

  test('one that is closed already ends the other', async () => {
    const [, a] = pair()
    const [b, server] = pair()
    server.handle({ onData() {} })
    a.destroy()
    expect(await splice(a, b)).toMatchObject({ forward: 0, backward: 0, by: a })
    expect((await server.closed).kind).toBe('error')
  })

  test('a paused side hears of a reset when it is read again', async () => {
    const { client, server, a, result } = line()
    const blob = Buffer.alloc(2 * defaultHighWaterMark)
    client.write(blob)
    client.write(blob)
    await quiet()
    client.destroy()
    let received = 0
    await expect(
      (async () => {
        for await (const chunk of server) received += chunk.length
      })(),
    ).rejects.toThrow(BrokenError)
    expect(received).toBeGreaterThan(0)
    expect(await result).toMatchObject({ reason: { kind: 'error' }, by: a })
  })
})

describe('closing', () => {
  test('close of one closes both politely, behind what was carried', async () => {
    const { client, server, a, b, result } = line()
    client.write('the last')
    await quiet()
    const reading = Promise.all([textOf(server), textOf(client)])
    const closing = a.close()
    expect([a.state, b.state]).toEqual(['closing', 'closing'])
    expect(await reading).toEqual(['the last', ''])
    server.end()
    client.end()
    await closing
    expect(await result).toMatchObject({ forward: 8, reason: { kind: 'local' } })
    expect((await server.closed).kind).toBe('remote')
  })

  test('one that is closing already ends the other at once, and closes in its own grace', async () => {
    const [client, a] = pair()
    const [b, server] = pair()
    server.handle({ onData() {} })
    void a.close({ grace: 60_000 })
    const result = splice(a, b)
    expect([a.state, b.state]).toEqual(['closing', 'closed'])
    expect((await server.closed).kind).toBe('error')
    client.handle({ onData() {} })
    expect(await result).toMatchObject({ reason: { kind: 'local' }, by: a })
    expect((await client.closed).kind).toBe('remote')
  })

  async function listening(): Promise<{
    listener: Listener<ByteConnection>
    client: ByteConnection
    server: ByteConnection
    result: Promise<Spliced>
  }> {
    const [b, server] = pair()
    let result: Promise<Spliced> | undefined
    const name = `splice-${Math.random()}`
    const listener = await listenBytes(name, (a) => void (result = splice(a, b)))
    const client = await connectBytes(name)
    return { listener, client, server, result: result as unknown as Promise<Spliced> }
  }

  test('the shutdown of a listener closes both politely', async () => {
    const { listener, client, server, result } = await listening()
    client.write('hello')
    await read(server, 'hello')
    for (const peer of [client, server]) peer.handle({ onData() {} })
    await listener.close({ grace: 60_000 })
    expect(await result).toMatchObject({ forward: 5, reason: { kind: 'shutdown' } })
    expect([(await client.closed).kind, (await server.closed).kind]).toEqual(['remote', 'remote'])
  })

  test('and cuts both when the grace is over', async () => {
    const { listener, client, server, result } = await listening()
    let late = false
    const timer = setTimeout(() => (late = true), 3_000)
    await listener.close({ grace: 30 })
    await result
    clearTimeout(timer)
    expect(late).toBe(false)
    for (const peer of [client, server]) {
      peer.handle({ onData() {} })
      expect((await peer.closed).kind).toBe('error')
    }
  })
})

describe('letting go', () => {
  test('an abort ends the carrying and nothing else, and loses nothing', async () => {
    const controller = new AbortController()
    const { client, server, a, b, result } = line({ signal: controller.signal })
    client.write('before ')
    await read(server, 'before ')
    const reason = new Error('changed my mind')
    controller.abort(reason)
    await expect(result).rejects.toBe(reason)
    client.write('after')
    server.write('back')
    await quiet()
    expect([a.state, b.state]).toEqual(['open', 'open'])
    await Promise.all([read(a, 'after'), read(b, 'back')])
    const again = splice(a, b)
    client.end()
    server.end()
    expect(await Promise.all([textOf(server), textOf(client)])).toEqual(['', ''])
    expect((await again).reason.kind).toBe('remote')
  })

  test('a signal that has aborted already touches nothing', async () => {
    const [client, a] = pair()
    const [b] = pair()
    client.write('kept')
    const reason = new Error('too late')
    await expect(splice(a, b, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await read(a, 'kept')
  })

  test('an abort that nobody awaits ends nothing', async () => {
    const rejections: unknown[] = []
    const note = (error: unknown): void => void rejections.push(error)
    process.on('unhandledRejection', note)
    const controller = new AbortController()
    void line({ signal: controller.signal }).result
    void line({ signal: AbortSignal.abort() }).result
    controller.abort()
    await quiet()
    process.off('unhandledRejection', note)
    expect(rejections).toEqual([])
  })

  test('an abort behind the end changes nothing', async () => {
    const controller = new AbortController()
    const { client, server, result } = line({ signal: controller.signal })
    for (const peer of [client, server]) peer.handle({ onData() {} })
    client.end()
    expect((await result).reason.kind).toBe('remote')
    controller.abort()
    expect((await result).reason.kind).toBe('remote')
  })

  test('whoever handles one of them ends the splice, and the other is free', async () => {
    const { client, server, a, b, result } = line()
    client.write('one')
    await read(server, 'one')
    let seen = ''
    b.handle({ onData: (chunk) => void (seen += Buffer.from(chunk).toString()) })
    expect(await result).toMatchObject({ forward: 3, reason: { kind: 'handover' }, by: b })
    client.write('two')
    server.write('three')
    await read(a, 'two')
    await expect.poll(() => seen).toBe('three')
  })

  test('a connection is not spliced with itself', () => {
    const [a] = pair()
    expect(() => splice(a, a)).toThrow(TypeError)
  })
})
