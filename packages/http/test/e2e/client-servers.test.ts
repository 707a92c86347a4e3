import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Program } from '@fairlead/harness'
import { Client, type ClientOptions, type IncomingResponse, RequestError } from '@fairlead/http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

const page = '<p>The quick brown fox jumps over the lazy dog.</p>\n'.repeat(2_000)
const large = randomBytes(4 * 1024 * 1024)
const largeHash = createHash('sha256').update(large).digest('hex')

interface Echo {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly size: number
  readonly hash: string
}

async function peer(...args: string[]): Promise<{ program: Program; port: number }> {
  const program = Program.start(new URL('../programs/client-peer.mjs', import.meta.url), args)
  const [port] = await program.prints(/^listening on .*:(\d+)$/gm)
  return { program, port: Number(port) }
}

async function* pieces(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < large.length; at += 100_000) yield large.subarray(at, at + 100_000)
}

/** What `promise` rejects with. */
async function errorOf(promise: Promise<unknown>): Promise<RequestError> {
  const error: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(RequestError)
  return error as RequestError
}

describe.each(['node:http', 'our own server'])('%s', (name) => {
  const kind = name === 'node:http' ? 'node' : 'own'
  const clients: Client[] = []
  let base = ''
  let folder = ''

  function client(options: ClientOptions = {}): Client {
    const one = new Client({ base, ...options })
    clients.push(one)
    return one
  }

  const echo = async (response: IncomingResponse): Promise<Echo> => {
    expect(response.status).toBe(200)
    return response.json<Echo>()
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fairlead-'))
    writeFileSync(join(folder, 'large.bin'), large)
    base = `http://127.0.0.1:${(await peer(kind)).port}/`
  })

  afterEach(async () => {
    for (const one of clients.splice(0)) await one.close()
  })

  afterAll(async () => {
    await Program.killAll()
    rmSync(folder, { recursive: true })
  })

  test.each(['/page', '/pieces', '/zipped?gzip', '/zipped?deflate', '/zipped?raw', '/zipped?br'])(
    '%s comes whole, twice on one connection, and HEAD brings none of it',
    async (path) => {
      const one = client()
      const first = await one.request(path)
      expect(await first.text()).toBe(page)
      const head = await one.request(path, { method: 'HEAD' })
      expect([head.status, head.reused, (await head.bytes()).byteLength]).toEqual([200, true, 0])
      const second = await one.request(path)
      expect([await second.text(), second.reused]).toEqual([page, true])
      expect(one.stats()).toMatchObject({ requests: 3, failed: 0, retries: 0 })
    },
  )

  test('statuses without a body leave the connection to the next', async () => {
    const one = client()
    for (const [path, status] of [
      ['/empty', 204],
      ['/known', 304],
      ['/empty', 204],
    ] as const) {
      const response = await one.request(path)
      expect([response.status, await response.text()]).toEqual([status, ''])
    }
    expect((await one.request('/page')).reused).toBe(true)
  })

  test('trailers come behind the body', async () => {
    const response = await client().request('/trailers', { headers: { TE: 'trailers' } })
    expect(await response.text()).toBe(page)
    expect(response.trailers?.get('x-sum')).toBe('right')
  })

  test('interim answers are told of', async () => {
    const told: number[] = []
    const response = await client().request('/hinted', { onInform: ({ status }) => told.push(status) })
    expect(response.status).toBe(404)
    expect(told).toEqual([103])
    expect(response.informational[0]?.headers.get('link')).toBe('</style.css>; rel=preload')
  })

  test.each([
    ['bytes', () => large, true],
    ['a Blob', () => new Blob([large]), true],
    ['a file', () => ({ file: join(folder, 'large.bin') }), true],
    ['pieces', pieces, false],
    ['a stream', () => new Blob([large]).stream(), false],
  ] as const)('%s are sent whole, asked before or not', async (_, bodyOf, known) => {
    const one = client()
    for (const expectContinue of [false, true]) {
      const response = await one.request('/echo', { method: 'PUT', body: bodyOf(), expectContinue })
      expect(await echo(response)).toMatchObject({
        method: 'PUT',
        size: large.length,
        hash: largeHash,
        headers: known ? { 'content-length': String(large.length) } : { 'transfer-encoding': 'chunked' },
      })
      expect(response.informational.map(({ status }) => status)).toEqual(expectContinue ? [100] : [])
      expect(response.reused).toBe(expectContinue)
    }
  })

  test('forms are sent as browsers do, and text as UTF-8', async () => {
    const one = client()
    const search = await echo(await one.request('/echo', { body: new URLSearchParams({ a: 'b c', ü: '€' }) }))
    expect(search.headers['content-type']).toBe('application/x-www-form-urlencoded;charset=UTF-8')
    expect(search.size).toBe('a=b+c&%C3%BC=%E2%82%AC'.length)
    const form = new FormData()
    form.set('text', 'ahoy')
    form.set('file', new File([large], 'large.bin'))
    const multipart = await echo(await one.request('/echo', { body: form }))
    expect(multipart.headers['content-type']).toMatch(/^multipart\/form-data; ?boundary=/)
    expect(String(multipart.size)).toBe(multipart.headers['content-length'])
    expect((await echo(await one.request('/echo', { json: { text: '€' } }))).size).toBe(14)
    expect((await echo(await one.request('/echo', { body: 'grüße' }))).size).toBe(7)
  })

  test('redirects keep method and body, or leave both', async () => {
    const moved = await client().request('/moved', { method: 'PUT', body: large })
    expect(moved.redirects).toEqual([`${base}moved`])
    expect(await echo(moved)).toMatchObject({
      method: 'PUT',
      target: '/echo?moved',
      size: large.length,
      hash: largeHash,
    })
    const seen = await client().request('/seen', { method: 'PUT', body: 'ahoy' })
    expect(await echo(seen)).toMatchObject({ method: 'GET', target: '/echo?seen', size: 0 })
  })

  test('user information becomes a field, and is told to nobody', async () => {
    const url = base.replace('//', '//alice:open%20sesame@')
    const response = await client().request(`${url}echo`)
    expect(response.url).toBe(`${base}echo`)
    const { headers } = await echo(response)
    expect(headers['authorization']).toBe(`Basic ${btoa('alice:open sesame')}`)
    expect(headers['host']).toBe(new URL(base).host)
  })

  const size = 50 * 1024 * 1024
  async function* heavy(): AsyncGenerator<Uint8Array> {
    const piece = new Uint8Array(64 * 1024)
    for (let sent = 0; sent < size; sent += piece.byteLength) yield piece
  }

  describe.each([
    { how: 'with a length', bodyOf: () => new Uint8Array(size) },
    { how: 'in chunks', bodyOf: heavy },
  ])('11 a body of 50 MB $how', ({ bodyOf }) => {
    test.each([false, true])('each of 20 times 413 is seen (Expect: %s)', async (expectContinue) => {
      const one = client()
      for (let count = 0; count < 20; count++) {
        const response = await one.request('/refused', { method: 'POST', body: bodyOf(), expectContinue })
        expect([response.status, await response.text()]).toEqual([413, 'too much'])
        if (expectContinue) expect(response.bytesWritten).toBeLessThan(1_000)
      }
      expect(await (await one.request('/page')).text()).toBe(page)
    })
  })

  test('half an answer is not taken for all of it', async () => {
    for (const path of ['/cut', '/cut-chunks']) {
      const response = await client().request(path)
      const error = await errorOf(response.text())
      expect(error).toMatchObject({ phase: 'body', retryable: false, attempts: 1 })
      const seen: number[] = []
      const again = await client().request(path)
      const read = async (): Promise<void> => {
        for await (const chunk of again) seen.push(chunk.byteLength)
      }
      expect(await errorOf(read())).toMatchObject({ phase: 'body' })
      expect(seen.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(50_000)
    }
  })

  test('a connection that ends in the place of an answer: a POST goes out once, a GET twice at most', async () => {
    const countOf = async (): Promise<number> => {
      const response = await client().request('/asked?drop')
      return Number(await response.text())
    }
    const one = client()
    const before = await countOf()
    const post = await errorOf(one.request('/drop', { method: 'POST', body: 'ahoy' }))
    expect(post).toMatchObject({ attempts: 1, reused: false, retryable: false, phase: 'headers' })
    await (await one.request('/page')).text()
    const reused = await errorOf(one.request('/drop', { method: 'POST', body: 'ahoy' }))
    expect(reused).toMatchObject({ attempts: 1, reused: true, retryable: false, phase: 'headers' })
    expect(await countOf()).toBe(before + 2)
    await (await one.request('/page')).text()
    const get = await errorOf(one.request('/drop'))
    expect(get).toMatchObject({ attempts: 2, retryable: true, phase: 'headers' })
    expect(await countOf()).toBe(before + 4)
    await (await one.request('/page')).text()
    const off = await errorOf(one.request('/drop', { retry: false }))
    expect(off).toMatchObject({ attempts: 1, reused: true, retryable: true })
    expect(await countOf()).toBe(before + 5)
  })

  test('500 requests to who closes at about the time they come: each gets its own answer', async () => {
    const { port, program } = await peer(kind, 'silent')
    let [retries, reused] = [0, 0]
    await Promise.all(
      Array.from({ length: 25 }, async (_, index) => {
        const one = client({ base: `http://127.0.0.1:${port}/` })
        for (let count = 0; count < 20; count++) {
          const target = `/echo?${index}-${count}`
          const response = await one.request(target)
          expect((await echo(response)).target).toBe(target)
          if (response.reused) reused++
          await spin(pauseOf(kind, index, count))
        }
        retries += one.stats().retries
      }),
    )
    expect(retries + reused).toBeGreaterThan(0)
    program.child.kill('SIGKILL')
    await program.ended
  })
})

/** Milliseconds at the end of which a connection is being closed, more or less: of ours, at a tick of its clock. */
function pauseOf(kind: string, index: number, count: number): number {
  return kind === 'node' ? 18.5 + (count % 8) / 2 : (index * 41 + count * 17) % 130
}

/** A timer would be on time to the millisecond, at best. */
async function spin(milliseconds: number): Promise<void> {
  const until = performance.now() + milliseconds
  while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve))
}
