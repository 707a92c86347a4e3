import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'

import { describe, expect, test } from 'vitest'

import type { RequestError } from '../../src/index.ts'
import { failure, nothing, type RawServer, rawWays, standing } from '../client/raw-server.ts'
import { bombs, broken, text, zeros } from '../coding/bad-bodies.ts'
import { encodings } from '../coding/decode.ts'
import { until } from '../server/ways.ts'
import { watchStrays } from './harness.ts'

watchStrays()

/** Of a coding that the runtime has not, an answer is none that was asked for. */
const damaged = broken.filter(([, coding]) => encodings.some((one) => one.coding === coding))

function answers(server: RawServer, coding: string, body: Uint8Array, framed = true): void {
  server.script = (_asked, peer) => {
    const length = framed ? `Content-Length: ${body.byteLength}\r\n` : ''
    peer.write(`HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\n${length}\r\n`)
    peer.write(body)
    if (!framed) peer.end()
  }
}

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

  test.each(damaged)('%s is an error', async (_what, coding, body) => {
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
