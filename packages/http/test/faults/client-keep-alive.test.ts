import { describe, expect, test } from 'vitest'

import type { RequestError } from '../../src/index.ts'
import { answer, nothing, type RawPeer, rawWays, standing } from '../client/raw-server.ts'
import { until } from '../server/ways.ts'
import { watchStrays } from './harness.ts'

watchStrays()

async function turns(count: number): Promise<void> {
  for (; count > 0; count--) await new Promise((resolve) => setImmediate(resolve))
}

const ends: [string, (peer: RawPeer) => void][] = [
  ['is ended', (peer) => peer.end()],
  ['is reset', (peer) => peer.reset()],
  [
    'is ended behind a farewell',
    (peer) => (peer.write('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n'), peer.end()),
  ],
]

const early = 6

describe.each(rawWays)('12 over $name, a connection that', (way) => {
  for (const [how, end] of ends) {
    test(`${how} as it is used again: nobody gets a wrong answer, and nothing is done twice`, async () => {
      for (let closes = 0; closes < early; closes++) {
        for (let asks = 0; asks < early; asks++) {
          for (const method of ['GET', 'POST']) {
            await using server = await way.open((asked, peer) => {
              if (asked.target === '/second') return answer('second')
              void turns(closes).then(() => end(peer))
              return answer('first')
            })
            await using client = server.client()
            expect(await (await client.request('/first')).text()).toBe('first')
            await turns(asks)
            const second = await client.request('/second', { method }).then(
              (got) => got.text().then((text) => [got.status, text]),
              (error: unknown) => error as RequestError,
            )
            const processed = server.peers
              .flatMap(({ asked }) => asked)
              .filter(({ target }) => target === '/second').length
            const what = [how, closes, asks, method]
            if (second instanceof Error) {
              expect([...what, second.name]).toEqual([...what, 'RequestError'])
              // GET is sent again by itself, unless the farewell has come in the place of its answer.
              if (second.retryable && method === 'POST') expect([...what, processed]).toEqual([...what, 0])
            } else if (second[0] !== 408) expect([...what, second]).toEqual([...what, [200, 'second']])
            expect(processed).toBeLessThanOrEqual(method === 'POST' ? 1 : 2)
            expect(client.stats()).toMatchObject({ active: 0, requests: 2 })
          }
        }
      }
    })
  }

  const unasked = [
    answer('stray'),
    'HTTP/1.1 408 Request Timeout\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
    '\r\n',
    'x',
    '\0',
  ]
  test.each(unasked)('is told %j unasked, is not used again', async (text) => {
    for (const together of [true, false]) {
      await using server = await way.open((asked, peer) => {
        if (asked.target === '/second') return answer('second')
        if (together) return answer('first') + text
        void turns(4).then(() => peer.write(text))
        return answer('first')
      })
      await using client = server.client()
      expect(await (await client.request('/first')).text()).toBe('first')
      await until(() => server.peers[0]!.gone && standing(client).connections === 0)
      expect(standing(client)).toEqual(nothing)
      const got = await client.request('/second')
      expect([await got.text(), got.reused, got.attempts, server.peers.length]).toEqual([
        'second',
        false,
        1,
        2,
      ])
      expect(client.stats()).toMatchObject({ active: 0, failed: 0, retries: 0 })
    }
  })
})
