import assert from 'node:assert/strict'

import { ConnectError, formatAddress, ListenError } from '@fairlead/core'

import { check, type Check } from '../check.ts'
import { failureOf, quiet, soon, until } from '../wait.ts'

export const connectingChecks: readonly Check[] = [
  check('an address in use is a ListenError, and the one who has it goes on', async (stage) => {
    const { client, listener, server } = await stage.pair()
    const error = await failureOf(
      stage.listen(() => {}),
      'listening twice',
    )
    assert.ok(error instanceof ListenError, `${String(error)} is no ListenError`)
    assert.match(error.message, /^Cannot listen on .+: .+/)
    assert.equal(listener.accepting, true)
    await stage.tell(client, stage.record(server), 'still here')
  }),

  check('an address is free again after close and after destroy', async (stage) => {
    let address: string | undefined
    for (const act of ['close', 'destroy', 'close'] as const) {
      const listener = await stage.listen(() => {})
      address ??= formatAddress(listener.address)
      assert.equal(formatAddress(listener.address), address)
      if (act === 'close') await soon(listener.close(), 'it closes')
      else listener.destroy()
      await soon(listener.closed, 'it is closed')
    }
  }),

  check('connecting where nobody listens is a ConnectError', async (stage) => {
    const listener = await stage.listen(() => {})
    await soon(listener.close(), 'it closes')
    if (!stage.can.refuses) {
      const client = await stage.connect()
      await quiet()
      assert.equal(client.state, 'open')
      return
    }
    const error = await failureOf(stage.connect(), 'connecting to nobody')
    assert.ok(error instanceof ConnectError, `${String(error)} is no ConnectError`)
    assert.match(error.message, /^Cannot connect to .+: .+/)
    assert.equal(error.retryable, true)
    assert.equal(error.attempts.length, stage.can.attempts ? 1 : 0)
    for (const attempt of error.attempts) {
      assert.deepEqual(attempt.address, listener.address)
      assert.equal(attempt.phase, 'connect')
      assert.match(attempt.code, /^E[A-Z]+$/)
      assert.ok(attempt.duration >= 0)
    }
  }),

  check('connecting with an aborted signal rethrows its reason, and nobody is accepted', async (stage) => {
    let accepted = 0
    await stage.listen(() => void accepted++)
    const reason = new Error('changed my mind')
    const error = await failureOf(
      stage.transport.connect({ signal: AbortSignal.abort(reason) }),
      'connecting with an aborted signal',
    )
    assert.equal(error, reason)
    await quiet()
    assert.equal(accepted, 0)
  }),

  check('a signal that aborts after the connect changes nothing', async (stage) => {
    const accepted: Parameters<typeof stage.record>[0][] = []
    await stage.listen((connection) => void accepted.push(connection))
    const controller = new AbortController()
    const client = await soon(stage.transport.connect({ signal: controller.signal }), 'it is connected')
    controller.abort(new Error('too late'))
    stage.write(client, ['hello'])
    await until(() => accepted.length === 1, 'it is accepted')
    const heard = stage.record(accepted[0] as typeof client)
    await until(() => heard.texts.includes('hello'), 'the text arrives')
    client.destroy()
  }),

  check('connections are apart: each hears its own, and one that ends leaves the others', async (stage) => {
    const accepted: Parameters<typeof stage.record>[0][] = []
    const listener = await stage.listen((connection) => void accepted.push(connection))
    const pairs: [(typeof accepted)[0], ReturnType<typeof stage.record>][] = []
    for (let index = 0; index < 20; index++) {
      const client = await stage.connect()
      await until(() => accepted.length === index + 1, 'it is accepted')
      pairs.push([client, stage.record(accepted[index] as typeof client)])
    }
    pairs.forEach(([client], index) => stage.write(client, [stage.text(index)]))
    await until(() => pairs.every(([, heard]) => heard.texts.length === 1), 'all texts arrive')
    pairs.forEach(([, heard], index) => assert.deepEqual(heard.texts, [stage.text(index)]))
    assert.equal(listener.connections.size, 20)
    accepted.slice(0, 10).forEach((connection) => connection.destroy())
    assert.equal(listener.connections.size, 10)
    pairs.slice(10).forEach(([client], index) => stage.write(client, [stage.text(100 + index)]))
    await until(() => pairs.slice(10).every(([, heard]) => heard.texts.length === 2), 'the others go on')
  }),
]
