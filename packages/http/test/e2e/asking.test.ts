import { outcome, Program } from '@fairlead/harness'
import { listen } from '@fairlead/http'
import { afterEach, expect, test } from 'vitest'

afterEach(() => Program.killAll())

const program = new URL('../programs/asking.mjs', import.meta.url)

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 200))

async function* slowly(): AsyncGenerator<string> {
  for (const piece of ['a', 'ho', 'y']) {
    yield piece
    await later()
  }
}

test.each([
  ['request', 'ahoy'],
  ['fetch', 'ahoy'],
  ['client', 'ahoyahoyahoy'],
  ['unread', '200'],
  ['again', 'ahoy'],
  ['late', 'ahoy'],
  ['body', 'ahoy'],
])('a program that asks by %s waits for its answer, and ends behind it', async (how, body) => {
  await using server = await listen({ port: 0, idleGrace: 0 }, async (exchange) => {
    const { target } = exchange.request
    if (target === '/late') await later()
    await exchange.respond(200, {}, target === '/slowly' ? slowly() : 'ahoy')
  })
  const { port } = server.address as { port: number }
  const began = performance.now()
  expect(await outcome(program, [how, `http://127.0.0.1:${port}`])).toEqual({ body })
  // Nobody closed the connections: the server waits for 72 seconds, the client for ten minutes.
  expect(performance.now() - began).toBeLessThan(30_000)
})
