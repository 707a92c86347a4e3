import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

import { BrokenError, type Listener, splice, type Spliced } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import type { StreamConnection } from '@fairlead/tcp'
import { afterEach, expect, test } from 'vitest'

import { portOf, textOf } from './harness.ts'

/** Everything that one test opened. */
let servers: { destroy(): void }[] = []

afterEach(() => {
  for (const server of servers) server.destroy()
  servers = []
})

/** A forwarder to `port`, as the README has it, and what its splices ended with. */
async function forwarder(
  port: number,
): Promise<{ listener: Listener<StreamConnection>; results: Spliced[] }> {
  const results: Spliced[] = []
  const listener = await tcp.listen({ port: 0 }, async (client) => {
    const upstream = await tcp.connect({ port })
    results.push(await splice(client, upstream))
  })
  servers.push(listener)
  return { listener, results }
}

/** Something to forward to. */
async function upstream(accept: (connection: StreamConnection) => Promise<void> | void): Promise<number> {
  const listener = await tcp.listen({ port: 0 }, accept)
  servers.push(listener)
  return portOf(listener)
}

async function echo(connection: StreamConnection): Promise<void> {
  for await (const chunk of connection) await connection.send(chunk)
  connection.end()
}

async function reached(port: number): Promise<StreamConnection> {
  const client = await tcp.connect({ port })
  servers.push(client)
  return client
}

test('carries both ways, and the end', async () => {
  const { listener, results } = await forwarder(await upstream(echo))
  const client = await reached(portOf(listener))
  client.write('ahoy')
  client.end()
  expect(await textOf(client)).toBe('ahoy')
  expect((await client.closed).kind).toBe('local')
  await expect.poll(() => results).toMatchObject([{ forward: 4, backward: 4, reason: { kind: 'remote' } }])
  expect(listener.connections.size).toBe(0)
})

test('the end of the upstream goes through, and the client goes on', async () => {
  let heard = ''
  const port = await upstream(async (connection) => {
    connection.write('banner')
    connection.end()
    heard = await textOf(connection)
  })
  const { listener, results } = await forwarder(port)
  const client = await reached(portOf(listener))
  expect(await textOf(client)).toBe('banner')
  expect(client.state).toBe('open')
  await client.send('and yet it goes on')
  client.end()
  await expect.poll(() => heard).toBe('and yet it goes on')
  await expect.poll(() => results).toMatchObject([{ forward: 18, backward: 6, reason: { kind: 'remote' } }])
})

test('an upstream that refuses is a reset for the client', async () => {
  const gone = await tcp.listen({ port: 0 })
  await gone.close()
  const { listener } = await forwarder(portOf(gone))
  const client = await reached(portOf(listener))
  await expect(textOf(client)).rejects.toThrow(BrokenError)
})

test('an upstream that resets in mid-stream is a reset for the client', async () => {
  const port = await upstream(async (connection) => {
    await connection.send('half of ')
    for await (const _ of connection) break
    connection.destroy()
  })
  const { listener, results } = await forwarder(port)
  const client = await reached(portOf(listener))
  let text = ''
  const reading = (async () => {
    for await (const chunk of client) {
      text += Buffer.from(chunk).toString()
      if (text === 'half of ') client.write('go')
    }
  })()
  await expect(reading).rejects.toThrow(BrokenError)
  expect(text).toBe('half of ')
  await expect.poll(() => results).toMatchObject([{ forward: 2, backward: 8, reason: { kind: 'error' } }])
  expect(results[0]?.by.remoteAddress).toMatchObject({ port })
})

test('a client that resets is a reset for the upstream', async () => {
  let broken: Promise<unknown> | undefined
  const port = await upstream((connection) => {
    broken = textOf(connection).catch((error: unknown) => error)
    connection.write('hello')
  })
  const { listener, results } = await forwarder(port)
  const client = await reached(portOf(listener))
  for await (const _ of client) break
  client.destroy()
  await expect.poll(() => results).toMatchObject([{ reason: { kind: 'error' } }])
  expect(await broken).toBeInstanceOf(BrokenError)
})

