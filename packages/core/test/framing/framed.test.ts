import { describe, expect, test } from 'vitest'

import type { ByteConnection, FramedConnection } from '../../src/connection.ts'
import { BusyError, LimitError } from '../../src/errors.ts'
import { lines } from '../../src/framing/lines.ts'
import { pair } from '../../src/memory.ts'

const turn = async (count = 5): Promise<void> => {
  for (; count > 0; count--) await new Promise((resolve) => setImmediate(resolve))
}
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

function framedPair(): { framed: FramedConnection<string>; stream: ByteConnection; far: ByteConnection } {
  const [stream, far] = pair()
  return { framed: lines(stream), stream, far }
}

async function collect(connection: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const line of connection) all.push(line)
  return all
}

async function remaining(connection: ByteConnection, head: Uint8Array): Promise<string> {
  const heard: Uint8Array[] = []
  connection.handle({ onData: (chunk) => void heard.push(chunk) }, head)
  await turn()
  return text(Buffer.concat(heard))
}

test('is the connection under it, seen in lines', async () => {
  const { framed, stream } = framedPair()
  expect(framed.reliable).toBe(true)
  expect(framed.localAddress).toBe(stream.localAddress)
  expect(framed.remoteAddress).toBe(stream.remoteAddress)
  expect(framed.closed).toBe(stream.closed)
  framed.write('ahoy')
  expect(framed.buffered).toBe(5)
  framed.destroy()
  expect([framed.state, stream.state]).toEqual(['closed', 'closed'])
})

test('takes the reader’s place of the stream while it is read itself', () => {
  const { framed, stream } = framedPair()
  framed.handle({ onData() {} })
  expect(() => stream[Symbol.asyncIterator]()).toThrow(BusyError)
})

test('leaves the stream to whoever handles it, with every byte that no reader got', async () => {
  const { framed, stream, far } = framedPair()
  far.write('one\ntwo\nthr')
  for await (const line of framed) if (line === 'one') break
  expect(await remaining(stream, Buffer.from('head '))).toBe('head two\nthr')
  expect(() => framed.unframe()).toThrow(BusyError)
})

test('a last line counts without its end', async () => {
  const { framed, far } = framedPair()
  far.write('one\ntwo')
  far.end()
  expect(await collect(framed)).toEqual(['one', 'two'])
})

test('a reader that pauses at each line hears each, and then the end', async () => {
  const { framed, far } = framedPair()
  far.write('one\ntwo\nthree')
  far.end()
  const heard: string[] = []
  framed.handle({
    onData(line) {
      heard.push(line)
      framed.pause()
    },
    onEnd: () => void heard.push('end'),
  })
  for (let lines = 1; lines <= 3; lines++) {
    await turn()
    expect(heard).toHaveLength(lines)
    framed.resume()
  }
  await turn()
  expect(heard).toEqual(['one', 'two', 'three', 'end'])
})

test('a line that is too long destroys the connection, after the lines before it', async () => {
  const [stream, far] = pair()
  const framed = lines(stream, { maxLength: 8 })
  far.write('short\nmuch too long\nnever')
  const heard: string[] = []
  const reading = (async () => {
    for await (const line of framed) heard.push(line)
  })()
  await expect(reading).rejects.toThrow(LimitError)
  expect(heard).toEqual(['short'])
  expect(await framed.closed).toMatchObject({ kind: 'error', error: { limit: 'maxLength' } })
  far.handle({ onData() {} })
  expect((await far.closed).kind).toBe('error')
})

test('a line that never ends stops at the limit, and a reader is told', async () => {
  const [stream, far] = pair()
  const framed = lines(stream, { maxLength: 100 })
  const reading = collect(framed)
  for (let index = 0; index < 200; index++) far.write('x')
  await expect(reading).rejects.toThrow(LimitError)
})

test('what cannot be framed is refused, and the connection goes on', async () => {
  const { framed, far } = framedPair()
  expect(() => framed.write('two\nlines')).toThrow(TypeError)
  await expect(framed.send('two\nlines')).rejects.toThrow(TypeError)
  framed.write('one line')
  expect(await remaining(far, Buffer.alloc(0))).toBe('one line\n')
})

test('keeps bytes as bytes while nobody reads', async () => {
  const { framed, far } = framedPair()
  far.write('x'.repeat(60_000))
  expect(far.write('x'.repeat(60_000))).toBe(false)
  await turn()
  expect(far.buffered).toBe(120_000)
  expect(framed.state).toBe('open')
})

describe('closing inside onData', () => {
  test.each(['close', 'destroy'] as const)('%s is the last line', async (act) => {
    const { framed, far } = framedPair()
    far.write('one\ntwo\nthree\n')
    const heard: string[] = []
    framed.handle({
      onData(line) {
        heard.push(line)
        void framed[act]()
      },
      onClose: () => void heard.push('closed'),
    })
    far.handle({ onData() {} })
    await framed.closed
    await turn()
    expect(heard).toEqual(['one', 'closed'])
  })
})

