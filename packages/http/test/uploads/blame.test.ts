import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'

import { expect, onTestFinished, test } from 'vitest'

import { decompress } from '../../src/compress/index.ts'
import { request, Response, serve } from '../../src/index.ts'
import { parts, saveBody, saveForm } from '../../src/uploads/index.ts'
import { field, wireForm } from './uploads.ts'

test('what nobody catches is answered with what the client did wrong, and is no news', async () => {
  const errors: unknown[] = []
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-blame-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const server = await serve({ port: 0, onError: (error) => void errors.push(error) }, async (asked) => {
    const { path } = await saveBody(asked, join(folder, 'file'), { maxSize: 1_000 })
    return new Response(path)
  })
  onTestFinished(() => server.destroy())
  const { address } = server
  const put = async (body: string | AsyncIterable<Uint8Array>, headers = {}): Promise<number> => {
    const url = `http://127.0.0.1:${address.kind === 'ip' ? address.port : 0}/`
    const answer = await request(url, { method: 'PUT', body, headers })
    answer.discard()
    return answer.status
  }
  expect(await put('x'.repeat(1_001))).toBe(413)
  expect(await put(Readable.from([Buffer.alloc(600), Buffer.alloc(600)]))).toBe(413)
  expect(await put('x', { 'Content-Encoding': 'gzip' })).toBe(415)
  expect(await put('x', { 'Content-Range': 'bytes 0-0/5' })).toBe(400)
  expect(await put('x')).toBe(200)
  expect(await put('x')).toBe(409)
  expect(errors).toEqual([])
})

test('a form that nobody can take is refused, too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-blame-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const server = await serve({ port: 0 }, async (asked) => {
    const form = await saveForm(asked, { folder, fields: 2, fieldSize: 10 })
    return new Response(String(form.fields.size))
  })
  onTestFinished(() => server.destroy())
  const { address } = server
  const post = async (body: string | FormData): Promise<number> => {
    const url = `http://127.0.0.1:${address.kind === 'ip' ? address.port : 0}/`
    const answer = await request(url, { method: 'POST', body })
    answer.discard()
    return answer.status
  }
  const form = (fields: Record<string, string>): FormData => {
    const data = new FormData()
    for (const [name, value] of Object.entries(fields)) data.append(name, value)
    return data
  }
  expect(await post('no form')).toBe(415)
  expect(await post('')).toBe(415)
  expect(await post(form({ a: '1', b: '2' }))).toBe(200)
  expect(await post(form({ a: '1', b: '2', c: '3' }))).toBe(413)
  expect(await post(form({ a: 'too long a text' }))).toBe(413)
})

const large = wireForm([field('name', 'too long a text')])
const type = { 'Content-Type': 'multipart/form-data; boundary=b0undary' }

test.each<[string, (asked: Request, folder: string) => Promise<unknown>, Uint8Array]>([
  [
    'a body that is saved',
    (asked, folder) => saveBody(asked, join(folder, 'file'), { maxSize: 1_000 }),
    Buffer.alloc(1_001),
  ],
  ['a form that is saved', (asked, folder) => saveForm(asked, { folder, fieldSize: 10 }), large],
  [
    'a part that is read',
    async (asked) => {
      for await (const part of parts(asked, { fieldSize: 10 })) await part.text()
    },
    large,
  ],
  [
    'a body that is no form',
    async (asked) => {
      for await (const part of parts(asked)) await part.text()
    },
    Buffer.from('--b0undary\r\nno form'),
  ],
])('the client is to blame for %s, behind a coding, too', async (what, take, body) => {
  const errors: unknown[] = []
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-blame-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const handler = decompress(async (asked) => {
    await take(asked, folder)
    return new Response('taken')
  })
  const server = await serve({ port: 0, onError: (error) => void errors.push(error) }, handler)
  onTestFinished(() => server.destroy())
  const headers = { ...type, 'Content-Encoding': 'gzip' }
  const answer = await server.inject('/', { method: 'POST', headers, body: gzipSync(body) })
  await answer.text()
  expect(answer.status).toBe(what === 'a body that is no form' ? 400 : 413)
  expect(errors).toEqual([])
  expect(readdirSync(folder)).toEqual([])
})
