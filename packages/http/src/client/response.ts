import { type Address, BusyError, type ByteConnection, type TlsFacts } from '@fairlead/core'

import { Fields, type ResponseHead } from '../codec/index.ts'
import type { IncomingBody } from '../message/body.ts'
import { type FieldsInit, rawFields } from '../message/fields-init.ts'
import { reasonOf } from '../message/status.ts'
import { ReceivedSource } from '../web/received-source.ts'
import { inspect } from '../web/runtime.ts'
import type { SavedFile, ToFileOptions } from './download/options.ts'
import { toFile } from './download/to-file.ts'
import type { InformationalResponse } from './options.ts'
import { ResponseBody } from './response-body.ts'

/** What an answer tells of its own coming about; of the last hop, but for `redirects`. */
export interface ResponseFacts {
  readonly url: string
  /** How often the request was sent, or tried to be. */
  readonly attempts: number
  /** Whether its connection had carried another request before. */
  readonly reused: boolean
  readonly bytesWritten: number
  readonly decoded: boolean
  readonly informational: readonly InformationalResponse[]
  readonly connection: ByteConnection | undefined
}

const none: readonly never[] = Object.freeze([])

/** Tells an answer which URLs have redirected to it. */
export let redirectedBy: (response: IncomingResponse, redirects: readonly string[]) => void

/**
 * The answer to a request, from the moment its head is there. Its body has one reader: {@link bytes}, {@link text},
 * {@link json}, {@link stream}, {@link body} or iteration. Up to 64 KiB of it are read ahead, and a longer one holds
 * its connection until it was read: read it, or {@link discard} it.
 */
export class IncomingResponse implements AsyncIterable<Uint8Array> {
  readonly #head: Pick<ResponseHead, 'status' | 'reason' | 'minor' | 'fields'>
  readonly #facts: ResponseFacts
  readonly #body: ResponseBody
  #redirects: readonly string[] = none

  constructor(
    head: Pick<ResponseHead, 'status' | 'reason' | 'minor' | 'fields'>,
    facts: ResponseFacts,
    body: ResponseBody,
  ) {
    this.#head = head
    this.#facts = facts
    this.#body = body
  }

  static {
    redirectedBy = (response, redirects) => {
      response.#redirects = redirects
    }
  }