describe('unframe', () => {
  test('before anything was read gives everything', async () => {
    const { framed, stream, far } = framedPair()
    far.write('one\ntwo\n')
    await turn()
    const { connection, head } = framed.unframe()
    expect(connection).toBe(stream)
    expect(await remaining(connection, head)).toBe('one\ntwo\n')
  })

  test('inside onData gives what follows that line, in order, with what comes later', async () => {
    const { framed, far } = framedPair()
    far.write('upgrade\nbinary\nmore')
    const heard: string[] = []
    const rest = new Promise<string>((resolve) => {
      framed.handle({
        onData(line) {
          heard.push(line)
          const { connection, head } = framed.unframe()
          expect(text(head)).toBe('binary\nmore')
          far.write(' and more')
          void remaining(connection, head).then(resolve)
        },
        onClose: () => void heard.push('closed'),
      })
    })
    expect(await rest).toBe('binary\nmore and more')
    far.destroy()
    await turn()
    expect(heard).toEqual(['upgrade'])
  })

  test('in a loop, at the line that asks for it, keeps every byte', async () => {
    for (const cut of ['upgrade\nbinary\nmore'.length, 3, 8, 9, 12]) {
      const whole = 'hello\nupgrade\nbinary\nmore'
      const { framed, far } = framedPair()
      far.write(whole.slice(0, cut))
      void turn(3).then(() => far.write(whole.slice(cut)))
      for await (const line of framed) if (line === 'upgrade') break
      const { connection, head } = framed.unframe()
      await turn()
      expect(await remaining(connection, head), `cut at ${cut}`).toBe('binary\nmore')
    }
  })

  test('between two reads keeps a line that was cut and not read', async () => {
    const { framed, far } = framedPair()
    far.write('one\ntwo\nthree\n')
    const iterator = framed[Symbol.asyncIterator]()
    expect((await iterator.next()).value).toBe('one')
    await turn()
    await iterator.return?.()
    const { connection, head } = framed.unframe()
    expect(await remaining(connection, head)).toBe('two\nthree\n')
  })

  test('at the end of the stream passes the end on', async () => {
    const { framed, far } = framedPair()
    far.write('one\nrest')
    far.end()
    for await (const line of framed) if (line === 'one') break
    await turn()
    const { connection, head } = framed.unframe()
    const heard: string[] = []
    connection.handle(
      { onData: (chunk) => void heard.push(text(chunk)), onEnd: () => void heard.push('end') },
      head,
    )
    await turn()
    expect(heard).toEqual(['rest', 'end'])
  })

  test('with nothing left gives an empty head', async () => {
    const { framed, far } = framedPair()
    far.write('one\n')
    for await (const line of framed) if (line === 'one') break
    const { connection, head } = framed.unframe()
    expect(head).toHaveLength(0)
    const heard: number[] = []
    connection.handle({ onData: (chunk) => void heard.push(chunk.length) }, head)
    far.write('abc')
    await turn()
    expect(heard.filter((length) => length > 0)).toEqual([3])
  })

  test('is done once', () => {
    const { framed } = framedPair()
    framed.unframe()
    expect(() => framed.unframe()).toThrow(BusyError)
  })

  test('may be framed again', async () => {
    const { framed, far } = framedPair()
    far.write('one\ntwo\nthr')
    for await (const line of framed) if (line === 'one') break
    const { connection, head } = framed.unframe()
    connection.handle({ onData() {} }, head)
    connection.pause()
    const again = lines(connection)
    far.write('ee\n')
    far.end()
    expect(await collect(again)).toEqual(['two', 'three'])
  })
})

test('an unframed stream may be iterated', async () => {
  const { framed, far } = framedPair()
  far.write('one\ntwo')
  for await (const line of framed) {
    expect(line).toBe('one')
    break
  }
  const { connection, head } = framed.unframe()
  expect(text(head)).toBe('two')
  far.write('three')
  far.end()
  const rest: Uint8Array[] = []
  for await (const chunk of connection) rest.push(chunk)
  expect(text(Buffer.concat(rest))).toBe('three')
})

test('a handler that is put in while lines wait hears them all, the end and the close', async () => {
  const { framed, far } = framedPair()
  const heard: string[] = []
  const next = {
    onData: (line: string) => void heard.push(line),
    onEnd: () => void heard.push('END'),
    onClose: () => void heard.push('CLOSE'),
  }
  framed.handle({
    onData(line) {
      heard.push(line)
      framed.handle(next)
    },
  })
  far.write('a\nb\nc\n')
  far.end()
  await turn()
  expect(heard).toEqual(['a', 'b', 'c', 'END'])
  far.handle({ onData() {} })
  await framed.close()
  await turn()
  expect(heard.at(-1)).toBe('CLOSE')
})

test('unframing inside a message loses nothing of what comes later', async () => {
  const { framed, far } = framedPair()
  const heard: Uint8Array[] = []
  framed.handle({
    onData() {
      framed.pause()
      const { connection, head } = framed.unframe()
      connection.handle({ onData: (chunk) => void heard.push(chunk) }, head)
    },
  })
  far.write('START\nbin1 ')
  await turn()
  far.write('bin2')
  await turn()
  expect(text(Buffer.concat(heard))).toBe('bin1 bin2')
})

test('unframing ends a read that waits', async () => {
  const { framed } = framedPair()
  const waiting = framed[Symbol.asyncIterator]().next()
  await turn()
  framed.unframe()
  expect(await waiting).toEqual({ value: undefined, done: true })
})

test('an orderly close waits behind lines that a paused handler has not heard', async () => {
  const { framed, stream, far } = framedPair()
  const heard: string[] = []
  framed.handle({
    onData(line) {
      heard.push(line)
      framed.pause()
    },
    onEnd: () => void heard.push('END'),
    onClose: ({ kind }) => heard.push(`CLOSE ${kind}`),
  })
  stream.end()
  far.handle({ onData() {} })
  far.write('one\nlast')
  far.end()
  await turn()
  expect(heard).toEqual(['one'])
  framed.resume()
  await turn()
  expect(heard).toEqual(['one', 'last'])
  framed.resume()
  await turn()
  expect(heard).toEqual(['one', 'last', 'END', 'CLOSE local'])
})

test('without its framing it is not iterated', () => {
  const { framed } = framedPair()
  framed.unframe()
  expect(() => framed[Symbol.asyncIterator]()).toThrow(BusyError)
})
