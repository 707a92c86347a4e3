import {
  type ByteConnection,
  ClosedError,
  type CloseOptions,
  type CloseReason,
  type Resource,
} from '@fairlead/core'
import { checkFunction, checkOptions, checkPositive, checkTime, Deadline } from '@fairlead/core/transport'

import type { Response } from '../web/response.ts'
import type { RuntimeRequest } from '../web/runtime.ts'
import { Dispatcher, type Hop } from './dispatcher.ts'
import { downloadWith } from './download/download.ts'
import type { DownloadOptions, SavedFile } from './download/options.ts'
import { type FetchClient, fetchWith } from './fetch.ts'
import { follow, isReplayable, release } from './follow.ts'
import { inTime } from './in-time.ts'
import { Leaving } from './leaving.ts'
import { checkClientNames } from './option-names.ts'
import type { ClientOptions, RequestOptions } from './options.ts'
import type { Interceptor, Next } from './outgoing-request.ts'
import { Pools } from './pools.ts'
import { RequestReader } from './request-reader.ts'
import { IncomingResponse } from './response.ts'
import { checkCount, limitsOf, sharedOf } from './settings.ts'
import { type ClientStats, Counters } from './stats.ts'
import { targetFor } from './target.ts'

/** An upgrade: to which protocol, and everything that a request may say but for a body. */
export interface UpgradeOptions extends Omit<
  RequestOptions,
  'body' | 'json' | 'trailers' | 'expectContinue' | 'onUpload' | 'redirects'
> {
  /** The name of the protocol, as in `websocket` (RFC 9110 section 7.8). */
  protocol: string
}

/** What came of an upgrade. */
export type Upgraded =
  /** 101: the connection is the caller's, with the bytes of the new protocol that came already. */
  | { readonly response: IncomingResponse; readonly connection: ByteConnection; readonly head: Uint8Array }
  /** The server would rather not: its answer is one like any other. */
  | { readonly response: IncomingResponse; readonly connection: undefined; readonly head: undefined }

/**
 * Asks servers over HTTP/1.1, on connections that it keeps: a pool for each origin. Closed by whoever made it: `close`
 * waits for what is under way, `destroy` does not. Connections that wait for a request keep no process alive.
 *
 * @example
 * ```ts
 * const client = new Client({ base: 'http://127.0.0.1:8080', headers: { Accept: 'application/json' } })
 * const response = await client.request('/items')
 * console.log(response.status, await response.json())
 * await client.close()
 * ```
 */
