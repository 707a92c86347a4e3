import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { BrokenError, ClosedError, LimitError, lines, type MessageConnection } from '../../src/index.ts'
import { messagePair, pair } from '../../src/memory.ts'
import { type QueuedConnection, sendQueue } from '../../src/send-policy/queued-connection.ts'
import type { SendPolicy, SendQueueOptions, SendStats } from '../../src/send-policy/send-policy.ts'
import { defaultHighWaterMark } from '../../src/transport.ts'

/** A queue in front of a connection that is congested already, by one message; its peer does not read. */
function congested(options: SendQueueOptions<string>): {
  queue: QueuedConnection<string>
  inner: MessageConnection<string>
  peer: MessageConnection<string>
} {
  const [inner, peer] = messagePair()
  const queue = sendQueue(inner, options)
  expect(queue.write(large)).toBe(false)
  return { queue, inner, peer }
}

const large = 'x'.repeat(defaultHighWaterMark)

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function quiet(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await turn()
}

async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  const note = (): void => void (done = true)
  promise.then(note, note)
  await quiet()
  return done
}

/** Reads on, and gives what comes behind the message that congested. */
function heard(peer: MessageConnection<string>): string[] {
  const texts: string[] = []
  peer.handle({ onData: (text) => void (text === large || texts.push(text)) })
  return texts
}

/** Asserts that the books add up, and gives the messages of each column. */
function columns(queue: QueuedConnection<string>): Record<string, number> {
  const stats = queue.stats()
  expectBalance(stats)
  const { offered, sent, queued, dropped, lost, waiting } = stats
  return { offered: offered - 1, sent: sent - 1, queued, dropped, lost, waiting }
}

function expectBalance(stats: SendStats): void {
  expect(stats.offered).toBe(stats.sent + stats.queued + stats.dropped + stats.lost)
  expect(stats.offeredBytes).toBe(stats.sentBytes + stats.queuedBytes + stats.droppedBytes + stats.lostBytes)
}

describe('while there is room', () => {
  test('messages go straight through, and count', async () => {
    const [inner, peer] = messagePair()
    const queue = sendQueue(inner, { policy: 'close', maxMessages: 1 })
    const texts = heard(peer)
    expect(queue.write('a')).toBe(true)
    expect(queue.send('b')).toBe(queue.send('€'))
    await queue.drained()
    await expect.poll(() => texts).toEqual(['a', 'b', '€'])
    expect(queue.stats()).toEqual({
      offered: 3,
      offeredBytes: 5,
      sent: 3,
      sentBytes: 5,
      queued: 0,
      queuedBytes: 0,
      dropped: 0,
      droppedBytes: 0,
      lost: 0,
      lostBytes: 0,
      waiting: 0,
    })
  })

  test('what the connection refuses counts for nothing', () => {
    const [stream] = pair()
    const queue = sendQueue(lines(stream), { policy: 'block' })
    expect(() => queue.write('two\nlines')).toThrow(TypeError)
    expect(queue.stats().offered).toBe(0)
  })
})

