import assert from 'node:assert/strict'

import { BrokenError, SocketError } from '@fairlead/core'

import { check, type Check } from '../check.ts'
import type { Peer } from '../fixture.ts'
import { Flood } from '../flood.ts'
import type { Stage } from '../stage.ts'
import { failureOf, quiet, settled, soon, until } from '../wait.ts'

export const closingChecks: readonly Check[] = [
  check('close is local here and remote there', async (stage) => {
    const { client, server } = await stage.pair()
    stage.record(server)
    await soon(client.close(), 'it closes')
    assert.equal((await client.closed).kind, 'local')
    if (!stage.can.ends) {
      await quiet()
      assert.equal(server.state, 'open')
      await soon(server.close(), 'the other end closes')
      assert.equal((await server.closed).kind, 'local')
    } else {
      assert.equal((await soon(server.closed, 'the other end is closed')).kind, 'remote')
    }
  }),

  check('an answering close is remote, too', async (stage) => {
    const { client, server } = await stage.pair()
    stage.record(client, { onEnd: () => void client.close() })
    void server.close()
    if (!stage.can.ends) await soon(client.close(), 'it closes')
    assert.equal((await soon(client.closed, 'it is closed')).kind, stage.can.ends ? 'remote' : 'local')
    assert.equal((await soon(server.closed, 'the other end is closed')).kind, 'local')
  }),

  check('close waits for its grace and cuts a peer that never ends', async (stage) => {
    const { client, server } = await stage.pair()
    const start = performance.now()
    const closing = client.close({ grace: 60 })
    if (!stage.can.ends) {
      await soon(closing, 'it closes')
      assert.equal((await client.closed).kind, 'local')
      return
    }
    assert.equal(client.state, 'closing')
    await quiet()
    assert.equal(client.state, 'closing', 'it did not wait for its peer')
    await soon(closing, 'it is cut')
    const elapsed = performance.now() - start
    assert.ok(elapsed >= 58 && elapsed < 2_000, `took ${elapsed} ms instead of 60`)
    assert.deepEqual(await client.closed, { kind: 'timeout', phase: 'close' })
    const heard = stage.record(server)
    await until(() => heard.reasons.length === 1, 'the other end is told')
  }),

  check('a second, shorter grace shortens the first, a longer one changes nothing', async (stage) => {
    const { client } = await stage.pair()
    const closings = [60_000, 40, 60_000].map((grace) => client.close({ grace }))
    await soon(Promise.all(closings), 'it is cut')
    assert.equal((await client.closed).kind, stage.can.ends ? 'timeout' : 'local')
  }),

  check('refuses a grace that is no time, and stays open', async (stage) => {
    const { client } = await stage.pair()
    for (const grace of [-1, Number.NaN, Infinity, '5' as unknown as number]) {
      await assert.rejects(async () => client.close({ grace }), RangeError)
    }
    assert.equal(client.state, 'open')
  }),

  check('an aborted signal ends waiting for the close with its reason, not the closing', async (stage) => {
    if (!stage.can.ends) return closesAtOnce(stage)
    const { client, server } = await stage.pair()
    const reason = new Error('changed my mind')
    const early = client.close({ signal: AbortSignal.abort(reason) })
    assert.equal(await failureOf(early, 'closing with an aborted signal'), reason)
    const controller = new AbortController()
    const late = client.close({ signal: controller.signal })
    assert.equal(await settled(late), false)
    controller.abort(reason)
    assert.equal(await failureOf(late, 'waiting'), reason)
    assert.equal(client.state, 'closing')
    stage.record(server)
    assert.equal((await soon(client.closed, 'the closing goes on')).kind, 'local')
  }),

  check('destroy is now, and the peer hears a reset, where there is one', async (stage) => {
    const { client, server } = await stage.pair()
    const [own, other] = [stage.record(client), stage.record(server)]
    await stage.tell(client, other, 'hello')
    client.destroy()
    assert.equal(client.state, 'closed')
    assert.deepEqual(await client.closed, { kind: 'local' })
    await until(() => own.reasons.length === 1, 'the close is told')
    if (!stage.can.resets) {
      await quiet()
      assert.equal(server.state, 'open')
      return
    }
    const reason = await soon(server.closed, 'the other end is closed')
    if (stage.can.tellsResets) {
      assert.ok(reason.kind === 'error' && reason.error instanceof BrokenError, `closed with ${reason.kind}`)
    } else {
      assert.deepEqual(reason, { kind: 'remote' })
    }
    await until(() => other.reasons.length === 1, 'the close is told')
    assert.equal(other.reasons[0], reason)
    assert.deepEqual(other.heard, ['data', 'close'], 'a reset looked like an end')
  }),

  check('destroy with an error has that error as its reason', async (stage) => {
    const { client } = await stage.pair()
    const foreign = new Error('out of spite')
    client.destroy(foreign)
    const reason = await client.closed
    assert.ok(reason.kind === 'error' && SocketError.is(reason.error) && reason.error.cause === foreign)
    const other = await stage.connect()
    const house = new BrokenError('Cannot go on: out of spite')
    other.destroy(house)
    assert.deepEqual(await other.closed, { kind: 'error', error: house })
  }),

  check('close and destroy, in any order and any state, end it once', async (stage) => {
    for (const [situation, prepare] of Object.entries(situations)) {
      for (const acts of [
        'close',
        'destroy',
        'close close',
        'destroy destroy',
        'close destroy',
        'destroy close',
      ]) {
        await endsOnce(stage, prepare, acts).catch((error: unknown) => {
          throw new Error(`${acts} when ${situation}: ${(error as Error).message}`, { cause: error })
        })
      }
    }
  }),

  check('may be closed or destroyed inside its own callbacks', async (stage) => {
    for (const act of ['close', 'destroy'] as const) {
      for (const callback of ['onText', 'onEnd', 'onClose'] as const) {
        // A datagram that comes behind the close may begin a connection anew: each has a listener of its own.
        const { client, server } = await stage.another().pair()
        const end = (): void => (act === 'close' ? void server.close({ grace: 2_000 }) : server.destroy())
        const heard = stage.record(server, { [callback]: end })
        stage.record(client)
        stage.write(client, stage.texts(0, 3))
        await until(() => heard.texts.length > 0, `${callback} is near`)
        if (callback !== 'onText') void client.close()
        if (callback !== 'onText' && !stage.can.ends) server.destroy()
        await soon(server.closed, `it is closed by ${act} in ${callback}`)
        await until(() => heard.reasons.length === 1, 'the close is told')
        await quiet()
        assert.equal(heard.heard.filter((what) => what === 'close').length, 1)
        assert.equal(heard.heard.at(-1), 'close')
        if (callback === 'onText') assert.deepEqual(heard.heard, ['data', 'close'], 'input came after that')
      }
    }
  }),

  check('discards input after its own close, and nothing that was asked before', async (stage) => {
    const { client, server } = await stage.pair()
    const heard = stage.record(client)
    await stage.tell(server, heard, 'before')
    const closing = client.close()
    stage.write(server, stage.texts(0, 3))
    await quiet()
    stage.record(server)
    await soon(closing, 'it closes')
    await until(() => heard.reasons.length === 1, 'the close is told')
    assert.deepEqual(heard.texts, ['before'])
  }),

  check('tells nothing after a destroy but the close', async (stage) => {
    const { client, server } = await stage.pair()
    stage.write(client, stage.texts(0, 3))
    await quiet()
    const heard = stage.record(server)
    server.destroy()
    stage.write(client, stage.can.resets ? [] : stage.texts(3, 6))
    await quiet()
    assert.deepEqual(heard.heard, ['close'])
  }),

  check('is closed where an `await using` ends', async (stage) => {
    const { client, server } = await stage.pair()
    stage.record(server)
    await soon(Promise.resolve(client[Symbol.asyncDispose]()), 'it is disposed of')
    assert.equal(client.state, 'closed')
    assert.equal((await client.closed).kind, 'local')
  }),

  check('is in its listener’s set until it is closed', async (stage) => {
    const { client, listener, server } = await stage.pair()
    assert.deepEqual([...listener.connections], [server])
    stage.record(server)
    await soon(client.close(), 'it closes')
    if (!stage.can.ends) await soon(server.close(), 'the other end closes')
    await soon(server.closed, 'the other end is closed')
    assert.equal(listener.connections.size, 0)
  }),
]

