import { connect, type Socket } from 'node:net'
import { connect as secure } from 'node:tls'

import { useManualClock } from '@fairlead/harness'
import { describe, expect, test } from 'vitest'

import { type Exchange, type HttpListener, type HttpListenOptions, listen } from '../../src/index.ts'
import { a } from '../server/tls-certificates.ts'
import { head, portOf, quiet, until } from '../server/ways.ts'
import { settled, watchStrays } from './harness.ts'

watchStrays()
// It stands: whoever lingers does so until the client has ended, however loaded the machine is.
useManualClock()

const fifty = 50_000_000
/** More than all buffers between the two. */
const enough = 16_000_000
const piece = Buffer.alloc(500_000, 120)

/** A client that sends so many bytes as fast as they are taken, and only then looks at what it got. */
class Uploader {
  readonly socket: Socket
  readonly chunked: boolean
  text = ''
  sent = 0
  failure: Error | undefined
  ended = false
  #left: number

  constructor(socket: Socket, { size = fifty, chunked = false } = {}) {
    this.socket = socket
    this.#left = size
    this.chunked = chunked
    socket.on('data', (chunk) => (this.text += chunk.toString('latin1')))
    socket.on('end', () => (this.ended = true))
    socket.on('error', (error) => (this.failure = error))
  }

  /** Resolves when all is sent, or it cannot go on. */
  async send(): Promise<void> {
    while (this.#left > 0 && !this.socket.destroyed) {
      if (this.chunked) this.socket.write(`${piece.length.toString(16)}\r\n`)
      const room = this.socket.write(piece)
      if (this.chunked) this.socket.write('\r\n')
      this.#left -= piece.length
      this.sent += piece.length
      if (!room) {
        await new Promise<void>((resolve) => {
          const done = (): void => {
            this.socket.off('drain', done).off('close', done)
            resolve()
          }
          this.socket.on('drain', done).on('close', done)
        })
      }
    }
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.text)?.[1])
  }
}

async function start(
  kind: string,
  answer: (exchange: Exchange) => Promise<void>,
  options: HttpListenOptions = {},
): Promise<{ server: HttpListener; open(): Socket }> {
  const tls = kind === 'tls' ? { tls: a } : {}
  const server = await listen({ port: 0, idleGrace: 0, ...tls, ...options }, answer)
  const at = { port: portOf(server), host: '127.0.0.1', allowHalfOpen: true }
  return { server, open: () => (kind === 'tls' ? secure({ ...at, rejectUnauthorized: false }) : connect(at)) }
}

const unauthorized = (exchange: Exchange): Promise<void> =>
  exchange.respond(401, { 'WWW-Authenticate': 'Basic realm="x"' }, 'who are you\n')

const answers: [string, (exchange: Exchange) => Promise<void>][] = [
  ['at once', unauthorized],
  [
    'later, with bytes waiting',
    async (exchange) => {
      await quiet()
      await unauthorized(exchange)
    },
  ],
  [
    'after a look at the body',
    async (exchange) => {
      for await (const chunk of exchange.request.body) if (chunk.byteLength > 0) break
      await unauthorized(exchange)
    },
  ],
  [
    'by throwing',
    async (exchange) => {
      await quiet()
      throw new Error(exchange.request.target)
    },
  ],
]

describe.each(['tcp', 'tls'])('11 an early answer over %s, while 50 MB are still coming', (kind) => {
  test.each(answers)('given %s, is seen by a client that sends on', async (how, answer) => {
    const size = how === 'at once' ? fifty : enough
    for (const chunked of how === 'at once' || how.startsWith('later') ? [false, true] : [kind === 'tls']) {
      const { server, open } = await start(kind, answer, { maxBodySize: 2 * size })
      const peer = new Uploader(open(), { size, chunked })
      const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`
      peer.socket.write(head('POST / HTTP/1.1', framing))
      await peer.send()
      await until(() => peer.ended || peer.socket.destroyed)
      expect(peer.failure).toBeUndefined()
      expect(peer.sent).toBe(size)
      expect(peer.status).toBe(how === 'by throwing' ? 500 : 401)
      // Of chunks nobody knows how many are to come: the connection may be kept, and is closed when they are too many.
      if (!chunked) expect(peer.text).toMatch(/\r\nConnection: close\r\n/)
      peer.socket.destroy()
      await settled(server)
      expect(server.stats()).toMatchObject({ requests: 1 })
      await server.close()
    }
  })

  test('413 by Content-Length and by counting is seen by a client that sends on', async () => {
    for (const chunked of [false, true]) {
      const size = 20_000_000
      const { server, open } = await start(kind, async (exchange) => {
        await exchange.request.body.bytes(Infinity)
        await exchange.respond(200)
      })
      const peer = new Uploader(open(), { size, chunked })
      const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`
      peer.socket.write(head('POST / HTTP/1.1', framing))
      await peer.send()
      await until(() => peer.ended || peer.socket.destroyed)
      expect(peer.failure).toBeUndefined()
      expect(peer.status).toBe(413)
      peer.socket.destroy()
      await settled(server)
      await server.close()
    }
  })

  test.each([
    [401, answers[0]?.[1]],
    [401, answers[1]?.[1]],
    [413, async ({ request }: Exchange) => void (await request.body.bytes())],
  ])('with Expect: 100-continue the client hears %d, and sends nothing', async (status, answer) => {
    const { server, open } = await start(kind, answer ?? unauthorized)
    const peer = new Uploader(open())
    peer.socket.write(head('POST / HTTP/1.1', `Content-Length: ${fifty}`, 'Expect: 100-continue'))
    await until(() => peer.ended || peer.socket.destroyed)
    expect(peer.status).toBe(status)
    expect(peer.text).not.toContain('100 Continue')
    peer.socket.destroy()
    await settled(server)
    await server.close()
  })

  test('with Expect: 100-continue from a client that does not wait', async () => {
    const { server, open } = await start(kind, unauthorized, { maxBodySize: 2 * fifty })
    const peer = new Uploader(open())
    peer.socket.write(head('POST / HTTP/1.1', `Content-Length: ${fifty}`, 'Expect: 100-continue'))
    await peer.send()
    await until(() => peer.ended || peer.socket.destroyed)
    expect(peer.failure).toBeUndefined()
    expect(peer.status).toBe(401)
    peer.socket.destroy()
    await settled(server)
    await server.close()
  })
})
