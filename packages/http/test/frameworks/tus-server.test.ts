import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { FileStore } from '@tus/file-store'
import { EVENTS, Server } from '@tus/server'
import { Hono } from 'hono'
import { afterEach, beforeEach, expect, test } from 'vitest'

import type { IncomingResponse, RequestOptions } from '../../src/index.ts'
import { bytesOf } from '../client/download/file-server.ts'
import { run } from './program.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-tus-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

const file = bytesOf(2_000_000)
const version = { 'Tus-Resumable': '1.0.0' }
const patch = (offset: number, body: RequestOptions['body']): RequestOptions => ({
  method: 'PATCH',
  headers: { ...version, 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream' },
  body: body!,
})

function tus(options: { maxSize?: number } = {}): Server {
  return new Server({ path: '/files', datastore: new FileStore({ directory: folder }), ...options })
}

/** Alone, and behind a route of a framework. */
const places: [string, (server: Server) => Parameters<typeof run>[0]][] = [
  ['by itself', (server) => (request) => server.handleWeb(request)],
  ['in Hono', (server) => new Hono().all('/files/*', (c) => server.handleWeb(c.req.raw)).fetch],
]

test.each(places)(
  '@tus/server %s: made, sent in pieces, asked after, read back and removed',
  async (_, of) => {
    const server = tus()
    const finished: string[] = []
    server.on(EVENTS.POST_FINISH, (_request: unknown, _response: unknown, upload: { id: string }) =>
      finished.push(upload.id),
    )
    await using program = await run(of(server))
    const { request, url } = program
    const abilities = await request('/files/', { method: 'OPTIONS' })
    expect([abilities.status, abilities.headers.get('tus-version')]).toEqual([204, '1.0.0'])
    expect(abilities.headers.get('tus-extension')).toContain('termination')

    const name = Buffer.from('ü.bin').toString('base64')
    const metadata = { 'Upload-Metadata': `filename ${name}`, 'Upload-Length': String(file.length) }
    const made = await request('/files/', { method: 'POST', headers: { ...version, ...metadata } })
    const location = made.headers.get('location')!
    expect([made.status, location.startsWith(`${url}/files/`)]).toEqual([201, true])
    const at = new URL(location).pathname
    async function* rest(): AsyncGenerator<Uint8Array> {
      for (let from = 1_000_000; from < file.length; from += 90_000) yield file.subarray(from, from + 90_000)
    }
    const offset = async (sent: Promise<IncomingResponse>): Promise<unknown[]> => {
      const { status, headers } = await sent
      return [status, headers.get('upload-offset')]
    }
    expect(await offset(request(at, patch(0, file.subarray(0, 600_000))))).toEqual([204, '600000'])
    expect(await offset(request(at, { method: 'HEAD', headers: version }))).toEqual([200, '600000'])
    // What comes at the wrong place changes nothing.
    expect((await request(at, patch(5, 'wrong'))).status).toBe(409)
    expect(await offset(request(at, patch(600_000, file.subarray(600_000, 1_000_000))))).toEqual([
      204,
      '1000000',
    ])
    expect(finished).toEqual([])
    expect(await offset(request(at, patch(1_000_000, rest())))).toEqual([204, '2000000'])
    const id = at.slice('/files/'.length)
    expect(finished).toEqual([id])
    expect(readFileSync(join(folder, id)).equals(file)).toBe(true)

    const back = await request(at)
    expect(
      createHash('sha256')
        .update(await back.bytes())
        .digest('hex'),
    ).toBe(createHash('sha256').update(file).digest('hex'))
    expect((await request(at, { method: 'DELETE', headers: version })).status).toBe(204)
    expect([404, 410]).toContain((await request(at, { method: 'HEAD', headers: version })).status)
    expect(readdirSync(folder)).toEqual([])
    expect(program.errors).toEqual([])
  },
)

test('@tus/server says what it does not take, while it is still coming', async () => {
  const server = tus({ maxSize: 1_000 })
  await using program = await run((request) => server.handleWeb(request))
  const { request } = program
  const begin = (headers: Record<string, string>, body: Uint8Array | null = null) =>
    request('/files/', { method: 'POST', headers: { ...version, ...headers }, body })
  expect((await begin({ 'Upload-Length': '1001' })).status).toBe(413)
  expect((await request('/files/', { method: 'POST', body: file })).status).toBe(412)
  expect((await request('/files/none', patch(0, file))).status).toBe(404)
  expect((await begin({ 'Upload-Length': '-1' })).status).toBe(400)
  const deferred = await begin({ 'Upload-Defer-Length': '1' })
  const { pathname } = new URL(deferred.headers.get('location')!)
  expect((await request(pathname, patch(0, file))).status).toBe(413)
  expect(program.errors).toEqual([])
})
