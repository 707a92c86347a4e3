import { expect, test } from 'vitest'

import { openBound } from '../../src/opening/open-bound.ts'
import { SessionListener } from '../../src/session/listener.ts'
import { Counters } from '../../src/stats.ts'

const from = (address: string, port = 4_000) => ({ address, port, family: 'IPv4' }) as const

test('a listener tells its sessions, and who got none, by the reason', async () => {
  const counters = new Counters()
  const options = { maxSessions: 3, maxSessionsPerAddress: 1, maxUnvalidatedDatagrams: 1 }
  const handler = { onData() {} }
  const listener = new SessionListener(options, await openBound({}, counters), counters, (session) => {
    // One of them uses up what it may be sent; the others are validated, and in use.
    if (session.remoteAddress.port === 1) session.write(Buffer.from('x'))
    else session.validate()
    return handler
  })
  const data = Buffer.from('x')
  listener.receive(data, from('10.0.0.1'))
  listener.receive(data, from('10.0.0.1', 4_001))
  listener.receive(data, from('10.0.0.2', 1))
  for (const session of listener.connections) if (session.remoteAddress.port === 1) session.destroy()
  listener.receive(data, from('10.0.0.2', 1))
  await listener.suspend()
  listener.receive(data, from('10.0.0.9'))
  const stats = listener.stats()
  expect(stats).toMatchObject({ sessions: 1, rejected: 3 })
  expect(stats.refusals).toEqual({
    maxSessions: 0,
    maxSessionsPerAddress: 1,
    maxUnvalidatedDatagrams: 1,
    suspended: 1,
    backlog: 0,
    cookie: 0,
  })
  listener.destroy()
})

test('a session tells what came and went', async () => {
  const counters = new Counters()
  const listener = new SessionListener({}, await openBound({}, counters), counters, (session) => ({
    onData: (data) => void session.write(data),
  }))
  listener.receive(Buffer.from('ahoy'), from('127.0.0.1', 9))
  listener.receive(Buffer.from('there'), from('127.0.0.1', 9))
  const [session] = listener.connections
  await expect.poll(() => session?.buffered).toBe(0)
  await expect.poll(() => session?.stats().bytesOut).toBe(9)
  expect(session?.stats()).toEqual({ bytesIn: 9, bytesOut: 9 })
  listener.destroy()
})
