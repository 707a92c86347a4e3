import { type CloseReason, LimitError, type MessageConnection } from '@fairlead/core'
import * as memory from '@fairlead/core/memory'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, describe, expect, test } from 'vitest'

import { meet, quiet, read, until, urlOf } from './harness.ts'
import { meetRaw } from './meet-raw.ts'
import { closeFrame, frame, opcodes } from './raw.ts'
import { sunk } from './sink.ts'

const { broadcast } = websocket
const { binary, close, ping, pong, text } = opcodes

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** The end of this turn, when what it wrote has left. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const crowd = <K extends websocket.MessageKind = 'text'>(
  size: number,
  options?: websocket.AcceptOptions<K>,
) => Array.from({ length: size }, () => sunk<K>(options ?? {}))

const connectionsOf = <C>(all: readonly { connection: C }[]): C[] => all.map(({ connection }) => connection)

const isSame = (one: Uint8Array, other?: Uint8Array): boolean =>
  one.buffer === other?.buffer && one.byteOffset === other.byteOffset

describe('broadcast', () => {
  test('reaches all, and says how many', async () => {
    const all = crowd(1_000)
    expect(broadcast(connectionsOf(all), 'ahoy, all of you')).toBe(1_000)
    await turn()
    for (const { socket } of all) {
      expect(socket.texts).toEqual(['ahoy, all of you'])
      expect(socket.writes.length).toBe(1)
    }
    expect(broadcast([], 'nobody')).toBe(0)
  })

  test('encodes once: all have the same bytes in hand', async () => {
    for (const message of ['short', 'x'.repeat(100_000), new Uint8Array(10), new Uint8Array(100_000)]) {
      const all = crowd(5, { messages: 'both' })
      broadcast(connectionsOf(all), message)
      await turn()
      const [first] = all.map(({ socket }) => socket.writes.flat())
      for (const { socket } of all) {
        const pieces = socket.writes.flat()
        expect(pieces.length).toBe(first?.length)
        const shared = pieces.every((piece, index) => isSame(piece, first?.[index]))
        expect(shared).toBe(true)
      }
    }
  })

  test('takes any iterable, and what a listener holds', async () => {
    const { server, client, peer, listener } = await meet()
    ends.push(() => server.close({ grace: 0 }))
    peer.handle({ onData() {} })
    expect(broadcast(listener.connections, 'a')).toBe(1)
    const each = function* () {
      yield* listener.connections
    }
    expect(broadcast(each(), 'b')).toBe(1)
    expect(await read(client, 2)).toEqual(['a', 'b'])
  })

  test('passes over those that are closing or closed', async () => {
    const all = crowd(4)
    const [closing, gone, left, here] = all as [
      (typeof all)[0],
      (typeof all)[0],
      (typeof all)[0],
      (typeof all)[0],
    ]
    void closing.connection.close()
    gone.connection.destroy()
    left.connection.handle({ onData() {} })
    left.socket.push(closeFrame(1000))
    await turn()
    const before = [closing, gone, left].map(({ socket }) => socket.texts)
    expect(broadcast(connectionsOf(all), 'x')).toBe(1)
    await turn()
    expect([closing, gone, left].map(({ socket }) => socket.texts)).toEqual(before)
    expect(here.socket.texts).toEqual(['x'])
    here.connection.destroy()
  })

  test('passes over those that carry another kind, and leaves them be', async () => {
    const texts = sunk({ messages: 'text' })
    const bytes = sunk({ messages: 'binary' })
    const both = sunk({ messages: 'both' })
    const all = [texts, bytes, both].map(({ connection }) => connection as websocket.WebSocketConnection)
    expect(broadcast(all, 'text')).toBe(2)
    expect(broadcast(all, Uint8Array.of(1))).toBe(2)
    await turn()
    const opcodesOf = ({ socket }: { socket: (typeof texts)['socket'] }) =>
      socket.frames.map(({ opcode }) => opcode)
    expect([texts, bytes, both].map(opcodesOf)).toEqual([[text], [binary], [text, binary]])
    expect(all.map(({ state }) => state)).toEqual(['open', 'open', 'open'])
  })

  test('passes over those for whom the message is too large', async () => {
    const small = sunk({ maxPayload: 4 })
    const large = sunk()
    expect(broadcast([small.connection, large.connection], 'ahoy!')).toBe(1)
    expect(broadcast([small.connection, large.connection], 'ahoy')).toBe(2)
    await turn()
    expect([small.socket.texts, large.socket.texts]).toEqual([['ahoy'], ['ahoy!', 'ahoy']])
  })

  test('goes on when one of them fails', async () => {
    const all = crowd(5)
    const [first, , third] = all.map(({ socket }) => socket)
    if (first)
      first.write = () => {
        throw new Error('boom')
      }
    third?.destroy(new Error('gone'))
    const taken = broadcast(connectionsOf(all), 'x')
    expect(taken).toBeGreaterThanOrEqual(3)
    await turn()
    const reached = all.filter(({ socket }) => socket.texts.includes('x')).length
    expect(reached).toBe(3)
  })

  test('has clients among its receivers, which mask for themselves', async () => {
    const { server, client, peer } = await meet()
    ends.push(() => server.close({ grace: 0 }))
    const { raw, connection, ...other } = await meetRaw()
    ends.push(() => other.server.close({ grace: 0 }))
    expect(broadcast([client, connection, client], 'ahoy')).toBe(3)
    expect(await read(peer, 2)).toEqual(['ahoy', 'ahoy'])
    expect((await raw.frame()).text).toBe('ahoy')
    raw.connection.destroy()
  })

  test('has connections of other transports among them', async () => {
    const heard: string[] = []
    const hall = await memory.listen('broadcast', () => ({
      onData: (message) => void heard.push(message),
    }))
    ends.push(() => hall.close({ grace: 0 }))
    const other: MessageConnection<string> = await memory.connect('broadcast')
    const one = sunk()
    expect(broadcast<string>([other, one.connection], 'ahoy')).toBe(2)
    await until(() => heard.length === 1)
    expect([heard, one.socket.texts]).toEqual([['ahoy'], ['ahoy']])
  })

  test('refuses what is no message, and a policy that is none', () => {
    const { connection } = sunk()
    for (const message of [undefined, null, 5, {}, [1], new ArrayBuffer(1)]) {
      expect(() => broadcast([connection], message as string)).toThrow(TypeError)
    }
    for (const whenSlow of ['drop', '', null, 5]) {
      expect(() => broadcast([connection], 'x', { whenSlow: whenSlow as 'skip' })).toThrow(
        /^Invalid option whenSlow: /,
      )
    }
    expect(connection.state).toBe('open')
  })
})

