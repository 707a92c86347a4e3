import { IncomingBody } from '../message/body.ts'
import type { Exchange } from '../server/exchange.ts'
import { bytesOf, read, type Reader, textOf } from './content.ts'
import { adoptList, type Headers } from './headers.ts'
import { collect, streamOf } from './incoming.ts'
import { standardSignal } from './request-signal.ts'
import { urlOf } from './request-url.ts'
import { inspect, onceFound, runtime, type RuntimeRequest, shareState, standBefore } from './runtime.ts'

/** Whether it is one that was handed out. */
export let isServed: (value: object) => boolean

/** The exchange of a request that was handed out, whatever has been made of it since. */
export let exchangeBehind: (value: object) => Exchange | undefined

/** The headers of a request that was handed out, as somebody may have changed them; those that came, else. */
export let headersOf: (request: object) => { get(name: string): string | null | undefined }

/** Tells the server of an error that the client is to blame for, if this is a request that it handed out. */
export let refuseBody: (request: RuntimeRequest, error: unknown, status: number) => void

/** Where a reader of `stream` is to blame the client, the one of `request` is meant: it is made of that one's body. */
export let passBlame: (stream: object, request: RuntimeRequest) => void

/**
 * The body of a request that was handed out, to be read past the request, which is used from then on. Undefined for any
 * other request, and where somebody has the stream of it.
 */
export let incomingOf: (value: RuntimeRequest) => IncomingBody | undefined

/** The runtime's own `Request` behind one that was handed out; anything else as it is. */
export let originalOf: (value: unknown) => unknown

/**
 * The `Request` of an exchange: method, URL and fields are looked up when they are asked for, and a body that is
 * read whole never becomes a stream. Whatever else is asked of it, a `Request` of the runtime is made for, which
 * from then on has the body.
 */
export class ServedRequest implements RuntimeRequest {
  readonly #exchange: Exchange
  readonly #origin: string
  #url: string | undefined = undefined
  #headers: Headers | undefined = undefined
  #signal: AbortSignal | undefined = undefined
  #original: RuntimeRequest | undefined = undefined
  #used = false

  constructor(exchange: Exchange, origin: string) {
    this.#exchange = exchange
    this.#origin = origin
  }

