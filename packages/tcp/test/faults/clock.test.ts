import { Deadline } from '@fairlead/core/transport'
import { afterEach, expect, test, vi } from 'vitest'

import { echo, echoed, meet, ways } from './harness.ts'

afterEach(() => vi.restoreAllMocks())

const day = 24 * 60 * 60 * 1_000

test.each([
  ['forward', day],
  ['backward', -day],
])('22 the clock of the machine jumps %s by a day, and no time limit hears of it', async (_, jump) => {
  const limits = { writeTimeout: 60_000, readTimeout: 60_000, idleTimeout: 60_000, totalTimeout: 60_000 }
  const links = await Promise.all(ways.map((way) => meet(way, limits)))
  for (const { server } of links) server.handle(echo(server))
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + jump)
  // All deadlines are looked at together: when this one has passed, those of the connections were seen, too.
  await new Promise<void>((resolve) => new Deadline({ onDeadline: resolve }).set(1))
  for (const { client, server, listener } of links) {
    expect(server.state).toBe('open')
    expect(await echoed(client, 'ahoy')).toBe('ahoy')
    await listener.close({ grace: 0 })
  }
})
