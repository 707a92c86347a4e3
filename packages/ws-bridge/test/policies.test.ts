import { LimitError, type SendPolicy, sendQueue, type SendStats } from '@fairlead/core'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, describe, expect, test } from 'vitest'

import { quiet, read, until, wait } from './harness.ts'
import { meetRaw } from './meet-raw.ts'
import { closeFrame, frame, opcodes, type Raw } from './raw.ts'
import { sunk } from './sink.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Every message is somewhere. */
function addsUp({ offered, sent, queued, dropped, lost, ...bytes }: SendStats): void {
  expect(sent + queued + dropped + lost).toBe(offered)
  const { offeredBytes, sentBytes, queuedBytes, droppedBytes, lostBytes } = bytes
  expect(sentBytes + queuedBytes + droppedBytes + lostBytes).toBe(offeredBytes)
}

/** A connection whose peer does not read, with a queue in front of it. */
async function stuck(policy: SendPolicy, maxMessages = 10) {
  const { socket, connection } = sunk()
  const queue = sendQueue(connection, { policy, maxMessages })
  ends.push(() => queue.destroy())
  socket.stuck = true
  queue.write('x'.repeat(70_000))
  await turn()
  queue.write('y'.repeat(70_000))
  await turn()
  socket.writes.length = 0
  const { sent } = queue.stats()
  expect(sent).toBeGreaterThanOrEqual(1)
  return { socket, connection, queue, sent }
}

describe('a send policy', () => {
  test('block has send wait, and write throw', async () => {
    const { socket, queue, sent } = await stuck('block')
    let waiting = 0
    const sends: Promise<void>[] = []
    while (queue.stats().queued < 10) queue.write('queued')
    for (let count = 0; count < 5; count++) {
      waiting++
      sends.push(queue.send(`waiting ${count}`).finally(() => waiting--))
    }
    expect(() => queue.write('too much')).toThrow(LimitError)
    await turn()
    expect([waiting, queue.stats().waiting]).toEqual([5, 5])
    addsUp(queue.stats())
    socket.loosen()
    await Promise.all(sends)
    await turn()
    addsUp(queue.stats())
    expect(queue.stats()).toMatchObject({ queued: 0, dropped: 0, lost: 0, waiting: 0 })
    expect(socket.texts.slice(-5)).toEqual([0, 1, 2, 3, 4].map((count) => `waiting ${count}`))
    expect(queue.stats().sent).toBeGreaterThan(sent + 5)
  })

  test('drop-newest keeps those that came first', async () => {
    const { socket, queue } = await stuck('drop-newest')
    const first = 10 - queue.stats().queued
    for (let count = 0; count < 1_000; count++) expect(queue.write(`${count}`)).toBe(false)
    addsUp(queue.stats())
    expect(queue.stats()).toMatchObject({ queued: 10, dropped: 1_000 - first })
    socket.loosen()
    await queue.drained()
    await turn()
    expect(socket.texts.slice(-first)).toEqual(Array.from({ length: first }, (_, count) => `${count}`))
    addsUp(queue.stats())
  })

  test('drop-oldest keeps those that came last', async () => {
    const { socket, queue } = await stuck('drop-oldest')
    for (let count = 0; count < 1_000; count++) queue.write(`${count}`)
    addsUp(queue.stats())
    socket.loosen()
    await queue.drained()
    await turn()
    expect(socket.texts.slice(-10)).toEqual(Array.from({ length: 10 }, (_, index) => `${990 + index}`))
    expect(queue.stats()).toMatchObject({ queued: 0, lost: 0 })
    addsUp(queue.stats())
  })

  test('close ends the connection: 1013, as far as it can be said', async () => {
    const { socket, connection, queue } = await stuck('close')
    const flood = (): void => {
      for (let count = 0; count < 100; count++) queue.write(`${count}`)
    }
    expect(flood).toThrow(LimitError)
    expect(await connection.closed).toMatchObject({ kind: 'error', error: { limit: 'maxMessages' } })
    expect(queue.stats().lost).toBe(10)
    addsUp(queue.stats())
    expect(socket.destroyed).toBe(true)
  })

  test('over a socket whose peer does not read has a book that adds up, and memory that is bounded', async () => {
    for (const policy of ['drop-newest', 'drop-oldest'] as const) {
      const { raw, connection, server } = await meetRaw({}, (connection) => connection.pause())
      ends.push(
        () => server.close({ grace: 0 }),
        () => raw.connection.destroy(),
      )
      raw.connection.pause()
      const queue = sendQueue(connection, { policy, maxMessages: 20 })
      const message = 'x'.repeat(50_000)
      let number = 0
      for (let still = 0; still < 40; number++) {
        const { dropped } = queue.stats()
        queue.write(`${number} ${message}`)
        if (queue.stats().dropped > dropped) still++
        if (number % 8 === 0) await wait(0)
      }
      addsUp(queue.stats())
      expect(queue.stats().queued).toBe(20)
      expect(queue.buffered).toBeLessThan(20 * 50_100 + 300_000)
      raw.connection.resume()
      const numbers: number[] = []
      const { sent, queued } = queue.stats()
      while (numbers.length < sent + queued) numbers.push(Number((await raw.frame()).text.split(' ')[0]))
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
      expect(numbers.at(-1) === number - 1).toBe(policy === 'drop-oldest')
      addsUp(queue.stats())
      expect(queue.stats()).toMatchObject({ queued: 0, lost: 0, offered: number })
      raw.connection.destroy()
    }
  })

  test('loses what waits when the connection is lost, and says so', async () => {
    const { socket, queue } = await stuck('drop-newest')
    for (let count = 0; count < 100; count++) queue.write(`${count}`)
    socket.destroy(new Error('cut'))
    await queue.closed
    addsUp(queue.stats())
    expect(queue.stats()).toMatchObject({ queued: 0, lost: 10 })
  })

  test('lets what waits leave before the Close, within the grace', async () => {
    const { socket, queue, connection } = await stuck('block')
    queue.write('last')
    const closing = queue.close({ grace: 2_000 })
    expect(() => queue.write('later')).toThrow('Cannot write')
    socket.loosen()
    await until(() => socket.frames.at(-1)?.opcode === opcodes.close)
    expect(socket.texts.at(-2)).toBe('last')
    socket.push(closeFrame(1000))
    socket.push(null)
    await closing
    expect(await connection.closed).toEqual({ kind: 'local' })
  })
})