describe('when the peer does not read', () => {
  test.each(['block', 'drop-newest', 'drop-oldest', 'close'] as const)(
    '%s: messages wait up to the limit, and all go when it reads',
    async (policy) => {
      const { queue, peer } = congested({ policy, maxMessages: 3 })
      const drains: string[] = []
      queue.handle({ onData() {}, onDrain: () => void drains.push('drain') })
      for (const text of ['a', 'b', 'c']) expect(queue.write(text)).toBe(false)
      expect(columns(queue)).toEqual({ offered: 3, sent: 0, queued: 3, dropped: 0, lost: 0, waiting: 0 })
      expect(queue.buffered).toBe(large.length + 3)
      const room = queue.drained()
      expect(await settled(room)).toBe(false)
      const texts = heard(peer)
      await room
      expect(drains).toEqual(['drain'])
      await expect.poll(() => texts).toEqual(['a', 'b', 'c'])
      expect(columns(queue)).toEqual({ offered: 3, sent: 3, queued: 0, dropped: 0, lost: 0, waiting: 0 })
      expect(queue.write('d')).toBe(true)
      await expect.poll(() => queue.buffered).toBe(0)
    },
  )

  test('block: write throws beyond the limit, send waits for its turn', async () => {
    const { queue, peer } = congested({ policy: 'block', maxMessages: 2 })
    queue.write('a')
    const sends = ['b', 'c', 'd'].map((text) => queue.send(text))
    expect(() => queue.write('refused')).toThrow(LimitError)
    expect(columns(queue)).toEqual({ offered: 2, sent: 0, queued: 2, dropped: 0, lost: 0, waiting: 2 })
    expect(await settled(Promise.race(sends))).toBe(false)
    const texts = heard(peer)
    await Promise.all(sends)
    await expect.poll(() => texts).toEqual(['a', 'b', 'c', 'd'])
    expect(columns(queue)).toEqual({ offered: 4, sent: 4, queued: 0, dropped: 0, lost: 0, waiting: 0 })
  })

  test('block: a message above maxBytes is sent when nothing else waits', async () => {
    const { queue, peer } = congested({ policy: 'block', maxBytes: 4 })
    queue.write('abc')
    const sent = queue.send('far too long')
    const behind = queue.send('d')
    expect(columns(queue)).toMatchObject({ queued: 1, waiting: 2 })
    const texts = heard(peer)
    await Promise.all([sent, behind])
    await expect.poll(() => texts).toEqual(['abc', 'far too long', 'd'])
  })

  test('drop-newest: the new one is dropped, by count and by bytes', async () => {
    const { queue, peer } = congested({ policy: 'drop-newest', maxMessages: 2, maxBytes: 6 })
    for (const text of ['a', 'too long', 'bcdef', 'g', 'h']) expect(queue.write(text)).toBe(false)
    expect(columns(queue)).toEqual({ offered: 5, sent: 0, queued: 2, dropped: 3, lost: 0, waiting: 0 })
    expect(queue.stats()).toMatchObject({ queuedBytes: 6, droppedBytes: 10 })
    const texts = heard(peer)
    await expect.poll(() => texts).toEqual(['a', 'bcdef'])
  })

  test('drop-oldest: the oldest make room, but not for what can never fit', async () => {
    const { queue, peer } = congested({ policy: 'drop-oldest', maxMessages: 3, maxBytes: 6 })
    for (const text of ['a', 'b', 'c', 'd', 'efghi', 'too long']) expect(queue.write(text)).toBe(false)
    expect(columns(queue)).toEqual({ offered: 6, sent: 0, queued: 2, dropped: 4, lost: 0, waiting: 0 })
    expect(queue.stats()).toMatchObject({ queuedBytes: 6, droppedBytes: 11 })
    const texts = heard(peer)
    await expect.poll(() => texts).toEqual(['d', 'efghi'])
  })

  test.each([
    ['maxMessages', { maxMessages: 1 }, 2],
    ['maxBytes', { maxBytes: 2 }, 3],
  ])(
    'close: beyond %s the connection is destroyed, and what waited is lost',
    async (limit, limits, value) => {
      const { queue, inner } = congested({ policy: 'close', ...limits })
      const waiting = queue.send('a')
      expect(() => queue.write('bc')).toThrow(LimitError)
      const reason = await queue.closed
      expect(reason).toBe(await inner.closed)
      expect(reason).toMatchObject({ kind: 'error', error: { limit, value, code: 'ERR_FAIRLEAD_LIMIT' } })
      await expect(waiting).rejects.toThrow(BrokenError)
      expect(columns(queue)).toEqual({ offered: 1, sent: 0, queued: 0, dropped: 0, lost: 1, waiting: 0 })
      expect(() => queue.write('late')).toThrow(BrokenError)
    },
  )

  test('trouble is told once for each time that the queue was full', async () => {
    const { queue, peer } = congested({ policy: 'drop-newest', maxMessages: 1 })
    const troubles: unknown[] = []
    queue.handle({ onData() {}, onTrouble: (error) => void troubles.push(error) })
    for (let count = 0; count < 5; count++) queue.write('a')
    expect(troubles).toEqual([])
    await quiet()
    expect(troubles).toMatchObject([{ message: expect.stringContaining('maxMessages'), value: 2 }])
    heard(peer)
    await queue.drained()
    peer.pause()
    queue.write(large)
    for (let count = 0; count < 5; count++) queue.write('a')
    await quiet()
    expect(troubles.length).toBe(2)
    expect(columns(queue)).toMatchObject({ dropped: 8 })
  })

  test('a handler that throws when it is told costs the connection', async () => {
    const { queue } = congested({ policy: 'drop-newest', maxMessages: 1 })
    queue.handle({
      onData() {},
      onTrouble() {
        throw new Error('of no use')
      },
    })
    queue.write('a')
    queue.write('b')
    expect(await queue.closed).toMatchObject({ kind: 'error', error: { cause: { message: 'of no use' } } })
  })

  test('what turns out to be no message when its turn comes is dropped and told', async () => {
    const [stream, far] = pair()
    const queue = sendQueue(lines(stream, { maxLength: 100_000 }), { policy: 'block' })
    const troubles: unknown[] = []
    queue.handle({ onData() {}, onTrouble: (error) => void troubles.push(error) })
    queue.write(large)
    for (const text of ['a', 'two\nlines', 'b']) queue.write(text)
    const texts = heard(lines(far, { maxLength: 100_000 }))
    await expect.poll(() => texts).toEqual(['a', 'b'])
    expect(troubles).toMatchObject([{ cause: expect.any(TypeError) }])
    expect(columns(queue)).toEqual({ offered: 3, sent: 2, queued: 0, dropped: 1, lost: 0, waiting: 0 })
  })

  test('a dropping policy is not reliable', () => {
    const [inner] = messagePair()
    const reliable = (policy: SendPolicy): boolean => sendQueue(inner, { policy }).reliable
    expect([reliable('block'), reliable('close')]).toEqual([true, true])
    expect([reliable('drop-newest'), reliable('drop-oldest')]).toEqual([false, false])
  })
})