export class Client implements Resource {
  readonly #reader: RequestReader
  readonly #interceptors: readonly Interceptor[]
  readonly #pools: Pools
  readonly #dispatcher: Dispatcher
  readonly #fetching: FetchClient
  readonly #counters = new Counters()
  /** Requests, upgrades and downloads that have not come to an answer keep it. */
  readonly #leaving: Leaving

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: ClientOptions = {}) {
    checkClient(options)
    const { maxConnections = 64, maxQueued = 65_536, pipelining = 1, idleTimeout = 4_000 } = options
    const limits = limitsOf(options)
    const counters = this.#counters
    const count = (bytesIn: number, bytesOut: number): void => counters.pass(bytesIn, bytesOut)
    this.#reader = new RequestReader(options)
    this.#interceptors = options.interceptors ?? []
    const settings = { limits, pipelining, idleTimeout, maxConnections, maxQueued, count }
    const pools = new Pools(options, settings, () => this.#leaving.settle())
    this.#pools = pools
    this.#leaving = new Leaving(
      {
        get empty() {
          return pools.size === 0
        },
        drain: () => pools.drain(),
        cut: () => this.destroy(),
      },
      'Cannot request: the client is closed',
    )
    this.#fetching = {
      request: (url, asked) => this.request(url, asked),
      headers: options.headers === undefined ? undefined : this.#reader.headers,
      redirects: options.redirects,
    }
    this.#dispatcher = new Dispatcher(limits, this.#pools, counters, this.#reader)
  }

  get state(): Resource['state'] {
    return this.#leaving.state
  }

  get closed(): Promise<CloseReason> {
    return this.#leaving.closed
  }

  /** What has been counted since it was made, and how its pools stand; a copy. */
  stats(): ClientStats {
    return this.#counters.copy(this.#pools)
  }

  /**
   * Sends a request, and resolves with its answer as soon as the head of that is there, whatever its status.
   *
   * @throws TypeError or RangeError that names the option, before anything is sent; RequestError when no answer comes;
   *   ClosedError behind `close`; `signal.reason` when aborted.
   */
  async request(url: string | URL, options?: RequestOptions): Promise<IncomingResponse> {
    this.#leaving.enter()
    try {
      return await this.#request(url, options)
    } finally {
      this.#leaving.leave()
    }
  }

  /**
   * Asks for `url`, and saves what it answers with as `path`, which is there only when all of it is. With `resume` it
   * continues what it, or an earlier process, has begun.
   *
   * @throws as {@link request} does; FileError for what the disk, the answer's status or its digest forbids.
   * @example
   * ```ts
   * const asking = new Client()
   * const saved = await asking.download('http://127.0.0.1:8080/film.mkv', 'film.mkv', { resume: true })
   * console.log(saved.size, saved.resumed)
   * ```
   */
  async download(
    url: string | URL,
    path: string | URL,
    options?: RequestOptions & DownloadOptions,
  ): Promise<SavedFile> {
    this.#leaving.enter()
    try {
      return await downloadWith({ request: (to, asked) => this.#request(to, asked) }, url, path, options)
    } finally {
      this.#leaving.leave()
    }
  }

  /** `fetch` of the Fetch standard on this client; see {@link fetchWith}. */
  fetch(input: string | URL | RuntimeRequest, init?: RequestInit): Promise<Response> {
    return fetchWith(this.#fetching, input, init)
  }

  /**
   * Asks the server to go on with another protocol on this connection (RFC 9110 section 7.8). When it does, the
   * connection is the caller's: handle it with `connection.handle(handler, head)`. It is not followed to elsewhere,
   * and goes past the interceptors.
   *
   * @throws as {@link request} does.
   */
  async upgrade(url: string | URL, options: UpgradeOptions): Promise<Upgraded> {
    this.#leaving.enter()
    try {
      checkOptions('upgrade', options)
      const { protocol, ...rest } = options
      if (typeof protocol !== 'string' || protocol === '') {
        throw new TypeError('Invalid option protocol: must be the name of a protocol')
      }
      const { shared, target, request } = this.#reader.read(url, rest)
      request.signal?.throwIfAborted()
      const hop = { request, target, shared, until: endOf(shared.times.total), upgrade: protocol }
      const { response, connection, head } = await this.#dispatcher.send(hop)
      if (!connection || !head) return { response, connection: undefined, head: undefined }
      return { response, connection, head }
    } finally {
      this.#leaving.leave()
    }
  }

  /** Takes no more requests, and lets its connections go when what is under way is done. */
  close(options?: CloseOptions): Promise<void> {
    return this.#leaving.close(options)
  }

  destroy(error: Error = new ClosedError('The client was destroyed')): void {
    this.#leaving.destroy(() => this.#pools.destroy(error))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #request(url: string | URL, options: RequestOptions | undefined): Promise<IncomingResponse> {
    const { shared, target, request } = this.#reader.read(url, options)
    if (request.signal?.aborted) {
      release(request.body)
      throw request.signal.reason
    }
    const until = endOf(shared.times.total)
    const response = await this.#hop({ request, target, shared, until })
    if (response.status < 300 || response.status > 399 || shared.redirects === 0) return response
    return follow(request, response, shared, (next, to) =>
      this.#hop({ request: next, target: to, shared, until }),
    )
  }

  /** One request to one server, through all that stand in between. */
  #hop(hop: Hop): Promise<IncomingResponse> {
    return this.#interceptors.length > 0 ? this.#intercept(hop) : this.#exchange(hop)
  }

  /** The first interceptor is the outermost. What the last one gives on may be another request altogether. */
  #intercept(hop: Hop): Promise<IncomingResponse> {
    const { until } = hop
    const last: Next = async (one) => {
      const shared = sharedOf(one, this.#reader.shared)
      return this.#exchange({ request: one, target: targetFor(one.url), shared, until })
    }
    const chain = this.#interceptors.reduceRight<Next>(
      (next, interceptor) => async (one) => responseOf(await interceptor(one, next)),
      last,
    )
    return inTime(chain(hop.request), hop)
  }

  async #exchange(hop: Hop): Promise<IncomingResponse> {
    const { response } = await this.#dispatcher.send(hop)
    const { request } = hop
    if (response.status !== 417 || !request.expectContinue || !isReplayable(request.body)) return response
    // The server knows of no expectations, and has not seen the body (RFC 9110 section 10.1.1).
    response.discard()
    return this.#exchange({ ...hop, request: { ...request, expectContinue: false } })
  }
}

/** When `milliseconds` from now have passed, by the clock of deadlines. */
function endOf(milliseconds: number): number {
  return milliseconds === Infinity ? Infinity : Deadline.now() + milliseconds
}

function checkClient(options: ClientOptions): void {
  checkOptions('Client', options)
  checkClientNames(options)
  const { maxConnections, maxQueued, pipelining, idleTimeout, interceptors, connect, tls } = options
  checkPositive('maxConnections', maxConnections)
  checkCount('maxQueued', maxQueued, Infinity)
  checkPositive('pipelining', pipelining)
  checkTime('idleTimeout', idleTimeout)
  checkFunction('connect', connect)
  if (tls !== undefined) checkOptions('tls', tls)
  if (interceptors === undefined) return
  const listed: readonly unknown[] = Array.isArray(interceptors) ? [...interceptors] : [undefined]
  if (listed.every((one) => typeof one === 'function')) return
  throw new TypeError('Invalid option interceptors: must be a list of functions')
}

function responseOf(given: unknown): IncomingResponse {
  if (given instanceof IncomingResponse) return given
  throw new TypeError('Cannot answer: the interceptor gave no IncomingResponse')
}
