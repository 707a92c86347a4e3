import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'

import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { type Hub, type HubOptions, startHub } from '../../src/hub/hub.ts'
import { Actor } from './cast.ts'

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
  const given = { port: 0, chatPort: 0, beaconPort: 0, folder, maxUpload: 1_000_000, lan: false, ...options }
  hub = await startHub(given)
  return hub
}

/** The loopback address of a hub that may be open to the network. */
function urlOf({ page }: Hub, path = '/'): URL {
  const url = new URL(path, page)
  url.hostname = '127.0.0.1'
  return url
}

function socketTo(hub: Hub, path: string, headers: Record<string, string> = {}) {
  return websocket.connect(new URL(urlOf(hub, path).href.replace('http', 'ws')), { headers })
}

async function put(hub: Hub, path: string, body: string | Uint8Array<ArrayBuffer>): Promise<Response> {
  return fetch(urlOf(hub, path), { method: 'PUT', body })
}

/** What comes back for bytes that no fetch would send. */
async function raw(hub: Hub, request: string): Promise<string> {
  const connection = await tcp.connect({ port: Number(urlOf(hub).port) })
  await connection.send(request)
  let answer = ''
  for await (const chunk of connection) answer += Buffer.from(chunk).toString('latin1')
  return answer
}

function get(hub: Hub, host: string, more = '', target = '/'): Promise<string> {
  return raw(hub, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`)
}

describe('the page', () => {
  test('is served whole, with headers that keep strangers out', async () => {
    const hub = await open()
    const response = await fetch(hub.page)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('content-security-policy')).toMatch(
      /default-src 'self'; connect-src 'self' ws: wss:/,
    )
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    const html = await response.text()
    expect(html).toMatch(/^<!doctype html>/)
    for (const [, path = ''] of html.matchAll(/(?:href|src)="([^"#:]+)"/g)) {
      const { status, headers } = await fetch(urlOf(hub, path), { method: 'HEAD' })
      expect([path, status]).toEqual([path, 200])
      expect(Number(headers.get('content-length'))).toBeGreaterThan(0)
    }
  })

  test.each([
    'nothing',
    '../folder.ts',
    '%2e%2e/folder.ts',
    '..%2ffolder.ts',
    'index.html/',
    '__proto__',
    'files/',
  ])('and nothing else: %s', async (path) => {
    const hub = await open()
    expect(await get(hub, 'localhost', '', `/${path}`)).toMatch(/^HTTP\/1\.1 404 /)
  })
})

describe('the shared folder', () => {
  test('takes a file and gives it back, under its own name', async () => {
    const hub = await open()
    const content = new Uint8Array(999_999).map((_, at) => at % 253)
    const name = 'Übersicht "Q3" 📷.pdf'
    const stored = 'Übersicht Q3 📷.pdf'
    const response = await put(hub, `files/${encodeURIComponent(name)}`, content)
    expect(response.status).toBe(201)
    expect(await response.json()).toMatchObject({ name: stored, size: 999_999 })

    const download = await fetch(urlOf(hub, response.headers.get('location') ?? ''))
    expect(download.headers.get('content-length')).toBe('999999')
    expect(download.headers.get('content-disposition')).toBe(
      `attachment; filename="?bersicht Q3 ??.pdf"; filename*=UTF-8''${encodeURIComponent(stored)}`.replace(
        '????',
        '??',
      ),
    )
    expect(new Uint8Array(await download.arrayBuffer())).toEqual(content)
    expect(await (await fetch(urlOf(hub, 'files'))).json()).toMatchObject([{ name: stored, size: 999_999 }])
  })

  test.each([
    ['..%2F..%2Fetc%2Fpasswd', 'passwd'],
    ['%2e%2e%5Cup.txt', 'up.txt'],
    ['.fairlead', 'fairlead'],
    ['a%00b', 'ab'],
    ['C%3A%5Ca.txt', 'a.txt'],
    ['a.txt%3A%3A%24DATA', 'a.txt$DATA'],
    ['__proto__', '__proto__'],
    ['%C0%AE%C0%AE', '%C0%AE%C0%AE'],
  ])('stores %s as %s', async (path, name) => {
    const hub = await open()
    expect(await (await put(hub, `files/${path}`, 'x')).json()).toMatchObject({ name, size: 1 })
    expect((await readdir(folder)).toSorted()).toEqual(['.fairlead', name].toSorted())
  })

  test('serves nothing but its files', async () => {
    const hub = await open()
    await writeFile(join(folder, 'a.txt'), 'x')
    await symlink('/etc/passwd', join(folder, 'link'))
    for (const path of ['link', '..%2fa.txt', '.fairlead', 'a.txt%2f', 'a.txt%00', 'sub%5Ca.txt', 'A.TXT']) {
      expect([path, (await fetch(urlOf(hub, `files/${path}`))).status]).toEqual([path, 404])
    }
    expect(await (await fetch(urlOf(hub, 'files/a.txt'))).text()).toBe('x')
  })

  test('refuses what is too large, announced or not, and keeps nothing of it', async () => {
    const hub = await open({ maxUpload: 1_000 })
    expect((await put(hub, 'files/exact', new Uint8Array(1_000))).status).toBe(201)
    expect((await put(hub, 'files/announced', new Uint8Array(1_001))).status).toBe(413)
    const chunked = `PUT /files/chunked HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`
    const chunk = `1f4\r\n${'x'.repeat(500)}\r\n`
    expect(await raw(hub, `${chunked}${chunk.repeat(3)}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 /)
    expect(await readdir(folder)).toEqual(['.fairlead', 'exact'])
    expect(await readdir(join(folder, '.fairlead'))).toEqual([])
  })

  test('a client that vanishes leaves no file and no descriptor', async () => {
    const hub = await open()
    await writeFile(join(folder, 'big'), '')
    await truncate(join(folder, 'big'), 100_000_000)
    const port = Number(urlOf(hub).port)
    const before = (await readdir('/proc/self/fd')).length
    for (const request of [
      'PUT /files/half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\nhalf',
      'GET /files/big HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'GET /files/big HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(5),
    ]) {
      const connection = await tcp.connect({ port })
      await connection.send(request)
      if (request.startsWith('GET')) for await (const _ of connection) break
      else await vi.waitUntil(async () => (await readdir(join(folder, '.fairlead'))).length === 1)
      connection.destroy()
    }
    await vi.waitUntil(async () => (await readdir('/proc/self/fd')).length <= before)
    expect(await readdir(join(folder, '.fairlead'))).toEqual([])
  })

  test('tells the room of an upload, and by whom if it is said', async () => {
    const hub = await open()
    const ann = new Actor(await socketTo(hub, 'chat'))
    await ann.hears(/^\* here/)
    await put(hub, 'files/map.png?by=ann', 'x'.repeat(2_345))
    await ann.hears('* ann shared map.png (2.3 kB)')
    await put(hub, 'files/map.png?by=%1b[2J', 'x')
    await ann.hears('* somebody shared map (2).png (1 B)')
  })

  test('memory stays flat, however large a file is', async () => {
    const hub = await open({ maxUpload: 2_000_000_000 })
    const source = join(folder, 'source')
    await writeFile(source, '')
    await truncate(source, 300_000_000)
    const before = process.memoryUsage.rss()
    let peak = before
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 5)
    const body = Readable.toWeb(createReadStream(source)) as ReadableStream<Uint8Array>
    const upload = await fetch(urlOf(hub, 'files/copy'), {
      method: 'PUT',
      body,
      duplex: 'half',
    })
    expect(upload.status).toBe(201)
    let size = 0
    for await (const chunk of (await fetch(urlOf(hub, 'files/copy'))).body ?? []) size += chunk.length
    clearInterval(watch)
    expect(size).toBe(300_000_000)
    expect(peak - before).toBeLessThan(150_000_000)
  }, 30_000)
})