describe('closing', () => {
  test('close sends what waits first, and takes no more', async () => {
    const { queue, inner, peer } = congested({ policy: 'block', maxMessages: 1 })
    const sends = ['a', 'b', 'c'].map((text) => queue.send(text))
    const closing = queue.close({ grace: 10_000 })
    expect([queue.state, inner.state]).toEqual(['closing', 'open'])
    expect(() => queue.write('late')).toThrow(ClosedError)
    await expect(queue.send('late')).rejects.toThrow(ClosedError)
    const texts = heard(peer)
    await Promise.all([closing, ...sends])
    expect(texts).toEqual(['a', 'b', 'c'])
    expect([await queue.closed, await peer.closed]).toEqual([{ kind: 'local' }, { kind: 'remote' }])
    expect(columns(queue)).toEqual({ offered: 3, sent: 3, queued: 0, dropped: 0, lost: 0, waiting: 0 })
  })

  test('and gives up when its grace is over', async () => {
    const { queue } = congested({ policy: 'block' })
    const waiting = queue.send('a')
    const reasons: unknown[] = []
    queue.handle({ onData() {}, onClose: (reason) => void reasons.push(reason) })
    void queue.close({ grace: 60_000 })
    await queue.close({ grace: 20 })
    expect(await queue.closed).toEqual({ kind: 'timeout', phase: 'close' })
    await expect.poll(() => reasons).toEqual([{ kind: 'timeout', phase: 'close' }])
    await expect(waiting).rejects.toThrow(BrokenError)
    expect(columns(queue)).toMatchObject({ queued: 0, lost: 1 })
  })

  test('iteration ends with the close, not with the last message sent', async () => {
    const { queue } = congested({ policy: 'block' })
    queue.write('a')
    const next = queue[Symbol.asyncIterator]().next()
    void queue.close()
    expect(await next).toEqual({ value: undefined, done: true })
    expect(queue.state).toBe('closing')
    queue.destroy()
  })

  test('the end of the peer is answered when everything was sent', async () => {
    const { queue, peer } = congested({ policy: 'block' })
    queue.handle({ onData() {} })
    queue.write('a')
    void peer.close()
    await quiet()
    // The peer discards what it reads now; this side cannot know, and hands it over all the same.
    expect(await queue.closed).toEqual({ kind: 'remote' })
    expect(columns(queue)).toMatchObject({ sent: 1, lost: 0 })
  })

  test('a close pulls the cork of what waits', async () => {
    const { queue, peer } = congested({ policy: 'block' })
    queue.cork()
    queue.write('a')
    const texts = heard(peer)
    await queue.close()
    expect(texts).toEqual(['a'])
  })

  test('a reset loses what waits, and tells those who wait', async () => {
    const { queue, peer } = congested({ policy: 'block', maxMessages: 1 })
    const sends = ['a', 'b'].map((text) => queue.send(text).catch((error: unknown) => error))
    const room = queue.drained().catch((error: unknown) => error)
    peer.destroy()
    for (const outcome of await Promise.all([...sends, room])) expect(outcome).toBeInstanceOf(BrokenError)
    expect(columns(queue)).toEqual({ offered: 1, sent: 0, queued: 0, dropped: 0, lost: 1, waiting: 0 })
  })
})