/** A raw server that does not read before it is told to. */
async function stalled(): Promise<{ server: Server; port: number; peer: Promise<Socket> }> {
  const server = createServer({ pauseOnConnect: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  servers.push({ destroy: () => server.close() })
  const peer = once(server, 'connection').then(([socket]: Socket[]) => {
    servers.push(socket as Socket)
    return socket as Socket
  })
  return { server, port: (server.address() as { port: number }).port, peer }
}

test('64 MiB against a slow reader wait at the sender, not in between', async () => {
  const { port, peer } = await stalled()
  let forwarding: { client: StreamConnection; upstream: StreamConnection } | undefined
  let result: Promise<Spliced> | undefined
  const listener = await tcp.listen({ port: 0 }, async (client) => {
    forwarding = { client, upstream: await tcp.connect({ port }) }
    result = splice(client, forwarding.upstream)
    await result
  })
  servers.push(listener)
  const client = await reached(portOf(listener))
  const total = 64 * 2 ** 20
  const chunk = Buffer.alloc(64 * 1024, 'x')
  let sent = 0
  const pouring = (async () => {
    for (; sent < total; sent += chunk.length) await client.send(chunk)
    client.end()
  })()
  const socket = await peer
  // The buffers of the system fill up; then everybody waits.
  let seen = -1
  await expect
    .poll(() => {
      const still = sent === seen && sent > 0
      seen = sent
      // On a busy machine all may rest before that.
      return still && (forwarding?.upstream.buffered ?? 0) > 0
    })
    .toBe(true)
  expect(sent).toBeLessThan(total)
  const { upstream: stuck } = forwarding as NonNullable<typeof forwarding>
  let received = 0
  let peak = stuck.buffered
  expect(peak).toBeGreaterThan(0)
  socket.on('data', (data: Buffer) => {
    received += data.length
    peak = Math.max(peak, stuck.buffered)
    if (received % 16 !== 0) return
    socket.pause()
    setImmediate(() => socket.resume())
  })
  socket.resume()
  await once(socket, 'end')
  await pouring
  expect(received).toBe(total)
  // The high-water mark, and one chunk of what the system reads at once.
  expect(peak).toBeLessThanOrEqual(2 * 64 * 1024)
  socket.end()
  expect(await textOf(client)).toBe('')
  expect(await result).toMatchObject({ forward: total, backward: 0, reason: { kind: 'remote' } })
})

test('200 connections at once', async () => {
  const { listener, results } = await forwarder(await upstream(echo))
  const texts = Array.from({ length: 200 }, (_, index) => `number ${index} `.repeat(1_000))
  const answers = await Promise.all(
    texts.map(async (text) => {
      const client = await reached(portOf(listener))
      await client.send(text)
      client.end()
      return textOf(client)
    }),
  )
  expect(answers).toEqual(texts)
  await expect.poll(() => results.length).toBe(200)
  expect(results.every(({ reason }) => reason.kind === 'remote')).toBe(true)
  expect(listener.connections.size).toBe(0)
})

test('the listener’s close ends all, the upstreams too', async () => {
  let open = 0
  const port = await upstream(async (connection) => {
    open++
    await echo(connection)
    await connection.closed
    open--
  })
  const { listener, results } = await forwarder(port)
  const clients = await Promise.all(Array.from({ length: 10 }, () => reached(portOf(listener))))
  for (const client of clients) client.write('hello')
  await Promise.all(
    clients.map(async (client) => {
      for await (const _ of client) break
    }),
  )
  const endings = clients.map((client) => textOf(client).then(() => client.close()))
  await listener.close({ grace: 10_000 })
  await Promise.all(endings)
  await expect.poll(() => results.length).toBe(10)
  expect(new Set(results.map(({ reason }) => reason.kind))).toEqual(new Set(['shutdown']))
  await expect.poll(() => open).toBe(0)
})

test('and cuts, after its grace, peers that never end', async () => {
  const { port, peer } = await stalled()
  const { listener, results } = await forwarder(port)
  const client = await reached(portOf(listener))
  client.write('hello')
  await peer
  await listener.close({ grace: 50 })
  await expect.poll(() => results.length).toBe(1)
  expect(listener.connections.size).toBe(0)
})
