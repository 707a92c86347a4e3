import type { ByteConnection, CloseReason } from '@fairlead/core'
import * as memory from '@fairlead/core/memory'
import * as tcp from '@fairlead/tcp'

import { type Fields, RequestParser } from '../../src/codec/index.ts'
import { Client, type ClientOptions } from '../../src/index.ts'
import { until } from '../server/ways.ts'

/** One request as a server that knows HTTP reads it. */
export interface Asked {
  method: string
  target: string
  fields: Fields
  body: string
  trailers: Fields | undefined
}

/** What a server writes when a request has come, whole: nothing for undefined. */
export type Script = (asked: Asked, peer: RawPeer, count: number) => string | undefined | void

/** A connection as the server has it: it writes bytes as they stand, and keeps what it gets. */
export class RawPeer {
  readonly connection: ByteConnection
  readonly asked: Asked[] = []
  ended = false
  reason: CloseReason | undefined
  #chunks: Buffer[] = []
  /** It has ended its side. */
  #said = false
  #parser: RequestParser

  constructor(connection: ByteConnection, script: Script, paused = false) {
    this.connection = connection
    let at: Asked | undefined
    let switched = false
    this.#parser = new RequestParser(
      {
        onHead: ({ method, target, fields }) =>
          (at = { method, target, fields, body: '', trailers: undefined }),
        onBody: (chunk) => void (at!.body += Buffer.from(chunk).toString('latin1')),
        onEnd: (trailers) => {
          at!.trailers = trailers
          this.asked.push(at!)
          const answer = script(at!, this, this.asked.length)
          if (answer) this.write(answer)
          switched = answer?.includes('HTTP/1.1 101 ') ?? false
        },
      },
      { bodyBytes: Infinity },
    )
    connection.handle({
      onData: (chunk) => {
        const bytes = Buffer.from(chunk)
        this.#chunks.push(bytes)
        this.#parser.push(bytes)
        // Whoever did not switch to the other protocol has declined it.
        if (!switched) this.#parser.decline()
      },
      onEnd: () => {
        this.ended = true
      },
      onClose: (reason) => {
        this.reason = reason
      },
    })
    if (paused) connection.pause()
  }

  /** All that came. */
  get text(): string {
    return Buffer.concat(this.#chunks).toString('latin1')
  }

  /** Whether the client has let go of it, in whatever manner. */
  get gone(): boolean {
    return this.ended || this.reason !== undefined
  }

  write(text: string | Uint8Array): void {
    if (this.connection.state === 'open' && !this.#said) this.connection.write(text, 'latin1')
  }

  /** Waits until so many requests have come, whole, and gives the last of them. */
  async request(count = 1): Promise<Asked> {
    await until(() => this.asked.length >= count)
    return this.asked[count - 1]!
  }

  /** Ends its side. */
  end(): void {
    this.#said = true
    this.connection.end()
  }

  /** Resets it. */
  reset(): void {
    this.#said = true
    this.connection.destroy(new Error('reset by the test'))
  }
}

/** A server that says what a test wants it to say, on whatever transport. */
export class RawServer {
  readonly peers: RawPeer[] = []
  readonly url: string
  readonly options: ClientOptions
  /** Where it is, for those who ask on other ways. */
  readonly port: number
  /** Connections begin paused, as those of a server that does not read. */
  paused = false
  script: Script | undefined
  readonly #stop: () => Promise<void>

  constructor(url: string, options: ClientOptions, port: number, stop: () => Promise<void>) {
    this.url = url
    this.options = options
    this.port = port
    this.#stop = stop
  }

  accept(connection: ByteConnection): void {
    this.peers.push(new RawPeer(connection, (...given) => this.script?.(...given), this.paused))
  }

  /** The connection that came as number `at`, as soon as it has. */
  async peer(at = 0): Promise<RawPeer> {
    await until(() => this.peers.length > at)
    return this.peers[at]!
  }

  /** A client that connects here. */
  client(options: ClientOptions = {}): Client {
    return new Client({ base: this.url, ...this.options, ...options })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.peers) peer.connection.destroy()
    await this.#stop()
  }
}

/** A way on which a client and a raw server meet. */
export interface RawWay {
  readonly name: string
  open(script?: Script): Promise<RawServer>
}

let names = 0

const overMemory: RawWay = {
  name: 'memory',
  async open(script) {
    const name = `raw-${++names}`
    const listener = await memory.listenBytes(name, (connection) => server.accept(connection))
    const server: RawServer = new RawServer(
      'http://raw.example',
      { connect: ({ signal }) => memory.connectBytes(name, { signal }) },
      80,
      () => listener.close({ grace: 0 }),
    )
    server.script = script
    return server
  },
}

const overTcp: RawWay = {
  name: 'tcp',
  async open(script) {
    const listener = await tcp.listen({ port: 0 }, (connection) => server.accept(connection))
    const { port } = listener.address as { port: number }
    const server: RawServer = new RawServer(`http://127.0.0.1:${port}`, {}, port, () =>
      listener.close({ grace: 0 }),
    )
    server.script = script
    return server
  },
}

/** Every test of what passes on a connection runs on both. */
export const rawWays: readonly RawWay[] = [overMemory, overTcp]

/** For tests of which the transport is no part. */
export const raw = overMemory

/** An answer of a head and a body with its length. */
export function answer(body = '', ...fields: string[]): string {
  return response('200 OK', body, ...fields)
}

export function response(status: string, body = '', ...fields: string[]): string {
  return [`HTTP/1.1 ${status}`, `Content-Length: ${body.length}`, ...fields, '', body].join('\r\n')
}

/** What a promise is rejected with; fails when it is not. */
export async function failure<T extends Error = Error>(promise: Promise<unknown>): Promise<T> {
  const [settled] = await Promise.allSettled([promise])
  if (settled.status === 'fulfilled') throw new Error('It was expected to fail, and did not')
  return settled.reason as T
}

/** What a promise came to, without waiting for it: undefined while it is pending. */
export function watch<T>(promise: Promise<T>): { value?: T; error?: unknown } {
  const seen: { value?: T; error?: unknown } = {}
  promise.then(
    (value) => (seen.value = value),
    (error: unknown) => (seen.error = error),
  )
  return seen
}

/** How the only origin that a client knows stands. */
export function standing(client: Client): {
  connections: number
  idle: number
  connecting: number
  queued: number
} {
  const [only] = Object.values(client.stats().origins)
  return only ?? { connections: 0, idle: 0, connecting: 0, queued: 0 }
}

/** All that a client can hold, when it holds nothing. */
export const nothing = { connections: 0, idle: 0, connecting: 0, queued: 0 }
