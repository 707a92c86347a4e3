import {
  AutoRouter,
  cors,
  error,
  type IRequest,
  json as answer,
  StatusError,
  withContent,
  withCookies,
  withParams,
} from 'itty-router'
import { expect, test } from 'vitest'

import { form, json, run } from './program.ts'

/** Registers the tests; a file runs them on the globals as they are then. */
export function testItty(): void {
  test('routing, parameters, JSON, content, cookies, forms, errors', async () => {
    const { preflight, corsify } = cors({ origin: 'http://there' })
    const router = AutoRouter({ before: [preflight, withCookies] })
    router
      .get('/', (request: IRequest) => corsify(answer({ home: true }), request))
      .get('/users/:id', withParams, ({ id, query, headers }: IRequest) => ({
        id,
        query,
        agent: headers.get('user-agent'),
      }))
      .get('/deep/:path+', ({ params }: IRequest) => params)
      .post('/json', withContent, ({ content }: IRequest) =>
        answer({ got: content as unknown }, { status: 201 }),
      )
      // oxlint-disable-next-line oxc/no-async-endpoint-handlers -- this is not Express
      .post('/form', async (request: IRequest) => {
        const data = await request.formData()
        return { name: data.get('name'), size: (data.get('file') as File).size }
      })
      .post('/echo', (request: IRequest) => new Response(request.body))
      .get('/cookies', ({ cookies }: IRequest) => cookies as Record<string, string>)
      .get('/refused', () => error(418, 'teapot'))
      .get('/thrown', () => {
        throw new StatusError(409, 'conflict')
      })
      .get('/context', (_: IRequest, env: { remoteAddress: { kind: string } }) => ({
        kind: env.remoteAddress.kind,
      }))
    await using program = await run(router.fetch as never)
    const { ask } = program
    const home = await ask('/', { headers: { Origin: 'http://there' } })
    expect([await home.json(), home.headers.get('access-control-allow-origin')]).toEqual([
      { home: true },
      'http://there',
    ])
    expect(await (await ask('/users/7?q=a&q=b')).json()).toEqual({
      id: '7',
      query: { q: ['a', 'b'] },
      agent: 'node',
    })
    expect(await (await ask('/deep/a/b')).json()).toEqual({ path: 'a/b' })
    const made = await ask('/json', json({ a: 'ü' }))
    expect([made.status, await made.json()]).toEqual([201, { got: { a: 'ü' } }])
    expect(await (await ask('/form', { method: 'POST', body: form(100_000) })).json()).toEqual({
      name: 'ünï',
      size: 100_000,
    })
    const large = Buffer.alloc(300_000, 'fairlead ')
    const echoed = await ask('/echo', { method: 'POST', body: large })
    expect(Buffer.from(await echoed.arrayBuffer()).equals(large)).toBe(true)
    expect(await (await ask('/cookies', { headers: { Cookie: 'a=1; b=2' } })).json()).toEqual({
      a: '1',
      b: '2',
    })
    const refused = await ask('/refused')
    expect([refused.status, await refused.json()]).toEqual([418, { status: 418, error: 'teapot' }])
    expect([(await ask('/thrown')).status, (await ask('/nowhere')).status]).toEqual([409, 404])
    expect(await (await ask('/context')).json()).toEqual({ kind: 'ip' })
    expect((await ask('/', { method: 'OPTIONS', headers: { Origin: 'http://there' } })).status).toBe(204)
    expect(program.errors).toEqual([])
  })
}
