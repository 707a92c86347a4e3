import assert from 'node:assert/strict'

import { ConnectError } from '@fairlead/core'

import { check, type Check } from '../check.ts'
import type { Peer } from '../fixture.ts'
import { failureOf, quiet, soon, until } from '../wait.ts'

export const suspendingChecks: readonly Check[] = [
  check(
    'suspend refuses newcomers and leaves connections alone, resume listens on the same address',
    async (stage) => {
      const accepted: Peer[] = []
      const listener = await stage.listen((connection) => void accepted.push(connection))
      const client = await stage.connect()
      await until(() => accepted.length === 1, 'the connection is accepted')
      const heard = stage.record(accepted[0] as Peer)
      const { address } = listener
      await soon(listener.suspend(), 'it is suspended')
      await soon(listener.suspend(), 'it is suspended twice')
      assert.equal(listener.accepting, false)
      assert.equal(listener.state, 'open')
      if (stage.can.refuses)
        assert.ok((await failureOf(stage.connect(), 'connecting')) instanceof ConnectError)
      else await stage.connect()
      await quiet()
      assert.equal(accepted.length, 1, 'it accepted while suspended')
      await stage.tell(client, heard, 'still here')

      await soon(listener.resume(), 'it is resumed')
      await soon(listener.resume(), 'it is resumed twice')
      assert.equal(listener.accepting, true)
      assert.deepEqual(listener.address, address)
      const second = await stage.connect()
      await until(() => accepted.length === 2, 'a newcomer is accepted')
      await stage.tell(second, stage.record(accepted[1] as Peer), 'hello')
      await stage.tell(client, heard, 'and here')
    },
  ),

  check('a suspended listener still closes, and stays closed', async (stage) => {
    const listener = await stage.listen(() => {})
    await soon(listener.suspend(), 'it is suspended')
    await soon(listener.close(), 'it closes')
    assert.equal(listener.accepting, false)
    await soon(
      listener.resume().catch(() => {}),
      'resume settles',
    )
    assert.equal(listener.accepting, false)
    if (stage.can.refuses) assert.ok((await failureOf(stage.connect(), 'connecting')) instanceof ConnectError)
    await stage.listen(() => {})
  }),

  check('suspend and resume at once end as asked last', async (stage) => {
    const accepted: Peer[] = []
    const listener = await stage.listen((connection) => void accepted.push(connection))
    await soon(Promise.all([listener.suspend(), listener.resume()]), 'it is resumed')
    assert.equal(listener.accepting, true)
    await stage.connect()
    await until(() => accepted.length === 1, 'a newcomer is accepted')
    await soon(Promise.all([listener.suspend(), listener.resume(), listener.suspend()]), 'it is suspended')
    assert.equal(listener.accepting, false)
    if (stage.can.refuses) assert.ok((await failureOf(stage.connect(), 'connecting')) instanceof ConnectError)
  }),
]
