import { messagePair } from '@fairlead/core/memory'
import * as websocket from '@fairlead/ws-bridge'
import { toWebSocketStream, WebSocketError, WebSocketStream } from '@fairlead/ws-bridge/web'
import { describe, expect, onTestFinished, test } from 'vitest'

import { gate, meet, portOf, read, urlOf, wait } from './harness.ts'
import { meetRaw } from './meet-raw.ts'
import { closeFrame, frame, opcodes } from './raw.ts'

type Both = websocket.WebSocketConnection<string | Uint8Array>

/** A stream, and the connection at its other end. */
async function visit(options: Partial<websocket.WebSocketListenOptions<'both'>> = {}) {
  const { promise, open } = gate<Both>()
  const given = { port: 0, messages: 'both', ...options } as const
  const listener = await websocket.listen<'both'>(given, open)
  onTestFinished(() => listener.close({ grace: 0 }))
  const stream = new WebSocketStream(urlOf(listener))
  const { readable, writable, ...info } = await stream.opened
  const [reader, writer] = [readable.getReader(), writable.getWriter()]
  reader.closed.catch(() => {})
  writer.closed.catch(() => {})
  return { listener, stream, readable, writable, info, reader, writer, peer: await promise }
}

/** A server's stream, and a raw peer. */
async function visitRaw() {
  const met = await meetRaw<'both'>({ messages: 'both' }, () => {})
  onTestFinished(() => met.server.close({ grace: 0 }))
  const stream = toWebSocketStream(met.connection)
  const { readable, writable } = await stream.opened
  const [reader, writer] = [readable.getReader(), writable.getWriter()]
  reader.closed.catch(() => {})
  writer.closed.catch(() => {})
  return { ...met, stream, reader, writer }
}

async function drain<T>(reader: ReadableStreamDefaultReader<T>): Promise<T[]> {
  const all: T[] = []
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return all
    all.push(value)
  }
}

/** Heard from now on: it may fail before it is awaited. */
function fails(promise: Promise<unknown>, expected: object): Promise<void> {
  return expect(promise).rejects.toMatchObject(expected)
}

