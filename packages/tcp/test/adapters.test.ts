import { randomBytes } from 'node:crypto'
import { createServer, request } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import type { ByteConnection } from '@fairlead/core'
import { BrokenError, SocketError } from '@fairlead/core'
import { fromDuplex, toDuplex } from '@fairlead/core/node'
import { fromWeb, toWeb } from '@fairlead/core/web'
import * as tcp from '@fairlead/tcp'
import { afterEach, describe, expect, test } from 'vitest'

import { meet, portOf } from './harness.ts'

const listeners: { destroy(): void }[] = []
afterEach(() => listeners.splice(0).forEach((listener) => listener.destroy()))

async function ends() {
  const { listener, ...both } = await meet()
  listeners.push(listener)
  return both
}

async function joined(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function turn(count = 1): Promise<void> {
  for (; count > 0; count--) await new Promise((resolve) => setImmediate(resolve))
}

/** Slices of random length. */
function* split(data: Buffer): Generator<Buffer> {
  for (let start = 0; start < data.length;) {
    const end = start + 1 + Math.floor(Math.random() * 50_000)
    yield data.subarray(start, end)
    start = end
  }
}

/** Sends until nothing goes on for many turns, and says how many bytes that were. */
async function flood(connection: ByteConnection): Promise<number> {
  let size = 0
  let sent = 0
  void (async () => {
    for (; size < 256 * 1024 * 1024; size += 65_536) await connection.send(Buffer.alloc(65_536))
  })().catch(() => {})
  for (let still = 0; still < 100; still++) {
    if (size !== sent) still = 0
    sent = size
    await turn()
  }
  return size
}

const data = randomBytes(3_000_000)

describe('web streams over tcp', () => {
  test('are whole both ways, compressed', async () => {
    const { client, server } = await ends()
    const [near, far] = [toWeb(client), toWeb(server)]
    const echoing = far.readable
      .pipeThrough(new DecompressionStream('gzip'))
      .pipeThrough(new CompressionStream('deflate'))
      .pipeTo(far.writable)
    const sending = ReadableStream.from(split(data))
      .pipeThrough(new CompressionStream('gzip'))
      .pipeTo(near.writable)
    const back = await joined(near.readable.pipeThrough(new DecompressionStream('deflate')))
    expect(back.equals(data)).toBe(true)
    await Promise.all([echoing, sending, near.closed, far.closed])
    expect((await near.opened).remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/)
  })

  test('stop the peer of somebody who does not read', async () => {
    const { client, server } = await ends()
    const socket = toWeb(server)
    const sent = await flood(client)
    // The buffers of the system are the rest.
    expect(sent).toBeLessThan(64 * 1024 * 1024)
    const reader = socket.readable.getReader()
    for (let left = sent; left > 0;) left -= (await reader.read()).value?.byteLength ?? 0
    client.destroy()
    await expect(socket.closed).rejects.toThrow(BrokenError)
  })

  test('are half-closed each way', async () => {
    const { client, server } = await ends()
    const socket = toWeb(client)
    await socket.writable.close()
    expect((await joined(server)).toString()).toBe('')
    server.write('after all')
    server.end()
    expect((await joined(socket.readable)).toString()).toBe('after all')
    await socket.closed
  })

  test('tell of a reset once to each who waits', async () => {
    const { client, server } = await ends()
    const socket = toWeb(client)
    const [reader, writer] = [socket.readable.getReader(), socket.writable.getWriter()]
    const read = reader.read()
    server.destroy()
    const results = await Promise.allSettled([read, reader.closed, writer.closed, socket.closed])
    const errors = results.map((result) => (result.status === 'rejected' ? result.reason : undefined))
    expect(errors[0]).toBeInstanceOf(BrokenError)
    expect(new Set(errors).size).toBe(1)
  })

  test('aborted destroy the connection, even while a write waits', async () => {
    const { client } = await ends()
    const socket = toWeb(client)
    await flood(client)
    const writer = socket.writable.getWriter()
    const write = writer.write('waits')
    write.catch(() => {})
    await turn()
    void writer.abort(new Error('out of spite')).catch(() => {})
    await expect(socket.closed).rejects.toThrow('Output aborted: out of spite')
    await expect(write).rejects.toThrow()
    expect((await client.closed).kind).toBe('error')
  })

  test('nobody awaits end nothing', async () => {
    const { client, server } = await ends()
    const socket = toWeb(client)
    socket.readable.getReader()
    void socket.writable.getWriter().write('x')
    server.destroy()
    expect((await client.closed).kind).toBe('error')
    await turn(5)
  })

  test('carry a connection of their own', async () => {
    const { client, server } = await ends()
    const [near, far] = [fromWeb(toWeb(client)), fromWeb(toWeb(server))]
    far.handle({
      onData: (chunk) => void (far.write(chunk) || far.pause()),
      onDrain: () => far.resume(),
    })
    const reading = joined(near)
    for (const chunk of split(data)) await near.send(chunk)
    near.end()
    expect((await reading).equals(data)).toBe(true)
    expect(await Promise.all([near.closed, far.closed])).toEqual([{ kind: 'local' }, { kind: 'remote' }])
    await Promise.all([client.closed, server.closed])
  })
})

describe('a Duplex over tcp', () => {
  test('is whole both ways in a pipeline', async () => {
    const { client, server } = await ends()
    const echo = toDuplex(server)
    const echoing = pipeline(echo, echo)
    const back = new PassThrough()
    const [answer] = await Promise.all([
      joined(back),
      pipeline(Readable.from(split(data)), toDuplex(client), back),
    ])
    expect(answer.equals(data)).toBe(true)
    await echoing
    expect((await client.closed).kind).not.toBe('error')
  })

  test('destroyed at `finish` loses nothing of what was written', async () => {
    const { client, server } = await ends()
    const duplex = toDuplex(client)
    duplex.on('finish', () => duplex.destroy())
    duplex.end(data)
    expect((await joined(server)).equals(data)).toBe(true)
  })

  test('is destroyed by a reset, with one error', async () => {
    const { client, server } = await ends()
    const duplex = toDuplex(client).resume()
    const errors: unknown[] = []
    duplex.on('error', (error) => void errors.push(error))
    server.destroy()
    await new Promise((resolve) => duplex.on('close', resolve))
    expect(errors).toEqual([expect.any(BrokenError)])
    expect(SocketError.is(errors[0])).toBe(true)
  })

  test('serves node:http at both ends', async () => {
    const server = createServer((incoming, response) => void incoming.pipe(response))
    const listener = await tcp.listen({ port: 0 }, (connection) => {
      server.emit('connection', toDuplex(connection))
    })
    listeners.push(listener)
    const connection = await tcp.connect({ port: portOf(listener) })
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const options = { method: 'POST', createConnection: () => toDuplex(connection) }
      const outgoing = request(options, (incoming) => void joined(incoming).then(resolve, reject))
      outgoing.on('error', reject).end(data)
    })
    expect(answer.equals(data)).toBe(true)
  })

  test('carries a connection of its own', async () => {
    const { client, server } = await ends()
    const [near, far] = [fromDuplex(toDuplex(client)), fromDuplex(toDuplex(server))]
    const sending = (async () => {
      for (const chunk of split(data)) await near.send(chunk)
      near.end()
    })()
    const back = joined(near)
    expect((await joined(far)).equals(data)).toBe(true)
    far.write('and back')
    await far.close()
    expect((await back).toString()).toBe('and back')
    await sending
    expect(await Promise.all([near.closed, far.closed])).toEqual([{ kind: 'local' }, { kind: 'remote' }])
  })
})
