import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { compress, decompress } from '../../src/compress/index.ts'
import { Client, type HttpListener, Response as OurResponse, serve } from '../../src/index.ts'
import { portOf, until } from '../server/ways.ts'
import { codings, Source, text } from './asking.ts'

const large = text.repeat(100)
const plain = { headers: { 'Content-Type': 'text/plain' } }
let source: Source

const handler = compress(
  decompress(async (request) => {
    switch (new URL(request.url).pathname) {
      case '/stream':
        return new OurResponse(new Blob([large]).stream(), plain)
      case '/events':
        return new OurResponse(source.stream, { headers: { 'Content-Type': 'text/event-stream' } })
      case '/echo':
        return new OurResponse(await request.text())
      default:
        return new OurResponse(text, { headers: { ETag: '"v1"' } })
    }
  }),
)

let server: HttpListener
let base: string

beforeAll(async () => {
  server = await serve({ port: 0 }, handler)
  base = `http://127.0.0.1:${portOf(server)}`
})
afterAll(() => server.close({ grace: 0 }))

async function curl(...options: string[]): Promise<string> {
  const given = ['-sS', '--max-time', '5', ...options]
  const { stdout } = await promisify(execFile)('curl', given, { maxBuffer: 1e8 })
  return stdout
}

describe('our client', () => {
  test.each(codings)('decodes %s', async (coding) => {
    await using client = new Client({ base, headers: { 'Accept-Encoding': coding } })
    for (const [path, body] of [
      ['/', text],
      ['/stream', large],
    ] as const) {
      const got = await client.request(path, { decode: true })
      expect([got.status, await got.text()]).toEqual([200, body])
    }
    const sent = gzipSync(large)
    const echoed = await client.request('/echo', {
      method: 'POST',
      headers: { 'Content-Encoding': 'gzip' },
      body: sent,
    })
    expect(await echoed.text()).toBe(large)
    expect(client.stats().active).toBe(0)
  })
})

describe('curl', () => {
  test('--compressed decodes what it is sent', async () => {
    for (const path of ['/', '/stream']) {
      const expected = path === '/' ? text : large
      expect(await curl('--compressed', base + path)).toBe(expected)
      expect(await curl(base + path)).toBe(expected)
      const sizes = await curl('--compressed', '-o', '/dev/null', '-w', '%{size_download}', base + path)
      expect(Number(sizes)).toBeLessThan(expected.length / 10)
    }
  })

  test.each(codings)('says of %s what it should', async (coding) => {
    const head = await curl('-D', '-', '-o', '/dev/null', '-H', `Accept-Encoding: ${coding}`, base)
    expect(head).toContain(`Content-Encoding: ${coding}\r\n`)
    expect(head).toContain('Vary: Accept-Encoding\r\n')
    expect(head).toContain('ETag: W/"v1"\r\n')
    const asked = await curl('-I', '-H', `Accept-Encoding: ${coding}`, base)
    expect(asked).toContain(`Content-Encoding: ${coding}\r\n`)
  })

  test('gets events one by one', async () => {
    source = new Source()
    const child = spawn('curl', ['-sSN', '--max-time', '5', '--compressed', `${base}/events`])
    let got = ''
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (got += piece))
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      const before = got
      source.send(event)
      await until(() => got === before + event)
    }
    child.kill()
    await once(child, 'close')
    // One that has ended may still read: what is sent to it tells.
    await until(() => {
      if (source.cancelled === undefined) source.send('data: more\n\n')
      return source.cancelled !== undefined
    })
  })

  test('sends what is decoded, and sees what is refused', async () => {
    const child = spawn('curl', [
      '-sS',
      '--max-time',
      '5',
      '-H',
      'Content-Encoding: gzip',
      '--data-binary',
      '@-',
      `${base}/echo`,
    ])
    let got = ''
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (got += piece))
    child.stdin.end(gzipSync(large))
    await once(child, 'close')
    expect(got).toBe(large)
    const refused = await curl('-i', '-H', 'Content-Encoding: x-own', '-d', 'ahoy', `${base}/echo`)
    expect(refused).toMatch(/^HTTP\/1\.1 415 /)
    expect(refused).toContain('Accept-Encoding: gzip, deflate, br')
    expect(await curl('-i', '-H', 'Content-Encoding: gzip', '-d', 'ahoy', `${base}/echo`)).toMatch(
      /^HTTP\/1\.1 400 /,
    )
  })
})
