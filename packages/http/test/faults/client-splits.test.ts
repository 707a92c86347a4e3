import { gzipSync } from 'node:zlib'

import { describe, expect, test } from 'vitest'

import { answer, rawWays } from '../client/raw-server.ts'
import { watchStrays } from './harness.ts'

watchStrays()

const zipped = gzipSync('zipped')
const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'
const conversation: readonly Uint8Array[] = [
  answer('one', 'X-A: b', 'x-a: c', 'Set-Cookie: d'),
  `${hints}${hints}HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a="b;c"\r\nt\r\n2\r\nwo\r\n0\r\nX-T: u\r\n\r\n`,
  Buffer.concat([
    Buffer.from(`HTTP/1.1 200 \r\nContent-Encoding: gzip\r\nContent-Length: ${zipped.byteLength}\r\n\r\n`),
    zipped,
  ]),
  'HTTP/1.1 204 No Content\r\n\r\n',
  answer('', 'Keep-Alive: timeout=9'),
].map((text) => Buffer.from(text as string))

describe.each(rawWays)('4 answers over $name', (way) => {
  test('split at every byte, byte by byte and coalesced are the same', async () => {
    const heard = async (split: (bytes: Uint8Array) => Iterable<Uint8Array>): Promise<unknown> => {
      await using server = await way.open((_asked, peer, count) => {
        const pieces = [...split(conversation[count - 1]!)]
        const next = (): void => {
          const piece = pieces.shift()
          if (piece === undefined) return
          peer.write(piece)
          setImmediate(next)
        }
        next()
      })
      await using client = server.client()
      const all: unknown[] = []
      for (const _ of conversation) {
        const got = await client.request('/')
        const text = await got.text()
        all.push([got.status, got.reason, got.headers.raw, text, got.trailers?.raw, got.decoded, got.reused])
        all.push(got.informational.map(({ status, headers }) => [status, headers.raw]))
      }
      expect([server.peers.length, client.stats().active]).toEqual([1, 0])
      return all
    }
    const whole = await heard((bytes) => [bytes])
    expect(JSON.stringify(whole)).toContain('"zipped"')
    expect(await heard((bytes) => Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toEqual(whole)
    const longest = Math.max(...conversation.map(({ byteLength }) => byteLength))
    for (let at = 1; at < longest; at++) {
      expect([
        at,
        await heard((bytes) =>
          [bytes.subarray(0, at), bytes.subarray(at)].filter(({ length }) => length > 0),
        ),
      ]).toEqual([at, whole])
    }
  })
})
