import { Hono } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { HTTPException } from 'hono/http-exception'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { validator } from 'hono/validator'
import { expect, test } from 'vitest'

import type { ServeContext } from '../../src/index.ts'
import { until } from '../server/ways.ts'
import { cookiesOf, eventsOf, run } from './program.ts'

interface Line {
  readonly id: number
  readonly who: string
  readonly text: string
}

/** A room: whoever listens gets what is said from then on, and what was said since it listened last. */
function room() {
  const lines: Line[] = []
  const listeners = new Set<SSEStreamingApi>()
  const app = new Hono<{ Bindings: ServeContext }>()
  const send = (stream: SSEStreamingApi, line: Line): Promise<void> =>
    stream.writeSSE({ id: String(line.id), event: 'line', data: JSON.stringify(line) })

  app.post('/enter', async (c) => {
    const { name } = await c.req.parseBody<{ name: string }>()
    setCookie(c, 'name', name, { httpOnly: true, sameSite: 'Strict' })
    return c.body(null, 204)
  })
  const spoken = validator('json', (value: { text?: unknown }) => {
    if (typeof value.text !== 'string' || value.text === '') {
      throw new HTTPException(422, { message: 'nothing was said' })
    }
    return { text: value.text }
  })
  app.post('/say', spoken, async (c) => {
    const who = getCookie(c, 'name')
    if (who === undefined) throw new HTTPException(401, { message: 'who is there?' })
    const line = { id: lines.length + 1, who, text: c.req.valid('json').text }
    lines.push(line)
    await Promise.all(Array.from(listeners, (stream) => send(stream, line)))
    return c.json(line, 201)
  })
  app.get('/feed', (c) =>
    streamSSE(c, async (stream) => {
      const gone = new Promise<void>((resolve) => stream.onAbort(resolve))
      for (const line of lines.slice(Number(c.req.header('last-event-id') ?? lines.length))) {
        await send(stream, line)
      }
      listeners.add(stream)
      await gone
      listeners.delete(stream)
    }),
  )
  return { app, listeners }
}

test('a chat: what one says, all others hear in order; who was away hears what it missed', async () => {
  const { app, listeners } = room()
  await using program = await run(app.fetch)
  const { request } = program
  const enter = async (name: string): Promise<{ Cookie: string }> => ({
    Cookie: cookiesOf(await request('/enter', { body: new URLSearchParams({ name }) })),
  })
  const ann = await enter('änn')
  const bob = await enter('bob')
  const say = async (headers: { Cookie: string }, text: string): Promise<number> =>
    (await request('/say', { headers, json: { text } })).status

  const feed = await request('/feed')
  expect(feed.headers.get('content-type')).toBe('text/event-stream')
  const [first, second] = [eventsOf(feed), eventsOf(await request('/feed'))]
  await until(() => listeners.size === 2)
  const lines = ['ahoy', 'one\ntwo', '\u{1f6a2} ünïcode']
  for (const [at, text] of lines.entries()) expect(await say(at % 2 === 0 ? ann : bob, text)).toBe(201)
  for (const events of [first, second]) {
    for (const [at, text] of lines.entries()) {
      const { id, event, data } = await events.next()
      expect([id, event]).toEqual([String(at + 1), 'line'])
      expect(JSON.parse(data)).toEqual({ id: at + 1, who: at % 2 === 0 ? 'änn' : 'bob', text })
    }
  }
  await first.leave()
  await until(() => listeners.size === 1)
  expect(await say(bob, 'who is gone?')).toBe(201)
  const again = eventsOf(await request('/feed', { headers: { 'Last-Event-ID': '3' } }))
  expect((await again.next()).id).toBe('4')
  await until(() => listeners.size === 2)
  await Promise.all([second.leave(), again.leave()])
  await until(() => listeners.size === 0)
  expect(program.errors).toEqual([])
})

test('a chat refuses who did not enter, what is no JSON, and what says nothing', async () => {
  await using program = await run(room().app.fetch)
  const { request } = program
  const answers = await Promise.all([
    request('/say', { json: { text: 'ahoy' } }),
    request('/say', { json: { text: '' } }),
    request('/say', { body: '{', method: 'POST', headers: { 'Content-Type': 'application/json' } }),
  ])
  expect(answers.map(({ status }) => status)).toEqual([401, 422, 400])
  expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual([
    'who is there?',
    'nothing was said',
    expect.stringMatching(/JSON/),
  ])
  expect(program.errors).toEqual([])
})
