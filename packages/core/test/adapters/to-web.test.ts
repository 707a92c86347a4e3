import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { BrokenError, ClosedError, SocketError } from '../../src/errors.ts'
import { pair } from '../../src/memory.ts'
import { toWeb } from '../../src/web.ts'
import { failureOf, fill, joined, pattern, textOf, turn } from './bytes.ts'

const spite = new Error('out of spite')

/** A socket, and the other end of its connection. */
function ends() {
  const [here, there] = pair()
  return { connection: here, socket: toWeb(here), there }
}

describe('what a socket says of itself', () => {
  test('is resolved at once', async () => {
    const { connection, socket } = ends()
    const name = (address: typeof connection.localAddress) => address.kind === 'memory' && address.name
    expect(await socket.opened).toEqual({
      localAddress: `memory:${name(connection.localAddress)}`,
      remoteAddress: `memory:${name(connection.remoteAddress)}`,
      alpn: null,
    })
    expect(socket).toMatchObject({ upgraded: false, secureTransport: 'off' })
    expect(() => socket.startTls()).toThrow(SocketError)
  })

  test('tells of TLS', async () => {
    const [here] = pair()
    Object.defineProperty(here, 'tls', { value: { protocol: 'TLSv1.3', alpn: 'imap', authorized: true } })
    const socket = toWeb(here)
    expect(socket.secureTransport).toBe('on')
    expect((await socket.opened).alpn).toBe('imap')
  })
})

describe('bytes', () => {
  test('are whole both ways, however they are split', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3_000), { maxLength: 30 }), fc.boolean(), async (sizes, late) => {
        const { socket, there } = ends()
        const writer = socket.writable.getWriter()
        let size = 0
        const sent: Promise<void>[] = []
        for (const length of sizes) {
          sent.push(writer.write(pattern(length, size)))
          there.write(pattern(length, size))
          size += length
          if (late) await turn()
        }
        sent.push(writer.close())
        there.end()
        const [far, near] = await Promise.all([joined(there), joined(socket.readable), ...sent])
        expect(far.equals(pattern(size))).toBe(true)
        expect(near.equals(pattern(size))).toBe(true)
        await socket.closed
      }),
      { numRuns: 25 },
    )
  })

  test('may be written as text', async () => {
    const { socket, there } = ends()
    const writer = socket.writable.getWriter()
    await writer.write('ahøy')
    await writer.close()
    expect(await textOf(there)).toBe('ahøy')
  })

  test('go through a compression and back', async () => {
    const { socket, there } = ends()
    const far = toWeb(there)
    const data = pattern(500_000)
    const source = new Blob([data]).stream().pipeThrough(new CompressionStream('gzip'))
    const [unpacked] = await Promise.all([
      joined(far.readable.pipeThrough(new DecompressionStream('gzip'))),
      source.pipeTo(socket.writable),
    ])
    expect(unpacked.equals(data)).toBe(true)
    await far.writable.close()
    expect(await textOf(socket.readable)).toBe('')
    await Promise.all([socket.closed, far.closed])
  })

  test('that are none destroy the connection: what came before must not look whole', async () => {
    const { socket, there } = ends()
    const writer = socket.writable.getWriter()
    await expect(writer.write(5 as never)).rejects.toThrow(TypeError)
    await expect(joined(there)).rejects.toThrow(BrokenError)
    await expect(socket.closed).rejects.toThrow('neither bytes nor text')
  })
})

describe('back-pressure', () => {
  test('stops the peer of a slow reader, and loses nothing', async () => {
    const { socket, there } = ends()
    const size = await fill(there)
    // What the stream holds, what the other end holds, and a piece each.
    expect(size).toBeLessThan(2 * 64 * 1024 + 2 * 4_096 + 1)
    there.end()
    expect((await joined(socket.readable)).equals(pattern(size))).toBe(true)
  })

  test('stops a writer whose peer does not read, until it does', async () => {
    const { connection, socket, there } = ends()
    const writer = socket.writable.getWriter()
    let taken = 0
    const pouring = (async () => {
      for (; taken < 1_000_000; taken += 10_000) {
        await writer.ready
        void writer.write(pattern(10_000, taken))
      }
      await writer.close()
    })()
    await turn(50)
    expect(taken).toBeLessThan(100_000)
    expect(connection.buffered).toBeLessThan(64 * 1024 + 10_000)
    expect((await joined(there)).equals(pattern(1_000_000))).toBe(true)
    await pouring
  })
})

