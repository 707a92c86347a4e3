import { describe, expect, test } from 'vitest'

import { nothing, type RawPeer, rawWays, response, standing } from '../client/raw-server.ts'
import { until } from '../server/ways.ts'
import { watchStrays } from './harness.ts'

watchStrays()

const size = 50_000_000
const block = Buffer.alloc(64 * 1024, 'fairlead')

async function* large(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += block.byteLength) yield block
}

/** What a server does with the rest of a body that it does not want. */
const servers: [string, (peer: RawPeer) => void][] = [
  ['goes on reading', () => {}],
  ['ends its side, and reads on', (peer) => peer.end()],
  ['reads no more', (peer) => peer.connection.pause()],
]

describe.each(rawWays)('11 an early answer over $name, while 50 MB are still to be sent', (way) => {
  for (const [how, then] of servers) {
    test.each(['401 Unauthorized', '413 Content Too Large'])(
      `%s of a server that ${how} is seen`,
      async (status) => {
        await using server = await way.open()
        await using client = server.client()
        let released = 0
        const body = large()
        const leave = body.return.bind(body)
        body.return = (value) => {
          released++
          return leave(value)
        }
        const asking = client.request('/', { method: 'PUT', body })
        const peer = await server.peer()
        await until(() => peer.text.length > 200_000)
        peer.write(response(status, 'no more', 'Connection: close'))
        then(peer)
        const got = await asking
        expect([`${got.status} ${got.reason}`, await got.text()]).toEqual([status, 'no more'])
        expect(got.bytesWritten).toBeLessThan(size / 2)
        expect([released, client.stats()]).toMatchObject([1, { active: 0, failed: 0, retries: 0 }])
        expect(standing(client)).toEqual(nothing)
        expect(server.peers).toHaveLength(1)
      },
    )
  }

  test.each(['401 Unauthorized', '413 Content Too Large'])(
    '%s in the place of 100 is seen, and nothing of the body sent',
    async (status) => {
      await using server = await way.open()
      await using client = server.client()
      const body = large()
      const asking = client.request('/', { body, expectContinue: true })
      const peer = await server.peer()
      await until(() => peer.text.endsWith('\r\n\r\n'))
      peer.write(response(status, 'no'))
      const got = await asking
      expect([`${got.status} ${got.reason}`, await got.text()]).toEqual([status, 'no'])
      expect(peer.text.split('\r\n\r\n')[1]).toBe('')
      expect([standing(client), client.stats().active]).toEqual([nothing, 0])
      expect(await body.next()).toEqual({ done: true, value: undefined })
    },
  )
})
