import { createHash } from 'node:crypto'

import { WebSocket } from 'undici'
import { describe, expect, test } from 'vitest'

import type { ProxyOptions } from '../../src/proxy/index.ts'
import { answer, type RawPeer, type RawServer, response } from '../client/raw-server.ts'
import { watchStrays } from '../faults/harness.ts'
import type { RawClient } from '../server/client.ts'
import { head, portOf, quiet, until } from '../server/ways.ts'
import { before, type Front, lines, memory, sockets, stages } from './stage.ts'

watchStrays()

const offer = (protocol = 'shout', ...fields: string[]): string =>
  head('GET /shout HTTP/1.1', 'Connection: keep-alive, Upgrade', `Upgrade: ${protocol}`, ...fields)

const switched =
  'HTTP/1.1 101 Whatever\r\nConnection: Upgrade, X-Own\r\nUpgrade: Shout\r\nX-Own: 1\r\nX-Kept: 1\r\n\r\n'

/** A client and a server that go on with another protocol through a proxy. */
async function joined(server: RawServer, at: Front): Promise<{ client: RawClient; peer: RawPeer }> {
  const client = await at.client({ stay: true })
  client.write(offer())
  const peer = await server.peer()
  await peer.request()
  await client.until(() => client.text.endsWith('\r\n\r\n'))
  return { client, peer }
}

describe.each(stages)('an upgrade over $name', (stage) => {
  test('is passed on, with the bytes behind both heads, and what follows both ways', async () => {
    await using server = await stage.raw.open(() => `${switched}early answer`)
    await using at = await before(stage, server, { proxy: { forwarded: false } })
    const client = await at.client({ stay: true })
    client.write(`${offer('shout, other', 'Sec-Shout-Key: abc', 'TE: trailers')}early `)
    await client.until(() => client.text.endsWith('early answer'))
    const peer = await server.peer()
    await until(() => peer.text.endsWith('\r\n\r\nearly '))
    expect(lines(peer.text)).toEqual([
      'GET /shout HTTP/1.1',
      `Host: ${new URL(server.url).host}`,
      'Sec-Shout-Key: abc',
      'Via: 1.1 front',
      'TE: trailers',
      'Upgrade: shout',
      'Connection: TE, Upgrade',
    ])
    expect(lines(client.text)).toEqual([
      'HTTP/1.1 101 Switching Protocols',
      'X-Kept: 1',
      'Via: 1.1 front',
      'Connection: Upgrade',
      'Upgrade: Shout',
    ])
    expect(at.proxy.stats()).toMatchObject({ active: 0, tunnels: 1 })
    client.write('late')
    await until(() => peer.text.endsWith('early late'))
    peer.write(' and more')
    await client.until(() => client.text.endsWith('early answer and more'))

    client.connection.end()
    await until(() => peer.ended)
    peer.write(' behind the end')
    await client.until(() => client.text.endsWith(' behind the end'))
    peer.end()
    await until(() => at.proxy.stats().tunnels === 0 && client.reason !== undefined)
    expect([at.errors, at.strays]).toEqual([[], []])
  })

  test('that the server declines is an answer like any other, and the connection goes on', async () => {
    await using server = await stage.raw.open(({ target }) =>
      target === '/shout'
        ? response('426 Upgrade Required', 'no', 'Upgrade: foo', 'Connection: Upgrade')
        : answer('ok'),
    )
    await using at = await before(stage, server)
    const client = await at.client()
    client.write(offer() + head('GET / HTTP/1.1'))
    const replies = await client.replies(2)
    expect(replies.map(({ status, body }) => [status, body])).toEqual([
      [426, 'no'],
      [200, 'ok'],
    ])
    expect(at.proxy.stats().tunnels).toBe(0)
  })

  test.each(['client', 'server'] as const)('that the %s breaks is broken on the other side', async (who) => {
    await using server = await stage.raw.open(() => switched)
    await using at = await before(stage, server)
    const { client, peer } = await joined(server, at)
    if (who === 'client') client.connection.destroy(new Error('by the test'))
    else peer.reset()
    await until(() => client.reason !== undefined && peer.reason !== undefined)
    await until(() => at.proxy.stats().tunnels === 0)
    const { kind } = (who === 'client' ? peer : client).reason!
    // A reset is heard of over sockets.
    if (stage === sockets && who === 'server') expect(kind).toBe('error')
    expect([at.errors, at.strays]).toEqual([[], []])
  })

  test.each(['close', 'destroy'] as const)('ends when the proxy does, by %s', async (how) => {
    await using server = await stage.raw.open(() => switched)
    await using at = await before(stage, server)
    const { client, peer } = await joined(server, at)
    const closed = at.proxy[how]()
    await until(() => peer.gone)
    peer.end()
    client.connection.end()
    await closed
    await until(() => client.reason !== undefined)
    expect([at.proxy.state, at.proxy.stats().tunnels]).toEqual(['closed', 0])
    expect(await at.proxy.closed).toEqual({ kind: 'local' })
  })
})