describe('half-close', () => {
  test('the end of reading leaves writing open', async () => {
    const { connection, socket, there } = ends()
    there.end()
    expect(await textOf(socket.readable)).toBe('')
    expect(connection.state).toBe('open')
    const writer = socket.writable.getWriter()
    await writer.write('after all')
    await writer.close()
    expect(await textOf(there)).toBe('after all')
    await socket.closed
    expect(await connection.closed).toEqual({ kind: 'remote' })
  })

  test('the end of writing leaves reading open', async () => {
    const { connection, socket, there } = ends()
    await socket.writable.close()
    expect(await textOf(there)).toBe('')
    there.write('after all')
    there.end()
    expect(await textOf(socket.readable)).toBe('after all')
    await socket.closed
    expect(await connection.closed).toEqual({ kind: 'local' })
  })
})

describe('cancel', () => {
  test('discards input and leaves writing open; closing that closes the connection', async () => {
    const { connection, socket, there } = ends()
    await fill(there)
    await socket.readable.cancel('enough')
    await there.send(pattern(100_000))
    expect(connection.state).toBe('open')
    const reading = textOf(there)
    const writer = socket.writable.getWriter()
    await writer.write('still here')
    void writer.close()
    expect(await reading).toBe('still here')
    expect(connection.state).toBe('closing')
    void there.close()
    await socket.closed
    expect(await connection.closed).toEqual({ kind: 'local' })
  })

  test('after the end of writing closes the connection', async () => {
    const { connection, socket, there } = ends()
    await socket.writable.close()
    await socket.readable.cancel()
    expect(connection.state).toBe('closing')
    expect(await textOf(there)).toBe('')
    void there.close()
    await socket.closed
  })

  test('with a read under way ends that', async () => {
    const { socket, there } = ends()
    const reader = socket.readable.getReader()
    const read = reader.read()
    await reader.cancel()
    expect(await read).toEqual({ value: undefined, done: true })
    there.write('late')
    await turn(3)
    there.destroy()
    await expect(socket.closed).rejects.toThrow(BrokenError)
  })

  test('after a close, an end or a reset changes nothing', async () => {
    for (const act of ['close', 'end', 'destroy'] as const) {
      const { socket, there } = ends()
      if (act === 'close') void socket.close()
      else there[act]()
      await turn(3)
      await socket.readable.cancel().catch((error: unknown) => expect(error).toBeInstanceOf(BrokenError))
    }
  })
})

describe('abort', () => {
  const phases: Record<string, (setting: ReturnType<typeof ends>) => unknown> = {
    'nothing was written': () => {},
    'something was read': async ({ socket, there }) => {
      there.write('x')
      const reader = socket.readable.getReader()
      await reader.read()
      reader.releaseLock()
    },
    'a write waits for a peer that does not read': ({ connection }) => fill(connection),
    'the peer has ended': async ({ socket, there }) => {
      there.end()
      await textOf(socket.readable)
    },
    'reading was cancelled': ({ socket }) => socket.readable.cancel(),
  }

  test.each(Object.entries(phases))('when %s destroys the connection, at once', async (_, prepare) => {
    const setting = ends()
    const { connection, socket, there } = setting
    await prepare(setting)
    const writer = socket.writable.getWriter()
    const writes = Promise.allSettled([writer.write('x'), writer.write('y')])
    const aborted = writer.abort(spite)
    const reason = await connection.closed
    expect(reason).toMatchObject({
      kind: 'error',
      error: { message: 'Output aborted: out of spite', cause: spite },
    })
    await expect(socket.closed).rejects.toBe(reason.kind === 'error' && reason.error)
    await aborted.catch((error: unknown) => expect(SocketError.is(error)).toBe(true))
    expect((await writes)[1]).toEqual({ status: 'rejected', reason: spite })
    await expect(writer.write('late')).rejects.toBe(spite)
    await expect(joined(there)).rejects.toThrow(BrokenError)
  })

  test('without a reason, or with one that is no error, does the same', async () => {
    for (const why of [undefined, 'enough', null]) {
      const { socket } = ends()
      await socket.writable.abort(why)
      await expect(socket.closed).rejects.toThrow(/^Output aborted: /)
      await expect(textOf(socket.readable)).rejects.toThrow(SocketError)
    }
  })

  test('an error further up a pipe arrives as a reset', async () => {
    const { socket, there } = ends()
    const source = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(spite) })
    await expect(source.pipeTo(socket.writable)).rejects.toBe(spite)
    await expect(joined(there)).rejects.toThrow(BrokenError)
  })
})

