import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { useStage } from './cast.ts'

const stage = useStage()
const { at, ask, serve } = stage

const tus = { 'tus-resumable': '1.0.0' }
const base64 = (text: string) => Buffer.from(text).toString('base64')

function begin(name: string, size: number, folder = '/', headers: Record<string, string> = {}) {
  const metadata = `filename ${base64(name)},folder ${base64(folder)}`
  return ask('/.fairlead/uploads', {
    method: 'POST',
    headers: { ...tus, 'upload-length': `${size}`, 'upload-metadata': metadata, ...headers },
  })
}

function send(url: string, offset: number, body: string) {
  const type = 'application/offset+octet-stream'
  const headers = { ...tus, 'upload-offset': `${offset}`, 'content-type': type }
  return ask(url, { method: 'PATCH', body, headers })
}

const far = async (url: string) => {
  const { status, headers } = await ask(url, { method: 'HEAD', headers: tus })
  return [status, headers.get('upload-offset')]
}

test('a file comes in pieces, and lies in its folder when it is whole', async () => {
  await mkdir(at('sub dir'))
  await serve({ upload: true })
  const begun = await begin('../ü.txt', 8, '/sub%20dir/')
  expect(begun.status).toBe(201)
  const url = begun.headers.get('location') ?? ''
  expect(url).toMatch(/^\/\.fairlead\/uploads\/[\da-f-]{36}$/)
  expect((await send(url, 0, 'ahoy')).headers.get('upload-offset')).toBe('4')
  expect(await readdir(at('sub dir'))).toEqual([])
  expect(await far(url)).toEqual([200, '4'])
  expect((await send(url, 2, 'ahoy')).status).toBe(409)
  const last = await send(url, 4, 'ahoy')
  expect([last.status, last.headers.get('fairlead-name')]).toEqual([204, '%C3%BC.txt'])
  expect(await readFile(at('sub dir/ü.txt'), 'utf8')).toBe('ahoyahoy')
  expect(await readdir(at('.fairlead/resumable'))).toEqual([])
})

test('another server goes on with what the one before has begun', async () => {
  const first = await serve({ upload: true })
  const url = (await begin('x', 8)).headers.get('location') ?? ''
  await send(url, 0, 'ahoy')
  await first.stop(0)
  await serve({ upload: true })
  expect(await far(url)).toEqual([200, '4'])
  await send(url, 4, 'ahoy')
  expect(await readFile(at('x'), 'utf8')).toBe('ahoyahoy')
})

test('whoever did not hear that it is whole can ask', async () => {
  await serve({ upload: true })
  const url = (await begin('x', 4)).headers.get('location') ?? ''
  await send(url, 0, 'ahoy')
  const answer = await ask(url, { method: 'HEAD', headers: tus })
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'upload-offset': '4',
    'upload-length': '4',
    'fairlead-name': 'x',
  })
  expect((await far(url.replace(/.{8}$/, '00000000')))[0]).toBe(404)
})

test('a name that is taken is that of another file', async () => {
  await writeFile(at('x.txt'), 'precious')
  await serve({ upload: true })
  const url = (await begin('x.txt', 4)).headers.get('location') ?? ''
  expect((await send(url, 0, 'ahoy')).headers.get('fairlead-name')).toBe('x%20(2).txt')
  expect(await readFile(at('x.txt'), 'utf8')).toBe('precious')
})

test('one that is empty is whole at once, and so is a small one that comes with its announcement', async () => {
  await serve({ upload: true })
  expect((await begin('empty', 0)).headers.get('fairlead-name')).toBe('empty')
  const headers = {
    ...tus,
    'upload-length': '4',
    'upload-metadata': `filename ${base64('small')}`,
    'content-type': 'application/offset+octet-stream',
  }
  const small = await ask('/.fairlead/uploads', { method: 'POST', headers, body: 'ahoy' })
  expect([small.status, small.headers.get('fairlead-name')]).toEqual([201, 'small'])
  expect(await readFile(at('small'), 'utf8')).toBe('ahoy')
})

test('what cannot be kept is refused before it comes', async () => {
  await serve({ upload: true, maxUpload: 1_000 })
  expect((await begin('x', 1_001)).status).toBe(413)
  for (const folder of ['/none/', '/.fairlead/', '/../', '/%2e%2e/', '/a%2f..']) {
    expect((await begin('x', 4, folder)).status, folder).toBe(404)
  }
  await serve({ upload: true, maxUpload: Number.MAX_SAFE_INTEGER })
  const full = await begin('x', Number.MAX_SAFE_INTEGER)
  expect([full.status, await full.text()]).toEqual([507, 'There is no space left on the server.\n'])
  expect((await begin('x', 4, '/', { origin: 'http://other.example' })).status).toBe(403)
  expect(await readdir(at('.fairlead/resumable'))).toEqual([])
})

test('there is an end to how many are begun', async () => {
  await serve({ upload: true })
  for (let at = 0; at < 400; at++) await writeFile(join(stage.folder, '.fairlead/resumable', `${at}`), '')
  expect((await begin('x', 4)).status).toBe(503)
})

test('one is taken back, and one whose folder is gone is kept nowhere', async () => {
  await mkdir(at('sub'))
  await serve({ upload: true })
  const url = (await begin('x', 8)).headers.get('location') ?? ''
  expect((await ask(url, { method: 'DELETE', headers: tus })).status).toBe(204)
  expect((await far(url))[0]).toBe(404)
  const other = (await begin('x', 4, '/sub/')).headers.get('location') ?? ''
  await rm(at('sub'), { recursive: true })
  expect((await send(other, 0, 'ahoy')).status).toBe(404)
  expect(await readdir(stage.folder)).toEqual(['.fairlead'])
})

test('its paths lead to no file of others', async () => {
  await serve({ upload: true })
  for (const path of ['/.fairlead/uploads/..%2f..%2fx', '/.fairlead/uploads/x/y', '/.fairlead/uploads/']) {
    expect((await far(path))[0], path).toBe(404)
  }
})
