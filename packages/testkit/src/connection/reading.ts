import assert from 'node:assert/strict'

import { BrokenError, BusyError, SocketError } from '@fairlead/core'

import { check, type Check } from '../check.ts'
import type { Peer } from '../fixture.ts'
import { failureOf, quiet, settled, soon, until } from '../wait.ts'

const next = (connection: Peer): Promise<IteratorResult<unknown>> => connection[Symbol.asyncIterator]().next()

export const readingChecks: readonly Check[] = [
  check('gives iteration and a handler the same texts for the same input', async (stage) => {
    const heard: string[][] = []
    for (const style of ['iteration', 'handler'] as const) {
      const { client, listener, server } = await stage.pair()
      const texts = stage.texts(0, 40)
      stage.write(client, texts.slice(0, 20))
      await quiet()
      const reading = style === 'handler' ? stage.record(server) : { texts: stage.read(server, 41) }
      for (const text of texts.slice(20)) {
        await client.send(stage.encode(text))
        await quiet()
      }
      stage.write(client, ['last'])
      if ('heard' in reading) await until(() => reading.texts.includes('last'), 'the last text arrives')
      heard.push(await soon(Promise.resolve(reading.texts), 'all texts arrive'))
      await soon(listener.close({ grace: 0 }), 'the listener closes')
    }
    assert.deepEqual(heard, [
      [...stage.texts(0, 40), 'last'],
      [...stage.texts(0, 40), 'last'],
    ])
  }),

  check('break keeps what was not read, for the next loop and for a handler', async (stage) => {
    const { client, server } = await stage.pair()
    const reader = stage.reader()
    // Some runtimes read half a mebibyte at a time.
    const all = stage.largeTexts(0, 64)
    stage.write(client, all)
    await quiet()
    const texts = await soon(stage.read(server, 1, reader), 'one text is read')
    await quiet()
    texts.push(...(await soon(stage.read(server, 1, reader), 'more is read')))
    assert.ok(texts.length < 64, 'nothing was left to be kept')
    assert.equal(server.state, 'open')
    await quiet()
    server.handle({ onData: (data) => void texts.push(...reader.push(data)) })
    await until(() => texts.length === 64, 'the rest arrives')
    assert.deepEqual(texts, all)
    assert.equal(server.state, 'open')
  }),

  check('break keeps what was not read over the end of the input', async (stage) => {
    const { client, server } = await stage.pair()
    const reader = stage.reader()
    const all = stage.largeTexts(0, 8)
    stage.write(client, all)
    void client.close({ grace: 4_000 })
    await quiet()
    const texts = await soon(stage.read(server, 1, reader), 'one text is read')
    await quiet()
    texts.push(...(await soon(stage.read(server, stage.can.ends ? Infinity : 7, reader), 'the rest is read')))
    assert.deepEqual(texts, all)
  }),

  check('a second reader meets a BusyError, and the first reads on', async (stage) => {
    const { client, server } = await stage.pair()
    const iterator = server[Symbol.asyncIterator]()
    const pending = iterator.next()
    assert.throws(() => server[Symbol.asyncIterator](), BusyError)
    await assert.rejects(async () => iterator.next(), BusyError)
    const heard = stage.record(client)
    await assert.rejects(() => stage.read(client), BusyError)
    stage.write(client, ['a'])
    stage.write(server, ['b'])
    assert.equal((await soon(pending, 'the first reader reads')).done, false)
    await until(() => heard.texts.length === 1, 'the handler hears')
    await iterator.return?.()
    const again = server[Symbol.asyncIterator]()
    await again.return?.()
  }),

  check('ends quietly when the peer ends, after everything was read', async (stage) => {
    const { client, server } = await stage.pair()
    const reading = stage.read(server)
    stage.write(client, stage.texts(0, 5))
    const closing = client.close()
    await quiet()
    if (!stage.can.ends) {
      assert.equal(await settled(reading), false, 'an end was heard that nobody sent')
      void server.close()
    }
    assert.deepEqual(await soon(reading, 'the iteration ends'), stage.texts(0, 5))
    // Who iterates to the end may still have an answer to send, so that the end waits for this close.
    await soon(server.close(), 'the other end closes')
    await soon(closing, 'it closes')
  }),

  check('a handler that takes over from an iteration is given what that had not read', async (stage) => {
    const { client, server } = await stage.pair()
    const reader = stage.reader()
    const texts: string[] = []
    const iterator = server[Symbol.asyncIterator]()
    const all = stage.largeTexts(0, 8)
    stage.write(client, all)
    await quiet()
    while (texts.length === 0) texts.push(...reader.push((await soon(iterator.next(), 'it reads')).value))
    await quiet()
    server.handle({ onData: (data) => void texts.push(...reader.push(data)) })
    assert.equal((await soon(iterator.next(), 'the iteration ends')).done, true)
    stage.write(client, ['last'])
    await until(() => texts.at(-1) === 'last', 'the rest arrives')
    assert.deepEqual(texts, [...all, 'last'])
  }),

  check('a handler that takes over ends a read that waits', async (stage) => {
    const { client, server } = await stage.pair()
    const waiting = next(server)
    await quiet()
    const heard = stage.record(server)
    assert.deepEqual(await soon(waiting, 'the read ends'), { value: undefined, done: true })
    await stage.tell(client, heard, 'hello')
  }),

  check(
    'ends quietly when this side closes or is destroyed, under a read and between reads',
    async (stage) => {
      const { listener } = await stage.pair()
      for (const act of ['close', 'destroy'] as const) {
        for (const waiting of [true, false]) {
          const client = await stage.connect()
          const iterator = client[Symbol.asyncIterator]()
          const read = waiting ? iterator.next() : undefined
          await quiet()
          if (act === 'close') void client.close({ grace: 50 })
          else client.destroy()
          const result = await soon(read ?? iterator.next(), 'the iteration ends')
          assert.deepEqual(result, { value: undefined, done: true })
          assert.deepEqual(await iterator.next(), { value: undefined, done: true })
          await soon(client.closed, 'it is closed')
        }
      }
      await soon(listener.close({ grace: 0 }), 'the listener closes')
    },
  ),

  check('throws what broke the connection, once, then is at its end', async (stage) => {
    const { client } = await stage.pair()
    const iterator = client[Symbol.asyncIterator]()
    const read = iterator.next()
    await quiet()
    const cause = new Error('out of spite')
    client.destroy(cause)
    const error = await failureOf(read, 'the read')
    assert.ok(SocketError.is(error) && error.cause === cause)
    assert.deepEqual(await iterator.next(), { value: undefined, done: true })
    assert.equal(await failureOf(next(client), 'a read that begins later'), error)
  }),

  check('throws on a reset, under a read and for a reader that comes later', async (stage) => {
    const { client, server } = await stage.pair()
    const read = next(client)
    await quiet()
    server.destroy()
    if (!stage.can.resets) {
      await quiet()
      assert.equal(await settled(read), false, 'a reset was heard that nobody sent')
      client.destroy()
      assert.equal((await soon(read, 'the iteration ends')).done, true)
      return
    }
    if (!stage.can.tellsResets) {
      assert.equal((await soon(read, 'the iteration ends')).done, true)
      return
    }
    const error = await failureOf(read, 'the read')
    assert.ok(error instanceof BrokenError, `${String(error)} is no BrokenError`)
    assert.equal(await failureOf(next(client), 'a read that begins later'), error)
  }),
]
