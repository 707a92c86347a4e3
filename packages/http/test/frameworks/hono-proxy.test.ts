import { gzipSync } from 'node:zlib'

import { Hono } from 'hono'
import { hc } from 'hono/client'
import { proxy } from 'hono/proxy'
import { streamText } from 'hono/streaming'
import { expect, test } from 'vitest'

import { Client } from '../../src/index.ts'
import { bytesOf } from '../client/download/file-server.ts'
import { run } from './program.ts'

const block = bytesOf(1_000_000)

/** What stands behind. */
function origin() {
  let release!: () => void
  const released = new Promise<void>((resolve) => (release = resolve))
  const left: string[] = []
  const app = new Hono()
  app.post('/echo', (c) =>
    c.body(c.req.raw.body!, 200, { 'X-Length': c.req.header('content-length') ?? 'none' }),
  )
  app.get('/fields', (c) => c.json(c.req.header(), 200, { 'Set-Cookie': 'a=b', 'X-Own': '1' }))
  app.get('/coded', () => new Response(gzipSync('coded'), { headers: { 'Content-Encoding': 'gzip' } }))
  app.get('/pieces', (c) =>
    streamText(c, async (out) => {
      await out.write('first')
      await released
      await out.write(', last')
    }),
  )
  app.get('/endless', (c) =>
    streamText(c, async (out) => {
      const gone = new Promise<void>((resolve) => out.onAbort(resolve))
      await out.write('x')
      await gone
      left.push('endless')
    }),
  )
  return { app, left, release: () => release() }
}

test('its proxy helper over our fetch: both ways piece by piece, to the end or not', async () => {
  const { app, left, release } = origin()
  await using behind = await run(app.fetch)
  await using client = new Client()
  const customFetch = (request: Request): Promise<Response> => client.fetch(request)
  const front = new Hono().all('/api/*', async (c) => {
    const url = new URL(c.req.path.slice('/api'.length), behind.url)
    const headers = { ...c.req.header(), 'X-Forwarded-Host': c.req.header('host'), Authorization: undefined }
    // oxlint-disable-next-line typescript/no-misused-spread -- as its documentation does
    const response = await proxy(url, { ...c.req, headers, customFetch })
    response.headers.delete('Set-Cookie')
    return response
  })
  await using program = await run(front.fetch)
  const { request, url } = program
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < block.length; at += 70_000) yield block.subarray(at, at + 70_000)
  }
  for (const body of [block, pieces()]) {
    const echoed = await request('/api/echo', { method: 'POST', body })
    expect(Buffer.from(await echoed.bytes()).equals(block)).toBe(true)
  }
  const fields = await request('/api/fields', { headers: { Authorization: 'Bearer secret', 'X-Mine': 'x' } })
  expect([fields.headers.get('set-cookie'), fields.headers.get('x-own')]).toEqual([undefined, '1'])
  const told = await fields.json<Record<string, string>>()
  expect(told).toMatchObject({
    host: new URL(url).host,
    'x-forwarded-host': new URL(url).host,
    'x-mine': 'x',
  })
  expect(told).not.toHaveProperty('authorization')
  expect(await (await request('/api/coded')).text()).toBe('coded')
  let text = ''
  for await (const chunk of await request('/api/pieces')) {
    text += Buffer.from(chunk).toString()
    if (text === 'first') release()
  }
  expect(text).toBe('first, last')
  for await (const chunk of await request('/api/endless')) {
    expect(Buffer.from(chunk).toString()).toBe('x')
    break
  }
  await expect.poll(() => left, { interval: 1 }).toEqual(['endless'])
  expect((await request('/api/nowhere')).status).toBe(404)
  expect([...behind.errors, ...program.errors]).toEqual([])
})

test('its typed client over our fetch', async () => {
  const app = new Hono()
    .get('/ships/:name', (c) => c.json({ name: c.req.param('name'), sails: Number(c.req.query('sails')) }))
    .post('/ships', async (c) => c.json({ made: await c.req.json<{ name: string }>() }, 201))
  await using program = await run(app.fetch)
  await using client = new Client()
  const api = hc<typeof app>(program.url, { fetch: client.fetch.bind(client) as typeof fetch })
  const ship = await api.ships[':name'].$get({ param: { name: 'Möwe' }, query: { sails: '3' } } as never)
  expect(await ship.json()).toEqual({ name: 'Möwe', sails: 3 })
  const made = await api.ships.$post({ json: { name: 'a' } })
  expect([made.status, made.ok]).toEqual([201, true])
  await made.arrayBuffer()
  expect(program.errors).toEqual([])
})
