import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { html } from 'hono/html'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { saveBody, saveForm, statusOf } from '../../src/uploads/index.ts'
import { bytesOf } from '../client/download/file-server.ts'
import { run } from './program.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(realpathSync(tmpdir()), 'fairlead-forms-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const photo = bytesOf(3_000_000)

function photos(): FormData {
  const form = new FormData()
  form.set('title', 'Hafen & Möwen')
  form.append('photos[]', new File([photo], 'a "b".jpg', { type: 'image/jpeg' }))
  form.append('photos[]', new File(['small'], '日本.txt', { type: 'text/plain' }))
  form.set('nested.key', 'deep')
  return form
}

test('a page with a form, whose files come into memory', async () => {
  const app = new Hono()
  app.get('/', (c) => c.html(html`<form method="post" enctype="multipart/form-data"></form>`))
  app.post('/', bodyLimit({ maxSize: 4_000_000 }), async (c) => {
    const body = await c.req.parseBody({ all: true, dot: true })
    const files = body['photos[]'] as File[]
    const told = files.map(async (file) => [file.name, file.type, sha256(await file.bytes())])
    return c.json({ title: body['title'], nested: body['nested'], files: await Promise.all(told) })
  })
  await using program = await run(app.fetch)
  const { request } = program
  expect(await (await request('/')).text()).toContain('multipart/form-data')
  const answer = await request('/', { body: photos() })
  expect(await answer.json()).toEqual({
    title: 'Hafen & Möwen',
    nested: { key: 'deep' },
    files: [
      ['a "b".jpg', 'image/jpeg', sha256(photo)],
      ['日本.txt', 'text/plain', sha256(Buffer.from('small'))],
    ],
  })
  const twice = photos()
  twice.append('photos[]', new File([photo], 'again'))
  // With a length, and without: what has come is counted as well.
  expect((await request('/', { body: twice })).status).toBe(413)
  const stream = new Response(twice)
  const unmeasured = await request('/', {
    body: stream.body!,
    method: 'POST',
    headers: { 'Content-Type': stream.headers.get('content-type')! },
  })
  expect(unmeasured.status).toBe(413)
  expect(program.errors).toEqual([])
})

test('what is saved on the way is saved out of a request of Hono, too', async () => {
  const app = new Hono()
  app.post('/form', async (c) => {
    await using form = await saveForm(c.req.raw, { folder, fileSize: 3_000_000, digest: 'sha256' })
    const [first] = form.files
    const kept = await first!.keep(join(folder, 'kept.jpg'))
    return c.json({ title: form.get('title'), count: form.files.length, digest: kept.digest })
  })
  app.put('/raw/:name', async (c) => {
    const saved = await saveBody(c.req.raw, join(folder, c.req.param('name')), { maxSize: 3_000_000 })
    return c.body(null, saved.created ? 201 : 204)
  })
  app.onError((error, c) => c.text(error.message, (statusOf(error) ?? 500) as 500))
  await using program = await run(app.fetch)
  const { request } = program
  const answer = await request('/form', { body: photos() })
  expect(await answer.json()).toEqual({ title: 'Hafen & Möwen', count: 2, digest: sha256(photo) })
  expect((await request('/raw/x.bin', { method: 'PUT', body: photo })).status).toBe(201)
  expect((await request('/raw/y.bin', { method: 'PUT', body: bytesOf(3_000_001) })).status).toBe(413)
  const large = photos()
  large.append('photos[]', new File([bytesOf(3_000_001)], 'large'))
  expect((await request('/form', { body: large })).status).toBe(413)
  expect(readdirSync(folder).toSorted()).toEqual(['kept.jpg', 'x.bin'])
  for (const name of ['kept.jpg', 'x.bin']) expect(readFileSync(join(folder, name)).equals(photo)).toBe(true)
  expect(program.errors).toEqual([])
  await expect.poll(open, { interval: 1 }).toEqual([])
})

/** What of the folder is open in this process. */
function open(): string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${name}`)
      return path.startsWith(folder) ? [path] : []
    } catch {
      // The one that the list was read with.
      return []
    }
  })
}
