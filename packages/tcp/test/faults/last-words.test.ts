import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { createSecureContext, TLSSocket } from 'node:tls'

import { BrokenError, type CloseReason } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import { unwrap } from '@fairlead/tcp/node'
import { describe, expect, test } from 'vitest'

import { a, ca } from '../tls/certificates.ts'
import { type Way, ways } from './harness.ts'

const answer = 'HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
const clock = useManualClock()
const secureContext = createSecureContext(a)

/** Between a socket and TLS on it: hands on what TLS writes, or keeps it. */
class Relay extends Duplex {
  kept: Buffer[] | undefined
  readonly #wire: Socket

  constructor(wire: Socket) {
    super()
    this.#wire = wire
    wire.on('data', (chunk) => this.push(chunk)).on('end', () => this.push(null))
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    if (this.kept) this.kept.push(chunk)
    else this.#wire.write(chunk)
    done()
  }

  override _final(done: () => void): void {
    this.#wire.end(done)
  }
}

/** A connection of ours, and its peer: a bare socket that writes what it is given, TLS or not. */
class Link implements AsyncDisposable {
  readonly client: tcp.StreamConnection
  readonly wire: Socket
  readonly #server: Server
  readonly #relay: Relay | undefined
  readonly #tls: TLSSocket | undefined

  private constructor(client: tcp.StreamConnection, server: Server, wire: Socket, tls?: [Relay, TLSSocket]) {
    this.client = client
    this.wire = wire
    this.#server = server
    if (tls) [this.#relay, this.#tls] = tls
  }

  static async over(
    { way, connecting: ours }: Way,
    options: Partial<tcp.ConnectOptions> = {},
  ): Promise<Link> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const connecting = tcp.connect({ port, ...ours, ...options })
    const [wire] = (await once(server, 'connection')) as [Socket]
    wire.on('error', () => {})
    if (way === 'tcp') return new Link(await connecting, server, wire)
    const relay = new Relay(wire)
    const tls = new TLSSocket(relay, { isServer: true, secureContext })
    const link = new Link(await connecting, server, wire, [relay, tls.on('error', () => {})])
    await link.#settled()
    return link
  }

