import { expect, test } from 'vitest'

import { answer } from '../client/raw-server.ts'
import { watchStrays } from '../faults/harness.ts'
import { head } from '../server/ways.ts'
import { before, lines, memory } from './stage.ts'

watchStrays()

test('a client tells nothing of itself behind its body either', async () => {
  await using server = await memory.raw.open(() => answer('ok'))
  await using at = await before(memory, server)
  const client = await at.client()
  const trailers = [
    'X-Sum: 1',
    'Forwarded: for=192.0.2.1',
    'X-Forwarded-For: 192.0.2.1',
    'X-Real-IP: 192.0.2.1',
  ]
  client.write(head('POST / HTTP/1.1', 'Transfer-Encoding: chunked', 'Trailer: X-Sum'))
  client.write(`3\r\none\r\n0\r\n${trailers.join('\r\n')}\r\n\r\n`)
  await client.replies(1)
  const asked = await (await server.peer()).request()
  expect([asked.body, asked.trailers?.raw]).toEqual(['one', ['X-Sum', '1']])
})

test('a client tells nothing of itself under names that others take for the same', async () => {
  await using server = await memory.raw.open(() => answer('ok'))
  await using at = await before(memory, server, { proxy: { forwarded: false } })
  const client = await at.client()
  client.write(
    head('GET / HTTP/1.1', 'X_Forwarded_For: 192.0.2.1', 'X-Forwarded_Host: a', 'X_Real_IP: b', 'X_Own: c'),
  )
  await client.replies(1)
  const { text } = await server.peer()
  expect(lines(text)).toContain('X_Own: c')
  expect(text).not.toMatch(/forwarded|real/i)
})

test('what a hook leaves undefined stays as it is', async () => {
  await using server = await memory.raw.open(() => answer('ahoy'))
  const hooks = {
    onRequest: () => ({ target: undefined, headers: undefined }) as object,
    onResponse: () => ({ status: undefined, headers: undefined }) as object,
  }
  await using at = await before(memory, server, { proxy: hooks })
  const client = await at.client()
  client.write(head('GET /a HTTP/1.1'))
  const [reply] = await client.replies(1)
  expect(reply).toMatchObject({ status: 200, body: 'ahoy' })
  expect(lines((await server.peer()).text)[0]).toBe('GET /a HTTP/1.1')
})
