import assert from 'node:assert/strict'

import { check, type Check } from '../check.ts'
import { quiet, soon, until } from '../wait.ts'

export const handlerChecks: readonly Check[] = [
  check(
    'is born paused: what came before the handler is delivered to it, and never inside handle()',
    async (stage) => {
      const { client, server } = await stage.pair()
      stage.write(client, stage.texts(0, 3))
      stage.write(server, stage.texts(10, 13))
      await quiet()
      for (const [connection, first] of [
        [server, 0],
        [client, 10],
      ] as const) {
        let inside = true
        const heard = stage.record(connection, {
          onText: () => assert.equal(inside, false, 'called inside handle()'),
        })
        inside = false
        await until(() => heard.texts.length === 3, 'what was pending arrives')
        assert.deepEqual(heard.texts, stage.texts(first, first + 3))
        assert.deepEqual(heard.reasons, [])
      }
    },
  ),

  check('gives a new handler the head, then what was pending, then the rest', async (stage) => {
    const { client, server } = await stage.pair()
    const all = stage.largeTexts(0, 8)
    stage.write(client, all)
    await quiet()
    const reader = stage.reader()
    const texts: string[] = []
    const heardByOld: string[] = []
    const calls: string[] = []
    let inside = false
    server.handle({
      onData(data) {
        calls.push('first')
        if (calls.length === 1) return void texts.push(...reader.push(data))
        // As an upgrade does: what belongs to the next one goes to it in front of everything else.
        inside = true
        server.handle(second, data)
        inside = false
      },
      onEnd: () => void heardByOld.push('end'),
      onDrain: () => void heardByOld.push('drain'),
      onShutdown: () => void heardByOld.push('shutdown'),
      onClose: () => void heardByOld.push('close'),
    })
    const second = {
      onData(data: unknown): void {
        assert.equal(inside, false, 'called inside handle()')
        calls.push('second')
        texts.push(...reader.push(data))
      },
    }
    await until(() => texts.length === 8, 'what was pending arrives')
    stage.write(client, ['last'])
    await until(() => texts.length === 9, 'the rest arrives')
    assert.deepEqual(texts, [...all, 'last'])
    assert.deepEqual(calls.slice(0, 3), ['first', 'first', 'second'])
    assert.equal(calls.lastIndexOf('first'), 1)
    server.destroy()
    await quiet()
    assert.deepEqual(heardByOld, [], 'a replaced handler was told')
  }),

  check('gives a handler that comes from outside the unread input, and lets it flow', async (stage) => {
    const { client, server } = await stage.pair()
    const old = stage.record(server)
    await stage.tell(client, old, 'first')
    server.pause()
    stage.write(client, stage.texts(0, 5))
    await quiet()
    assert.deepEqual(old.texts, ['first'])
    const next = stage.record(server)
    await until(() => next.texts.length === 5, 'what was pending arrives')
    assert.deepEqual(next.texts, stage.texts(0, 5))
    await stage.tell(client, next, 'last')
    server.destroy()
    await quiet()
    assert.deepEqual([old.heard, next.heard.at(-1)], [['data'], 'close'])
  }),

  check('of two handlers installed in one go only the last is told, both heads in order', async (stage) => {
    const { client, server } = await stage.pair()
    stage.write(client, ['body'])
    await quiet()
    const first = stage.record(server)
    const reader = stage.reader()
    const texts: string[] = []
    const second = { onData: (data: unknown): void => void texts.push(...reader.push(data)) }
    server.handle(second, stage.encode('inner'))
    server.handle(second, stage.encode('outer'))
    await until(() => texts.length === 3, 'everything arrives')
    assert.deepEqual(texts, ['outer', 'inner', 'body'])
    server.destroy()
    await quiet()
    assert.deepEqual(first.heard, [])
  }),

  check('tells a handler that comes after the end about the input and the end', async (stage) => {
    const { client, server } = await stage.pair()
    stage.write(client, stage.texts(0, 3))
    const closing = client.close()
    if (!stage.can.ends) await soon(closing, 'it closes')
    await quiet()
    let ended = 0
    const heard = stage.record(server, {
      onEnd() {
        ended++
        void server.close()
      },
    })
    await until(() => heard.texts.length === 3, 'what was pending arrives')
    if (!stage.can.ends) {
      await quiet()
      assert.deepEqual([ended, server.state], [0, 'open'])
      return
    }
    await soon(closing, 'the close is answered')
    await until(() => heard.reasons.length === 1, 'the close is told')
    assert.deepEqual(heard.texts, stage.texts(0, 3))
    assert.deepEqual(heard.heard.slice(-2), ['end', 'close'])
    assert.equal(ended, 1)
  }),

  check('tells a handler that comes after the close why, once', async (stage) => {
    const { server } = await stage.pair()
    const before = stage.record(server)
    server.destroy()
    await until(() => before.reasons.length === 1, 'the close is told')
    const after = stage.record(server)
    await until(() => after.reasons.length === 1, 'the close is told again')
    await quiet()
    assert.deepEqual([before.heard, after.heard], [['close'], ['close']])
    assert.equal(after.reasons[0], await server.closed)
  }),
]