describe('WebSockets', () => {
  test('carry the same room as TCP', async () => {
    const hub = await open()
    const ann = new Actor(await socketTo(hub, 'chat'))
    await ann.say('/nick ann')
    await ann.hears('* you are ann')
    const bob = await tcp.connect({ port: hub.chat.port })
    await bob.send('ahoy\n')
    await ann.hears(/^guest-\d+: ahoy$/)
    bob.destroy()
    await ann.hears(/^\* guest-\d+ left$/)
    await ann.say('two\nlines')
    await ann.hears('ann: two lines')
  })

  test('show the folder at once, and each change of it', async () => {
    await writeFile(join(folder, 'first'), '1')
    const hub = await open()
    const screen = new Actor(await socketTo(hub, 'folder'))
    await screen.say('ignored')
    await screen.hears(/^\[\{"name":"first","size":1,"modified":"\d{4}-.*Z"\}\]$/)
    await put(hub, 'files/second', '22')
    await screen.hears(/"name":"second","size":2/)
    await rm(join(folder, 'first'))
    await screen.hears(/^\[\{"name":"second"[^{]*\]$/)
  })

  test('are told when the hub goes away', async () => {
    const hub = await open()
    const connection = await socketTo(hub, 'chat')
    const actor = new Actor(connection)
    await actor.hears(/^\* here/)
    await hub.stop(1_000)
    expect(await connection.closed).toMatchObject({ code: 1001 })
  })
})

describe('on loopback', () => {
  test.each(['localhost', '127.0.0.1', '127.1.2.3', '[::1]', 'LOCALHOST'])('%s may call', async (host) => {
    const hub = await open()
    const { port } = urlOf(hub)
    expect(await get(hub, `${host}:${port}`)).toMatch(/^HTTP\/1\.1 200 /)
  })

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.evil.example',
    '10.0.0.1',
  ])('%s, whose name was made to point here, may not', async (host) => {
    const hub = await open()
    expect(await get(hub, host)).toMatch(/^HTTP\/1\.1 403 /)
    await expect(socketTo(hub, 'chat', { Host: host })).rejects.toThrow('403')
  })

  test.each([
    'null',
    'http://evil.example',
    'http://127.evil.example',
    'http://localhost.evil.example',
    'http://127.0.0.1:1',
  ])('a page from %s may not', async (origin) => {
    const hub = await open()
    for (const path of ['chat', 'folder']) {
      await expect(socketTo(hub, path, { Origin: origin })).rejects.toThrow('403')
    }
    const { host } = urlOf(hub)
    expect(await get(hub, host, `Origin: ${origin}\r\n`, '/files')).toMatch(/^HTTP\/1\.1 403 /)
  })

  test('its own page may', async () => {
    const hub = await open()
    const connection = await socketTo(hub, 'chat', { Origin: urlOf(hub).origin })
    connection.destroy()
  })
})

