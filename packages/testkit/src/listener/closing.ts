import assert from 'node:assert/strict'

import { ConnectError } from '@fairlead/core'

import { check, type Check } from '../check.ts'
import type { Peer } from '../fixture.ts'
import { failureOf, quiet, settled, soon, until } from '../wait.ts'

export const closingChecks: readonly Check[] = [
  check(
    'close stops accepting, ends each connection politely, and resolves when all are gone',
    async (stage) => {
      const { client, listener, server } = await stage.pair()
      const heard = stage.record(client)
      stage.record(server)
      stage.write(server, ['last words'])
      const start = performance.now()
      const closing = listener.close({ grace: 4_000 })
      assert.equal(listener.state, 'closing')
      assert.equal(listener.accepting, false)
      await soon(closing, 'it closes')
      assert.ok(performance.now() - start < 2_000, 'it waited for its grace, and for nobody')
      assert.equal(listener.state, 'closed')
      assert.deepEqual(await listener.closed, { kind: 'local' })
      assert.equal(listener.connections.size, 0)
      assert.equal((await server.closed).kind, 'shutdown')
      if (stage.can.ends) assert.equal((await soon(client.closed, 'the peer hears')).kind, 'remote')
      await until(() => heard.texts.includes('last words'), 'what was written arrives')
      if (stage.can.refuses)
        assert.ok((await failureOf(stage.connect(), 'connecting')) instanceof ConnectError)
    },
  ),

  check('close with no grace cuts at once', async (stage) => {
    const { client, listener, server } = await stage.pair()
    stage.record(server, { onShutdown() {} })
    // Input that is read together with a reset hides it.
    await stage.tell(server, stage.record(client), 'hello')
    await soon(listener.close({ grace: 0 }), 'it closes')
    assert.equal(server.state, 'closed')
    assert.ok(['shutdown', 'timeout'].includes((await server.closed).kind))
    if (!stage.can.resets) return
    const { kind } = await soon(client.closed, 'the peer hears')
    assert.equal(kind, stage.can.tellsResets ? 'error' : 'remote')
  }),

  check('close cuts peers that never end when the grace is over, not before', async (stage) => {
    const { client, listener, server } = await stage.pair()
    const start = performance.now()
    const closing = listener.close({ grace: 60 })
    await quiet()
    assert.equal(await settled(closing), !stage.can.ends)
    await soon(closing, 'it closes')
    const elapsed = performance.now() - start
    assert.ok(elapsed < 2_000, `took ${elapsed} ms instead of 60`)
    if (stage.can.ends) assert.ok(elapsed >= 58, `took ${elapsed} ms instead of 60`)
    assert.equal(server.state, 'closed')
    const { kind } = await server.closed
    assert.ok(kind === 'shutdown' || kind === 'timeout', `closed with ${kind}`)
    assert.equal(listener.connections.size, 0)
    stage.record(client)
  }),

  check(
    'a handler that takes the shutdown in its own hands has the whole grace, and is told it',
    async (stage) => {
      const { client, listener, server } = await stage.pair()
      const graces: number[] = []
      const heard = stage.record(server, {
        onShutdown: (grace) => void graces.push(grace),
        onText: (text) => void (text === 'done' && server.close()),
      })
      const own = stage.record(client)
      const closing = listener.close({ grace: 4_000 })
      await until(() => graces.length > 0, 'the shutdown is told')
      await stage.tell(client, heard, 'work goes on')
      await stage.tell(server, own, 'and is answered')
      assert.equal(await settled(closing), false)
      assert.equal(server.state, 'open')
      await stage.tell(client, heard, 'done')
      await soon(closing, 'it closes')
      assert.deepEqual(graces, [4_000])
      assert.equal((await server.closed).kind, 'local')
    },
  ),

  check('ends connections that are iterated', async (stage) => {
    const { client, listener, server } = await stage.pair()
    const reading = stage.read(server)
    stage.record(client)
    await soon(listener.close({ grace: 3_000 }), 'it closes')
    assert.deepEqual(await soon(reading, 'the iteration ends'), [])
    assert.equal((await server.closed).kind, 'shutdown')
  }),

  check('close may come twice, before and after', async (stage) => {
    const { client, listener } = await stage.pair()
    stage.record(client)
    const closings = [listener.close(), listener.close({ grace: 0 })]
    await soon(Promise.all(closings), 'it closes')
    await soon(listener.close(), 'a late close resolves')
    listener.destroy(new Error('too late'))
    assert.deepEqual(await listener.closed, { kind: 'local' })
  }),

  check('a second close with a shorter grace shortens the first', async (stage) => {
    const { listener, server } = await stage.pair()
    stage.record(server, { onShutdown() {} })
    const first = listener.close({ grace: 60_000 })
    await quiet()
    await soon(Promise.all([first, listener.close({ grace: 20 })]), 'it closes')
    assert.equal(server.state, 'closed')
  }),

  check('destroy cuts everything now, also in the middle of a close', async (stage) => {
    for (const before of ['open', 'closing'] as const) {
      const { listener, server } = await stage.another().pair()
      const heard = stage.record(server, { onShutdown() {} })
      const closing = before === 'closing' ? listener.close({ grace: 60_000 }) : undefined
      await quiet()
      assert.equal(listener.state, before)
      listener.destroy()
      assert.equal(server.state, 'closed')
      await soon(listener.closed, 'it is closed')
      if (closing) await soon(closing, 'the close resolves, too')
      assert.equal(listener.state, 'closed')
      assert.equal(listener.connections.size, 0)
      await until(() => heard.reasons.length === 1, 'the connection is told')
      listener.destroy()
    }
  }),

  check('destroy with an error is the reason of its connections and its own', async (stage) => {
    const { listener, server } = await stage.pair()
    const spite = new Error('out of spite')
    listener.destroy(spite)
    for (const { closed } of [server, listener]) {
      const reason = await soon(closed, 'it is closed')
      assert.ok(reason.kind === 'error' && reason.error.cause === spite, `closed with ${reason.kind}`)
    }
  }),

  check('closes the same way inside accept', async (stage) => {
    for (const act of ['close', 'destroy'] as const) {
      const place = stage.another()
      const accepted: Peer[] = []
      const listener = await place.listen((connection) => {
        accepted.push(connection)
        if (act === 'close') void listener.close({ grace: 30 })
        else listener.destroy()
      })
      // The connection may be gone before its other end knows that it was there.
      await place.connect().catch(() => {})
      await soon(listener.closed, 'it is closed')
      assert.equal(accepted.length, 1)
      assert.equal(accepted[0]?.state, 'closed')
      assert.equal(listener.connections.size, 0)
    }
  }),

  check('closes the same way under an accept that is not done', async (stage) => {
    const accepted: Peer[] = []
    const heard: string[] = []
    let admit = (): void => {}
    const listener = await stage.listen(async (connection) => {
      accepted.push(connection)
      await new Promise<void>((resolve) => (admit = resolve))
      return { onData: () => void heard.push('input'), onClose: () => void heard.push('close') }
    })
    const client = await stage.connect()
    stage.write(client, ['input'])
    await until(() => accepted.length === 1, 'the connection is accepted')
    await soon(listener.close({ grace: 20 }), 'it closes')
    admit()
    await quiet()
    assert.equal(accepted[0]?.state, 'closed')
    assert.deepEqual(heard, ['close'])
  }),

  check('closes connections that wait to be taken', async (stage) => {
    const listener = await stage.listen()
    const client = await stage.connect()
    await until(() => listener.connections.size === 1, 'the connection is there')
    const [waiting] = listener.connections
    await soon(listener.close({ grace: 20 }), 'it closes')
    assert.equal(waiting?.state, 'closed')
    stage.record(client)
    if (stage.can.ends) await soon(client.closed, 'the peer hears')
  }),

  check('an aborted signal ends waiting for the close with its reason, not the closing', async (stage) => {
    const { listener, server } = await stage.pair()
    stage.record(server, { onShutdown() {} })
    const reason = new Error('changed my mind')
    const early = listener.close({ grace: 60, signal: AbortSignal.abort(reason) })
    assert.equal(await failureOf(early, 'closing with an aborted signal'), reason)
    await soon(listener.closed, 'the closing goes on')
  }),

  check('refuses a grace that is no time, and stays open', async (stage) => {
    const listener = await stage.listen(() => {})
    for (const grace of [-1, Number.NaN, Infinity]) {
      await assert.rejects(async () => listener.close({ grace }), RangeError)
    }
    assert.equal(listener.accepting, true)
  }),

  check('is closed where an `await using` ends', async (stage) => {
    const { client, listener } = await stage.pair()
    stage.record(client)
    await soon(Promise.resolve(listener[Symbol.asyncDispose]()), 'it is disposed of')
    assert.equal(listener.state, 'closed')
  }),
]