  static {
    isServed = (value) => #exchange in value
    exchangeBehind = (value) => (#exchange in value ? value.#exchange : undefined)
    headersOf = (request) => {
      if (!(#exchange in request)) return (request as RuntimeRequest).headers
      return request.#headers ?? request.#exchange.request.headers
    }
    const blamedFor = (request: RuntimeRequest): IncomingBody | undefined => {
      if (#exchange in request) return request.#exchange.request.body
      const stream = request.body ?? request
      return bodies.get(stream) ?? sources.get(stream)
    }
    refuseBody = (request, error, status) => blamedFor(request)?.refuse(error, status)
    passBlame = (stream, request) => {
      const body = blamedFor(request)
      if (body) sources.set(stream, body)
    }
    incomingOf = (value) => {
      if (!(#exchange in value) || value.#original) return bodyBehind(value.body)
      if (!value.#readable) return IncomingBody.empty()
      value.#used = true
      return value.#exchange.request.body
    }
    originalOf = (value) =>
      typeof value === 'object' && value !== null && #exchange in value ? value.#make() : value
  }

  get method(): string {
    return this.#exchange.request.method
  }

  get url(): string {
    return (this.#url ??= urlOf(this.#origin, this.#exchange.request))
  }

  get headers(): Headers {
    return (this.#headers ??= adoptList(this.#exchange.request.headers.raw.slice()))
  }

  get signal(): AbortSignal {
    return (this.#signal ??= standardSignal(this.#exchange.signal))
  }

  get body(): RuntimeRequest['body'] {
    return this.#readable ? this.#make().body : null
  }

  get bodyUsed(): boolean {
    return this.#used || (this.#original?.bodyUsed ?? false)
  }

  get cache(): RuntimeRequest['cache'] {
    return 'default'
  }

  get credentials(): RuntimeRequest['credentials'] {
    return 'same-origin'
  }

  get destination(): RuntimeRequest['destination'] {
    return ''
  }

  get duplex(): RuntimeRequest['duplex'] {
    return 'half'
  }

  get integrity(): string {
    return ''
  }

  get keepalive(): boolean {
    return false
  }

  get mode(): RuntimeRequest['mode'] {
    return 'cors'
  }

  get redirect(): RuntimeRequest['redirect'] {
    return 'follow'
  }

  get referrer(): string {
    return 'about:client'
  }

  get referrerPolicy(): RuntimeRequest['referrerPolicy'] {
    return ''
  }

  clone(): RuntimeRequest {
    return this.#make().clone()
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#read('arrayBuffer', (bytes) => bytesOf(bytes).buffer)
  }

  blob(): ReturnType<RuntimeRequest['blob']> {
    return this.#make().blob()
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#read('bytes', bytesOf)
  }

  formData(): ReturnType<RuntimeRequest['formData']> {
    return this.#make().formData()
  }

  json(): Promise<unknown> {
    return this.#read('json', jsonOf)
  }

  text(): Promise<string> {
    return this.#read('text', textOf)
  }

  [inspect](_depth: number, options: object, print: (value: unknown, options: object) => string): string {
    const { method, url, headers, bodyUsed } = this
    return `Request ${print({ method, url, headers, bodyUsed }, options)}`
  }

  /** What a body of GET or HEAD would mean nobody knows (RFC 9110 section 9.3.1). */
  get #readable(): boolean {
    const { hasBody, method } = this.#exchange.request
    return hasBody && !bodiless.has(method)
  }

  #read<T>(how: Reader, map: (bytes: Uint8Array) => T): Promise<T> {
    if (this.#original && !this.#used) return this.#original[how as 'json']() as Promise<T>
    if (!this.#readable) return read(null, how, null) as Promise<T>
    if (this.#used) return Promise.reject(new TypeError('Cannot read: the body was used already'))
    this.#used = true
    return collect(this.#exchange.request.body, map)
  }

  #make(): RuntimeRequest {
    const { method, url, signal } = this
    if (!this.#original) {
      const init: RequestInit = { method, headers: this.headers, signal }
      if (this.#readable) {
        init.body = this.#used ? spent() : streamOver(this.#exchange.request.body)
        init.duplex = 'half'
      }
      this.#original = new runtime.Request(url, init)
      if (this.#used) void this.#original.body?.cancel()
    } else if (this.#headers) {
      copyHeaders(this.#headers, this.#original.headers)
    }
    return this.#original
  }
}

standBefore(ServedRequest, 'Request')
// It passes for the class that is before it.
delete (ServedRequest.prototype as { constructor?: unknown }).constructor
// undici 6, that is Node 20 and 22.
onceFound(() =>
  shareState(ServedRequest, new runtime.Request('http://localhost/'), (one) => originalOf(one) as object),
)

const bodiless = new Set(['GET', 'HEAD'])

function jsonOf(bytes: Uint8Array): unknown {
  return JSON.parse(textOf(bytes)) as unknown
}

/** The streams that were made of bodies. */
const bodies = new WeakMap<object, IncomingBody>()

/** The bodies that streams of other bytes were made of: decoded ones. */
const sources = new WeakMap<object, IncomingBody>()

function streamOver(body: IncomingBody): ReadableStream<Uint8Array> {
  const stream = streamOf(body)
  bodies.set(stream, body)
  return stream
}

/** The body that a stream is made of, which is over from then on. Nothing was read of it, so that is lost to nobody. */
function bodyBehind(stream: RuntimeRequest['body']): IncomingBody | undefined {
  const body = stream && !stream.locked ? bodies.get(stream) : undefined
  if (!body || body.taken) return undefined
  void stream?.cancel()
  return body
}

/** A stream to stand for one that was read. */
function spent(): ReadableStream<Uint8Array> {
  return new ReadableStream()
}

function copyHeaders(from: Headers, to: RuntimeRequest['headers']): void {
  for (const name of Array.from(to.keys())) to.delete(name)
  for (const [name, value] of from) to.append(name, value)
}
