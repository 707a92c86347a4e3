import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

import * as websocket from '@fairlead/ws-bridge'
import { RefusedError } from '@fairlead/ws-bridge'

import type { Broom } from '../broom.ts'
import { feature, type Feature } from '../check.ts'
import { open as openHttp, wire } from '../http/meeting.ts'
import { failureOf, soon, until } from '../wait.ts'
import { ask, dial, echo, handshakeFor, hear, open, type Waiting } from './meeting.ts'

/** What a handshake is answered with, by its status. */
async function statusFor(
  broom: Broom,
  waiting: Pick<Waiting, 'port'>,
  ...fields: string[]
): Promise<{ status: number; body: string }> {
  const client = await wire(broom, waiting)
  client.write(handshakeFor('/', ...fields))
  const [answer] = await client.answers(1)
  return answer as { status: number; body: string }
}

/** An upgrade event of the runtime's own HTTP server, accepted. */
async function own(broom: Broom, options?: websocket.AcceptOptions<'both'>) {
  const accepted: websocket.WebSocketConnection[] = []
  const errors: unknown[] = []
  const server = createServer()
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    try {
      const given = { messages: 'both', ...options } as const
      const connection = websocket.accept<'both'>(request, socket, head, given)
      accepted.push(broom.keep(connection))
      echo(connection).catch(() => {})
    } catch (error) {
      errors.push(error)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  const { port } = server.address() as AddressInfo
  return { server, accepted, errors, port, url: `ws://127.0.0.1:${port}/` }
}

export const handshakeFeatures: readonly Feature[] = [
  feature('on loopback pages of others, and other hosts, are refused with 403', async (broom) => {
    const waiting = await open(broom)
    const refused = [
      ['Host: localhost', 'Origin: https://evil.example'],
      ['Host: localhost', 'Origin: null'],
      ['Host: evil.example'],
    ]
    for (const fields of refused) {
      const { status, body } = await statusFor(broom, waiting, ...fields)
      assert.equal(status, 403, fields.join())
      assert.match(body, /not/)
    }
    const { port } = waiting
    const fields = [`Host: localhost:${port}`, `Origin: http://localhost:${port}`]
    assert.equal((await statusFor(broom, waiting, ...fields)).status, 101)
    assert.equal((await statusFor(broom, waiting, 'Host: 127.0.0.1')).status, 101)
    await until(() => waiting.accepted.length === 2, 'two are let in')
  }),

  feature('who is not authorized gets an answer of HTTP', async (broom) => {
    const headers = { 'WWW-Authenticate': 'Bearer' }
    const waiting = await open(broom, {
      async authorize(request) {
        if (request.headers.get('authorization') === 'Bearer s3cret') return undefined
        return { status: 401, text: 'who are you?', headers }
      },
    })
    const error = await failureOf(websocket.connect(waiting.url), 'whoever says nothing')
    assert.ok(error instanceof RefusedError, String(error))
    assert.deepEqual([error.status, error.headers.get('www-authenticate')], [401, 'Bearer'])
    await dial(broom, waiting.url, { headers: { Authorization: 'Bearer s3cret' } })
    await until(() => waiting.accepted.length === 1, 'who is known is let in')
  }),

  feature('the first subprotocol is spoken that both sides know', async (broom) => {
    const waiting = await open(broom, { protocols: ['b', 'c'] })
    const client = await dial(broom, waiting.url, { protocols: ['a', 'c', 'b'] })
    await until(() => waiting.accepted.length === 1, 'it is accepted')
    assert.deepEqual([client.protocol, waiting.accepted[0]?.protocol], ['c', 'c'])
    assert.equal((await dial(broom, waiting.url)).protocol, '')
  }),

  feature('there are no more connections than allowed, and who is too many hears why', async (broom) => {
    const waiting = await open(broom, { maxConnections: 1 })
    const client = await dial(broom, waiting.url)
    assert.equal((await statusFor(broom, waiting, 'Host: localhost')).status, 503)
    client.destroy()
    await until(() => waiting.listener.connections.size === 0, 'it is gone')
    await dial(broom, waiting.url)
  }),

  feature('what is no handshake is refused', async (broom) => {
    const waiting = await open(broom, { path: '/here' })
    for (const [status, text] of [
      [426, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
      [404, handshakeFor('/there', 'Host: localhost')],
      [400, handshakeFor('/here', 'Host: localhost', 'Host: localhost')],
      [426, handshakeFor('/here', 'Host: localhost').replace('Version: 13', 'Version: 8')],
      [400, handshakeFor('/here', 'Host: localhost').replace('==', '')],
    ] as const) {
      const client = await wire(broom, waiting)
      client.write(text)
      const [answer] = await client.answers(1)
      assert.equal(answer?.status, status, text)
    }
    assert.equal(waiting.accepted.length, 0)
  }),

  feature('an exchange of a server that is there becomes a WebSocket', async (broom) => {
    const reasons: string[] = []
    const served = await openHttp(broom, (exchange) => {
      const connection = websocket.accept(exchange)
      void connection.closed.then(({ kind }) => reasons.push(kind))
      return connection.handle({ onData: (text) => void connection.write(text.toUpperCase()) })
    })
    const client = await dial(broom, `ws://127.0.0.1:${served.port}/`)
    const heard = hear(client)
    client.write('ahoy')
    await until(() => heard.includes('AHOY'), 'it is answered')
    await soon(served.server.close(), 'the server closes')
    assert.deepEqual(await client.closed, { kind: 'remote', code: 1001 })
    assert.deepEqual(reasons, ['shutdown'])
  }),

  feature("the upgrade event of the runtime's own HTTP server is accepted", async (broom) => {
    const { accepted, errors, url } = await own(broom)
    const client = await dial(broom, url)
    await ask(client, 'ahoy')
    await ask(client, Buffer.alloc(200_000, 'x'))
    const [server] = accepted
    assert.ok(server)
    assert.deepEqual(server.remoteAddress, client.localAddress)
    await soon(client.close({ code: 4_000, text: 'enough' }), 'it is closed')
    assert.deepEqual(await soon(server.closed, 'the other end is'), {
      kind: 'remote',
      code: 4_000,
      text: 'enough',
    })
    assert.deepEqual(errors, [])
  }),

  feature('what comes right behind the head of an upgrade event is heard', async (broom) => {
    const { port } = await own(broom)
    const client = await wire(broom, { port })
    const hello = Buffer.from([0x81, 0x84, 0, 0, 0, 0, ...Buffer.from('ahoy')])
    client.connection.write(Buffer.concat([Buffer.from(handshakeFor('/', 'Host: localhost')), hello]))
    await client.heard('\r\n\r\n\u0081\u0004ahoy')
  }),

  feature('an upgrade event is refused with 403, too', async (broom) => {
    const { accepted, errors, url, port } = await own(broom)
    const headers = { Origin: 'https://evil.example' }
    const error = await failureOf(websocket.connect(url, { headers }), 'the page of another')
    assert.ok(error instanceof RefusedError, String(error))
    assert.equal(error.status, 403)
    assert.equal((await statusFor(broom, { port }, 'Host: evil.example')).status, 403)
    assert.deepEqual([accepted.length, errors.length], [0, 2])
  }),
]
