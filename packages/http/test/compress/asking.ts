import * as zlib from 'node:zlib'

import * as memory from '@fairlead/core/memory'
import { expect } from 'vitest'

import { compress, type CompressOptions } from '../../src/compress/index.ts'
import { type FetchHandler, type HttpListener, type HttpListenOptions, serve } from '../../src/index.ts'
import type { ServeContext } from '../../src/server/serve.ts'

type Decode = (bytes: Uint8Array, options?: zlib.ZlibOptions) => Buffer

const { zstdDecompressSync } = zlib as unknown as { zstdDecompressSync?: Decode }

/** What this runtime encodes in, best first, and how it is decoded. */
export const decoders: Readonly<Record<string, Decode>> = {
  br: zlib.brotliDecompressSync,
  ...(zstdDecompressSync ? { zstd: zstdDecompressSync } : undefined),
  gzip: zlib.gunzipSync,
}

export const codings = Object.keys(decoders) as ('br' | 'zstd' | 'gzip')[]

/** What is worth compressing. */
export const text = 'It is worth compressing, since it says the same again and again. '.repeat(50)

let names = 0

/** Serves on a transport in memory. */
export function serveInMemory(handler: FetchHandler, options?: HttpListenOptions): Promise<HttpListener> {
  const name = `compress-${++names}`
  const transport: NonNullable<HttpListenOptions['transport']> = {
    listen: (accept) => memory.listenBytes(name, accept),
  }
  return serve({ idleGrace: 0, transport, ...options }, handler)
}

/** Asks through the whole server, as a client that decodes nothing. */
export async function ask(
  handler: FetchHandler,
  init: RequestInit & { path?: string } = {},
  options?: HttpListenOptions,
): Promise<Response> {
  const server = await serveInMemory(handler, options)
  try {
    const response = await server.inject(init.path ?? '/', init)
    const bytes = await response.arrayBuffer()
    const { status, headers } = response
    const none = status === 204 || status === 205 || status === 304 || init.method === 'HEAD'
    return new Response(none ? null : bytes, { status, headers })
  } finally {
    await server.close()
  }
}

/** The answer to a client that takes `accept`, of a handler that is compressed. */
export function compressed(
  answer: () => Response | Promise<Response>,
  accept: string | null = 'gzip',
  options?: CompressOptions,
  init: RequestInit = {},
): Promise<Response> {
  const headers = new Headers(init.headers)
  if (accept !== null) headers.set('Accept-Encoding', accept)
  return ask(compress(answer, options), { ...init, headers })
}

/** The body as it was before it was encoded. */
export async function decoded(response: Response): Promise<Buffer> {
  const bytes = Buffer.from(await response.arrayBuffer())
  const coding = response.headers.get('content-encoding')
  return coding === null ? bytes : decoders[coding]!(bytes)
}

/** A request of HTTP's without a server, and without a context. */
export function call(handler: FetchHandler, request: Request): Promise<Response> {
  const none = undefined as unknown as ServeContext
  return Promise.resolve(handler(request, none, none)) as Promise<Response>
}

/** What a generator gives, as a stream; of what the runtime makes of one, an empty piece is the end. */
export function streamOf(pieces: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await pieces.next()
      if (done) controller.close()
      else controller.enqueue(Buffer.from(value))
    },
  })
}

/** A stream that a test feeds. */
export class Source {
  readonly stream: ReadableStream<Uint8Array>
  /** How often more was asked for. */
  pulls = 0
  cancelled: unknown
  #controller!: ReadableStreamDefaultController<Uint8Array>
  #wake: (() => void) | undefined
  readonly gone: Promise<void>

  constructor() {
    let leave!: () => void
    this.gone = new Promise((resolve) => (leave = resolve))
    this.stream = new ReadableStream(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => {
          this.pulls++
          return new Promise((resolve) => (this.#wake = resolve))
        },
        cancel: (reason) => {
          this.cancelled = reason ?? true
          leave()
        },
      },
      { highWaterMark: 0 },
    )
  }

  send(piece: string | Uint8Array): void {
    this.#controller.enqueue(typeof piece === 'string' ? Buffer.from(piece) : piece)
    this.#wake?.()
  }

  end(): void {
    this.#controller.close()
    this.#wake?.()
  }

  fail(error: unknown): void {
    this.#controller.error(error)
    this.#wake?.()
  }
}

/** The encoders and decoders that are made while a test runs. */
export class Engines {
  readonly made: { destroyed: boolean; closed: boolean }[] = []
  readonly #originals: [string, unknown][] = []
  readonly #zlib = process.getBuiltinModule('node:zlib') as unknown as Record<string, unknown>

  constructor() {
    for (const name of Object.keys(this.#zlib).filter((name) => name.startsWith('create'))) {
      const original = this.#zlib[name] as (options: object) => { destroyed: boolean; closed: boolean }
      const replaced = (options: object): object => {
        const engine = original(options)
        this.made.push(engine)
        return engine
      }
      this.#originals.push([name, Object.getOwnPropertyDescriptor(this.#zlib, name)])
      Object.defineProperty(this.#zlib, name, { value: replaced, configurable: true, enumerable: true })
    }
  }

  /** Each was made, and each let go of what it had. */
  async released(count: number): Promise<void> {
    expect(this.made).toHaveLength(count)
    await expect.poll(() => this.made.every(({ closed }) => closed), { interval: 1 }).toBe(true)
  }

  [Symbol.dispose](): void {
    for (const [name, descriptor] of this.#originals) {
      Object.defineProperty(this.#zlib, name, descriptor as PropertyDescriptor)
    }
  }
}
