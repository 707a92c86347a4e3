import assert from 'node:assert/strict'

import { BrokenError, ClosedError, SocketError } from '@fairlead/core'

import { check, type Check } from '../check.ts'
import { Flood } from '../flood.ts'
import { failureOf, quiet, soon, until } from '../wait.ts'

export const sendingChecks: readonly Check[] = [
  check('refuses to write after its own close or destroy with a ClosedError', async (stage) => {
    await stage.listen(() => {})
    for (const act of ['close', 'destroy'] as const) {
      const client = await stage.connect()
      if (act === 'close') void client.close({ grace: 20 })
      else client.destroy()
      for (const when of ['at once', 'later']) {
        if (when === 'later') await soon(client.closed, 'it is closed')
        // After a grace that ran out, it is the deadline that broke it.
        const kind = (await reasonNow(client)) === 'timeout' ? BrokenError : ClosedError
        assert.throws(() => client.write(stage.encode('late')), kind)
        assert.ok((await failureOf(client.send(stage.encode('late')), 'send')) instanceof kind)
        if (client.state === 'closed')
          assert.ok((await failureOf(client.drained(), 'drained')) instanceof kind)
        void client.send(stage.encode('nobody awaits this'))
      }
    }
  }),

  check('refuses to write what cannot be sent any more because the peer is gone', async (stage) => {
    const { client, server } = await stage.pair()
    server.destroy()
    if (!stage.can.resets) {
      await quiet()
      for (let index = 0; index < 3; index++) await client.send(stage.encode('into the void'))
      await quiet()
      assert.equal(client.state, 'open')
      return
    }
    stage.record(client)
    await soon(client.closed, 'the reset is heard')
    assert.throws(() => client.write(stage.encode('late')), BrokenError)
    assert.ok((await failureOf(client.send(stage.encode('late')), 'send')) instanceof BrokenError)
    assert.ok((await failureOf(client.drained(), 'drained')) instanceof BrokenError)
  }),

  check('a sender that waits for room is told when the connection goes', async (stage) => {
    for (const who of ['us', 'them'] as const) {
      const { client, server } = await stage.another().pair()
      if (!stage.can.backpressure) {
        client.destroy()
        assert.ok((await failureOf(client.send(stage.encode('late')), 'send')) instanceof ClosedError)
        continue
      }
      const flood = new Flood(stage, client)
      await flood.stall()
      const room = client.drained()
      stage.record(client)
      if (who === 'us') client.destroy()
      else server.destroy()
      const kind = who === 'us' ? ClosedError : BrokenError
      const waiters = [flood.done, room]
      for (const waiter of waiters) {
        const error = await failureOf(waiter, 'waiting for room')
        assert.ok(error instanceof kind, `${String(error)} is no ${kind.name}`)
      }
    }
  }),

  check('a reset during 1,000 sends that nobody awaits ends nothing but that connection', async (stage) => {
    const accepted: Parameters<typeof stage.record>[0][] = []
    await stage.listen((connection) => void accepted.push(connection))
    const client = await stage.connect()
    await until(() => accepted.length === 1, 'the connection is accepted')
    const bystander = await stage.connect()
    await until(() => accepted.length === 2, 'the other connection is accepted')
    const [server, other] = accepted as [typeof client, typeof client]
    const heard = stage.record(other)
    stage.record(client)
    for (let index = 0; index < 1_000; index++) {
      if (index === 500) server.destroy()
      if (index % 100 === 0) await quiet()
      void client.send(stage.encode(stage.text(index, 1_000)))
    }
    await quiet()
    assert.equal(client.state, stage.can.resets ? 'closed' : 'open')
    await stage.tell(bystander, heard, 'still here')
    assert.deepEqual([bystander.state, other.state], ['open', 'open'])
    if (!stage.can.resets) return
    const reason = await client.closed
    assert.ok(reason.kind === 'error' && SocketError.is(reason.error))
    assert.ok((await failureOf(client.send(stage.encode('late')), 'send')) instanceof BrokenError)
  }),

  check('what cannot be sent is refused, and ends nothing', async (stage) => {
    const { client, server } = await stage.pair()
    const heard = stage.record(server)
    for (const wrong of stage.fixture.records.refused) {
      assert.throws(() => client.write(wrong), TypeError)
      assert.ok((await failureOf(client.send(wrong), 'send')) instanceof TypeError)
    }
    await stage.tell(client, heard, 'still here')
    assert.deepEqual(heard.texts, ['still here'])
  }),
]

async function reasonNow(client: {
  state: string
  closed: Promise<{ kind: string }>
}): Promise<string | undefined> {
  return client.state === 'closed' ? (await client.closed).kind : undefined
}