/** Whether a promise is settled once everything else had its turn. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  const mark = (): void => void (done = true)
  promise.then(mark, mark)
  await wait(10)
  return done
}

const abnormal = { name: 'WebSocketError', closeCode: 1006, reason: '' }

test('text is strings and what is binary is bytes, both ways, and the server may be piped', async () => {
  const given = { port: 0, messages: 'both', protocols: ['chat'] } as const
  await using listener = await websocket.listen<'both'>(given, async (connection) => {
    const { readable, writable, protocol } = await toWebSocketStream(connection).opened
    expect(protocol).toBe('chat')
    await readable.pipeTo(writable)
  })
  const stream = new WebSocketStream(urlOf(listener), { protocols: ['other', 'chat'] })
  const { readable, writable, extensions, protocol } = await stream.opened
  expect({ extensions, protocol }).toEqual({ extensions: '', protocol: 'chat' })
  const [reader, writer] = [readable.getReader(), writable.getWriter()]
  const bytes = Uint8Array.of(0, 1, 2, 255)
  const views = [bytes, bytes.buffer, new DataView(bytes.buffer, 1, 2), new Uint16Array(bytes.buffer)]
  for (const chunk of ['ahoi 🚢', '', new Uint8Array(0), ...views]) void writer.write(chunk)
  const expected = ['ahoi 🚢', '', [], [0, 1, 2, 255], [0, 1, 2, 255], [1, 2], [0, 1, 2, 255]]
  for (const each of expected) {
    const { value } = await reader.read()
    expect(typeof value === 'string' ? value : [...(value as Uint8Array)]).toEqual(each)
  }
  await writer.close()
  expect(await reader.read()).toEqual({ done: true, value: undefined })
  expect(await stream.closed).toEqual({ closeCode: 1000, reason: '' })
})

test('compression shows in extensions', async () => {
  const given = { port: 0, compression: true, messages: 'both' } as const
  await using listener = await websocket.listen<'both'>(given, () => ({ onData() {} }))
  const stream = new WebSocketStream(urlOf(listener), { compression: true })
  expect(await stream.opened).toMatchObject({ extensions: 'permessage-deflate' })
  stream.close()
  await stream.closed
})

test('url is canonical, and tells no password', async () => {
  await using listener = await websocket.listen({ port: 0 }, () => ({ onData() {} }))
  const port = portOf(listener)
  const stream = new WebSocketStream(`HTTP://user:secret@127.0.0.1:${port}/a/../b?c#d`)
  expect(stream.url).toBe(`ws://127.0.0.1:${port}/b?c`)
  await stream.opened
  stream.close()
  await stream.closed
  expect(new WebSocketStream(new URL('ws://127.0.0.1:1')).url).toBe('ws://127.0.0.1:1/')
})

describe('closing', () => {
  test.each([
    [undefined, { closeCode: 1000, reason: '' }],
    [{}, { closeCode: 1000, reason: '' }],
    [{ reason: 'enough' }, { closeCode: 1000, reason: 'enough' }],
    [
      { closeCode: 3456, reason: 'pizza' },
      { closeCode: 3456, reason: 'pizza' },
    ],
    [{ closeCode: 4999 }, { closeCode: 4999, reason: '' }],
    [
      { closeCode: 1011, reason: 'x'.repeat(123) },
      { closeCode: 1011, reason: 'x'.repeat(123) },
    ],
  ])('with %j tells the peer so', async (info, expected) => {
    const { stream, peer, reader, writer } = await visit()
    const heard = read(peer)
    await writer.write('before')
    stream.close(info)
    stream.close({ closeCode: 4000 })
    expect(await stream.closed).toEqual(expected)
    expect(await heard).toEqual(['before'])
    const { closeCode: code, reason: text } = expected
    expect(await peer.closed).toEqual({ kind: 'remote', code, ...(text === '' ? {} : { text }) })
    expect(await drain(reader)).toEqual([])
    await expect(writer.write('late')).rejects.toThrow('Cannot write: connection is closed')
  })

  test.each([
    [{ closeCode: 999 }, RangeError],
    [{ closeCode: 1005 }, RangeError],
    [{ closeCode: 1006 }, RangeError],
    [{ closeCode: 2999 }, RangeError],
    [{ closeCode: 5000 }, RangeError],
    [{ closeCode: 1000.5 }, RangeError],
    [{ reason: 'ä'.repeat(62) }, RangeError],
    [{ reason: 7 as unknown as string }, TypeError],
    [true as unknown as object, TypeError],
  ])('with %j is refused', async (info, kind) => {
    const { stream, peer } = await visit()
    expect(() => stream.close(info)).toThrow(kind)
    expect(peer.state).toBe('open')
    expect(await settled(stream.closed)).toBe(false)
  })

  test('by the peer ends what can be read behind its last message, and what can be written', async () => {
    const { stream, peer, reader, writer } = await visit()
    void peer.send('last')
    void peer.close({ code: 4001, text: 'bye' })
    expect(await drain(reader)).toEqual(['last'])
    expect(await stream.closed).toEqual({ closeCode: 4001, reason: 'bye' })
    await expect(writer.write('late')).rejects.toThrow('Cannot write: connection is closed')
  })

  test('by a Close frame without a code is 1005', async () => {
    const { stream, raw, reader } = await visitRaw()
    raw.write(frame(opcodes.close))
    raw.connection.end()
    expect(await stream.closed).toEqual({ closeCode: 1005, reason: '' })
    expect(await drain(reader)).toEqual([])
  })

  test('by the shutdown of the server is 1001', async () => {
    const { stream, listener, reader } = await visit()
    await listener.close()
    expect(await stream.closed).toEqual({ closeCode: 1001, reason: '' })
    expect(await drain(reader)).toEqual([])
  })

  test('the writer resolves when the peer has answered, and has all that was written', async () => {
    const { stream, raw, writer } = await visitRaw()
    void writer.write('a')
    void writer.write(Uint8Array.of(1))
    const closing = writer.close()
    expect([await raw.frame(), await raw.frame(), await raw.frame()]).toMatchObject([
      { opcode: opcodes.text, text: 'a' },
      { opcode: opcodes.binary },
      { opcode: opcodes.close, code: 1000 },
    ])
    expect(await settled(closing)).toBe(false)
    raw.write(closeFrame(1000))
    raw.connection.end()
    await closing
    expect(await stream.closed).toEqual({ closeCode: 1000, reason: '' })
  })

  test.each([
    [
      'the writer with a WebSocketError',
      'abort',
      new WebSocketError('', { closeCode: 4001, reason: 'why' }),
      4001,
    ],
    [
      'the reader with a WebSocketError',
      'cancel',
      new WebSocketError('', { closeCode: 4001, reason: 'why' }),
      4001,
    ],
    ['the writer with one of another make', 'abort', { name: 'WebSocketError', closeCode: 3000 }, 3000],
    ['the reader with a reason alone', 'cancel', new WebSocketError('', { reason: 'why' }), 1000],
    ['the writer with a code that is never sent', 'abort', new WebSocketError('', { closeCode: 1006 }), 1000],
    ['the writer with anything', 'abort', { closeCode: 4001, reason: 'why' }, 1000],
    ['the reader with anything', 'cancel', new Error('why'), 1000],
    ['the writer with nothing', 'abort', undefined, 1000],
    ['the reader with nothing', 'cancel', undefined, 1000],
  ] as const)('%s', async (_, verb, reason, code) => {
    const { stream, peer, reader, writer } = await visit()
    peer.handle({ onData() {} })
    await (verb === 'abort' ? writer.abort(reason) : reader.cancel(reason))
    const text = (reason as Partial<WebSocketError> | undefined)?.reason
    const told =
      code === 4001 || (reason instanceof WebSocketError && code === 1000 && reason.closeCode === null)
    expect(await peer.closed).toEqual({
      kind: 'remote',
      code,
      ...(told && text !== undefined ? { text } : {}),
    })
    expect(await stream.closed).toEqual({ closeCode: code, reason: told ? text : '' })
    // Neither is of use any more.
    await expect(writer.write('late').catch(() => 'refused')).resolves.toBe('refused')
    expect(await drain(reader)).toEqual([])
  })
})

describe('an unclean end', () => {
  test('fails all with one error, which knows what was underneath', async () => {
    const { stream, raw, reader, writer } = await visitRaw()
    raw.write(frame(opcodes.text, 'a'))
    expect(await reader.read()).toEqual({ done: false, value: 'a' })
    raw.connection.destroy()
    const error = await stream.closed.then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(error).toBeInstanceOf(WebSocketError)
    expect(error).toBeInstanceOf(DOMException)
    expect(error).toMatchObject({ ...abnormal, cause: { code: 'ERR_FAIRLEAD_BROKEN' } })
    await expect(reader.read()).rejects.toBe(error)
    await expect(writer.write('late')).rejects.toBe(error)
    await expect(reader.closed).rejects.toBe(error)
    await expect(writer.closed).rejects.toBe(error)
  })

  test.each([
    ['a broken frame', frame(opcodes.text, 'a', { rsv: 7 })],
    ['text that is no UTF-8', frame(opcodes.text, Uint8Array.of(0xc3, 0x28))],
    ['an end without a Close frame', undefined],
  ])('is %s', async (_, bytes) => {
    const { stream, raw, reader } = await visitRaw()
    if (bytes) raw.write(bytes)
    else raw.connection.end()
    await expect(stream.closed).rejects.toMatchObject(abnormal)
    await expect(reader.read()).rejects.toMatchObject(abnormal)
  })

  test('is that of a peer that does not answer the Close frame', async () => {
    const { stream, connection, raw, writer } = await visitRaw()
    const closing = writer.close()
    const failed = fails(closing, abnormal)
    expect(await raw.frame()).toMatchObject({ opcode: opcodes.close })
    await connection.close({ grace: 1 })
    await failed
    await expect(stream.closed).rejects.toMatchObject({
      ...abnormal,
      message: 'Connection closed: close timeout',
    })
  })

  test('is written what is no message, or too large a one', async () => {
    for (const chunk of [7, null, {}, undefined, 'x'.repeat(1024 * 1024 + 1)] as unknown as string[]) {
      const { stream, peer, writer } = await visit()
      peer.handle({ onData() {} })
      await expect(writer.write(chunk)).rejects.toThrow('Cannot send message: ')
      expect(await peer.closed).toMatchObject({ code: 1011 })
      await expect(stream.closed).rejects.toMatchObject({ name: 'WebSocketError' })
    }
  })

  test('of the kind that the connection does not carry', async () => {
    const { server, peer, client } = await meet()
    onTestFinished(() => server.close({ grace: 0 }))
    client.handle({ onData() {} })
    const { writable } = await toWebSocketStream(peer).opened
    await expect(writable.getWriter().write(Uint8Array.of(1))).rejects.toThrow('object is not text')
    expect(await client.closed).toMatchObject({ code: 1011 })
  })
})

describe('back-pressure', () => {
  const message = 'x'.repeat(1024 * 1024)

  test('a stream that nobody reads stops the peer, and loses nothing', async () => {
    const { peer, reader, stream } = await visit()
    let sent = 0
    let waiting = peer.send(message)
    while (await settled(waiting)) {
      sent++
      waiting = peer.send(message)
      if (sent > 1_000) throw new Error('nothing stops the peer')
    }
    void waiting.then(() => peer.close())
    const heard = await drain(reader)
    expect(heard).toHaveLength(sent + 1)
    expect(heard.every((each) => each === message)).toBe(true)
    expect(await stream.closed).toMatchObject({ closeCode: 1000 })
  })

  test('holds little of what is not read, of empty messages, too', async () => {
    const [near, far] = messagePair<string | Uint8Array>()
    const connection = Object.assign(near, { protocol: '', compressed: false }) as unknown as Both
    const { readable } = await toWebSocketStream(connection).opened
    let paused = gate()
    const pause = near.pause.bind(near)
    near.pause = () => {
      pause()
      paused.open()
    }
    for (let count = 0; count < 5_000; count++) far.write('')
    await paused.promise
    paused = gate()
    const reader = readable.getReader()
    for (let count = 0; count < 2_048; count++)
      expect(await reader.read()).toEqual({ done: false, value: '' })
    await paused.promise
  })

  test('cancelling ends a peer that was stopped', async () => {
    const { peer, reader, stream } = await visit()
    peer.handle({ onData() {} })
    for (let count = 0; count < 12; count++) void peer.send(message)
    expect(await settled(peer.drained())).toBe(false)
    await reader.cancel(new WebSocketError('', { closeCode: 4003 }))
    expect(await stream.closed).toMatchObject({ closeCode: 4003 })
    expect(await peer.closed).toMatchObject({ code: 4003 })
  })

  test('a write waits while the peer does not read', async () => {
    const { peer, writer } = await visit()
    let sent = 1
    let writing = writer.write(message)
    while (await settled(writing)) {
      sent++
      writing = writer.write(message)
      if (sent > 1_000) throw new Error('nothing stops the writer')
    }
    expect(writer.desiredSize).toBe(0)
    expect(await settled(writer.ready)).toBe(false)
    const heard = read(peer, sent)
    await writer.ready
    await writing
    expect(await heard).toHaveLength(sent)
  })

  test('abort closes the connection at once, though a write still waits', async () => {
    const { server, peer, client } = await meet()
    onTestFinished(() => server.close({ grace: 0 }))
    const stream = toWebSocketStream(peer)
    const { writable } = await stream.opened
    const writer = writable.getWriter()
    let writing = writer.write(message)
    while (await settled(writing)) writing = writer.write(message)
    writer.closed.catch(() => {})
    const aborting = writer.abort(new WebSocketError('', { closeCode: 4002 }))
    expect(peer.state).toBe('closing')
    expect(await settled(aborting)).toBe(false)
    client.handle({ onData() {} })
    await aborting
    expect(await stream.closed).toMatchObject({ closeCode: 4002 })
    expect(await client.closed).toMatchObject({ code: 4002 })
  })
})

describe('before the handshake is done', () => {
  test('a signal ends the attempt, with its reason', async () => {
    const { listener, asked } = await silent()
    const giving = new AbortController()
    const stream = new WebSocketStream(urlOf(listener), { signal: giving.signal })
    await asked
    const reason = new Error('enough')
    giving.abort(reason)
    await expect(stream.opened).rejects.toBe(reason)
    await expect(stream.closed).rejects.toBe(reason)
    const late = new WebSocketStream(urlOf(listener), { signal: giving.signal })
    await expect(late.opened).rejects.toBe(reason)
    await expect(late.closed).rejects.toBe(reason)
  })

  test('close ends the attempt', async () => {
    const { listener, asked } = await silent()
    const stream = new WebSocketStream(urlOf(listener))
    await asked
    stream.close({ closeCode: 3000 })
    stream.close()
    const error = { name: 'WebSocketError', message: 'Cannot connect: closed before the handshake was done' }
    await expect(stream.opened).rejects.toMatchObject(error)
    await expect(stream.closed).rejects.toMatchObject(error)
    const other = new WebSocketStream(urlOf(listener))
    other.close()
    await expect(other.opened).rejects.toMatchObject(error)
  })

  test('a failure is a WebSocketError, whose cause is what connect fails with', async () => {
    const nobody = new WebSocketStream('ws://127.0.0.1:1')
    await expect(nobody.opened).rejects.toMatchObject({
      ...abnormal,
      cause: { code: 'ERR_FAIRLEAD_CONNECT' },
    })
    await expect(nobody.closed).rejects.toBe(await nobody.opened.catch((error: unknown) => error))
    await using listener = await websocket.listen({ port: 0, authorize: () => ({ status: 401 }) }, () => {})
    const refused = new WebSocketStream(urlOf(listener))
    await expect(refused.closed).rejects.toMatchObject({ ...abnormal, cause: { status: 401 } })
  })

  test('a rejection that nobody awaits ends nothing', async () => {
    const heard: unknown[] = []
    const hear = (reason: unknown): void => void heard.push(reason)
    process.on('unhandledRejection', hear)
    onTestFinished(() => void process.off('unhandledRejection', hear))
    const stream = new WebSocketStream('ws://127.0.0.1:1')
    stream.close()
    await wait(5)
    expect(heard).toEqual([])
  })

  test.each<[string, object, typeof TypeError]>([
    ['http//secret', {}, TypeError],
    ['ftp://user:secret@127.0.0.1', {}, TypeError],
    ['ws://user:secret@[', {}, TypeError],
    ['ws://127.0.0.1', { protocols: ['a', 'a'] }, TypeError],
    ['ws://127.0.0.1', { protocol: ['a'] }, TypeError],
    ['ws://127.0.0.1', { signal: {} }, TypeError],
    ['ws://127.0.0.1', { maxPayload: -1 }, RangeError],
  ])('%s with %j is refused at once', (url, options, kind) => {
    const make = (): WebSocketStream => new WebSocketStream(url, options)
    expect(make).toThrow(kind)
    expect(make).toThrow(/^(?!.*secret)/)
  })

  /** Takes every handshake, and answers none. */
  async function silent() {
    const { promise: asked, open } = gate()
    const authorize = (): Promise<undefined> => {
      open()
      return new Promise(() => {})
    }
    const listener = await websocket.listen({ port: 0, authorize }, () => {})
    onTestFinished(() => listener.close({ grace: 0 }))
    return { listener, asked }
  }
})

