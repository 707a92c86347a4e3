import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import type { Connect } from '../../src/index.ts'
import { watchStrays } from '../faults/harness.ts'
import { ChaosCall } from './chaos-caller.ts'
import { ChaosPeer, dice, type ServerWorld, turns } from './chaos-server.ts'
import { rawWays } from './raw-server.ts'

// Time passes when nothing else does.
const clock = useManualClock()
watchStrays()

/** `CHAOS=from:count` runs other seeds. */
const [from = 1, count = 150] = (process.env['CHAOS'] ?? '').split(':').filter(Boolean).map(Number)

/** Many turns of the event loop, in which all that waits for the other side has its time, and threads have theirs. */
async function settle(done: () => boolean, patience = 3_000): Promise<boolean> {
  const began = performance.now()
  for (let at = 0; at < 1_500 || performance.now() - began < patience; at++) {
    if (done()) return true
    await turns(1)
    if (at > 40 && at < 1_500) clock.advance(100)
  }
  return done()
}

describe.each(rawWays)('over $name, whatever server and caller do', (way) => {
  test(`nobody gets what is another one’s, and nothing is left over (seeds ${from} to ${from + count - 1})`, async () => {
    const wrong: string[] = []
    for (let seed = from; seed < from + count; seed++) wrong.push(...(await chaos(seed, way)))
    expect(wrong.join('\n')).toBe('')
  })
})

const connectOverTcp: Connect = ({ host, port, signal }) => tcp.connect({ host, port, signal })

/** One client, one server, and some dozens of requests. What went wrong. */
async function chaos(seed: number, way: (typeof rawWays)[number]): Promise<string[]> {
  const roll = dice(seed)
  const pipelining = [1, 1, 2, 4, 8][Math.floor(roll() * 5)]!
  const world: ServerWorld = {
    roll,
    pipelined: pipelining > 1,
    processed: new Map(),
    lies: new Set(),
    violations: [],
    peers: new Set(),
  }
  await using server = await way.open()
  server.accept = (connection) => void new ChaosPeer(connection, world)
  const interceptor = roll()
  const trouble = roll() < 0.4 ? 0.3 : 0
  const connect: Connect = async (target) => {
    const mood = roll()
    if (mood < trouble / 4) throw new Error('by the hook')
    if (mood < trouble / 2) await turns(Math.floor(roll() * 8))
    const connection = await (server.options.connect ?? connectOverTcp)(target)
    if (mood > 1 - trouble / 4) connection.destroy()
    else if (mood > 1 - trouble / 3) void turns(1).then(() => connection.destroy(new Error('by the hook')))
    else if (mood > 1 - trouble / 2) await turns(Math.floor(roll() * 8))
    return connection
  }
  const client = server.client({
    connect,
    pipelining,
    maxConnections: 1 + Math.floor(roll() * 4),
    retry: roll() < 0.8,
    ...(roll() < 0.1 && { maxQueued: 3 }),
    timeouts: { headers: 5_000, body: 5_000, write: 5_000 },
    ...(interceptor < 0.3 && {
      interceptors: [
        async (request, next) => {
          if (interceptor < 0.02) throw new Error('by an interceptor')
          if (interceptor < 0.1) await turns(1)
          if (interceptor < 0.15 && request.method === 'GET') (await next(request)).discard()
          return next(request)
        },
      ],
    }),
  })
  const calls: ChaosCall[] = []
  const ask = (): void => {
    if (calls.length >= 60) return
    const call = new ChaosCall(client, `t${seed}x${1_000_000 + calls.length * 7_919}z`, roll, ask)
    call.untaken = interceptor < 0.02
    calls.push(call)
    void call.run()
  }
  for (let left = 8 + Math.floor(roll() * 16); left > 0; left--) {
    ask()
    if (roll() < 0.4) await turns(Math.floor(roll() * 6))
    if (roll() < 0.02) client.destroy()
  }
  const { violations } = world
  const note = (what: string): void => void violations.push(`seed ${seed} over ${way.name}: ${what}`)
  await settle(() => calls.every(({ over, still }) => over || still), 0)
  // Whoever stands still himself may have a connection that others wait for.
  const over = (call: ChaosCall): boolean => {
    if (call.still) call.controller.abort(call)
    return call.over
  }
  await settle(() => calls.map(over).every(Boolean))
  for (const { over, token, method, stage } of calls)
    if (!over) note(`${method} ${token} hangs while ${stage}`)
  if (!(await settle(() => client.stats().active === 0)))
    note(`${client.stats().active} requests are active: ${JSON.stringify(client.stats().origins)}`)
  const queued = Object.values(client.stats().origins).some((origin) => origin.queued > 0)
  if (queued) note('requests are queued')
  const closing = client.close()
  if (!(await settle(() => client.state === 'closed'))) note(`the client is ${client.state}`)
  await closing
  if (Object.keys(client.stats().origins).length > 0) note('connections are left')
  // Those that do not read hear nothing of their end.
  const left = (): number => [...world.peers].filter(({ paused }) => !paused).length
  if (!(await settle(() => left() === 0))) note(`${left()} connections are left at the server`)
  for (const call of calls) {
    const times = world.processed.get(call.token) ?? 0
    const wrong = call.violation(world.lies.has(call.token), times, (token) =>
      calls.some((one) => one.token === token),
    )
    if (wrong !== undefined) note(wrong)
  }
  for (const peer of world.peers) peer.destroy()
  return violations
}