describe('open to the network', () => {
  test('nobody gets anything without the token', async () => {
    const hub = await open({ lan: true })
    await writeFile(join(folder, 'a.txt'), 'x')
    for (const path of ['/', 'app.js', 'files', 'files/a.txt', '/?token=', '/?token=wrong', 'nothing']) {
      expect([path, (await fetch(urlOf(hub, path))).status]).toEqual([path, 401])
    }
    expect((await put(hub, 'files/b.txt', 'x')).status).toBe(401)
    expect((await fetch(urlOf(hub), { headers: { Cookie: 'fairlead=1; token=2' } })).status).toBe(401)
    for (const path of ['chat', 'folder']) await expect(socketTo(hub, path)).rejects.toThrow('401')
    expect(await readdir(folder)).toEqual(['.fairlead', 'a.txt'])
  })

  test('the printed address opens everything, by a cookie', async () => {
    const hub = await open({ lan: true })
    expect(hub.page).toMatch(/^http:\/\/[\d.]+:\d+\/\?token=[0-9a-f]{32}$/)
    const token = `?token=${hub.token}`
    const response = await fetch(urlOf(hub, `/${token}`))
    const setCookie = response.headers.get('set-cookie') ?? ''
    expect(response.status).toBe(200)
    expect(setCookie).toMatch(/^fairlead-[0-9a-f]{8}=[0-9a-f]{32}; Path=\/; HttpOnly; SameSite=Strict$/)
    const headers = { Cookie: `other=1; ${setCookie.split(';')[0]}` }
    for (const path of ['/', 'app.js', 'files']) {
      expect([path, (await fetch(urlOf(hub, path), { headers })).status]).toEqual([path, 200])
    }
    expect((await fetch(urlOf(hub, `files${token}`))).status).toBe(200)
    for (const path of ['chat', 'folder']) {
      ;(await socketTo(hub, path, headers)).destroy()
      ;(await socketTo(hub, `${path}${token}`)).destroy()
      await expect(socketTo(hub, path, { ...headers, Origin: 'http://evil.example' })).rejects.toThrow('403')
    }
  })

  test('two hubs do not share a token', async () => {
    const one = await open({ lan: true })
    const { token } = one
    await one.stop(0)
    const other = await open({ lan: true })
    expect(other.token).not.toBe(token)
    expect((await fetch(urlOf(other, `/?token=${token}`))).status).toBe(401)
  })
})

test('a door that cannot be opened leaves none open', async () => {
  const taken = await tcp.listen({ port: 0 })
  const port = taken.address.kind === 'ip' ? taken.address.port : 0
  await expect(open({ chatPort: port })).rejects.toThrow(
    `Cannot listen on 127.0.0.1:${port}: address is in use`,
  )
  await taken.close()
  const hub = await open({ chatPort: port })
  expect(hub.chat.port).toBe(port)
  expect(await readFile(join(folder, '.fairlead')).catch((error: { code: string }) => error.code)).toBe(
    'EISDIR',
  )
})
