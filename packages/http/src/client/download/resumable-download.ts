import type { Hash } from 'node:crypto'

import { BrokenError, LimitError, SocketError, TimeoutError } from '@fairlead/core'
import type { Backoff } from '@fairlead/core/reconnect'
import { Deadline } from '@fairlead/core/transport'

import { Fields } from '../../codec/index.ts'
import { FileError } from '../../disk/file-error.ts'
import { FileSink, tooLarge } from '../../disk/file-sink.ts'
import type { FileTarget } from '../../disk/file-target.ts'
import { checkDigest, hashOf, type SaveSettings } from '../../disk/settings.ts'
import { RequestError } from '../errors.ts'
import type { RequestOptions } from '../options.ts'
import type { IncomingResponse } from '../response.ts'
import { isIdentity, lengthOf, refused, refusedStatus } from './answer.ts'
import type { SavedFile } from './options.ts'
import type { PartialFile } from './partial-file.ts'
import { isOf, isResumable, originOf } from './partial-record.ts'
import { type ContentRange, contentRangeOf, unsatisfiedOf, validatorOf } from './validator.ts'

/** Whoever sends requests. */
export interface Requester {
  request(url: string | URL, options?: RequestOptions): Promise<IncomingResponse>
}

/** What to ask for, and how often. */
export interface ResumableOptions {
  readonly client: Requester
  readonly url: string | URL
  readonly request: RequestOptions
  readonly fields: Fields
  readonly attempts: number
  readonly backoff: Backoff
}

/** What came of one request: the file, a part of it, or the need to begin anew. */
type Outcome = 'whole' | 'part' | 'anew'

/** What the network does, and what a server that is restarted does. */
const passing: ReadonlySet<string> = new Set([
  'ERR_FAIRLEAD_BROKEN',
  'ERR_FAIRLEAD_CONNECT',
  'ERR_FAIRLEAD_TIMEOUT',
  'ERR_FAIRLEAD_HTTP_TRUNCATED',
])

/**
 * Brings a file in as many requests as it takes, each of which asks for what is missing.
 *
 * ```text
 *   ask ──200──▶ begin anew, all of it ────────────┬──▶ whole
 *    │  ──206──▶ the rest, if it is of the same ───┤
 *    │  ──416──▶ there is no rest, if so ──────────┘
 *    └◀── broken off, or of another version ───────┘
 * ```
 */
export class ResumableDownload {
  readonly #options: ResumableOptions
  readonly #target: FileTarget
  readonly #settings: SaveSettings
  readonly #partial: PartialFile
  readonly #until: number
  #hash: Hash | undefined
  #response: IncomingResponse | undefined
  #requests = 0
  #resumed: number

  constructor(options: ResumableOptions, target: FileTarget, settings: SaveSettings, partial: PartialFile) {
    this.#options = options
    this.#target = target
    this.#settings = settings
    this.#partial = partial
    this.#resumed = partial.size
    this.#until = Deadline.now() + (options.request.timeouts?.total ?? Infinity)
  }

  /** Brings all of it. What there is stays when that fails, unless nobody could go on with it. */
  async run(): Promise<SavedFile> {
    const partial = this.#partial
    try {
      this.#hash = hashOf(this.#settings)
      if (this.#hash) await partial.readInto(this.#hash)
      await this.#bring()
      await partial.seal()
      const digest = this.#hash?.digest('hex')
      checkDigest(this.#target.path, this.#settings, digest)
      this.#settings.signal?.throwIfAborted()
      return {
        path: this.#target.path,
        size: partial.size,
        digest,
        resumed: this.#resumed,
        attempts: this.#requests,
        response: this.#response!,
      }
    } catch (error) {
      if (this.#isLost(error)) await partial.remove()
      throw error
    }
  }

  async #bring(): Promise<void> {
    const { attempts, backoff } = this.#options
    let most = this.#partial.size
    let failures = 0
    for (;;) {
      let failure: { readonly error: unknown } | undefined
      try {
        if ((await this.#ask()) === 'whole') return
      } catch (error) {
        this.#settings.signal?.throwIfAborted()
        // A server that never answered may not even exist.
        if (!this.#response || !isPassing(error)) throw error
        failure = { error }
      }
      // What was brought before, and is brought again, is nothing new: else a file that changes would take for ever.
      if (this.#partial.size > most) {
        most = this.#partial.size
        failures = 0
        backoff.reset()
      } else if (failure && ++failures >= attempts) throw failure.error
      if (failure) await pause(backoff.next() ?? 0, this.#settings.signal)
    }
  }

  async #ask(): Promise<Outcome> {
    const { size, record } = this.#partial
    const by = record?.etag ?? record?.lastModified
    if (size > 0 && by === undefined) await this.#restart()
    const at = this.#partial.size
    let { fields } = this.#options
    if (at > 0 && by !== undefined) fields = fields.with('Range', `bytes=${at}-`).with('If-Range', by)
    const response = await this.#send('GET', fields)
    try {
      if (response.status === 200) return await this.#takeWhole(response)
      if (response.status === 206 && at > 0) return await this.#takeRest(response, at)
      if (response.status === 416 && at > 0) return await this.#takeNone(response, at)
      throw refusedStatus(response)
    } catch (error) {
      response.discard()
      throw error
    }
  }

  async #send(method: string, headers: Fields): Promise<IncomingResponse> {
    const { client, url, request } = this.#options
    const { timeouts } = request
    const left = this.#until - Deadline.now()
    if (left <= 0) {
      throw new TimeoutError(`Cannot download: it took more than ${timeouts?.total} ms`, { phase: 'total' })
    }
    const times = left === Infinity ? {} : { timeouts: { ...timeouts, total: Math.ceil(left) } }
    this.#requests++
    const response = await client.request(url, { ...request, ...times, method, headers, decode: false })
    this.#response = response
    return response
  }

  /** The whole file comes, since nothing else was asked for, or since what there is is of another version. */
  async #takeWhole(response: IncomingResponse): Promise<Outcome> {
    const { headers } = response
    if (!isIdentity(headers)) {
      const why = 'the server encodes the file, which cannot be resumed: save it without resume'
      throw refused(response, why)
    }
    const length = lengthOf(headers)
    const ranged = headers.get('accept-ranges')?.toLowerCase() !== 'none'
    this.#checkSize(length)
    await this.#restart({
      ...originOf(response),
      ...(ranged && validatorOf(headers)),
      ...(length !== undefined && { length }),
    })
    await this.#stream(response, Infinity)
    return 'whole'
  }

  /** The rest comes, or a part of it, if it is of what there is. */
  async #takeRest(response: IncomingResponse, at: number): Promise<Outcome> {
    if (/^multipart\//i.test(response.headers.get('content-type') ?? '')) {
      throw refused(response, 'one range was asked for, and several came')
    }
    const range = contentRangeOf(response.headers)
    const length = range && this.#lengthBy(range)
    if (!range || length === undefined || range.first !== at || !this.#isOf(response)) {
      response.discard()
      return this.#anew()
    }
    this.#checkSize(length)
    await this.#partial.measure(length)
    await this.#stream(response, range.end - at)
    return range.end === length ? 'whole' : 'part'
  }

