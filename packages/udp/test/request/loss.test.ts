import { TimeoutError } from '@fairlead/core'
import { type DatagramConditions, DatagramNetwork } from '@fairlead/core/memory'
import { expect, test } from 'vitest'

import { requests } from '../../src/request.ts'
import { useFakeTime } from './tools.ts'

const time = useFakeTime()
const count = 200

/** Asks many things over a bad network, and says how often each was executed. */
async function exchange(conditions: DatagramConditions, seed: number, work: number) {
  const network = new DatagramNetwork({ queue: 10_000, ...conditions }, seed)
  const executions = new Map<string, number>()
  const server = requests(await network.bind('server'), {
    messages: 'text',
    async answer(data) {
      executions.set(data, (executions.get(data) ?? 0) + 1)
      if (work > 0) await new Promise((resolve) => setTimeout(resolve, work))
      return `re: ${data}`
    },
  })
  const client = requests(await network.bind('client'), { messages: 'text' })
  // Enough attempts that giving up is not a matter of luck: at 60% loss one in six comes through.
  const retries = { timeout: 28_000, retries: 1_000, backoff: { base: 100, cap: 200 } }
  const asked = Array.from({ length: count }, (_, i) =>
    client.request(String(i), { to: 'server', ...retries }),
  )
  const all = Promise.allSettled(asked)
  while (client.stats().pending > 0) await time.advance(100, 100)
  const results = await all
  const stats = { client: client.stats(), server: server.stats() }
  await Promise.all([client.close(), server.close()])
  return { results, executions, ...stats }
}

test.each<[number, DatagramConditions, number]>([
  [1, {}, 0],
  [2, { loss: 0.3 }, 0],
  [3, { loss: 0.45, duplication: 0.2, reordering: 0.2 }, 0],
  [4, { loss: 0.6 }, 0],
  [5, { loss: 0.6, duplication: 0.3, reordering: 0.5 }, 300],
  [6, { duplication: 1, reordering: 1 }, 0],
  [7, { duplication: 0.5, reordering: 0.5 }, 500],
])('seed %i, %j, %i ms of work: all answered, each executed once', async (seed, conditions, work) => {
  const { results, executions, client, server } = await exchange(conditions, seed, work)
  expect(results).toEqual(results.map((_, i) => ({ status: 'fulfilled', value: `re: ${i}` })))
  expect([...executions.values()]).toEqual(Array(count).fill(1))
  expect(client).toMatchObject({ requests: count, answers: count, timeouts: 0, pending: 0, filtered: 0 })
  expect(server).toMatchObject({ executed: count, refused: 0, running: 0, forgotten: 0 })
  expect(server.received).toBe(server.executed + server.repeated + server.inProgress)
  if (conditions.loss) expect(client.retries).toBeGreaterThan(count * conditions.loss)
  if (conditions.duplication) expect(client.duplicates).toBeGreaterThan(0)
})

test('when everything is lost all are given up, and none is executed', async () => {
  const network = new DatagramNetwork({ loss: 1 })
  const server = requests(await network.bind('server'), { answer: () => 'never' })
  const client = requests(await network.bind('client'))
  const asked = Array.from({ length: 20 }, () => client.request('a', { to: 'server', timeout: 2_000 }))
  const all = Promise.allSettled(asked)
  await time.advance(2_000)
  for (const result of await all) expect(result).toMatchObject({ reason: expect.any(TimeoutError) })
  expect(server.stats()).toMatchObject({ received: 0, executed: 0 })
  expect(client.stats()).toMatchObject({ requests: 20, timeouts: 20, pending: 0 })
})

test('when only the answers are lost each is executed once all the same', async () => {
  const network = new DatagramNetwork({ queue: 10_000 })
  let executed = 0
  const server = requests(await network.bind('server'), {
    answer() {
      executed++
      network.change({ loss: 1 })
      return 'lost'
    },
  })
  const client = requests(await network.bind('client'))
  const asked = client.request('a', { to: 'server', timeout: 3_000, backoff: { base: 400 } })
  asked.catch(() => {})
  await time.advance(50)
  network.change({ loss: 0 })
  await time.advance(1_000)
  expect(Buffer.from(await asked).toString()).toBe('lost')
  expect(executed).toBe(1)
  expect(server.stats()).toMatchObject({ executed: 1, repeated: 1 })
})