/** What may be going on when somebody closes. */
const situations: Record<string, (stage: Stage, client: Peer, server: Peer) => Promise<unknown> | void> = {
  'nothing was read': (stage, _, server) => stage.write(server, stage.texts(0, 3)),
  'it is handled': (stage, client) => void stage.record(client),
  'it is iterated': (stage, client) => void stage.read(client),
  'some was read and some kept': async (stage, client, server) => {
    stage.write(server, stage.largeTexts(0, 8))
    await quiet()
    await stage.read(client, 1)
  },
  'it is paused': (_, client) => client.pause(),
  'it is corked': (stage, client) => {
    client.cork()
    stage.write(client, ['corked'])
  },
  'its output has ended': (_, client) => {
    try {
      client.end?.()
    } catch {
      // It has no half-close; another check makes sure of that.
    }
  },
  'its peer has ended': (_, client, server) => {
    void server.close({ grace: 1_000 })
    return quiet().then(() => void client)
  },
  'its peer is gone': (_, __, server) => {
    server.destroy()
    return quiet()
  },
  'its output is full': async (stage, client) => {
    if (stage.can.backpressure) await new Flood(stage, client).stall()
  },
}

async function endsOnce(stage: Stage, prepare: (typeof situations)[string], acts: string): Promise<void> {
  const place = stage.another()
  const { client, listener, server } = await place.pair()
  await prepare(place, client, server)
  await quiet()
  const told: unknown[] = []
  const states: string[] = [client.state]
  const closings: Promise<void>[] = []
  const first = client.closed
  for (const act of acts.split(' ')) {
    if (act === 'close') closings.push(client.close({ grace: 20 }))
    else client.destroy()
    states.push(client.state)
    if (act === 'destroy') assert.equal(client.state, 'closed')
  }
  // Nothing is asserted in a callback: what it throws would only cost the connection.
  client.handle({
    onData: () => void told.push('input'),
    onClose: (reason) => void told.push(reason),
  })
  const reason = await soon(first, 'it is closed')
  await soon(Promise.all(closings), 'close() resolves')
  states.push(client.state)
  const order = ['open', 'closing', 'closed']
  assert.deepEqual(
    states,
    states.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)),
  )
  assert.equal(states.at(-1), 'closed')
  await until(() => told.length > 0, 'the close is told')
  client.destroy(new Error('too late'))
  await soon(client.close(), 'a late close resolves')
  await quiet()
  assert.deepEqual(told, [reason])
  assert.equal(await client.closed, reason)
  await soon(listener.close({ grace: 0 }), 'the listener closes')
}

/** Where nobody answers a close there is nothing to wait for. */
async function closesAtOnce(stage: Stage): Promise<void> {
  const { client } = await stage.pair()
  await soon(client.close(), 'it closes')
  await soon(client.close({ signal: AbortSignal.abort(new Error('too late')) }), 'a late close resolves')
}
