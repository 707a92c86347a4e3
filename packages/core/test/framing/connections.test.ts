import { describe, expect, test } from 'vitest'

import type { ByteConnection, FramedConnection } from '../../src/connection.ts'
import { LimitError, ProtocolError } from '../../src/errors.ts'
import { delimited, jsonLines, lengthPrefixed, lines, netstrings } from '../../src/framing.ts'
import { pair } from '../../src/memory.ts'

/** A framing on a connection, as seen by a test that knows its bytes. */
interface Case {
  title: string
  frame: (connection: ByteConnection, maxLength: number) => FramedConnection<unknown>
  /** Messages, and what they are on the wire. */
  messages: unknown[]
  wire: string
  /** The beginning of a further one. */
  partial: string
  /** What an end behind the beginning is: an error, or the last message. */
  end: typeof ProtocolError | string
  /** Too long for a `maxLength` of 8. */
  tooLong: string
  /** What no message of this framing can be. */
  unsendable: unknown
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))

const cases: Case[] = [
  {
    title: 'lines',
    frame: (connection, maxLength) => lines(connection, { maxLength }),
    messages: ['one', '', 'three'],
    wire: 'one\n\nthree\n',
    partial: 'fou',
    end: 'fou',
    tooLong: '1234567890',
    unsendable: 'a\nb',
  },
  {
    title: 'jsonLines',
    frame: (connection, maxLength) => jsonLines(connection, { maxLength }),
    messages: [{ a: 1 }, null, 'three'],
    wire: '{"a":1}\nnull\n"three"\n',
    partial: '42',
    end: '42',
    tooLong: '1234567890',
    unsendable: undefined,
  },
  {
    title: 'delimited',
    frame: (connection, maxLength) => delimited(connection, { delimiter: '\0\0', maxLength }),
    messages: [bytes('one'), bytes(''), bytes('three')],
    wire: 'one\0\0\0\0three\0\0',
    partial: 'four\0',
    end: ProtocolError,
    tooLong: '123456789\0',
    unsendable: bytes('a\0'),
  },
  {
    title: 'lengthPrefixed',
    frame: (connection, maxLength) => lengthPrefixed(connection, { maxLength }),
    messages: [bytes('one'), bytes(''), bytes('three')],
    wire: '\0\0\0\x03one\0\0\0\0\0\0\0\x05three',
    partial: '\0\0\0\x05fo',
    end: ProtocolError,
    tooLong: '\0\0\0\x09',
    unsendable: 'text',
  },
  {
    title: 'netstrings',
    frame: (connection, maxLength) => netstrings(connection, { maxLength }),
    messages: [bytes('one'), bytes(''), bytes('three')],
    wire: '3:one,0:,5:three,',
    partial: '4:fo',
    end: ProtocolError,
    tooLong: '9',
    unsendable: 'text',
  },
]

async function collect<M>(source: AsyncIterable<M>, into: M[] = []): Promise<M[]> {
  for await (const message of source) into.push(message)
  return into
}

