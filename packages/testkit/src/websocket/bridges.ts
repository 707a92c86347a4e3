import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { ByteConnection } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import * as udp from '@fairlead/udp'
import * as websocket from '@fairlead/ws-bridge'
import { RefusedError } from '@fairlead/ws-bridge'

import type { Broom } from '../broom.ts'
import { feature, type Feature } from '../check.ts'
import { loopbackIdentity } from '../fixtures/identity.ts'
import { freshPath } from '../fixtures/unix.ts'
import { pattern } from '../http/meeting.ts'
import { portOf, read } from '../tcp/meeting.ts'
import { deafPort } from '../udp/meeting.ts'
import { failureOf, quiet, soon, until } from '../wait.ts'
import { type Connection, dial, hear, meet } from './meeting.ts'

/** Says everything again, and ends behind the peer's end. */
async function echo(connection: ByteConnection): Promise<void> {
  for await (const chunk of connection) await connection.send(chunk)
  connection.end()
}

async function echoing(broom: Broom, options: tcp.ListenOptions = {}): Promise<tcp.StreamListener> {
  return broom.keep(await tcp.listen(options, (connection) => void echo(connection).catch(() => {})))
}

async function echoingDatagrams(broom: Broom): Promise<udp.UdpListener<Uint8Array>> {
  const accept = (session: udp.UdpSession<Uint8Array>): void =>
    session.handle({ onData: (datagram) => void session.write(datagram) })
  return broom.keep(await udp.listen({ maxAmplification: Infinity }, accept))
}

type Options = Omit<websocket.BridgeOptions, 'from'> & { from?: websocket.BridgeOptions['from'] }

/** A bridge on loopback, and the way in. */
async function open(broom: Broom, options: Options): Promise<{ bridge: websocket.Bridge; url: string }> {
  const making = websocket.bridge({ from: 'ws://127.0.0.1:0', ...options })
  const bridge = broom.keep(await soon(making, 'the bridge listens'))
  return { bridge, url: `ws://127.0.0.1:${portOf(bridge)}/` }
}

/** Sends a lot over a bridge to an echo, and checks what comes back. */
async function carry(client: Connection): Promise<void> {
  const sent = pattern(1_000_000)
  let came = 0
  client.handle({
    onData(chunk) {
      assert.ok(typeof chunk !== 'string')
      const { byteLength } = chunk
      assert.ok(Buffer.from(sent.buffer, came, byteLength).equals(chunk), `differs behind ${came} bytes`)
      came += byteLength
    },
  })
  for (let at = 0; at < sent.byteLength; at += 10_000) await client.send(sent.subarray(at, at + 10_000))
  await until(() => came === sent.byteLength, 'everything comes back')
}

