import { useManualClock } from '@fairlead/harness'
import { Client, listen } from '@fairlead/http'
import { expect, test } from 'vitest'

const clock = useManualClock()

test(
  'a body that takes longer than a connection may be idle is sent to its end on a reused one',
  { timeout: 10_000 },
  async () => {
    await using server = await listen({ port: 0, host: '127.0.0.1', idleGrace: 0 }, async (exchange) => {
      await exchange.respond(200, {}, await exchange.request.body.bytes())
    })
    const { address } = server
    if (address.kind !== 'ip') throw new Error('not on a port')
    await using client = new Client({ base: `http://127.0.0.1:${address.port}/`, idleTimeout: 4_000 })
    await (await client.request('/')).text()
    async function* slowly(): AsyncGenerator<string> {
      yield 'ah'
      // What is due comes before the next turn.
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(10_000)
      await new Promise((resolve) => setImmediate(resolve))
      yield 'oy'
    }
    const response = await client.request('/', { method: 'PUT', body: slowly() })
    expect([await response.text(), response.reused, response.attempts]).toEqual(['ahoy', true, 1])
    // Idle again, it goes.
    clock.advance(10_000)
    await expect.poll(() => client.stats().origins, { interval: 5 }).toEqual({})
  },
)