describe('a slow one', () => {
  const kibibytes = (count: number): string => 'x'.repeat(count * 1_024)

  async function slowAndQuick(options?: websocket.AcceptOptions<'text'>) {
    const [slow, quick] = [sunk(options), sunk(options)]
    slow.socket.stuck = true
    slow.connection.write(kibibytes(40))
    slow.connection.write(kibibytes(40))
    await turn()
    slow.connection.write(kibibytes(40))
    await turn()
    return { slow, quick, both: [slow.connection, quick.connection] }
  }

  test('has it wait by default, in order', async () => {
    const { slow, quick, both } = await slowAndQuick()
    expect(broadcast(both, 'late')).toBe(2)
    expect(broadcast(both, 'later', { whenSlow: 'queue' })).toBe(2)
    await turn()
    expect(quick.socket.texts).toEqual(['late', 'later'])
    expect(slow.socket.texts).not.toContain('late')
    slow.socket.loosen()
    await turn()
    expect(slow.socket.texts.slice(-2)).toEqual(['late', 'later'])
  })

  test('misses it with skip, and is back when it has read', async () => {
    const { slow, quick, both } = await slowAndQuick()
    expect(broadcast(both, 'missed', { whenSlow: 'skip' })).toBe(1)
    slow.socket.loosen()
    await turn()
    expect(broadcast(both, 'heard', { whenSlow: 'skip' })).toBe(2)
    await turn()
    expect(quick.socket.texts).toEqual(['missed', 'heard'])
    expect(slow.socket.texts.at(-1)).toBe('heard')
    expect(slow.socket.texts).not.toContain('missed')
  })

  test('is closed with close: a LimitError here', async () => {
    const { slow, quick, both } = await slowAndQuick()
    expect(broadcast(both, 'x', { whenSlow: 'close' })).toBe(1)
    const reason = await slow.connection.closed
    expect(reason).toMatchObject({ kind: 'error', error: { limit: 'highWaterMark', phase: 'write' } })
    expect(reason.kind === 'error' && reason.error).toBeInstanceOf(LimitError)
    expect(slow.socket.destroyed).toBe(true)
    await turn()
    expect(quick.socket.texts).toEqual(['x'])
  })

  test('that waits past maxBuffered is closed, and the others go on', async () => {
    const { slow, quick, both } = await slowAndQuick({ maxBuffered: 500_000 })
    let reached = 0
    for (let count = 0; count < 100; count++) {
      reached += broadcast(both, kibibytes(10))
      await turn()
    }
    expect(await slow.connection.closed).toMatchObject({ kind: 'error', error: { limit: 'maxBuffered' } })
    expect(quick.socket.frames.length).toBe(100)
    expect(reached).toBeGreaterThan(100)
    expect(reached).toBeLessThan(160)
  })

  test('among a thousand that do not read costs bounded memory', async () => {
    const all = crowd(1_000, { maxBuffered: 100_000 })
    for (const { socket } of all) socket.stuck = true
    const message = 'x'.repeat(20_000)
    for (let count = 0; count < 20; count++) {
      broadcast(connectionsOf(all), message)
      await turn()
    }
    const open = all.filter(({ connection }) => connection.state === 'open')
    expect(open).toEqual([])
    const reasons = await Promise.all(all.map(({ connection }) => connection.closed))
    expect(reasons.every((reason: CloseReason) => reason.kind === 'error')).toBe(true)
  })
})