export const bridgeFeatures: readonly Feature[] = [
  feature('a bridge carries bytes to TCP and back', async (broom) => {
    const target = await echoing(broom)
    const { bridge, url } = await open(broom, { to: `tcp://127.0.0.1:${portOf(target)}` })
    const client = await dial(broom, url, { protocols: ['binary'] })
    assert.equal(client.protocol, 'binary')
    await carry(client)
    const { forward, backward } = bridge.stats()
    assert.deepEqual([forward.bytes, backward.bytes], [1_000_000, 1_000_000])
    await soon(client.close(), 'it is closed')
    await until(() => target.connections.size === 0, 'the target is let go')
    await until(() => bridge.stats().ended.from === 1, 'the crossing is over')
  }),

  feature('a bridge carries bytes to TLS and to a Unix socket', async (broom) => {
    const tls = await loopbackIdentity()
    const path = freshPath()
    const secure = await echoing(broom, { tls })
    await echoing(broom, { path })
    const ways: Options[] = [
      { to: `tls://127.0.0.1:${portOf(secure)}`, connect: { tls: { ca: tls.cert } } },
      { to: `unix:${path}` },
    ]
    for (const way of ways) await carry(await dial(broom, (await open(broom, way)).url))
  }),

  feature('a bridge carries bytes from TCP to a WebSocket', async (broom) => {
    const { listener, accepted, url } = await meet(broom)
    const { bridge } = await open(broom, { from: 'tcp://127.0.0.1:0', to: url })
    const near = broom.keep(await tcp.connect({ port: portOf(bridge) }))
    await until(() => accepted.length === 2, 'the bridge connects')
    const far = accepted[1]!
    const heard = hear(far)
    near.write('ahoy')
    await until(() => heard.join('') === 'ahoy', 'it is heard')
    far.write(Buffer.from('ahoy yourself'))
    assert.equal(await read(near, 13), 'ahoy yourself')
    near.handle({ onData() {} })
    await soon(far.close(), 'it closes')
    assert.deepEqual(await soon(near.closed, 'its end is carried over'), { kind: 'remote' })
    assert.equal(listener.state, 'open')
  }),

  feature('the end of a target is Close 1000 behind its last byte, and its reset 1011', async (broom) => {
    const accepted: tcp.StreamConnection[] = []
    const target = broom.keep(await tcp.listen({}, (connection) => void accepted.push(connection)))
    const { url } = await open(broom, { to: `tcp://127.0.0.1:${portOf(target)}` })
    const ended = await dial(broom, url)
    const heard = hear(ended)
    await until(() => accepted.length === 1, 'the target hears')
    accepted[0]!.write('last')
    accepted[0]!.end()
    assert.deepEqual((await soon(ended.closed, 'it ends')).kind, 'remote')
    assert.equal(heard.join(''), 'last')
    const reset = await dial(broom, url)
    hear(reset)
    await until(() => accepted.length === 2, 'the target hears')
    accepted[1]!.destroy()
    const reason = await soon(reset.closed, 'it breaks')
    assert.ok(reason.kind === 'remote' && reason.code !== 1000, JSON.stringify(reason))
  }),

  feature('a target that does not read stops who sends over the bridge', async (broom) => {
    const accepted: tcp.StreamConnection[] = []
    const target = broom.keep(await tcp.listen({}, (connection) => void accepted.push(connection)))
    const { bridge, url } = await open(broom, { to: `tcp://127.0.0.1:${portOf(target)}` })
    const client = await dial(broom, url)
    const piece = Buffer.alloc(64 * 1024)
    let sent = 0
    const limit = 640
    const flooding = (async () => {
      for (; sent < limit; sent++) await client.send(piece)
    })()
    for (let seen = -1, still = 0; still < 10; still++) {
      if (sent !== seen) still = 0
      seen = sent
      await quiet()
    }
    assert.ok(sent < limit, 'everything was taken')
    assert.ok(bridge.stats().buffered < 4 * 1024 * 1024)
    let came = 0
    accepted[0]!.handle({ onData: ({ byteLength }) => void (came += byteLength) })
    await soon(flooding, 'the rest goes')
    await until(() => came === limit * piece.byteLength, 'everything arrives')
  }),

  feature('a bridge carries datagrams, one a message', async (broom) => {
    const target = await echoingDatagrams(broom)
    const { bridge, url } = await open(broom, { to: `udp://127.0.0.1:${target.address.port}` })
    const client = await dial(broom, url)
    const heard = hear(client)
    for (const [at, text] of ['one', '', 'x'.repeat(1_200)].entries()) {
      client.write(Buffer.from(text))
      await until(() => heard.length === at + 1, 'it comes back')
      assert.equal(heard[at], text)
    }
    assert.deepEqual(bridge.stats().drops, { oversized: 0, slow: 0, refused: 0, troubles: 0 })
  }),

  feature('a bridge carries datagrams from UDP to a WebSocket', async (broom) => {
    const { accepted, url } = await meet(broom)
    const { bridge } = await open(broom, { from: 'udp://127.0.0.1:0', to: url })
    const near = broom.keep(await udp.connect({ port: portOf(bridge), messages: 'text' }))
    near.write('ahoy')
    await until(() => accepted.length === 2, 'the bridge connects')
    const there = hear(accepted[1]!)
    await until(() => there.length === 1, 'it is heard')
    assert.deepEqual(there, ['ahoy'])
    const here = hear(near)
    accepted[1]!.write(Buffer.from('aye'))
    await until(() => here.length === 1, 'it is answered')
    assert.deepEqual(here, ['aye'])
  }),

  feature('a token chooses the target, out of a list and out of a file', async (broom) => {
    const target = `127.0.0.1:${portOf(await echoing(broom))}`
    const folder = await mkdtemp(join(tmpdir(), 'fairlead-tokens-'))
    try {
      const file = join(folder, 'tokens')
      await writeFile(file, `# who is where\none: ${target}\n`)
      for (const tokens of [{ one: `tcp://${target}` }, file]) {
        const { bridge, url } = await open(broom, { to: { tokens, allow: ['127.0.0.1'] } })
        const client = await dial(broom, `${url}?token=one`)
        const heard = hear(client)
        client.write(Buffer.from('ahoy'))
        await until(() => heard.join('') === 'ahoy', 'it comes back')
        const error = await failureOf(websocket.connect(`${url}?token=two`), 'an unknown token')
        assert.ok(error instanceof RefusedError, String(error))
        assert.equal(error.status, 404)
        assert.equal(bridge.stats().refused.token, 1)
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  }),

  feature('a token leads to no private address, unless that is allowed', async (broom) => {
    const target = await echoing(broom)
    const port = portOf(target)
    const named = `localhost:${port}`
    const tokens = { address: `127.0.0.1:${port}`, name: named, unix: 'unix:/nowhere' }
    const { bridge, url } = await open(broom, { to: { tokens } })
    for (const token of Object.keys(tokens)) {
      const error = await failureOf(websocket.connect(`${url}?token=${token}`), token)
      assert.ok(error instanceof RefusedError, String(error))
      assert.equal(error.status, 403)
    }
    assert.equal(bridge.stats().refused.policy, 3)
    assert.equal(target.connections.size, 0)
  }),

  feature('a target that is not there is 502, and for a page a Close frame', async (broom) => {
    const { url } = await open(broom, {
      to: `tcp://127.0.0.1:${await deafPort()}`,
      listen: { origins: 'any' },
    })
    const error = await failureOf(websocket.connect(url), 'nobody')
    assert.ok(error instanceof RefusedError, String(error))
    assert.equal(error.status, 502)
    const page = await dial(broom, url, { headers: { Origin: 'https://example.com' } })
    hear(page)
    const reason = await soon(page.closed, 'it is closed')
    assert.ok(reason.kind === 'remote' && reason.code === 1011, JSON.stringify(reason))
  }),
]
