import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

import { describe, expect, test } from 'vitest'

import type { RequestError } from '../../src/index.ts'
import { failure, nothing, type RawServer, rawWays, standing } from '../client/raw-server.ts'
import { until } from '../server/ways.ts'
import { watchStrays } from './harness.ts'

watchStrays()

const zeros = Buffer.alloc(30_000_000)
const text = Buffer.from('a text that is worth to be compressed, a text that is')

function answers(server: RawServer, coding: string, body: Uint8Array, framed = true): void {
  server.script = (_asked, peer) => {
    const length = framed ? `Content-Length: ${body.byteLength}\r\n` : ''
    peer.write(`HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\n${length}\r\n`)
    peer.write(body)
    if (!framed) peer.end()
  }
}

const bombs: [string, string, Uint8Array][] = [
  ['gzip', 'gzip', gzipSync(zeros)],
  ['deflate', 'deflate', deflateSync(zeros)],
  ['raw deflate', 'deflate', deflateRawSync(zeros)],
  ['brotli', 'br', brotliCompressSync(zeros)],
  ['gzip in gzip', 'gzip, gzip', gzipSync(gzipSync(zeros))],
  ['brotli in gzip', 'br, gzip', gzipSync(brotliCompressSync(zeros))],
]

const broken: [string, string, Uint8Array][] = [
  [
    'a window of zlib that is too large',
    'deflate',
    Buffer.concat([Buffer.from([0x88, 0x1c]), deflateSync(text).subarray(2)]),
  ],
  [
    'a gzip of another method',
    'gzip',
    Buffer.concat([Buffer.from([0x1f, 0x8b, 7]), gzipSync(text).subarray(3)]),
  ],
  [
    'a gzip whose checksum is wrong',
    'gzip',
    Buffer.concat([gzipSync(text).subarray(0, -8), Buffer.alloc(8)]),
  ],
  ['a brotli of a large window', 'br', Buffer.from([0x11, 0x3f, 0, 0, 0, 0, 0, 0])],
  ['text that is none of it', 'gzip', text],
]

describe.each(rawWays)('13 compression over $name', (way) => {
  test.each(bombs)('%s that expands too much is stopped in mid-stream', async (_what, coding, body) => {
    await using server = await way.open()
    answers(server, coding, body)
    await using client = server.client()
    let most = 0
    const got = await client.request('/', { onDownload: ({ bytes }) => void (most = bytes) })
    expect(await failure<RequestError>(got.bytes())).toMatchObject({
      code: 'ERR_FAIRLEAD_LIMIT',
      retryable: false,
    })
    expect(most).toBeLessThan(zeros.byteLength / 2)
    expect(client.stats().active).toBe(0)
  })

  test('a bomb that does not end is stopped, and its connection with it', async () => {
    await using server = await way.open()
    const bomb = gzipSync(zeros)
    server.script = (_asked, peer) => {
      peer.write('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000000000\r\n\r\n')
      peer.write(bomb)
    }
    await using client = server.client()
    expect(await failure<RequestError>((await client.request('/')).bytes())).toMatchObject({
      code: 'ERR_FAIRLEAD_LIMIT',
    })
    await until(() => server.peers[0]!.gone)
    expect([standing(client), client.stats()]).toMatchObject([nothing, { active: 0, failed: 1 }])
  })

  test('more layers than are allowed, be it thousands, cost nothing', async () => {
    await using server = await way.open()
    for (const layers of [4, 2_000]) {
      answers(server, Array<string>(layers).fill('gzip').join(','), gzipSync(text))
      await using client = server.client()
      const error = await failure<RequestError>(client.request('/').then((got) => got.bytes()))
      expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_LIMIT', retryable: false })
    }
  })

  const codings: [string, Uint8Array][] = [
    ['gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['br', brotliCompressSync(text)],
  ]
  test.each(codings)('%s that is cut at any byte is an error', async (coding, body) => {
    await using server = await way.open()
    await using client = server.client()
    for (let at = 1; at < body.byteLength; at++) {
      for (const framed of [true, false]) {
        answers(server, coding, body.subarray(0, at), framed)
        const error = await failure<RequestError>((await client.request('/')).bytes())
        expect([at, framed, error.code]).toEqual([at, framed, 'ERR_FAIRLEAD_HTTP_CONTENT_CODING'])
      }
    }
    answers(server, coding, body, false)
    expect(await (await client.request('/')).text()).toBe(text.toString())
    expect(client.stats().active).toBe(0)
  })

  test.each(broken)('%s is an error', async (_what, coding, body) => {
    await using server = await way.open()
    answers(server, coding, body)
    await using client = server.client()
    const error = await failure<RequestError>((await client.request('/')).bytes())
    expect(error).toMatchObject({
      name: 'RequestError',
      code: 'ERR_FAIRLEAD_HTTP_CONTENT_CODING',
      retryable: false,
    })
  })
})