test('a signal is of no effect once the stream is open', async () => {
  await using listener = await websocket.listen<'both'>({ port: 0, messages: 'both' }, async (connection) => {
    for await (const message of connection) await connection.send(message)
  })
  const giving = new AbortController()
  const stream = new WebSocketStream(urlOf(listener), { signal: giving.signal })
  const { readable, writable } = await stream.opened
  giving.abort()
  await writable.getWriter().write('still here')
  expect(await readable.getReader().read()).toEqual({ done: false, value: 'still here' })
  stream.close()
  await stream.closed
})

test('another handler takes the connection over: what can be read ends, and writing goes on', async () => {
  const { server, peer, client } = await meet()
  onTestFinished(() => server.close({ grace: 0 }))
  const stream = toWebSocketStream(peer)
  expect(stream.url).toBe('')
  const { readable, writable } = await stream.opened
  peer.handle({ onData: (message) => void peer.write(`heard ${message}`) })
  expect(await drain(readable.getReader())).toEqual([])
  await writable.getWriter().write('a')
  void client.send('b')
  expect(await read(client, 2)).toEqual(['a', 'heard b'])
})

test('a WebSocketError says what it was told', () => {
  const cause = new Error('underneath')
  const error = new WebSocketError('over', { closeCode: 4001, reason: 'why', cause })
  expect(error).toMatchObject({
    name: 'WebSocketError',
    message: 'over',
    closeCode: 4001,
    reason: 'why',
    cause,
  })
  expect(new WebSocketError()).toMatchObject({ message: '', closeCode: null, reason: '' })
  expect('cause' in new WebSocketError()).toBe(false)
})
