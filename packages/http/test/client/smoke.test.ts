import { test, expect } from 'vitest'
import { listen, Client } from '../../src/index.ts'

test('smoke', async () => {
  const server = await listen({ port: 0 }, async (exchange) => {
    const body = await exchange.request.body.text()
    await exchange.respond(200, { 'X-Method': exchange.request.method }, `ahoy ${exchange.request.target} ${body}\n`)
  })
  const port = (server.address as { port: number }).port
  const client = new Client({ base: `http://127.0.0.1:${port}` })
  const response = await client.request('/a?b#c')
  expect(response.status).toBe(200)
  expect(await response.text()).toBe('ahoy /a?b \n')
  const again = await client.request('/x', { json: { a: 1 } })
  expect(again.reused).toBe(true)
  expect(await again.text()).toBe('ahoy /x {"a":1}\n')
  console.log(client.stats(), again.headers.raw)
  await client.close()
  await server.close()
})