test.each([
  [{ policy: 'wait' as SendPolicy }, TypeError],
  [{ policy: 'block', maxMessages: 0 }, RangeError],
  [{ policy: 'block', maxBytes: Infinity }, RangeError],
  [{ policy: 'block', sizeOf: 3 as never }, TypeError],
] as const)('refuses %o', (options, kind) => {
  const [inner] = messagePair()
  expect(() => sendQueue(inner, options)).toThrow(kind)
})

const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), size: fc.nat({ max: 40_000 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('send' as const), size: fc.nat({ max: 40_000 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('read' as const), size: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('turn' as const, 'pause' as const) }) },
)

test.each(['block', 'drop-newest', 'drop-oldest', 'close'] as const)(
  '%s: the books add up at any time, whatever happens',
  async (policy) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { maxLength: 60 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 90_000 }),
        fc.constantFrom('close', 'destroy', 'reset'),
        async (operations, maxMessages, maxBytes, end) => {
          const [inner, peer] = messagePair()
          const queue = sendQueue(inner, { policy, maxMessages, maxBytes })
          const offered = [large]
          queue.write(large)
          const received: string[] = []
          let left = 0
          peer.handle({
            onData(text) {
              received.push(text)
              if (--left <= 0) peer.pause()
            },
          })
          peer.pause()
          const check = (): SendStats => {
            const stats = queue.stats()
            expectBalance(stats)
            expect(stats.queued).toBeLessThanOrEqual(maxMessages)
            expect(stats.queuedBytes).toBeLessThanOrEqual(maxBytes)
            expect(queue.buffered).toBe(inner.buffered + stats.queuedBytes)
            expect(stats.offeredBytes).toBeLessThanOrEqual(bytesOf(offered))
            if (policy === 'block') expect(stats.dropped).toBe(0)
            else expect(stats.waiting).toBe(0)
            return stats
          }
          const message = (size: number): string => `${offered.length}:`.padEnd(size, 'm')
          for (const { kind, ...rest } of operations) {
            const size = 'size' in rest ? rest.size : 0
            if (kind === 'write') {
              const text = message(size)
              offered.push(text)
              try {
                queue.write(text)
              } catch {
                offered.pop()
              }
            } else if (kind === 'send') {
              const text = message(size)
              const { lost, offered: before } = queue.stats()
              void queue.send(text).catch(() => {})
              const after = queue.stats()
              // Taken, or waiting to be; a connection that was closed by it took nothing.
              if (after.offered > before || after.waiting > 0) offered.push(text)
              expect(policy === 'close' || after.lost === lost).toBe(true)
            } else if (kind === 'read') {
              left = size
              peer.resume()
              await turn()
              await turn()
            } else if (kind === 'pause') {
              peer.pause()
            } else {
              await turn()
            }
            check()
          }
          if (end === 'destroy') queue.destroy()
          if (end === 'reset') peer.destroy()
          left = Infinity
          peer.resume()
          await queue.close({ grace: 10_000 })
          await quiet()
          const stats = check()
          expect([stats.queued, stats.waiting]).toEqual([0, 0])
          if (queue.state === 'closed' && (await queue.closed).kind === 'local' && end === 'close') {
            expect([received.length, bytesOf(received)]).toEqual([stats.sent, stats.sentBytes])
            expect([stats.offered, stats.offeredBytes]).toEqual([offered.length, bytesOf(offered)])
            expect(stats.lost).toBe(0)
          }
          // In order, each once, and none that was not offered.
          const places = received.map((text) => offered.indexOf(text))
          expect(places).toEqual(places.toSorted((a, b) => a - b))
          expect(places.includes(-1)).toBe(false)
        },
      ),
      { numRuns: 60 },
    )
  },
)

function bytesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}