describe('pause', () => {
  /** Writes until nothing more is taken; how much that was. */
  async function pour(raw: Raw, piece: Uint8Array): Promise<number> {
    let poured = 0
    for (let still = 0; still < 5;) {
      if (raw.connection.buffered > 0) {
        still++
        await wait(2)
      } else {
        still = 0
        raw.write(piece)
        poured += piece.byteLength
        await wait(0)
      }
      if (poured > 64 * 1024 * 1024) throw new Error('nothing stops the peer')
    }
    return poured
  }

  test.each([false, true])(
    'stops the peer, and resume loses nothing (compression: %s)',
    async (compression) => {
      const heard: number[] = []
      const meeting = await meetRaw<'binary'>(
        { messages: 'binary', compression },
        (connection) => {
          connection.handle({ onData: (message) => void heard.push(message.byteLength) })
          connection.pause()
        },
        { 'Sec-WebSocket-Extensions': 'permessage-deflate' },
      )
      const { raw, connection, server } = meeting
      ends.push(
        () => server.close({ grace: 0 }),
        () => raw.connection.destroy(),
      )
      const piece = frame(opcodes.binary, new Uint8Array(200_000))
      const poured = await pour(raw, piece)
      await quiet()
      expect(heard).toEqual([])
      expect(poured).toBeLessThan(32 * 1024 * 1024)
      connection.resume()
      await until(() => heard.length === poured / piece.byteLength)
      expect(heard.every((size) => size === 200_000)).toBe(true)
    },
  )

  test('of a client stops its server', async () => {
    const listener = await websocket.listen({ port: 0 })
    ends.push(() => listener.close({ grace: 0 }))
    const client = await websocket.connect(`ws://127.0.0.1:${(listener.address as { port: number }).port}`)
    const { value: peer } = await listener[Symbol.asyncIterator]().next()
    if (!peer) throw new Error('nobody came')
    let sent = 0
    for (let waits = 0; waits < 5;) {
      let came = false
      void peer
        .send('x'.repeat(100_000))
        .then(() => (came = true))
        .catch(() => {})
      sent++
      for (let turns = 0; turns < 5 && !came; turns++) await wait(1)
      waits = came ? 0 : 5
    }
    expect(peer.buffered).toBeLessThan(400_000)
    expect((await read(client, sent)).length).toBe(sent)
  })
})
