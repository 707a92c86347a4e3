import * as udp from '@fairlead/udp'
import { expect, test } from 'vitest'

import { until } from '../tools.ts'
import { alone, noneIsLeftToTheProcess } from './harness.ts'

noneIsLeftToTheProcess()

test('21 100,000 distinct senders: the session limit holds, memory does not grow, and peers go on', async () => {
  const { grown, ...rest } = await alone<Record<string, unknown>>('manyStrangers')
  expect(rest).toEqual({
    most: 2_000,
    sessions: 2_000,
    echoed: true,
    validated: 3,
    booked: true,
    rejected: 0,
    received: 200,
    answered: true,
    left: 0,
  })
  // Bytes for each sender that came and went: less than its entry in any table.
  expect(grown).toBeLessThan(16)
}, 30_000)

test('21 a full table of validated peers in use takes nobody, counts them, and takes them later', async () => {
  await using listener = await udp.listen(
    { maxSessions: 3, idleTimeout: 400, messages: 'text' },
    (session) => {
      session.validate()
      return { onData: (message) => void session.write(message) }
    },
  )
  const { port } = listener.address
  const open = () => udp.connect({ port, messages: 'text' })
  const peers = await Promise.all([open(), open(), open()])
  for (const peer of peers) peer.write('ahoy')
  await until(() => listener.connections.size === 3)
  await using late = await open()
  for (let at = 0; at < 10; at++) late.write('late')
  await until(() => listener.stats().rejected === 10)
  expect(listener.stats()).toMatchObject({ rejected: 10, evicted: 0, sent: 3 })
  await peers[0]?.close()
  const [first] = listener.connections
  await first?.close()
  late.write('now')
  expect(await late[Symbol.asyncIterator]().next()).toEqual({ value: 'now', done: false })
  for (const peer of peers) await peer.close()
})

test('21 nobody accepts: the backlog is bounded, and who had no room is counted', async () => {
  await using listener = await udp.listen({ maxSessionsPerAddress: 10_000 })
  const peers = await Promise.all(Array.from({ length: 700 }, () => udp.bind()))
  for (const [at, peer] of peers.entries()) {
    await peer.send('x', listener.address)
    if (at % 100 === 99) await until(() => listener.stats().received === at + 1)
  }
  const { received, rejected } = listener.stats()
  expect(received).toBe(700)
  expect(rejected).toBeGreaterThan(0)
  expect(listener.connections.size + rejected).toBe(700)
  await Promise.all(peers.map((peer) => peer.close()))
})
