import { rejected } from '@fairlead/core/transport'

import { type OutgoingBody, outgoingBody } from './body/outgoing-body.ts'
import { Call, type CallHost, type Outcome } from './call.ts'
import { clientChannels } from './diagnostics.ts'
import type { OutgoingRequest } from './outgoing-request.ts'
import type { Pools } from './pools.ts'
import { defaultExpect, prepare, type PreparedRequest } from './prepared-request.ts'
import type { RequestReader } from './request-reader.ts'
import type { Limits, Shared } from './settings.ts'
import type { Counters } from './stats.ts'
import type { Target } from './target.ts'

/** One hop of a request, and what it is sent with. */
export interface Hop {
  readonly request: OutgoingRequest
  readonly target: Target
  readonly shared: Shared
  /** When it has to be over, by the clock of deadlines. */
  readonly until: number
  /** The protocol to go on with. */
  readonly upgrade?: string
}

/** Turns requests into calls, and gives each to the pool that is to send it. */
export class Dispatcher implements CallHost {
  readonly limits: Limits
  readonly #pools: Pools
  readonly #counters: Counters
  readonly #reader: RequestReader

  constructor(limits: Limits, pools: Pools, counters: Counters, reader: RequestReader) {
    this.limits = limits
    this.#pools = pools
    this.#counters = counters
    this.#reader = reader
  }

  /** Sends it, and resolves with its answer. @throws TypeError for what cannot be sent, before anything is. */
  send(hop: Hop): Promise<Outcome> {
    const { body } = hop.request
    if (body === null) return this.#dispatch(hop, null)
    let content
    try {
      content = outgoingBody(body)
    } catch (error) {
      return rejected(error)
    }
    return content instanceof Promise
      ? content.then((opened) => this.#dispatch(hop, opened))
      : this.#dispatch(hop, content)
  }

  again(call: Call): void {
    this.#counters.retries++
    call.pool.again(call)
  }

  ended(call: Call, failed: boolean): void {
    this.#counters.active--
    if (failed) this.#counters.failed++
    call.request.body?.discard()
  }

  #dispatch(hop: Hop, body: OutgoingBody | null): Promise<Outcome> {
    const { target, shared, request, until } = hop
    const { signal, onInform, onDownload, onUpload, trailers } = request
    // What is not read as HTTP any more is none of a proxy's business (RFC 6455 section 4.1 for WebSocket).
    const tunnelled = target.origin.secure || hop.upgrade !== undefined
    let pool, prepared, proxy
    try {
      proxy = shared.unix === undefined ? this.#pools.proxyOf(target.url) : undefined
      // To a proxy that makes a tunnel, nothing is said but in its beginning.
      const asked = tunnelled ? undefined : proxy
      prepared = asked || body !== null ? this.#prepare(hop, body, asked) : this.#prepareOnce(hop)
      // The function that names the proxy may do anything, too.
      signal?.throwIfAborted()
      pool = this.#pools.of(target, shared.unix, proxy, tunnelled)
    } catch (error) {
      body?.discard()
      return rejected(error)
    }
    return new Promise((resolve, reject) => {
      const options = { shared, until, signal, onInform, onDownload, onUpload, trailers }
      const call = new Call(prepared, options, pool, this, resolve, reject)
      this.#counters.requests++
      this.#counters.active++
      try {
        if (clientChannels.request.hasSubscribers) {
          clientChannels.request.publish({ request: call.record })
          // Whoever heard of it may have aborted it, or what was in its pool, or may have closed the client.
          if (call.over) return
          call.pool = this.#pools.of(target, shared.unix, proxy, tunnelled)
        }
        call.pool.dispatch(call)
      } catch (error) {
        call.fail(error, false)
      }
    })
  }

  /** Without anything of its own, a request is the same each time. */
  #prepareOnce(hop: Hop): PreparedRequest {
    const { request, shared, target, upgrade } = hop
    const plain =
      request.headers === this.#reader.headers &&
      request.method === 'GET' &&
      shared.decode === this.#reader.shared.decode &&
      upgrade === undefined
    if (!plain) return this.#prepare(hop, null, undefined)
    return (target.plain ??= this.#prepare(hop, null, undefined))
  }

  #prepare(
    { request, target, shared, upgrade }: Hop,
    body: OutgoingBody | null,
    proxy: { readonly authorization: string | undefined } | undefined,
  ): PreparedRequest {
    const { method, headers, trailers, expectContinue = false } = request
    return prepare({
      method,
      target,
      fields: headers.raw,
      body,
      trailers: trailers !== undefined,
      expect: expectContinue === true ? defaultExpect : Number(expectContinue),
      decode: shared.decode,
      upgrade,
      proxy,
    })
  }
}
