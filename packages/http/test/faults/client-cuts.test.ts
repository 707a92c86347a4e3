import { gzipSync } from 'node:zlib'

import * as tcp from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import { Client, RequestError } from '../../src/index.ts'
import {
  answer,
  failure,
  nothing,
  type RawPeer,
  type RawServer,
  rawWays,
  standing,
  watch,
} from '../client/raw-server.ts'
import { quiet, until } from '../server/ways.ts'
import { watchStrays } from './harness.ts'

watchStrays()

const zipped = gzipSync('zipped')
const answers: [string, Uint8Array, string][] = [
  ['a length', Buffer.from(answer('whole')), 'whole'],
  [
    'chunks',
    Buffer.from(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nwho\r\n2\r\nle\r\n0\r\nX-T: 1\r\n\r\n',
    ),
    'whole',
  ],
  ['1xx in front', Buffer.from(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer('whole')}`), 'whole'],
  [
    'gzip',
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${zipped.byteLength}\r\n\r\n`,
      ),
      zipped,
    ]),
    'zipped',
  ],
]

const cuts: [string, (peer: RawPeer) => void][] = [
  ['ended', (peer) => peer.end()],
  ['reset', (peer) => peer.reset()],
]

/** Nothing is under way, and nothing is left of what was. */
async function settled(client: Client, server: RawServer): Promise<void> {
  await until(() => client.stats().active === 0)
  await until(() => server.peers.every((peer) => peer.gone) && standing(client).connections === 0)
  expect(standing(client)).toEqual(nothing)
}

describe.each(rawWays)('1 and 24 over $name, a link that is cut', (way) => {
  for (const [how, cut] of cuts) {
    test.each(answers)(
      `at every byte of an answer with %s, ${how}: never a part for the whole`,
      async (_what, bytes, text) => {
        await using server = await way.open()
        let at = 0
        server.script = (_asked, peer) => {
          if (at > 0) peer.write(bytes.subarray(0, at))
          void quiet().then(() => cut(peer))
        }
        await using client = server.client()
        for (; at < bytes.byteLength; at++) {
          const got = await Promise.allSettled([
            client.request('/', { body: 'once' }).then((one) => one.text()),
          ])
          if (got[0].status === 'fulfilled') throw new Error(`cut at ${at}, it was taken for whole`)
          const error = got[0].reason as RequestError
          expect([at, error instanceof RequestError, error.retryable, error.attempts]).toEqual([
            at,
            true,
            false,
            1,
          ])
        }
        const whole = client.request('/', { body: 'once' })
        expect(await (await whole).text()).toBe(text)
        await settled(client, server)
        expect(client.stats()).toMatchObject({
          requests: bytes.byteLength + 1,
          failed: bytes.byteLength,
          retries: 0,
        })
      },
    )

    test(`while a body is sent, ${how}: its source is let go of`, async () => {
      await using server = await way.open()
      await using client = server.client()
      let cancelled = 0
      const body = new ReadableStream({
        pull: (controller) => controller.enqueue(Buffer.alloc(10_000)),
        cancel: () => void cancelled++,
      })
      const sending = failure<RequestError>(client.request('/', { body }))
      const peer = await server.peer()
      await until(() => peer.text.length > 50_000)
      cut(peer)
      expect(await sending).toMatchObject({ retryable: false, reused: false })
      await settled(client, server)
      expect(cancelled).toBe(1)
    })

    test(`while the client closes, ${how}: it is closed`, async () => {
      await using server = await way.open()
      const client = server.client()
      const asked = failure<RequestError>(client.request('/'))
      await (await server.peer()).request()
      const closed = client.close()
      cut(server.peers[0]!)
      expect(await asked).toMatchObject({ phase: 'headers' })
      await closed
      await settled(client, server)
    })

    test(`as another protocol begins, ${how}: whoever has the connection hears of it`, async () => {
      await using server = await way.open((_asked, peer) => {
        peer.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: odd\r\n\r\nhead')
        void quiet().then(() => cut(peer))
      })
      await using client = server.client()
      const { connection, head } = await client.upgrade('/', { protocol: 'odd' })
      expect(Buffer.from(head!).toString()).toBe('head')
      await quiet()
      const heard = watch(
        new Promise((resolve) =>
          connection!.handle({ onData() {}, onEnd: () => resolve('end'), onClose: resolve }),
        ),
      )
      await until(() => heard.value !== undefined)
      connection!.destroy()
      await settled(client, server)
    })
  }

  test('with hundreds of requests on it, and is there again: each has its own answer, or says why not', async () => {
    await using server = await way.open()
    let down = false
    server.accept = ((accept) => (connection) => {
      if (down) return connection.destroy()
      accept.call(server, connection)
    })(server.accept)
    server.script = (asked) => (asked.target === '/hold' || down ? undefined : answer(asked.target))
    await using client = server.client({ maxConnections: 8 })
    const held = Array.from({ length: 300 }, () => failure<RequestError>(client.request('/hold')))
    await until(() => server.peers.filter((peer) => peer.asked.length === 1).length === 8)
    down = true
    for (const peer of server.peers) peer.reset()
    for (const error of await Promise.all(held)) {
      expect(error).toMatchObject({ name: 'RequestError', retryable: true })
      expect(error.code).toMatch(/^ERR_FAIRLEAD_(BROKEN|CONNECT|CLOSED)$/)
    }
    down = false
    const again = Array.from({ length: 300 }, async (_, at) => (await client.request(`/${at}`)).text())
    expect(await Promise.all(again)).toEqual(Array.from({ length: 300 }, (_, at) => `/${at}`))
    expect(client.stats()).toMatchObject({ requests: 600, failed: 300, active: 0 })
    expect(standing(client)).toMatchObject({ connecting: 0, queued: 0 })
  })
})

describe('1 a server that is reset', () => {
  test.each(['at once', 'in the middle of TLS'])(
    '%s: each request has one reason, which says that nothing was sent',
    async (when) => {
      const listener = await tcp.listen({ port: 0 }, (connection) => {
        if (when === 'at once') return connection.destroy(new Error('by the test'))
        connection.handle({ onData: () => connection.destroy(new Error('by the test')) })
      })
      const { port } = listener.address as { port: number }
      await using client = new Client()
      for (let at = 0; at < 3; at++) {
        const error = await failure<RequestError>(
          client.request(`https://127.0.0.1:${port}/`, { body: 'once' }),
        )
        expect(error).toMatchObject({ name: 'RequestError', bytesWritten: 0, retryable: true })
      }
      expect(client.stats()).toMatchObject({ active: 0, failed: 3, origins: {} })
      await listener.close({ grace: 0 })
    },
  )
})
