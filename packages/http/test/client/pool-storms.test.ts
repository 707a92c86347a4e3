import { useManualClock } from '@fairlead/harness'
import { describe, expect, test } from 'vitest'

import { RequestError } from '../../src/index.ts'
import { quiet, until } from '../server/ways.ts'
import { answer, type Asked, type RawPeer, rawWays } from './raw-server.ts'

// A machine that is busy with other tests is no server that has left.
useManualClock()

/** Numbers from 0 up to 1, the same for the same seed. */
function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

async function turns(count: number): Promise<void> {
  for (; count > 0; count--) await new Promise((resolve) => setImmediate(resolve))
}

const chunked = (text: string): string =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`

/** What a server may do with a request, the good more often than the bad. Answers keep the order of their requests. */
function misbehaving(roll: () => number, poison: string): (asked: Asked, peer: RawPeer) => void {
  const turn = new WeakMap<RawPeer, Promise<void>>()
  const handle = async ({ target }: Asked, peer: RawPeer): Promise<void> => {
    const fate = roll()
    await turns(Math.floor(roll() * 4))
    if (fate < 0.4) peer.write(answer(target))
    else if (fate < 0.5) peer.write(chunked(target))
    else if (fate < 0.65) {
      const text = answer(target)
      const cut = Math.floor(roll() * text.length)
      peer.write(text.slice(0, cut))
      await turns(1)
      peer.write(text.slice(cut))
    } else if (fate < 0.72) {
      peer.write(answer(target, 'Connection: close'))
      peer.end()
    } else if (fate < 0.78) {
      peer.write(answer(target))
      peer.end()
    } else if (fate < 0.84) peer.write(answer(target) + poison)
    else if (fate < 0.88) peer.end()
    else if (fate < 0.92) peer.reset()
    else if (fate < 0.95) {
      peer.write(answer(target).slice(0, Math.floor(roll() * 40)))
      peer.end()
    } else if (fate < 0.97) peer.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' + answer(target))
    else if (fate < 0.99) {
      peer.write(`HTTP/1.1 200 OK\r\n\r\n${target}`)
      peer.end()
    } else peer.write('SSH-2.0-OpenSSH\r\n\r\n')
  }
  return (asked, peer) => {
    const before = turn.get(peer) ?? Promise.resolve()
    turn.set(
      peer,
      before.then(() => handle(asked, peer)),
    )
  }
}

describe.each(rawWays)('over $name, in a storm', (way) => {
  const cases = [1, 2, 3, 4].flatMap((seed) => [1, 4].map((pipelining) => [seed, pipelining] as const))
  test.each(cases)(
    'each request has its own answer or an error (seed %d, pipelining %d)',
    async (seed, pipelining) => {
      const roll = dice(seed)
      await using server = await way.open()
      // Behind requests that wait for theirs, an answer that nobody asked for cannot be told apart.
      const behave = misbehaving(roll, pipelining === 1 ? answer('/poison') : '')
      const seen = new Map<string, number>()
      server.script = (asked, peer) => {
        seen.set(asked.target, (seen.get(asked.target) ?? 0) + 1)
        behave(asked, peer)
      }
      const client = server.client({ maxConnections: 5, pipelining })
      let failed = 0
      let answered = 0
      let retried = 0
      const ask = async (at: number): Promise<void> => {
        const target = `/${at}`
        const posts = roll() < 0.3
        const gone = roll() < 0.1 ? new AbortController() : undefined
        if (gone) void turns(Math.floor(roll() * 12)).then(() => gone.abort(gone))
        try {
          const got = await client.request(target, {
            ...(posts && { body: target }),
            ...(gone && { signal: gone.signal }),
          })
          retried += got.attempts - 1
          expect(await got.text()).toBe(target)
          answered++
        } catch (error) {
          if (error === gone) return void failed++
          if (!(error instanceof RequestError)) throw error
          failed++
          expect(error.url).toBe(server.url + target)
          // What must not be sent twice is not said to be safe once the server has it.
          if (posts && error.bytesWritten > 0) expect(error.retryable).toBe(false)
        }
        const times = seen.get(target) ?? 0
        expect(times).toBeLessThanOrEqual(posts ? 1 : 2)
      }
      const total = 200
      const all: Promise<void>[] = []
      for (let at = 0; at < total; at++) {
        all.push(ask(at))
        if (roll() < 0.2) await turns(2)
      }
      await Promise.all(all)
      const stats = client.stats()
      expect(stats).toMatchObject({ requests: total, active: 0 })
      expect(stats.retries).toBeGreaterThanOrEqual(retried)
      expect(answered + failed).toBe(total)
      expect(answered).toBeGreaterThan(total / 3)
      await client.close()
      expect(client.stats().origins).toEqual({})
      await quiet()
      await until(() => server.peers.every((peer) => peer.gone))
    },
  )
})
