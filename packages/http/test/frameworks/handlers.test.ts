import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { H3 } from 'h3'
import { Hono } from 'hono'
import { afterAll, beforeAll, expect, expectTypeOf, test } from 'vitest'

import { compress, type CompressOptions, decompress, type SentCoding } from '../../src/compress/index.ts'
import { serveFiles } from '../../src/files/index.ts'
import { type FetchHandler, Response as OwnResponse, type ServeContext } from '../../src/index.ts'
import { proxy } from '../../src/proxy/index.ts'
import { call } from '../compress/asking.ts'

let folder = ''
const text = 'It is worth compressing. '.repeat(100)

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-handlers-'))
  writeFileSync(join(folder, 'a.txt'), text)
})

afterAll(() => rmSync(folder, { recursive: true }))

test('what is wrapped gives what its handler gives, with contexts or without', () => {
  const files = serveFiles(folder)
  type Files = (request: Request) => Response | Promise<Response>
  expectTypeOf(compress(files)).toExtend<Files>()
  expectTypeOf(decompress(files)).toExtend<Files>()
  expectTypeOf(compress(decompress(files))).toExtend<Files>()
  expectTypeOf(compress(new Hono().fetch)).toExtend<Files>()
  expectTypeOf(compress(proxy('http://127.0.0.1:1'))).toExtend<Files>()
  expectTypeOf(compress(() => new OwnResponse('own'))).toExtend<Files>()
  expectTypeOf(compress(async () => OwnResponse.json({}))).toExtend<Files>()
  // Only with a context one may give nothing.
  const handler: FetchHandler = () => undefined
  expectTypeOf(compress(handler)).toExtend<FetchHandler>()
  expectTypeOf(compress(handler)).not.toExtend<Files>()
  expectTypeOf(compress(files)).toExtend<FetchHandler>()
  const shown = compress((request, context) => {
    expectTypeOf(request).toEqualTypeOf<Request>()
    expectTypeOf(context).toEqualTypeOf<ServeContext>()
    return new Response()
  })
  expectTypeOf(shown).toExtend<FetchHandler>()
  expectTypeOf<CompressOptions['codings']>().toEqualTypeOf<readonly SentCoding[] | undefined>()
})

test('files, compressed, answer a route of a framework', async () => {
  const files = compress(serveFiles(folder))
  const app = new Hono()
  app.get('/*', (c) => files(c.req.raw))
  const answer = await app.request('/a.txt', { headers: { 'Accept-Encoding': 'gzip' } })
  expect([answer.status, answer.headers.get('content-encoding')]).toEqual([200, 'gzip'])
})

test('whoever is asked where there is no file may be any handler', async () => {
  const app = new Hono<{ Bindings: { name: string } }>()
  app.get('/hono', (c) => c.text(`${c.env.name}, ${typeof c.executionCtx.waitUntil}`))
  const h3 = new H3().get('/h3', () => 'from h3')
  const others = serveFiles(folder, { prefix: '/other/', notFound: h3.fetch })
  await using upstream = proxy('http://127.0.0.1:1', { onError() {} })
  const files = serveFiles(folder, { notFound: app.fetch })
  const contexts = [{ name: 'environment' }, { waitUntil() {}, passThroughOnException() {} }]
  const answer = await files(new Request('http://localhost/hono'), ...contexts)
  expect(await answer.text()).toBe('environment, function')

  const asked = (path: string) => new Request(`http://localhost${path}`)
  expect(await (await others(asked('/h3'))).text()).toBe('from h3')
  const compressed = serveFiles(folder, { prefix: '/none/', notFound: compress(others) })
  expect((await call(compressed, asked('/other/a.txt'))).status).toBe(200)
  expect((await call(serveFiles(folder, { notFound: upstream }), asked('/x'))).status).toBe(502)
})