describe.each(cases)('$title', ({ frame, messages, wire, partial, end, tooLong, unsendable }) => {
  test('sends and is iterated', async () => {
    const [here, there] = pair()
    const near = frame(here, 100)
    const far = frame(there, 100)
    const reading = collect(far)
    for (const message of messages) await near.send(message)
    here.end()
    expect(await reading).toEqual(messages)
    near.handle({ onData() {} })
    await far.close()
    expect((await near.closed).kind).toBe('local')
  })

  test('has its own bytes on the wire', async () => {
    const [here, there] = pair()
    const near = frame(here, 100)
    for (const message of messages) near.write(message)
    here.end()
    expect(Buffer.concat(await collect(there)).toString('latin1')).toBe(wire)
  })

  test('what cannot be sent is refused, and the connection goes on', async () => {
    const [here, there] = pair()
    const near = frame(here, 100)
    expect(() => near.write(unsendable)).toThrow(TypeError)
    await expect(near.send(unsendable)).rejects.toThrow(TypeError)
    await near.send(messages[0])
    here.end()
    expect(await collect(frame(there, 100))).toEqual([messages[0]])
  })

  test('a message that is too long destroys the connection, after those before it', async () => {
    const [here, there] = pair()
    there.write(`${wire}${tooLong}`, 'latin1')
    const framed = frame(here, 8)
    const heard: unknown[] = []
    await expect(collect(framed, heard)).rejects.toThrow(LimitError)
    expect(heard).toEqual(messages)
    expect(await framed.closed).toMatchObject({ kind: 'error', error: { limit: 'maxLength' } })
    expect((await there.closed).kind).toBe('error')
  })

  test('an end in mid-message', async () => {
    const [here, there] = pair()
    there.write(`${wire}${partial}`, 'latin1')
    there.end()
    const framed = frame(here, 100)
    const heard: unknown[] = []
    if (typeof end === 'string') {
      await collect(framed, heard)
      expect(heard.splice(messages.length).map(String)).toEqual([end])
    } else {
      await expect(collect(framed, heard)).rejects.toThrow(end)
      const error = { side: 'remote', message: 'Cannot read message: stream ended inside it' }
      expect(await framed.closed).toMatchObject({ kind: 'error', error })
    }
    expect(heard).toEqual(messages)
  })

  test('unframe gives back exactly what is no message yet, wherever the input was cut', async () => {
    const whole = wire + partial
    for (let cut = 0; cut <= whole.length; cut++) {
      const [here, there] = pair()
      const framed = frame(here, 100)
      const heard: unknown[] = []
      const taken = new Promise<ReturnType<typeof framed.unframe>>((resolve) => {
        framed.handle({
          onData(message) {
            heard.push(message)
            if (heard.length === messages.length) resolve(framed.unframe())
          },
        })
      })
      there.write(whole.slice(0, cut), 'latin1')
      await new Promise((resolve) => setImmediate(resolve))
      there.write(`${whole.slice(cut)} and more`, 'latin1')
      const { connection, head } = await taken
      const rest: Uint8Array[] = []
      const ended = new Promise<void>((resolve) => {
        connection.handle({ onData: (chunk) => void rest.push(chunk), onEnd: resolve }, head)
      })
      there.end()
      await ended
      expect(heard).toEqual(messages)
      expect(Buffer.concat(rest).toString('latin1'), `cut at ${cut}`).toBe(`${partial} and more`)
    }
  })

  test('a peer that breaks off is an error, not an end', async () => {
    const [here, there] = pair()
    const reading = collect(frame(here, 100))
    there.write(`${wire}${partial}`, 'latin1')
    there.destroy()
    await expect(reading).rejects.toThrow('reset')
  })
})

test.each(cases)('$title: messages of 1 MiB go through whole', async ({ title, frame }) => {
  const text = 'x'.repeat(1024 * 1024 - 2)
  const large = title === 'lines' || title === 'jsonLines' ? text : bytes(text)
  const [here, there] = pair()
  const near = frame(here, 1024 * 1024)
  const received: unknown[] = []
  const reading = collect(frame(there, 1024 * 1024), received)
  for (const message of [large, large]) await near.send(message)
  here.end()
  await reading
  expect(received).toHaveLength(2)
  for (const message of received) expect(Buffer.from(message as string).equals(Buffer.from(text))).toBe(true)
})

test('pieces of a large message leave together, and in order with small ones', async () => {
  const [here, there] = pair()
  const near = lengthPrefixed(here)
  const sizes = [10, 100_000, 0, 5_000, 4_096, 4_097]
  for (const [index, size] of sizes.entries()) near.write(new Uint8Array(size).fill(index))
  here.end()
  const received = await collect(lengthPrefixed(there))
  expect(received.map((message) => message.length)).toEqual(sizes)
  for (const [index, message] of received.entries()) expect(new Set(message).size).toBe(sizes[index] ? 1 : 0)
})

test('pieces that cannot be written leave the connection uncorked', async () => {
  const [here] = pair()
  const near = lengthPrefixed(here)
  let corks = 0
  const { cork, uncork } = here
  here.cork = () => {
    corks++
    cork.call(here)
  }
  here.uncork = () => {
    corks--
    uncork.call(here)
  }
  here.end()
  expect(() => near.write(new Uint8Array(100_000))).toThrow('Cannot write: ')
  expect(corks).toBe(0)
})