  /** There is nothing behind what there is: it may be whole, and whoever brought it did not come to say so. */
  async #takeNone(response: IncomingResponse, at: number): Promise<Outcome> {
    const length = unsatisfiedOf(response.headers)
    response.discard()
    if (length !== at || (this.#partial.record?.length ?? at) !== at) return this.#anew()
    if (this.#isOf(response)) return 'whole'
    // It need not say of which version it is (RFC 9110 section 15.5.17).
    if (response.headers.has('etag')) return this.#anew()
    const told = await this.#send('HEAD', this.#options.fields)
    told.discard()
    const same = told.status === 200 && isIdentity(told.headers) && this.#isOf(told)
    return same && (lengthOf(told.headers) ?? at) === at ? 'whole' : this.#anew()
  }

  async #stream(response: IncomingResponse, wanted: number): Promise<void> {
    const { maxSize, signal, onProgress } = this.#settings
    const partial = this.#partial
    const { path } = this.#target
    const at = partial.size
    const total = partial.record?.length
    // A range that is longer than it says must not get into the file at all.
    const most = Math.min(maxSize, at + wanted)
    const sink = new FileSink({
      path,
      handle: partial.handle,
      at,
      maxSize: most,
      hash: this.#hash,
      signal,
      onProgress,
      total,
      wrote: (size) => partial.wrote(size),
    })
    try {
      await sink.take(response.body)
    } catch (error) {
      if (error instanceof LimitError && error.limit === 'maxSize' && most < maxSize) {
        throw refused(response, `more than the ${wanted} bytes came that it is a range of`, { phase: 'body' })
      }
      throw error
    } finally {
      await partial.keep().catch(() => {})
    }
    const missing = at + (wanted === Infinity ? (total ?? partial.size) - at : wanted) - partial.size
    if (missing === 0) return
    const beneath = new BrokenError(`The body ended ${missing} bytes too early`)
    throw refused(response, beneath.message, { code: beneath.code, phase: 'body' })
  }

  /** Of which length a file is that has this range; undefined where that is another one, or not known. */
  #lengthBy({ complete }: ContentRange): number | undefined {
    const { record } = this.#partial
    const length = record?.length ?? complete
    return complete === undefined || complete === length ? length : undefined
  }

  #isOf(response: IncomingResponse): boolean {
    const { record } = this.#partial
    return record !== undefined && isIdentity(response.headers) && isOf(record, response)
  }

  #checkSize(length: number | undefined): void {
    const { maxSize } = this.#settings
    if (length !== undefined && length > maxSize) throw tooLarge(this.#target.path, maxSize, length)
  }

  async #anew(): Promise<Outcome> {
    await this.#restart()
    return 'anew'
  }

  async #restart(record?: Parameters<PartialFile['restart']>[0]): Promise<void> {
    await this.#partial.restart(record)
    this.#hash = hashOf(this.#settings)
    this.#resumed = 0
  }

  /** Whether what there is is wrong, larger than is wanted, or of a version that nobody could ask the rest of. */
  #isLost(error: unknown): boolean {
    const { record, size } = this.#partial
    if (size === 0 || record === undefined || !isResumable(record)) return true
    if (error instanceof FileError) return error.code === 'ERR_FAIRLEAD_FILE_DIGEST'
    return error instanceof LimitError && error.limit === 'maxSize'
  }
}

/** Whether asking again may help. */
function isPassing(error: unknown): boolean {
  if (!SocketError.is(error) || error instanceof FileError || error.phase === 'total') return false
  const beneath = error instanceof RequestError ? error.cause : error
  // A certificate that is refused is refused again.
  if (error.code === 'ERR_FAIRLEAD_CONNECT') return !SocketError.is(beneath) || beneath.retryable
  return passing.has(error.code) || (error.code === 'ERR_FAIRLEAD_HTTP_STATUS' && error.retryable)
}

/** Keeps the process alive, and ends early when aborted. */
function pause(delay: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, delay)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