  /**
   * An answer that no server gave: for interceptors, which may have it from a cache or make it up.
   *
   * @throws RangeError for what is no final status, TypeError for fields that are none.
   */
  static of(
    status: number,
    fields: FieldsInit = {},
    body: string | Uint8Array | null = null,
  ): IncomingResponse {
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new RangeError(`Cannot make response: ${status} is not a final status`)
    }
    const content = new ResponseBody({ flow() {}, cancel() {} })
    if (body !== null) content.push(typeof body === 'string' ? Buffer.from(body) : body)
    content.finish(undefined)
    const head = {
      status,
      reason: reasonOf(status),
      minor: 1 as const,
      fields: new Fields(rawFields(fields)),
    }
    const facts = {
      url: '',
      attempts: 0,
      reused: false,
      bytesWritten: 0,
      decoded: false,
      informational: none,
      connection: undefined,
    }
    return new IncomingResponse(head, facts, content)
  }

  get status(): number {
    return this.#head.status
  }

  /** The reason phrase as sent; often empty, and never of any meaning (RFC 9112 section 4). */
  get reason(): string {
    return this.#head.reason
  }

  /** `HTTP/1.<minor>`. */
  get minor(): 0 | 1 {
    return this.#head.minor
  }

  /** Whether the status is one of success: 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300
  }

  /** As they came: of a decoded body, too, they tell what was sent. */
  get headers(): Fields {
    return this.#head.fields
  }

  /** Whom it is from: behind redirects, the last one. Without the fragment; empty where no server gave it. */
  get url(): string {
    return this.#facts.url
  }

  /** URLs that redirected here, the first one first. */
  get redirects(): readonly string[] {
    return this.#redirects
  }

  /** How often the request was sent, or tried to be: more than once behind a connection that was lost unused. */
  get attempts(): number {
    return this.#facts.attempts
  }

  /** Whether the connection had carried another request before. */
  get reused(): boolean {
    return this.#facts.reused
  }

  /** Bytes of the request that were given to the connection by now, its head included. */
  get bytesWritten(): number {
    return this.#facts.bytesWritten
  }

  /** The 1xx answers that came before. */
  get informational(): readonly InformationalResponse[] {
    return this.#facts.informational
  }

  get remoteAddress(): Address | undefined {
    return this.#facts.connection?.remoteAddress
  }

  get localAddress(): Address | undefined {
    return this.#facts.connection?.localAddress
  }

  get tls(): TlsFacts | undefined {
    return this.#facts.connection?.tls
  }

  /** The body as it comes, for one reader. */
  get body(): IncomingBody {
    return this.#body.reader
  }

  /** Whether the body was sent encoded, and is decoded while it is read. */
  get decoded(): boolean {
    return this.#facts.decoded
  }

  /** Whether somebody asked for the body. */
  get bodyUsed(): boolean {
    return this.#body.used
  }

  /** Whether the end of the body has come, read or not. */
  get complete(): boolean {
    return this.#body.complete
  }

  /** The fields behind the body, once its end has come, if there were any. */
  get trailers(): Fields | undefined {
    return this.#body.trailers
  }

  /**
   * All of the body.
   *
   * @param limit the most bytes to keep. Default 64 MiB.
   * @throws LimitError beyond that; RequestError when it is cut off; BusyError for a second reader.
   */
  bytes(limit?: number): Promise<Uint8Array> {
    return this.#body.collect(limit)
  }

  /** All of the body as UTF-8 text, without a byte order mark; see {@link bytes}. */
  async text(limit?: number): Promise<string> {
    return textOf(await this.#body.collect(limit))
  }

  /** All of the body as JSON (RFC 8259); see {@link bytes}. @throws SyntaxError for what is none. */
  async json<T = unknown>(limit?: number): Promise<T> {
    return JSON.parse(textOf(await this.#body.collect(limit))) as T
  }

  /**
   * Saves the body, decoded, whatever the status. It is written to another name in the same folder, `.NAME.*.part`, and
   * has its own at once when all of it is there; a file that is there already stays, unless `overwrite` is set. However
   * it fails, the other name is gone and the connection is free. A process that is killed leaves it.
   *
   * @throws FileError for what the system refuses, with its path; or `ERR_FAIRLEAD_FILE_EXISTS`,
   *   `ERR_FAIRLEAD_FILE_DIGEST` for a file that is not the one `expected`; LimitError beyond `maxSize`; RequestError
   *   when the body is cut off; BusyError for a second reader; `signal.reason` when aborted.
   * @example
   * ```ts
   * const response = await request('http://127.0.0.1:8080/film.mkv')
   * if (response.ok) console.log(await response.toFile('film.mkv', { digest: 'sha256' }))
   * ```
   */
  toFile(path: string | URL, options?: ToFileOptions): Promise<SavedFile> {
    return toFile(this, path, options)
  }

  /** The body as a web stream of bytes, which asks for more when it is read. Cancelling it is {@link discard}. */
  stream(): ReadableStream<Uint8Array> {
    if (this.bodyUsed)
      throw new BusyError('Cannot read body: it has, or had, a reader already', { phase: 'body' })
    return new ReadableStream(new ReceivedSource(this, (error) => error))
  }

  /** Piece by piece; who leaves the loop has discarded the rest. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    const pieces = this.body[Symbol.asyncIterator]()
    return {
      next: () => pieces.next(),
      return: () => {
        this.discard()
        return Promise.resolve({ value: undefined, done: true })
      },
    }
  }

  /** Nobody wants the body, or the rest of it. A connection with more of it on the way is closed. May be repeated. */
  discard(): void {
    this.#body.discard()
  }

  [inspect](_depth: number, options: object, print: (value: unknown, options: object) => string): string {
    const { status, reason, url, redirects, headers, bodyUsed, complete } = this
    return `IncomingResponse ${print({ status, reason, url, redirects, headers, bodyUsed, complete }, options)}`
  }
}

// Who builds this package may rename a class that names itself.
Object.defineProperty(IncomingResponse, 'name', { value: 'IncomingResponse', configurable: true })

function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}