describe('one turn', () => {
  test('leaves in one write, whoever writes what', async () => {
    const { socket, connection } = sunk()
    for (let count = 0; count < 16; count++) broadcast([connection], `${count}`)
    connection.write('own')
    void connection.ping().catch(() => {})
    connection.write('y'.repeat(10_000))
    broadcast([connection], 'last')
    expect(socket.writes.length).toBe(0)
    await turn()
    expect(socket.writes.length).toBe(1)
    expect(socket.frames.map(({ opcode }) => opcode)).toEqual([...Array(17).fill(text), ping, text, text])
    expect(socket.texts[0]).toBe('0')
    expect(socket.texts.at(-1)).toBe('last')
    connection.destroy()
  })

  test('that ends leaves before the next: nothing waits for a timer', async () => {
    const { socket, connection } = sunk()
    connection.write('a')
    await Promise.resolve()
    connection.write('b')
    await turn()
    expect(socket.texts).toEqual(['a', 'b'])
    connection.write('c')
    await turn()
    expect([socket.texts.length, socket.writes.length <= 3]).toEqual([3, true])
    connection.destroy()
  })

  test('keeps the order up to the Close', async () => {
    const { socket, connection } = sunk()
    broadcast([connection], 'one')
    connection.write('two')
    void connection.ping().catch(() => {})
    broadcast([connection], 'three')
    void connection.close({ code: 4_000, text: 'bye' })
    expect(broadcast([connection], 'four')).toBe(0)
    await turn()
    expect(socket.frames.map(({ opcode }) => opcode)).toEqual([text, text, ping, text, close])
    expect(socket.frames.at(-1)?.payload.subarray(2).toString()).toBe('bye')
    connection.destroy()
  })

  test('keeps the order between answers to pings and messages', async () => {
    const { socket, connection } = sunk()
    connection.handle({ onData: (message) => void connection.write(`echo ${message}`) })
    socket.push(Buffer.concat([frame(text, '1'), frame(ping, 'p1'), frame(text, '2'), frame(ping, 'p2')]))
    await turn()
    await turn()
    expect(socket.frames.map(({ opcode }) => opcode)).toEqual([text, pong, text, pong])
    expect(socket.writes.length).toBe(1)
    connection.destroy()
  })

  test('that writes very much does not wait for its end', async () => {
    const { socket, connection } = sunk()
    for (let count = 0; count < 100; count++) connection.write('x'.repeat(10_000))
    expect(socket.writes.length).toBeGreaterThan(0)
    await turn()
    expect(socket.frames.length).toBe(100)
    connection.destroy()
  })

  test('may be corked by hand in between', async () => {
    const { socket, connection } = sunk()
    connection.cork()
    connection.write('a')
    await turn()
    connection.write('b')
    await turn()
    expect(socket.writes.length).toBe(0)
    connection.uncork()
    await turn()
    expect([socket.texts, socket.writes.length]).toEqual([['a', 'b'], 1])
    connection.destroy()
  })

  test('that ends in destroy with an error says so behind what was written', async () => {
    const { socket, connection } = sunk()
    connection.write('a')
    connection.destroy(new Error('boom'))
    await turn()
    expect(socket.frames.map(({ opcode }) => opcode)).toEqual([text, close])
    expect(socket.frames[1]?.payload.readUInt16BE()).toBe(1011)
  })
})

test('200 on real sockets hear a burst in order', async () => {
  const listener = await websocket.listen({ port: 0 }, () => ({ onData() {} }))
  ends.push(() => listener.close({ grace: 0 }))
  const clients = await Promise.all(Array.from({ length: 200 }, () => websocket.connect(urlOf(listener))))
  await until(() => listener.connections.size === 200)
  const heard = clients.map((client) => {
    const messages: string[] = []
    client.handle({ onData: (message) => void messages.push(message) })
    return messages
  })
  for (let count = 0; count < 16; count++) expect(broadcast(listener.connections, `${count}`)).toBe(200)
  await until(() => heard.every((messages) => messages.length === 16))
  const expected = Array.from({ length: 16 }, (_, index) => `${index}`)
  expect(heard.every((messages) => messages.join() === expected.join())).toBe(true)
  await quiet()
})
