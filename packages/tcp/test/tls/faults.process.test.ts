import { once } from 'node:events'
import type { Socket } from 'node:net'

import { BrokenError, ProtocolError, SocketError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { portOf, textOf } from '../harness.ts'
import { clientHello, dial, meet, next, raw, serve } from './harness.ts'

/** Reads until the connection is gone, however that came about. */
async function gone(socket: Socket): Promise<void> {
  socket.resume()
  if (!socket.closed) await once(socket, 'close').catch(() => {})
}

describe('a peer in the handshake', () => {
  test('may be reset or end at every byte: it costs one connection each, and nothing is left', async () => {
    const { listener, port } = await serve()
    const hello = await clientHello()
    const lengths = Array.from({ length: Math.ceil(hello.length / 7) + 1 }, (_, count) =>
      Math.min(count * 7, hello.length),
    )
    for (const [count, length] of lengths.entries()) {
      const socket = await raw(port)
      if (length > 0) await new Promise((resolve) => socket.write(hello.subarray(0, length), resolve))
      if (count % 2 === 0) socket.resetAndDestroy()
      else socket.end()
      await gone(socket)
    }
    await expect.poll(() => listener.stats()).toMatchObject({ accepted: 0, pending: 0 })
    const { refused } = listener.stats()
    // One that is reset at once may never have been accepted.
    expect(refused.handshake + refused.vanished).toBe(lengths.length)
    await using client = await dial(port)
    expect(client.tls?.authorized).toBe(true)
    await listener.close({ grace: 0 })
  })

  test('may be reset anywhere in its second flight', async () => {
    const { listener, port } = await serve()
    for (let count = 0; count < 20; count++) {
      const attempt = dial(port)
      const cancel = new AbortController()
      const other = dial(port, {}, { signal: cancel.signal }).catch((error: unknown) => error)
      setImmediate(() => cancel.abort(new Error('enough')))
      const client = await attempt
      client.destroy()
      const result = await other
      if (!(result instanceof Error)) (result as tcp.StreamConnection).destroy()
    }
    await expect.poll(() => listener.stats().pending).toBe(0)
    await listener.close({ grace: 0 })
  })

  test('that is silent, and one that drips, are cut at the deadline', async () => {
    const { listener, port } = await serve({}, { handshakeTimeout: 300 })
    const silent = await raw(port)
    const dripping = await raw(port)
    const hello = await clientHello()
    let sent = 0
    const drip = setInterval(() => dripping.write(hello.subarray(sent, ++sent)), 20)
    await Promise.all([gone(silent), gone(dripping)])
    clearInterval(drip)
    expect(sent).toBeGreaterThan(1)
    expect(sent).toBeLessThan(hello.length)
    await expect.poll(() => listener.stats()).toMatchObject({ pending: 0, refused: { handshake: 2 } })
    await listener.close({ grace: 0 })
  })

  test('that is silent does not hold up a listener that closes', async () => {
    const { listener, port } = await serve()
    const silent = await raw(port)
    await expect.poll(() => listener.stats().pending).toBe(1)
    await listener.close()
    await gone(silent)
    expect(listener.stats().pending).toBe(0)
  })

  test('that speaks HTTP is refused and counted, and the next one is served', async () => {
    const { listener, port } = await serve()
    const socket = await raw(port)
    socket.write('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n')
    await gone(socket)
    expect(listener.stats().refused.handshake).toBe(1)
    await using client = await dial(port)
    expect(client.state).toBe('open')
    await listener.close({ grace: 0 })
  })

  test('with a server that is silent, connect gives up and says where', async () => {
    await using listener = await tcp.listen({ port: 0 })
    await expect(dial(portOf(listener), {}, { connectTimeout: 50 })).rejects.toMatchObject({ phase: 'tls' })
    await listener.close({ grace: 0 })
  })

  test('with a server that ends or speaks something else, connect says so', async () => {
    for (const bytes of ['', '220 ready\r\n']) {
      await using listener = await tcp.listen({ port: 0 }, (server) => {
        if (bytes !== '') server.write(bytes)
        return { onData() {}, onEnd: () => server.end(), ...(bytes === '' && { onData: () => server.end() }) }
      })
      await expect(dial(portOf(listener))).rejects.toMatchObject({ attempts: [{ phase: 'tls' }] })
      await listener.close({ grace: 0 })
    }
  })

  test('any bytes at all end in a refusal, never in anything else', async () => {
    const { listener, port } = await serve({}, { handshakeTimeout: 10_000 })
    const hello = await clientHello()
    const mangled = fc.tuple(fc.nat(hello.length - 1), fc.uint8Array({ minLength: 1, maxLength: 40 }))
    await fc.assert(
      fc.asyncProperty(mangled, async ([at, bytes]) => {
        const socket = await raw(port)
        socket.end(Buffer.concat([hello.subarray(0, at), bytes, hello.subarray(at + bytes.length)]))
        await gone(socket)
      }),
      { numRuns: 60 },
    )
    await expect.poll(() => listener.stats()).toMatchObject({ accepted: 0, pending: 0 })
    await listener.close({ grace: 0 })
  })
})

describe('a connection over TLS', () => {
  test('is broken by a reset', async () => {
    for (const side of ['client', 'server'] as const) {
      const met = await meet()
      const other = met[side === 'client' ? 'server' : 'client']
      // A reset behind unread data, such as the sessions of TLSv1.3, may look like an end.
      met.server.write('x')
      for await (const _ of met.client) break
      met[side].destroy()
      await expect(textOf(other)).rejects.toBeInstanceOf(BrokenError)
      expect(await other.closed).toMatchObject({ kind: 'error' })
      await met.listener.close({ grace: 0 })
    }
  })

  test.each(['client', 'server'] as const)(
    'is broken when what comes to the %s is not TLS any more',
    async (side) => {
      // The middle man passes everything on until it is told to add something of its own.
      const { listener, port } = await serve()
      let spoil = (): void => {}
      const middle = await tcp.listen({ port: 0 }, async (near) => {
        const far = await tcp.connect({ port })
        spoil = () => void (side === 'client' ? near : far).write('this is no record of TLS')
        far.handle({ onData: (chunk) => void near.write(chunk) })
        return { onData: (chunk) => void far.write(chunk) }
      })
      const [client, server] = await Promise.all([dial(portOf(middle)), next(listener)])
      const victim = side === 'client' ? client : server
      const reading = textOf(victim)
      spoil()
      await expect(reading).rejects.toBeInstanceOf(ProtocolError)
      await expect(reading).rejects.toThrow(/^Connection broken: /)
      expect(await victim.closed).toMatchObject({ kind: 'error', error: { phase: 'tls' } })
      await middle.close({ grace: 0 })
      await listener.close({ grace: 0 })
    },
  )

  test('carries 16 MiB both ways at once, however it is cut', async () => {
    const { listener, client, server } = await meet()
    const size = 16 * 1024 * 1024
    const data = Buffer.alloc(size, Buffer.from(Array.from({ length: 251 }, (_, byte) => byte)))
    const talk = async (connection: tcp.StreamConnection): Promise<Buffer> => {
      const sending = (async () => {
        for (let at = 0, step = 1; at < size; at += step, step = (step * 7 + 13) % 200_003) {
          await connection.send(data.subarray(at, at + step))
        }
        connection.end()
      })()
      const heard: Uint8Array[] = []
      for await (const chunk of connection) heard.push(chunk)
      await sending
      return Buffer.concat(heard)
    }
    const heard = await Promise.all([talk(client), talk(server)])
    for (const bytes of heard) expect(bytes.equals(data)).toBe(true)
    expect(client.stats().bytesIn).toBeGreaterThanOrEqual(size)
    await listener.close({ grace: 0 })
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('half-closes with %s', async (maxVersion) => {
    for (const side of ['client', 'server'] as const) {
      const met = await meet({}, { maxVersion })
      const first = met[side]
      const second = met[side === 'client' ? 'server' : 'client']
      first.write('question')
      first.end()
      expect(await textOf(second)).toBe('question')
      await second.send(Buffer.alloc(300_000, 'x'))
      second.end()
      expect((await textOf(first)).length).toBe(300_000)
      expect(await first.closed).toEqual({ kind: 'local' })
      expect(await second.closed).toEqual({ kind: 'remote' })
      await met.listener.close({ grace: 0 })
    }
  })

  test('stops the sender when nobody reads', async () => {
    const { listener, client, server } = await meet()
    let sent = 0
    while (client.write(Buffer.alloc(64 * 1024)) && sent < 1024) sent++
    expect(sent).toBeLessThan(1024)
    expect(client.buffered).toBeGreaterThan(0)
    server.handle({ onData() {} })
    await client.drained()
    client.destroy()
    await listener.close({ grace: 0 })
  })
})

/** Sockets that the runtime still holds. */
function handles(): number {
  return process.getActiveResourcesInfo().filter((it) => it.includes('TCP')).length
}

test('one that ends and is destroyed in the same breath leaves no descriptor behind', async () => {
  const before = handles()
  const { listener, client, server } = await meet()
  for (const connection of [client, server]) {
    connection.end()
    connection.destroy()
  }
  await listener.close({ grace: 0 })
  await expect.poll(() => handles() <= before).toBe(true)
})

test('ten handshakes at a time, half of them broken off, leave no handle behind', async () => {
  const before = handles()
  const { listener, port } = await serve({}, { maxConnections: 1_000 })
  for (let round = 0; round < 5; round++) {
    const batch = Array.from({ length: 10 }, async (_, count) => {
      if (count % 2 === 0) {
        const socket = await raw(port)
        socket.write(Buffer.alloc(count, 0x16))
        socket.resetAndDestroy()
      } else {
        const client = await dial(port).catch((error: unknown) => error)
        expect(client).not.toBeInstanceOf(SocketError)
        await (client as tcp.StreamConnection).close({ grace: 0 })
      }
    })
    await Promise.all(batch)
  }
  await expect.poll(() => listener.stats().pending).toBe(0)
  await listener.close({ grace: 0 })
  await expect.poll(() => handles() <= before).toBe(true)
})
