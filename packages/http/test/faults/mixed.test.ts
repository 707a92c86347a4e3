import { describe, expect, test } from 'vitest'

import type { AnswerBody, Exchange } from '../../src/index.ts'
import { client, head, quiet, ways } from '../server/ways.ts'
import { chunked, settled, watchStrays } from './harness.ts'

watchStrays()

/** Numbers that look like chance, and are the same each time (mulberry32). */
function dice(seed: number): (sides: number) => number {
  return (sides) => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function* pieces(text: string, waits: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += 7) {
    if (waits > 0 && at % waits === 0) await turn()
    yield text.slice(at, at + 7)
  }
}

/** Reads the body in one of all ways, or part of it, or not at all. */
async function read({ request: { body } }: Exchange, how: number): Promise<void> {
  switch (how) {
    case 0:
      return
    case 1:
      return void (await body.text())
    case 2:
      for await (const chunk of body) if (chunk.byteLength > 0) break
      return
    case 3:
      await turn()
      return void (await body.bytes())
    default:
      return new Promise((resolve) => {
        body.handle({
          onData: () => {
            body.pause()
            if (how === 4) queueMicrotask(() => body.resume())
            else setImmediate(() => body.resume())
          },
          onEnd: resolve,
          onClose: () => resolve(),
        })
      })
  }
}

/** Answers in one of all ways; each answer says of which request it is, at its beginning and its end. */
async function answer(exchange: Exchange, how: number, size: number): Promise<void> {
  const id = exchange.request.target
  const text = `${id}<${'.'.repeat(size)}>${id}`
  const fields = { 'X-Id': id }
  if (how % 3 === 0) exchange.inform(103, { 'X-Id': id })
  if (how % 2 === 0) await turn()
  const bodies: AnswerBody[] = [
    text,
    Buffer.from(text),
    pieces(text, 0),
    pieces(text, 70),
    new Blob([text]).stream() as never,
  ]
  const body = bodies[how % bodies.length] ?? text
  const trailers = how % 4 === 0 ? { trailers: () => ({ 'X-End': id }) } : undefined
  return exchange.respond(200, fields, body, trailers)
}

function request(
  roll: (sides: number) => number,
  id: string,
  last: boolean,
): { text: string; method: string } {
  const fields = ['TE: trailers', ...(last ? ['Connection: close'] : [])]
  if (roll(4) === 0) fields.push(`X-${id.slice(1)}: ${'x'.repeat(roll(300))}`)
  const content = 'GET /wrong HTTP/1.1\r\nHost: wrong\r\n\r\n'.repeat(roll(30))
  const kinds = [
    { method: 'GET', text: head(`GET ${id} HTTP/1.1`, ...fields) },
    { method: 'HEAD', text: head(`HEAD ${id} HTTP/1.1`, ...fields) },
    {
      method: 'POST',
      text: head(`POST ${id} HTTP/1.1`, `Content-Length: ${content.length}`, ...fields) + content,
    },
    {
      method: 'POST',
      text:
        head(`POST ${id} HTTP/1.1`, 'Transfer-Encoding: chunked', ...fields) + chunked(content, 1 + roll(40)),
    },
    {
      method: 'GET',
      text: head(
        `GET ${id} HTTP/1.1`,
        ...fields.slice(0, 1),
        `Connection: upgrade${last ? ', close' : ''}`,
        'Upgrade: x',
      ),
    },
  ]
  return kinds[roll(kinds.length)] ?? kinds[0]!
}

describe.each(ways)('4 and 10, by chance over $name', (way) => {
  test('whatever is asked, and however it is read and answered, nobody gets another one’s answer', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const roll = dice(seed)
      const heard: string[] = []
      const server = await way.listen(async (exchange) => {
        heard.push(exchange.request.target)
        const [reading, answering, size] = [roll(6), roll(60), roll(20) === 0 ? roll(200_000) : roll(400)]
        if (roll(5) === 0) void read(exchange, 4 + (reading % 2)).catch(() => {})
        else await read(exchange, reading)
        await answer(exchange, answering, size)
      })
      const count = 2 + roll(20)
      const asked = Array.from({ length: count }, (_, at) =>
        request(roll, `/${seed}-${at}`, at === count - 1),
      )
      // An answer may come before its request is whole.
      const peer = await client(way, server, { stay: true })
      const all = asked.map(({ text }) => text).join('')
      for (let at = 0; at < all.length;) {
        const size = 1 + roll(roll(3) === 0 ? 20 : 3000)
        peer.write(all.slice(at, (at += size)))
        if (roll(3) === 0) await (roll(4) === 0 ? quiet() : turn())
      }
      peer.connection.end()
      const replies = await peer.allReplies(...asked.map(({ method }) => method))
      const final = replies.filter(({ status }) => status !== 103 && status !== 100)
      const ids = asked.map((_, at) => `/${seed}-${at}`)
      expect(heard, `seed ${seed}`).toEqual(ids)
      expect(
        final.map(({ headers }) => headers['x-id']),
        `seed ${seed}`,
      ).toEqual(ids)
      for (const [at, { body }] of final.entries()) {
        if (asked[at]?.method === 'HEAD') expect(body).toBe('')
        else expect(body).toMatch(new RegExp(`^${ids[at]}<\\.*>${ids[at]}$`))
      }
      await settled(server)
      expect(server.stats()).toMatchObject({
        requests: count,
        aborted: 0,
        refused: {},
        answers: { '2xx': count },
      })
      await server.close()
    }
  })
})
