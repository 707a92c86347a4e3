import { Hono } from 'hono'
import { basicAuth } from 'hono/basic-auth'
import { bearerAuth } from 'hono/bearer-auth'
import { bodyLimit } from 'hono/body-limit'
import { some } from 'hono/combine'
import { contextStorage, getContext } from 'hono/context-storage'
import { cors } from 'hono/cors'
import { csrf } from 'hono/csrf'
import { HTTPException } from 'hono/http-exception'
import { ipRestriction } from 'hono/ip-restriction'
import { jwt, sign } from 'hono/jwt'
import { languageDetector } from 'hono/language'
import { logger } from 'hono/logger'
import { poweredBy } from 'hono/powered-by'
import { prettyJSON } from 'hono/pretty-json'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import { timeout } from 'hono/timeout'
import { expect, test } from 'vitest'

import type { ServeContext } from '../../src/index.ts'
import { run } from './program.ts'

type Env = { Bindings: ServeContext; Variables: { requestId: string; language: string } }

const addressOf = (c: { env: ServeContext }) => {
  const { remoteAddress } = c.env
  if (remoteAddress.kind !== 'ip') throw new Error('not on a port')
  return { remote: { address: remoteAddress.host, addressType: 'IPv4' as const } }
}

/** An API with a guard of every kind. */
function api() {
  const lines: string[] = []
  const app = new Hono<Env>()
  app.use(logger((line) => void lines.push(line)))
  app.use(requestId(), poweredBy({ serverName: 'Harbour' }), prettyJSON(), contextStorage())
  app.use(languageDetector({ supportedLanguages: ['en', 'de'], fallbackLanguage: 'en', caches: false }))
  app.use('/secure/*', secureHeaders())
  app.use('/shared/*', cors({ origin: ['http://there'], allowHeaders: ['X-Extra'], maxAge: 600 }))
  app.use('/basic/*', basicAuth({ username: 'ann', password: 'ü:secret' }))
  app.use('/token/*', some(bearerAuth({ token: 'abc' }), jwt({ secret: 'secret', alg: 'HS256' })))
  app.use('/here/*', ipRestriction(addressOf as never, { allowList: ['127.0.0.1'] }))
  app.use('/elsewhere/*', ipRestriction(addressOf as never, { allowList: ['192.0.2.0/24'] }))
  app.use('/form/*', csrf())
  app.use('/small/*', bodyLimit({ maxSize: 100 }))
  app.use('/slow/*', timeout(20, new HTTPException(504, { message: 'too slow' })))
  app.get('/slow/never', () => new Promise(() => {}))
  app.get('/slow/soon', (c) => c.text('soon'))
  const whoAsks = (): string => getContext<Env>().get('requestId')
  app.all('/*', async (c) => {
    await new Promise((resolve) => setImmediate(resolve))
    return c.json({ id: whoAsks(), language: c.get('language'), length: (await c.req.text()).length })
  })
  return { app, lines }
}

test('guards let in whom they should, and nobody else', async () => {
  const { app } = api()
  await using program = await run(app.fetch)
  const { request, url } = program
  const status = async (...given: Parameters<typeof request>): Promise<number> => {
    const response = await request(...given)
    await response.bytes()
    return response.status
  }
  const authorized = (value: string) => ({ headers: { Authorization: value } })
  const basic = (user: string) => authorized(`Basic ${Buffer.from(user).toString('base64')}`)
  const form = (origin: string) => ({ headers: { Origin: origin }, body: new URLSearchParams({ a: 'b' }) })
  const token = await sign({ sub: 'ann', exp: Math.floor(Date.now() / 1000) + 60 }, 'secret', 'HS256')
  const old = await sign({ sub: 'ann', exp: 1 }, 'secret', 'HS256')
  const cases: [number, ...Parameters<typeof request>][] = [
    [401, '/basic/'],
    [401, '/basic/', basic('ann:wrong')],
    [200, '/basic/', basic('ann:ü:secret')],
    [200, '/token/', authorized('Bearer abc')],
    [200, '/token/', authorized(`Bearer ${token}`)],
    [401, '/token/', authorized(`Bearer ${old}`)],
    [401, '/token/'],
    [200, '/here/'],
    [403, '/elsewhere/'],
    [200, '/form/', form(url)],
    [403, '/form/', form('http://there')],
    [200, '/small/', { method: 'POST', body: 'x'.repeat(100) }],
    [413, '/small/', { method: 'POST', body: 'x'.repeat(101) }],
    [413, '/small/', { method: 'POST', body: new Blob(['x'.repeat(10_000_000)]).stream() }],
    [504, '/slow/never'],
    [200, '/slow/soon'],
  ]
  for (const [expected, ...given] of cases)
    expect([given[0], await status(...given)]).toEqual([given[0], expected])
  const preflight = await request('/shared/', {
    method: 'OPTIONS',
    headers: { Origin: 'http://there', 'Access-Control-Request-Method': 'PUT' },
  })
  expect(preflight.status).toBe(204)
  expect(['Origin', 'Headers'].map((name) => preflight.headers.get(`access-control-allow-${name}`))).toEqual([
    'http://there',
    'X-Extra',
  ])
  expect(program.errors).toEqual([])
})

test('what a middleware keeps for a request stays with that request', async () => {
  const { app, lines } = api()
  await using program = await run(app.fetch)
  const { request } = program
  const answers = await Promise.all(
    Array.from({ length: 50 }, async (_, at) => {
      const headers = {
        'X-Request-Id': `id-${at}`,
        'Accept-Language': at % 2 === 0 ? 'de-DE,en;q=0.5' : 'fr',
      }
      const response = await request('/any?pretty', { headers, method: 'POST', body: 'x'.repeat(at) })
      return { id: response.headers.get('x-request-id'), text: await response.text() }
    }),
  )
  for (const [at, { id, text }] of answers.entries()) {
    const told = { id: `id-${at}`, language: at % 2 === 0 ? 'de' : 'en', length: at }
    expect([id, text]).toEqual([`id-${at}`, JSON.stringify(told, undefined, 2)])
  }
  expect(lines.filter((line) => line.startsWith('<-- POST /any'))).toHaveLength(50)
  const one = await request('/any')
  expect(one.headers.get('x-powered-by')).toBe('Harbour')
  expect(one.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/)
  const secure = await request('/secure/any')
  expect(secure.headers.get('x-content-type-options')).toBe('nosniff')
  expect(program.errors).toEqual([])
})
