import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'

import { type Hub, type HubOptions, startHub } from '../../src/hub/hub.ts'
import { Actor, leftovers } from './cast.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes of memory that something needs: what the client of this process has left to be collected is nobody's. */
function held(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

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
      const plain = { 'Accept-Encoding': 'identity' }
      const { status, headers } = await fetch(urlOf(hub, path), { method: 'HEAD', headers: plain })
      expect([path, status]).toEqual([path, 200])
      expect(Number(headers.get('content-length'))).toBeGreaterThan(0)
    }
  })

  test.each([
    'nothing',
    '../folder.ts',
    'tus.js',
    'page/dom.js',
    '.fairlead/',
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

describe('compression', () => {
  const ask = (hub: Hub, path: string, coding: string) =>
    raw(
      hub,
      `GET /${path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: ${coding}\r\nConnection: close\r\n\r\n`,
    )

  test('the page and the listing come compressed to those who take it, downloads never', async () => {
    const hub = await open()
    const names = Array.from({ length: 30 }, (_, at) => `a long name of a file ${at}.txt`)
    await Promise.all(names.map((name) => writeFile(join(folder, name), 'x'.repeat(5_000))))
    for (const path of ['', 'app.js', 'style.css', 'tus.min.js', 'files']) {
      for (const coding of ['br', 'gzip']) {
        const answer = await ask(hub, path, coding)
        expect(answer).toMatch(new RegExp(`^content-encoding: ${coding}\\r$`, 'im'))
        expect(answer).toMatch(/^vary: .*accept-encoding/im)
        expect(answer.length).toBeLessThan((await ask(hub, path, 'identity')).length * 0.7)
      }
    }
    const download = await ask(hub, `files/${encodeURIComponent(names[0] ?? '')}`, 'br, gzip')
    expect(download).not.toMatch(/^content-encoding/im)
    expect(download).toMatch(/^content-length: 5000\r$/im)
  })

  test('what has not changed is not sent again', async () => {
    const hub = await open()
    const first = await fetch(urlOf(hub))
    const etag = first.headers.get('etag') ?? ''
    expect(first.headers.get('cache-control')).toBe('no-cache')
    const again = await fetch(urlOf(hub), { headers: { 'If-None-Match': etag } })
    expect([again.status, await again.text()]).toEqual([304, ''])
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
    expect(Buffer.compare(new Uint8Array(await download.arrayBuffer()), content)).toBe(0)
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
    for (const path of [
      'link',
      '..%2fa.txt',
      '.fairlead',
      '.fairlead%2fresumable',
      'a.txt%2f',
      'a.txt%00',
      'sub%5Ca.txt',
      'A.TXT',
    ]) {
      expect([path, (await fetch(urlOf(hub, `files/${path}`))).status]).toEqual([path, 404])
    }
    expect(await (await fetch(urlOf(hub, 'files/a.txt'))).text()).toBe('x')
  })

  test('a part of a file is given, and an unchanged one is not given again', async () => {
    const hub = await open()
    const content = new Uint8Array(100_000).map((_, at) => at % 251)
    await put(hub, 'files/a.html', content)
    const ask = async (headers: Record<string, string>, method = 'GET') => {
      const answer = await fetch(urlOf(hub, 'files/a.html'), { headers, method })
      return { answer, status: answer.status, bytes: new Uint8Array(await answer.arrayBuffer()) }
    }
    const { answer: whole } = await ask({})
    const etag = whole.headers.get('etag') ?? ''
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'accept-ranges': 'bytes',
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename=a.html',
      'x-content-type-options': 'nosniff',
    })
    const part = await ask({ Range: 'bytes=1000-1999' })
    expect(part.status).toBe(206)
    expect(part.answer.headers.get('content-range')).toBe('bytes 1000-1999/100000')
    expect(part.answer.headers.get('content-type')).toBe('application/octet-stream')
    expect(Buffer.compare(part.bytes, content.subarray(1_000, 2_000))).toBe(0)
    expect((await ask({ Range: 'bytes=-7' })).bytes).toEqual(content.subarray(-7))
    expect((await ask({ Range: 'bytes=100000-' })).status).toBe(416)
    expect((await ask({ Range: 'bytes=5-', 'If-Range': '"another"' })).status).toBe(200)
    expect((await ask({ 'If-None-Match': etag })).status).toBe(304)
    expect((await ask({ 'If-Modified-Since': whole.headers.get('last-modified') ?? '' })).status).toBe(304)
    expect((await ask({ 'If-Match': '"another"' })).status).toBe(412)
    const { answer: head, bytes: none } = await ask({}, 'HEAD')
    expect([head.headers.get('content-length'), none.length]).toEqual(['100000', 0])
  })

  test('a download that broke off goes on only with the same file', async () => {
    const hub = await open()
    await put(hub, 'files/a', 'one and two')
    // Of a file that was written a moment ago, nobody can tell whether it is still the same.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 })
    onTestFinished(() => void vi.useRealTimers())
    const { headers } = await fetch(urlOf(hub, 'files/a'))
    const etag = headers.get('etag') ?? ''
    const goOn = { headers: { Range: 'bytes=8-', 'If-Range': etag } }
    const rest = await fetch(urlOf(hub, 'files/a'), goOn)
    expect([rest.status, await rest.text()]).toEqual([206, 'two'])
    await writeFile(join(folder, 'a'), 'six and ten')
    const anew = await fetch(urlOf(hub, 'files/a'), goOn)
    expect([anew.status, await anew.text()]).toEqual([200, 'six and ten'])
  })

  test('takes whole files as they are, and says so of others', async () => {
    const hub = await open()
    const refused = async (headers: Record<string, string>) => {
      const answer = await fetch(urlOf(hub, 'files/a'), { method: 'PUT', body: 'ahoy', headers })
      const said = await answer.text()
      expect(said).not.toContain(folder)
      return answer.status
    }
    expect(await refused({ 'Content-Range': 'bytes 0-3/8' })).toBe(400)
    expect(await refused({ 'Content-Encoding': 'gzip' })).toBe(415)
    const digest = createHash('sha256').update('another').digest('base64')
    expect(await refused({ 'Content-Digest': `sha-256=:${digest}:` })).toBe(400)
    expect(await readdir(folder)).toEqual(['.fairlead'])
    expect(await leftovers(folder)).toEqual([])
  })

  test('refuses what is too large, announced or not, and keeps nothing of it', async () => {
    const hub = await open({ maxUpload: 1_000 })
    expect((await put(hub, 'files/exact', new Uint8Array(1_000))).status).toBe(201)
    expect((await put(hub, 'files/announced', new Uint8Array(1_001))).status).toBe(413)
    const chunked = `PUT /files/chunked HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`
    const chunk = `1f4\r\n${'x'.repeat(500)}\r\n`
    expect(await raw(hub, `${chunked}${chunk.repeat(3)}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 /)
    expect(await readdir(folder)).toEqual(['.fairlead', 'exact'])
    expect(await leftovers(folder)).toEqual([])
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
      else await vi.waitUntil(async () => (await leftovers(folder)).length === 1)
      connection.destroy()
    }
    await vi.waitUntil(async () => (await readdir('/proc/self/fd')).length <= before)
    expect(await leftovers(folder)).toEqual([])
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
    const length = 300_000_000
    const before = held()
    let most = before
    let heard = 0
    /** Looks at the memory each 16 MiB or so. */
    const pass = (size: number): void => {
      if ((heard & mask) + size > mask) most = Math.max(most, held())
      heard += size
    }
    const mask = 16 * 1024 * 1024 - 1
    const chunk = new Uint8Array(62_500)
    async function* source() {
      for (let left = length; left > 0; left -= chunk.length) {
        pass(chunk.length)
        yield chunk
      }
    }
    const body = Readable.toWeb(Readable.from(source())) as ReadableStream<Uint8Array>
    const upload = await fetch(urlOf(hub, 'files/copy'), {
      method: 'PUT',
      body,
      duplex: 'half',
    })
    expect(upload.status).toBe(201)
    expect(heard).toBe(length)
    for await (const chunk of (await fetch(urlOf(hub, 'files/copy'))).body ?? []) pass(chunk.length)
    expect(heard).toBe(2 * length)
    expect(most - before).toBeLessThan(50_000_000)
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
    expect((await fetch(urlOf(hub), { headers })).headers.get('set-cookie')).toBeNull()
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
