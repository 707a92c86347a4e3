import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { type Hub, type HubOptions, startHub } from '../../src/hub/hub.ts'
import { Actor, leftovers } from './cast.ts'

let folder: string
let hub: Hub | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-'))
})

afterEach(async () => {
  await hub?.stop(0)
  hub = undefined
  await rm(folder, { recursive: true })
})

async function open(options: Partial<HubOptions> = {}): Promise<Hub> {
  await hub?.stop(0)
  const given = { port: 0, chatPort: 0, beaconPort: 0, folder, maxUpload: 1_000_000, lan: false, ...options }
  hub = await startHub(given)
  return hub
}

function urlOf(path: string): URL {
  const url = new URL(path, hub?.page)
  url.hostname = '127.0.0.1'
  return url
}

const ask = (path: string, init?: RequestInit) => fetch(urlOf(path), init)
const tus = { 'Tus-Resumable': '1.0.0' }
const base64 = (text: string) => Buffer.from(text).toString('base64')
const content = (name: string) => readFile(join(folder, name), 'utf8')

function begin(name: string, size: number, headers: Record<string, string> = {}) {
  const metadata = `filename ${base64(name)},by ${base64('ann')}`
  return ask('/uploads', {
    method: 'POST',
    headers: { ...tus, 'Upload-Length': `${size}`, 'Upload-Metadata': metadata, ...headers },
  })
}

async function begun(name: string, size: number): Promise<string> {
  const { status, headers } = await begin(name, size)
  expect(status).toBe(201)
  return headers.get('location') ?? ''
}

function send(path: string, offset: number, body: string, headers: Record<string, string> = {}) {
  const type = 'application/offset+octet-stream'
  const given = { ...tus, 'Upload-Offset': `${offset}`, 'Content-Type': type, ...headers }
  return ask(path, { method: 'PATCH', body, headers: given })
}

/** How far an upload is. */
async function far(path: string): Promise<number> {
  const { status, headers } = await ask(path, { method: 'HEAD', headers: tus })
  expect(status).toBe(200)
  return Number(headers.get('upload-offset'))
}

test('a file that comes in pieces is shared when it is whole, and the room is told by whom', async () => {
  const { page } = await open()
  const room = new Actor(await websocket.connect(`${page.replace('http', 'ws')}chat`))
  const screen = new Actor(await websocket.connect(`${page.replace('http', 'ws')}folder`))
  await screen.hears('[]')
  await writeFile(join(folder, 'notes.txt'), 'precious')
  const path = await begun('../notes.txt', 8)
  expect(path).toMatch(/^\/uploads\/[\da-f-]{36}$/)
  expect((await send(path, 0, 'ahoy')).headers.get('upload-offset')).toBe('4')
  expect((await readdir(folder)).toSorted()).toEqual(['.fairlead', 'notes.txt'])
  expect(await (await ask('/files')).json()).toHaveLength(1)
  const last = await send(path, 4, 'ahoy')
  expect([last.status, last.headers.get('fairlead-name')]).toEqual([204, 'notes%20(2).txt'])
  expect([await content('notes.txt'), await content('notes (2).txt')]).toEqual(['precious', 'ahoyahoy'])
  await room.hears('* ann shared notes (2).txt (8 B)')
  await screen.hears(/"name":"notes \(2\).txt","size":8/)
  expect(await leftovers(folder)).toEqual([])
})

test('cut in the middle, it goes on where it was, with another hub, too', async () => {
  const { page } = await open()
  const path = await begun('film', 100_000)
  const connection = await tcp.connect({ port: Number(new URL(page).port) })
  const head = [
    `PATCH ${path} HTTP/1.1`,
    'Host: localhost',
    'Tus-Resumable: 1.0.0',
    'Upload-Offset: 0',
    'Content-Type: application/offset+octet-stream',
    'Content-Length: 100000',
  ]
  await connection.send(`${head.join('\r\n')}\r\n\r\n${'x'.repeat(40_000)}`)
  const id = path.split('/').at(-1) ?? ''
  const stored = () => readFile(join(folder, '.fairlead/resumable', id))
  await vi.waitUntil(async () => (await stored()).length > 0)
  connection.destroy()
  await vi.waitUntil(async () => (await far(path)) === 40_000)

  await open()
  expect(await far(path)).toBe(40_000)
  expect((await send(path, 0, 'from the beginning')).status).toBe(409)
  await send(path, 40_000, 'y'.repeat(60_000))
  expect(await content('film')).toBe('x'.repeat(40_000) + 'y'.repeat(60_000))
  expect(await leftovers(folder)).toEqual([])
  // Whoever did not hear that it is whole can ask.
  const answer = await ask(path, { method: 'HEAD', headers: tus })
  expect([answer.headers.get('upload-offset'), answer.headers.get('fairlead-name')]).toEqual([
    '100000',
    'film',
  ])
})

