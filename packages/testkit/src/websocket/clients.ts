import assert from 'node:assert/strict'

import { ConnectError, TimeoutError } from '@fairlead/core'
import * as http from '@fairlead/http'
import * as websocket from '@fairlead/ws-bridge'
import { RefusedError } from '@fairlead/ws-bridge'
import { reconnect } from '@fairlead/ws-bridge/reconnect'

import { feature, type Feature } from '../check.ts'
import { loopbackIdentity, makeIdentity } from '../fixtures/identity.ts'
import { freshPath } from '../fixtures/unix.ts'
import { raw, said, tunnels } from '../http/client-meeting.ts'
import { failureOf, quiet, soon, until } from '../wait.ts'
import { ask, dial, echo, hear, open } from './meeting.ts'

/** Delays of next to nothing. */
const quick = { base: 1, cap: 2, maxAttempts: 1_000_000 }

export const clientFeatures: readonly Feature[] = [
  feature('wss: is WebSocket over TLS, and both sides know of what', async (broom) => {
    const tls = await loopbackIdentity()
    const waiting = await open(broom, { tls })
    const client = await dial(broom, waiting.url, { tls: { ca: tls.cert } })
    await until(() => waiting.accepted.length > 0, 'it is accepted')
    const [server] = waiting.accepted
    assert.equal(client.tls?.authorized, true)
    assert.match(String(server?.tls?.protocol), /^TLSv1/)
    void echo(server!)
    await ask(client, 'x'.repeat(200_000))
  }),

  feature('a server with a certificate of somebody else is refused', async (broom) => {
    const waiting = await open(broom, { tls: await makeIdentity('elsewhere') })
    const { cert: ca } = await loopbackIdentity()
    const error = await failureOf(websocket.connect(waiting.url, { tls: { ca } }), 'the certificate')
    assert.ok(error instanceof ConnectError, String(error))
    assert.equal(waiting.accepted.length, 0)
  }),

  feature('a WebSocket goes over a Unix socket', async (broom) => {
    const path = freshPath()
    const server = broom.keep(await http.listen({ path }))
    const waiting = await open(broom, { server })
    for (const url of [`ws+unix:${path}:/`, `ws+unix:${path}:/?query`]) {
      const client = await dial(broom, url)
      await until(() => waiting.accepted.length > 0, 'it is accepted')
      void echo(waiting.accepted.pop()!)
      await ask(client, 'ahoy')
    }
  }),

  feature('a WebSocket goes through a proxy, with TLS and without', async (broom) => {
    const proxy = await tunnels(broom, 'Basic YTpi')
    const tls = await loopbackIdentity()
    for (const [serving, dialing] of [
      [{}, {}],
      [{ tls }, { tls: { ca: tls.cert } }],
    ]) {
      const waiting = await open(broom, serving)
      const client = await dial(broom, waiting.url, {
        ...dialing,
        proxy: `http://a:b@127.0.0.1:${proxy.port}`,
      })
      await until(() => waiting.accepted.length > 0, 'it is accepted')
      void echo(waiting.accepted[0]!)
      await ask(client, 'ahoy')
    }
    assert.equal(proxy.asked.length, 2)
  }),

  feature('a status that is none of WebSocket comes with its fields', async (broom) => {
    for (const [status, retryable] of [
      ['403 Forbidden', false],
      ['503 Service Unavailable', true],
      ['302 Found', false],
      ['200 OK', false],
    ] as const) {
      const server = await raw(broom, () => said(status, 'why', 'X-Why: because'))
      const error = await failureOf(websocket.connect(`ws://127.0.0.1:${server.port}`), status)
      assert.ok(error instanceof RefusedError, String(error))
      assert.deepEqual(
        [`${error.status}`, error.headers.get('x-why'), error.retryable],
        [status.slice(0, 3), 'because', retryable],
      )
      await server.deserted()
    }
  }),

  feature('an answer that accepts another key, or what was not offered, is refused', async (broom) => {
    const fields = ['Upgrade: websocket', 'Connection: Upgrade']
    for (const more of ['Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=', 'X-None: at-all']) {
      const answer = ['HTTP/1.1 101 Switching Protocols', ...fields, more, '', ''].join('\r\n')
      const server = await raw(broom, () => answer)
      const error = await failureOf(websocket.connect(`ws://127.0.0.1:${server.port}`), more)
      assert.ok(error instanceof ConnectError, String(error))
      await server.deserted()
    }
  }),

  feature('a handshake takes only so long, and can be aborted', async (broom) => {
    const server = await raw(broom)
    const url = `ws://127.0.0.1:${server.port}`
    const late = await failureOf(websocket.connect(url, { handshakeTimeout: 20 }), 'silence')
    assert.ok(late instanceof TimeoutError, String(late))
    const aborting = new AbortController()
    const { signal } = aborting
    const failure = failureOf(websocket.connect(url, { signal }), 'the aborted attempt')
    await server.peer(1)
    aborting.abort(new Error('enough'))
    assert.equal(await failure, signal.reason)
    await server.deserted()
  }),

  feature('a client comes back when its connection is cut, and when the server was away', async (broom) => {
    const { listener, accepted, url } = await open(broom)
    const answers: string[] = []
    const client = broom.keep(
      reconnect(url, { backoff: quick, stableAfter: 0 }, (connection, attempt) => {
        connection.write(`${attempt}`)
        return { onData: (text) => void answers.push(text) }
      }),
    )
    for (let count = 1; count <= 3; count++) {
      await until(() => accepted.length === count, 'it is there')
      void echo(accepted.at(-1)!).catch(() => {})
      await until(() => answers.length === count, 'it is answered')
      await listener.suspend()
      for (const connection of listener.connections) connection.destroy()
      await quiet()
      if (count < 3) await listener.resume()
    }
    await soon(client.close(), 'it is closed')
    assert.deepEqual(await client.closed, { kind: 'local' })
  }),

  feature('a client whom the server sends away stays away', async (broom) => {
    const { accepted, url } = await open(broom)
    const client = broom.keep(reconnect(url, { backoff: quick, stableAfter: 0 }, () => ({ onData() {} })))
    await until(() => accepted.length === 1, 'it is there')
    hear(accepted[0]!)
    void accepted[0]!.close({ code: 4_401, text: 'who are you?' })
    const reason = { kind: 'remote', code: 4_401, text: 'who are you?' }
    assert.deepEqual(await soon(client.closed, 'it gives up'), reason)
    assert.equal(accepted.length, 1)
  }),

  feature("the runtime's own client talks to it, where there is one", async (broom) => {
    const { WebSocket: Own } = globalThis as { WebSocket?: typeof WebSocket }
    if (!Own) return
    const { accepted, url } = await open(broom, { protocols: ['chat'] })
    const socket = new Own(url, ['talk', 'chat'])
    socket.binaryType = 'arraybuffer'
    const heard: string[] = []
    socket.addEventListener('message', ({ data }) => {
      heard.push(typeof data === 'string' ? data : Buffer.from(data as ArrayBuffer).toString())
    })
    const opened = new Promise<unknown>((resolve) => socket.addEventListener('open', resolve))
    await soon(opened, 'it is open')
    await until(() => accepted.length === 1, 'it is accepted')
    const [server] = accepted
    void echo(server!)
    const texts = ['ahoy ⚓', 'x'.repeat(100_000)]
    for (const text of texts) {
      socket.send(text)
      socket.send(Buffer.from(text))
    }
    await until(() => heard.length === 4, 'all come back')
    assert.deepEqual(
      heard,
      texts.flatMap((text) => [text, text]),
    )
    assert.equal(socket.protocol, 'chat')
    socket.close(4_000, 'enough')
    assert.deepEqual(await soon(server!.closed, 'it is closed'), {
      kind: 'remote',
      code: 4_000,
      text: 'enough',
    })
  }),
]
