import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'

import { expect, test } from 'vitest'

import type { LogEntry } from '../../src/serve/entry.ts'
import { useStage } from './cast.ts'

const stage = useStage()
const { at, ask, serve } = stage

const content = (name: string) => readFile(at(name), 'utf8')
/** What lies in the workshop, but for the notes of those that are finished. */
async function leftovers(): Promise<string[]> {
  const names = await readdir(at('.fairlead'), { recursive: true })
  return names.filter((name) => name !== 'resumable' && !name.startsWith('finished-'))
}

test('PUT stores a file under its name, and says where', async () => {
  await mkdir(at('sub'))
  await serve({ upload: true })
  const answer = await ask('/sub/%C3%BCber%20all.txt', { method: 'PUT', body: 'ahoy' })
  expect(answer.status).toBe(201)
  expect(answer.headers.get('location')).toBe('/sub/%C3%BCber%20all.txt')
  expect(await answer.text()).toBe('/sub/über all.txt  4 B\n')
  expect(await content('sub/über all.txt')).toBe('ahoy')
  expect(await leftovers()).toEqual([])
})

test('PUT replaces nothing, unless somebody said so', async () => {
  await writeFile(at('x'), 'old')
  await serve({ upload: true })
  expect((await ask('/x', { method: 'PUT', body: 'new' })).status).toBe(409)
  expect(await content('x')).toBe('old')
  await serve({ upload: true, overwrite: true })
  const answer = await ask('/x', { method: 'PUT', body: 'new', headers: { accept: 'application/json' } })
  expect(answer.status).toBe(200)
  expect(await answer.json()).toEqual([{ name: 'x', path: '/x', size: 3, replaced: true }])
  expect(await content('x')).toBe('new')
})

test.each([
  ['/', 400],
  ['/none/x', 404],
  ['/.git/x', 404],
  ['/.fairlead/x', 404],
  ['/.fairlead/resumable/x', 404],
  ['/a%2fb', 400],
  ['/%2e%2e%2fx', 400],
])('PUT to %s is refused', async (path, status) => {
  await mkdir(at('.git'))
  await serve({ upload: true })
  expect((await ask(path, { method: 'PUT', body: 'x' })).status).toBe(status)
  expect((await readdir(stage.folder)).toSorted()).toEqual(['.fairlead', '.git'])
  expect(await leftovers()).toEqual([])
})

test('a part of a file, and one that is too large, are refused', async () => {
  await serve({ upload: true, maxUpload: 1_000 })
  const part = { 'content-range': 'bytes 2-3/4' }
  expect((await ask('/x', { method: 'PUT', body: 'xy', headers: part })).status).toBe(400)
  const large = await ask('/x', { method: 'PUT', body: 'x'.repeat(1_001) })
  expect([large.status, await large.text()]).toEqual([413, 'The file is too large for this server.\n'])
  const form = new FormData()
  form.append('file', new File(['x'.repeat(1_001)], 'x'))
  expect((await ask('/', { method: 'POST', body: form })).status).toBe(413)
  expect(await readdir(stage.folder)).toEqual(['.fairlead'])
  expect(await leftovers()).toEqual([])
})

test('POST of a form stores its files, each under a name that is free', async () => {
  await serve({ upload: true })
  const form = new FormData()
  form.append('note', 'no file')
  form.append('file', new File(['one'], 'a.txt'))
  form.append('file', new File(['two'], '../a.txt'))
  const answer = await ask('/', { method: 'POST', body: form })
  expect([answer.status, await answer.text()]).toEqual([201, '/a.txt  3 B\n/a (2).txt  3 B\n'])
  expect([await content('a.txt'), await content('a (2).txt')]).toEqual(['one', 'two'])
  const browser = { accept: 'text/html,*/*' }
  const page = await ask('/', { method: 'POST', body: form, headers: browser, redirect: 'manual' })
  expect([page.status, page.headers.get('location')]).toEqual([303, '/'])
  const empty = new FormData()
  empty.append('note', 'no file')
  expect((await ask('/', { method: 'POST', body: empty })).status).toBe(400)
  expect(await leftovers()).toEqual([])
})

test('POST of anything else is a file, with a name that somebody gave or that is made', async () => {
  await mkdir(at('sub'))
  await serve({ upload: true })
  const post = (path: string, headers: Record<string, string> = {}) =>
    ask(path, { method: 'POST', body: 'ahoy', headers })
  expect(await (await post('/sub/x.txt')).text()).toBe('/sub/x.txt  4 B\n')
  expect(await (await post('/sub/x.txt')).text()).toBe('/sub/x (2).txt  4 B\n')
  const named = { 'content-disposition': `attachment; filename*=utf-8''%C3%BC.txt` }
  expect(await (await post('/sub', named)).text()).toBe('/sub/ü.txt  4 B\n')
  expect(await (await post('/', { 'content-type': 'image/jpeg' })).text()).toMatch(
    /^\/upload [\d-]{10} [\d.]{8}\.jpg {2}4 B\n$/,
  )
  const curl = { 'content-type': 'application/x-www-form-urlencoded' }
  expect(await (await post('/', curl)).text()).toMatch(/^\/upload [\d-]{10} [\d.]{8} {2}4 B\n$/)
  expect((await post('/', { 'content-disposition': '"' })).status).toBe(201)
  expect((await post('/none/x')).status).toBe(404)
})

test('what a client breaks off leaves nothing, and is no trouble', async () => {
  const troubles: string[] = []
  const told: LogEntry[] = []
  await serve(
    { upload: true },
    { trouble: (text) => troubles.push(text), answered: (entry) => told.push(entry) },
  )
  const abort = new AbortController()
  let wanted = 0
  const body = new ReadableStream({
    pull(controller) {
      if (++wanted > 3) abort.abort()
      else controller.enqueue(new Uint8Array(10_000))
    },
  })
  const init = { method: 'PUT', body, duplex: 'half', signal: abort.signal } as RequestInit
  await expect(ask('/x', init)).rejects.toThrow('aborted')
  await expect.poll(leftovers).toEqual([])
  expect(await readdir(stage.folder)).toEqual(['.fairlead'])
  await expect.poll(() => told).toMatchObject([{ method: 'PUT', target: '/x' }])
  expect(troubles).toEqual([])
})