describe('a reset', () => {
  test('is told once to each who waits, as a SocketError', async () => {
    const { connection, socket, there } = ends()
    const reader = socket.readable.getReader()
    const writer = socket.writable.getWriter()
    const read = reader.read()
    there.destroy()
    const error = await failureOf(read)
    expect(error).toBeInstanceOf(BrokenError)
    for (const promise of [
      socket.closed,
      reader.closed,
      writer.closed,
      reader.read(),
      writer.write('late'),
    ]) {
      expect(await failureOf(promise)).toBe(error)
    }
    expect(await connection.closed).toEqual({ kind: 'error', error })
  })

  test('reaches a writer that waits for room', async () => {
    const { connection, socket, there } = ends()
    await fill(connection)
    const writer = socket.writable.getWriter()
    const writes = [writer.write('x'), writer.write('y'), writer.close()]
    await turn()
    there.destroy()
    for (const write of writes) expect(SocketError.is(await failureOf(write))).toBe(true)
  })

  test('does not touch what was read to its end before', async () => {
    const { socket, there } = ends()
    there.write('whole')
    there.end()
    await turn(5)
    there.destroy()
    await turn(5)
    expect(await textOf(socket.readable)).toBe('whole')
  })

  test('that nobody awaits ends nothing', async () => {
    const { socket, there } = ends()
    socket.readable.getReader()
    socket.writable.getWriter()
    there.destroy()
    await turn(5)
    const error = await failureOf(socket.closed)
    expect(error).toBeInstanceOf(BrokenError)
  })
})

describe('close', () => {
  test('sends what was written, ends reading and refuses further writing', async () => {
    const { connection, socket, there } = ends()
    const reader = socket.readable.getReader()
    const writer = socket.writable.getWriter()
    await writer.write('last words')
    const closed = socket.close()
    expect(closed).toBe(socket.closed)
    expect(connection.state).toBe('closing')
    expect((await reader.read()).done).toBe(true)
    await expect(writer.write('late')).rejects.toThrow(ClosedError)
    expect(await textOf(there)).toBe('last words')
    there.end()
    await closed
    expect(socket.close()).toBe(closed)
  })

  test('gives its reason to whoever writes', async () => {
    const { socket } = ends()
    const writer = socket.writable.getWriter()
    void socket.close(spite)
    await expect(writer.write('late')).rejects.toBe(spite)
    await expect(writer.closed).rejects.toBe(spite)
  })

  test('resolves when the peer never ends and the grace runs out', async () => {
    const { connection, socket } = ends()
    void connection.close({ grace: 10 })
    await socket.closed
    expect(await connection.closed).toEqual({ kind: 'timeout', phase: 'close' })
  })

  test('rejects when a deadline passed', async () => {
    const { connection, socket } = ends()
    ;(connection as unknown as { abandon(reason: object): void }).abandon({ kind: 'timeout', phase: 'write' })
    await expect(socket.closed).rejects.toMatchObject({ code: 'ERR_FAIRLEAD_TIMEOUT', phase: 'write' })
    await expect(textOf(socket.readable)).rejects.toThrow('Connection closed: write timeout')
  })

  test('of the connection ends the streams', async () => {
    const { connection, socket, there } = ends()
    const writer = socket.writable.getWriter()
    void there.close()
    await connection.close()
    expect(await textOf(socket.readable)).toBe('')
    await expect(writer.closed).rejects.toThrow(ClosedError)
    await socket.closed
  })
})

test('a handler that takes over ends reading, and is told the rest', async () => {
  const { connection, socket, there } = ends()
  const reader = socket.readable.getReader()
  there.write('one')
  expect(Buffer.from((await reader.read()).value!).toString()).toBe('one')
  const texts: string[] = []
  connection.handle({ onData: (data) => void texts.push(Buffer.from(data).toString()) })
  there.write('two')
  expect((await reader.read()).done).toBe(true)
  await expect.poll(() => texts).toEqual(['two'])
})