  /** The bytes on the wire that say `text`. They have to be written before any others are asked for. */
  async bytesOf(text: string): Promise<Buffer> {
    if (!this.#relay) return Buffer.from(text)
    const kept: Buffer[] = (this.#relay.kept = [])
    await new Promise((resolve) => this.#tls?.write(text, resolve))
    this.#relay.kept = undefined
    return Buffer.concat(kept)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy()
    this.wire.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** TLS has more to say behind its handshake, which is not to be in the way. */
  async #settled(): Promise<void> {
    this.#tls?.write('!')
    for await (const chunk of this.client) {
      expect(Buffer.from(chunk).toString()).toBe('!')
      break
    }
    this.client.write('?')
    if (this.#tls) await once(this.#tls, 'data')
  }
}

/** What a connection tells its handler, in order. */
class Listener {
  text = ''
  readonly heard: string[] = []
  readonly ended: Promise<void>
  readonly closed: Promise<CloseReason>
  #end!: () => void
  #close!: (reason: CloseReason) => void

  constructor(connection: tcp.StreamConnection) {
    this.ended = new Promise((resolve) => (this.#end = resolve))
    this.closed = new Promise((resolve) => (this.#close = resolve))
    connection.handle(this)
  }

  onData(chunk: Uint8Array): void {
    this.text += Buffer.from(chunk).toString('latin1')
    if (this.heard.at(-1) !== 'data') this.heard.push('data')
  }

  onEnd(): void {
    this.heard.push('end')
    this.#end()
  }

  onClose(reason: CloseReason): void {
    this.heard.push('close')
    this.#close(reason)
  }
}

describe.each(ways)('11 a peer that answers and goes, over $way', (way) => {
  test.each<[string, (wire: Socket) => void]>([
    ['resets', (wire) => wire.resetAndDestroy()],
    ['closes with input unread', (wire) => wire.destroy()],
  ])('and %s: a write that fails behind it comes second', async (_, leave) => {
    await using link = await Link.over(way)
    const { client, wire } = link
    const listener = new Listener(client)
    const bytes = await link.bytesOf(answer)
    client.write('head')
    wire.write(bytes)
    leave(wire)
    // The system knows of it, the runtime does not: nothing was read in this turn.
    for (let i = 0; i < 3; i++) client.write('body')
    expect(listener.heard).toEqual([])
    expect(await listener.closed).toMatchObject({ kind: 'error', error: { cause: { syscall: 'write' } } })
    expect(listener.text).toBe(answer)
    expect([listener.heard[0], listener.heard.at(-1)]).toEqual(['data', 'close'])
  })

  test('and resets, before anything was written: it is heard', async () => {
    await using link = await Link.over(way)
    const listener = new Listener(link.client)
    const bytes = await link.bytesOf(answer)
    link.wire.write(bytes)
    link.wire.resetAndDestroy()
    // The runtime takes a reset that it reads in one go with data for an end.
    await Promise.race([listener.ended, listener.closed])
    expect(listener.text).toBe(answer)
    expect(listener.heard[0]).toBe('data')
  })

  test('and ends: it is heard, and the end behind it', async () => {
    await using link = await Link.over(way)
    const listener = new Listener(link.client)
    link.wire.write(await link.bytesOf(answer))
    link.wire.end()
    await listener.ended
    expect(listener).toMatchObject({ text: answer, heard: ['data', 'end'] })
    link.client.end()
    expect(await listener.closed).toEqual({ kind: 'remote' })
  })

  test('in the turn in which somebody begins to listen: it is heard', async () => {
    await using link = await Link.over(way)
    const bytes = await link.bytesOf(answer)
    link.wire.write(bytes)
    link.wire.resetAndDestroy()
    const listener = new Listener(link.client)
    link.client.write('body')
    await listener.closed
    expect(listener).toMatchObject({ text: answer, heard: ['data', 'close'] })
  })

  test('while 50 MB are coming: it is heard, every time', async () => {
    const piece = Buffer.alloc(64 * 1024)
    for (let round = 0; round < 20; round++) {
      await using link = await Link.over(way)
      const { client, wire } = link
      const listener = new Listener(client)
      const bytes = await link.bytesOf(answer)
      wire.removeAllListeners('data').once('data', () => {
        wire.pause()
        wire.write(bytes, () => wire.destroy())
      })
      wire.resume()
      let left = 50 * 1024 * 1024
      const upload = async (): Promise<void> => {
        for (; left > 0; left -= piece.byteLength) await client.send(piece)
      }
      await expect(upload()).rejects.toThrow(BrokenError)
      await listener.closed
      expect(listener.text).toBe(answer)
      expect(left).toBeGreaterThan(0)
    }
  })

  test('and whoever reads slowly has all of it', async () => {
    await using link = await Link.over(way)
    const { client, wire } = link
    let length = 0
    const closed = new Promise((resolve) => {
      client.handle({
        onData(chunk) {
          length += chunk.byteLength
          client.pause()
          setImmediate(() => client.resume())
        },
        onClose: resolve,
      })
    })
    const bytes = await link.bytesOf('x'.repeat(50_000))
    wire.write(bytes)
    wire.resetAndDestroy()
    client.write('body')
    await closed
    expect(length).toBe(50_000)
  })

  test('and nobody reads: the failure is told at once', async () => {
    await using link = await Link.over(way)
    const bytes = await link.bytesOf(answer)
    link.wire.write(bytes)
    link.wire.resetAndDestroy()
    link.client.write('body')
    expect(await link.client.closed).toMatchObject({ kind: 'error', error: { cause: { syscall: 'write' } } })
    await expect(link.client.send('more')).rejects.toThrow(BrokenError)
  })

  test('and a reader that has paused does not keep the failure back', async () => {
    await using link = await Link.over(way)
    const listener = new Listener(link.client)
    const bytes = await link.bytesOf(answer)
    link.client.pause()
    link.wire.write(bytes)
    link.wire.resetAndDestroy()
    link.client.write('body')
    expect(await listener.closed).toMatchObject({ kind: 'error', error: { cause: { syscall: 'write' } } })
  })

  test.each<[string, (client: tcp.StreamConnection) => void]>([
    ['destroys', (client) => client.destroy()],
    ['closes', (client) => void client.close()],
  ])('and this side %s: nothing is heard any more', async (_, leave) => {
    await using link = await Link.over(way)
    const listener = new Listener(link.client)
    const bytes = await link.bytesOf(answer)
    link.wire.write(bytes)
    link.wire.resetAndDestroy()
    link.client.write('body')
    leave(link.client)
    await listener.closed
    expect(listener).toMatchObject({ text: '', heard: ['close'] })
  })
})

test('a reader that pauses while a failure is kept back, for good, is cut by writeTimeout', async () => {
  await using link = await Link.over({ way: 'tls', listening: {}, connecting: { tls: { ca } } })
  const { client, wire } = link
  let closed!: Promise<CloseReason>
  const paused = new Promise<void>((resolve) => {
    closed = new Promise((onClose) => {
      const onData = (): void => {
        client.pause()
        resolve()
      }
      client.handle({ onData, onClose })
    })
  })
  // Several records: the first is not all.
  const bytes = await link.bytesOf('x'.repeat(50_000))
  wire.write(bytes)
  wire.resetAndDestroy()
  client.write('body')
  await paused
  clock.advance(70_000)
  expect(await closed).toEqual({ kind: 'timeout', phase: 'write' })
})

test('whoever takes the socket away has the failure with it', async () => {
  await using link = await Link.over({ way: 'tcp', listening: {}, connecting: {} })
  link.client.handle({ onData() {} })
  link.wire.write(answer)
  link.wire.resetAndDestroy()
  link.client.write('body')
  const { socket } = unwrap(link.client)
  expect(await once(socket, 'error')).toMatchObject([{ syscall: 'write' }])
})
