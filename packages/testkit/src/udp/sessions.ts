import assert from 'node:assert/strict'

import { LimitError } from '@fairlead/core'

import { feature, type Feature } from '../check.ts'
import { failureOf, soon, until } from '../wait.ts'
import { meet, open, pass } from './meeting.ts'

/** What a listener does to its sessions, and for them. */
export const sessionFeatures: readonly Feature[] = [
  feature('the session that was not heard for the longest time gives way', async (broom) => {
    const { listener, sessions, dial } = await meet(broom, { maxSessions: 2 })
    for (let count = 1; count <= 3; count++) {
      await (await dial()).send(`${count}`)
      await until(() => sessions.length === count, 'it is accepted')
    }
    const reason = await soon(sessions[0]!.closed, 'the first is closed')
    assert.ok(reason.kind === 'error' && reason.error instanceof LimitError, reason.kind)
    assert.equal(reason.error.limit, 'maxSessions')
    assert.deepEqual([listener.connections.size, listener.stats().evicted], [2, 1])
  }),

  feature('a validated session does not give way', async (broom) => {
    const { listener, sessions, dial } = await meet(broom, { maxSessions: 1 })
    const first = await dial()
    await first.send('ahoy')
    await until(() => sessions.length === 1, 'it is accepted')
    sessions[0]!.validate()
    await (await dial()).send('me, too')
    await until(() => listener.stats().rejected === 1, 'the newcomer is refused')
    assert.deepEqual([sessions.length, sessions[0]!.state], [1, 'open'])
  }),

  feature('little goes to a peer before it is validated', async (broom) => {
    const { listener, sessions, dial } = await meet(broom, { maxAmplification: 3 })
    const client = await dial()
    await client.send('x'.repeat(10))
    await until(() => sessions.length === 1, 'it is accepted')
    const session = sessions[0]!
    assert.equal(session.validated, false)
    session.write('y'.repeat(30))
    const error = await failureOf(session.send('z'), 'one byte more')
    assert.ok(error instanceof LimitError && error.limit === 'maxAmplification', String(error))
    assert.equal(listener.stats().withheld, 1)
    session.validate()
    session.write('z'.repeat(100))
    const lengths: number[] = []
    client.handle({ onData: (text) => void lengths.push(text.length) })
    await until(() => lengths.length === 2, 'both are heard')
    assert.deepEqual(
      lengths.toSorted((a, b) => a - b),
      [30, 100],
    )
  }),

  feature('with cookies, a peer is validated before it has a session', async (broom) => {
    const cookie = { validation: 'cookie' } as const
    const { listener, port, sessions, dial } = await meet(broom, cookie, cookie)
    const stranger = await open(broom)
    await stranger.send('no cookie', { host: '127.0.0.1', port })
    const client = await dial()
    await until(() => sessions.length === 1, 'it is accepted')
    const session = sessions[0]!
    assert.equal(session.validated, true)
    await pass(client, session, 'ahoy')
    await pass(session, client, 'x'.repeat(1_000))
    assert.equal(listener.connections.size, 1)
    assert.ok(listener.stats().cookies >= 1)
  }),

  feature('a session of which nothing is heard ends', async (broom) => {
    const { listener, sessions, dial } = await meet(broom, { idleTimeout: 40 })
    await (await dial()).send('ahoy')
    await until(() => sessions.length === 1, 'it is accepted')
    assert.deepEqual(await soon(sessions[0]!.closed, 'it ends'), { kind: 'timeout', phase: 'idle' })
    assert.deepEqual([listener.connections.size, listener.stats().expired], [0, 1])
  }),
]