describe('an upgrade', () => {
  test.each<[string, ProxyOptions['upgrade'], string | undefined]>([
    ['websocket', true, 'websocket'],
    ['h2c', true, undefined],
    ['TLS/1.0, HTTP/2.0, shout', true, 'shout'],
    ['h2c', ['h2c'], 'h2c'],
    ['foo/1, websocket', ['websocket'], 'websocket'],
    ['shout/2', ['shout'], 'shout/2'],
    ['websocket', [], undefined],
    ['websocket', false, undefined],
  ])('%s with %j', async (offered, upgrade, sent) => {
    await using server = await memory.raw.open(() => answer('plain'))
    await using at = await before(memory, server, { proxy: { upgrade } as ProxyOptions })
    const client = await at.client()
    client.write(offer(offered, 'HTTP2-Settings: AAMAAABkAAQAAP__'))
    expect((await client.replies(1))[0]).toMatchObject({ status: 200, body: 'plain' })
    const { fields } = (await server.peer()).asked[0]!
    expect([fields.get('upgrade'), fields.get('connection'), fields.get('http2-settings')]).toEqual([
      sent,
      sent && 'Upgrade',
      undefined,
    ])
  })

  test('to another protocol than was asked for is 502', async () => {
    await using server = await memory.raw.open(() => switched.replace('Shout', 'h2c'))
    await using at = await before(memory, server)
    const client = await at.client()
    client.write(offer())
    await client.until(() => client.text.endsWith('502 Bad Gateway\n'))
    expect((await server.peer()).gone).toBe(true)
  })

  test('with a body is a request like any other', async () => {
    await using server = await memory.raw.open(() => answer('plain'))
    await using at = await before(memory, server)
    const client = await at.client()
    client.write(
      `${head('POST / HTTP/1.1', 'Connection: Upgrade', 'Upgrade: shout', 'Content-Length: 3')}abc`,
    )
    expect((await client.replies(1))[0]?.status).toBe(200)
    expect((await server.peer()).asked[0]?.fields.has('upgrade')).toBe(false)
  })

  test('of a client that left while the server was asked ends there', async () => {
    await using server = await memory.raw.open()
    await using at = await before(memory, server)
    const client = await at.client()
    client.write(offer())
    const peer = await server.peer()
    await peer.request()
    client.connection.destroy()
    peer.write(switched)
    await until(() => peer.gone)
    await quiet()
    expect([at.errors, at.strays, at.proxy.stats().tunnels]).toEqual([[], [], 0])
  })

  test('of a request that somebody else has answered meanwhile ends there', async () => {
    await using server = await memory.raw.open()
    await using at = await before(memory, server, {
      handler: (app) => (request, context) => {
        const passing = app(request, context)
        void server.peer().then(async (peer) => {
          await peer.request()
          await context.exchange.respond(200, {}, 'mine')
          peer.write(switched)
        })
        return passing
      },
    })
    const client = await at.client()
    client.write(offer())
    expect((await client.replies(1))[0]?.body).toBe('mine')
    const peer = await server.peer()
    await until(() => peer.gone)
    expect([at.errors, at.strays, at.proxy.stats().tunnels]).toMatchObject([[{ name: 'BusyError' }], [], 0])
  })

  test('one side that does not read makes the other one wait', async () => {
    await using server = await memory.raw.open(() => switched)
    await using at = await before(memory, server)
    const { client, peer } = await joined(server, at)
    peer.connection.pause()
    const block = Buffer.alloc(64 * 1024, 'a')
    let sent = 0
    while (client.connection.write(block) && sent < 100) {
      sent++
      await quiet()
    }
    expect(sent * block.length).toBeLessThan(1_000_000)
    peer.connection.resume()
    await until(() => peer.text.length > sent * block.length)
    expect(client.reason).toBe(undefined)
  })

  test('of a WebSocket client carries its messages', async () => {
    await using server = await sockets.raw.open(({ fields }, peer) => {
      const key = `${fields.get('sec-websocket-key')}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
      const accept = createHash('sha1').update(key).digest('base64')
      echo(peer)
      return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
    })
    await using at = await before(sockets, server)
    const socket = new WebSocket(`ws://127.0.0.1:${portOf(at.server)}/echo`)
    const heard: unknown[] = []
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => socket.send('ahoy'))
      socket.addEventListener('message', ({ data }) => {
        heard.push(data)
        if (heard.length === 3) resolve()
        else socket.send('again')
      })
      socket.addEventListener('error', ({ message }) => reject(new Error(message)))
    })
    expect(heard).toEqual(['ahoy', 'again', 'again'])
    ;(await server.peer()).reset()
    await until(() => at.proxy.stats().tunnels === 0)
  })
})

/** Sends each text message of at most 125 bytes back (RFC 6455 section 5.2). */
function echo({ connection }: RawPeer): void {
  queueMicrotask(() =>
    connection.handle({
      onData(chunk) {
        const length = chunk[1]! & 0x7f
        const text = chunk.subarray(6, 6 + length).map((byte, at) => byte ^ chunk[2 + (at % 4)]!)
        connection.write(Buffer.concat([Buffer.from([0x81, length]), text]))
      },
    }),
  )
}