test('one that vanishes leaves no descriptor', async () => {
  const { page } = await open()
  const path = await begun('film', 100_000)
  const before = (await readdir('/proc/self/fd')).length
  const connection = await tcp.connect({ port: Number(new URL(page).port) })
  const type = 'Content-Type: application/offset+octet-stream'
  const head = `PATCH ${path} HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n${type}`
  await connection.send(`${head}\r\nContent-Length: 100000\r\n\r\nahoy`)
  await vi.waitUntil(async () => (await readdir('/proc/self/fd')).length > before + 2)
  connection.destroy()
  await vi.waitUntil(async () => (await readdir('/proc/self/fd')).length <= before)
})

test('it is taken back by whoever began it', async () => {
  await open()
  const path = await begun('x', 8)
  await send(path, 0, 'ahoy')
  expect((await ask(path, { method: 'DELETE', headers: tus })).status).toBe(204)
  expect(await leftovers(folder)).toEqual([])
  expect((await ask(path, { method: 'HEAD', headers: tus })).status).toBe(404)
})

test('what is too large, for the hub or for the disk, is refused before it comes', async () => {
  await open({ maxUpload: 1_000 })
  expect((await begin('x', 1_001)).status).toBe(413)
  expect((await begin('x', 1_000)).status).toBe(201)
  await open({ maxUpload: Number.MAX_SAFE_INTEGER })
  expect((await begin('x', Number.MAX_SAFE_INTEGER)).status).toBe(507)
})

test('more than announced is not taken, nor too much of what was announced without a size', async () => {
  await open({ maxUpload: 1_000 })
  expect((await send(await begun('x', 4), 0, 'ahoy and more')).status).toBe(413)
  const headers = { ...tus, 'Upload-Defer-Length': '1' }
  const { status, headers: told } = await ask('/uploads', { method: 'POST', headers })
  expect(status).toBe(201)
  const path = told.get('location') ?? ''
  expect((await send(path, 0, 'x'.repeat(1_001))).status).toBe(413)
  expect((await send(path, 0, 'x', { 'Upload-Length': '1001' })).status).toBe(413)
  expect(await readdir(folder)).toEqual(['.fairlead'])
})

test('there is an end to how many are begun', async () => {
  await open()
  for (let at = 0; at < 400; at++) await writeFile(join(folder, '.fairlead/resumable', `${at}`), '')
  expect((await begin('x', 4)).status).toBe(503)
})

describe('nobody sends anything', () => {
  test('from a page of another site, or to a name that was made to point here', async () => {
    await open()
    const path = await begun('x', 4)
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:1']) {
      const headers = { Origin: origin }
      expect((await begin('x', 4, headers)).status).toBe(403)
      expect((await send(path, 0, 'ahoy', headers)).status).toBe(403)
      const preflight = { ...headers, 'Access-Control-Request-Method': 'PATCH' }
      const answer = await ask(path, { method: 'OPTIONS', headers: preflight })
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([403, null])
    }
    expect((await send(path, 0, 'ahoy', { Origin: urlOf('/').origin })).status).toBe(204)
  })

  test('without the token, where the hub is open to the network', async () => {
    const { token } = await open({ lan: true })
    expect((await begin('x', 4)).status).toBe(401)
    const path = '/uploads/00000000-0000-0000-0000-000000000000'
    for (const method of ['GET', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS', 'POST']) {
      const headers = { ...tus, 'X-HTTP-Method-Override': 'OPTIONS' }
      expect([method, (await ask(path, { method, headers })).status]).toEqual([method, 401])
    }
    const cookie = (await ask(`/?token=${token}`)).headers.get('set-cookie')?.split(';')[0] ?? ''
    const { status, headers } = await begin('x', 4, { Cookie: cookie })
    expect(status).toBe(201)
    const place = headers.get('location') ?? ''
    expect((await send(place, 0, 'ahoy')).status).toBe(401)
    expect((await send(place, 0, 'ahoy', { Cookie: cookie })).status).toBe(204)
    expect(await content('x')).toBe('ahoy')
  })
})

test('its paths lead to no file of others', async () => {
  await open()
  await writeFile(join(folder, '.fairlead/movie.part'), 'half')
  const paths = ['..%2fmovie.part', '..%2f..%2fx', 'x/y', '', '%2e%2e%2fmovie.part', '.', '%00']
  for (const path of paths) {
    for (const method of ['HEAD', 'DELETE', 'GET']) {
      const { status } = await ask(`/uploads/${path}`, { method, headers: tus })
      expect([method, path, status < 500 && status >= 400]).toEqual([method, path, true])
    }
  }
  expect(await readdir(join(folder, '.fairlead'))).toContain('movie.part')
})
