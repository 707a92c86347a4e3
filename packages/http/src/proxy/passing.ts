import { BrokenError, type ByteConnection } from '@fairlead/core'

import type { InformationalResponse } from '../client/options.ts'
import type { IncomingResponse } from '../client/response.ts'
import { Fields } from '../codec/index.ts'
import type { FieldsInit } from '../message/fields-init.ts'
import type { Exchange } from '../server/exchange.ts'
import { makeResponse, type Response } from '../web/response.ts'
import type { ServeContext } from '../web/serve-context.ts'
import { answerOf, mayTrail, responseOf } from './answer.ts'
import { type Asked, askedOf, offersOf } from './asked.ts'
import { isPublic } from './connect.ts'
import { withoutConnection } from './connection-fields.ts'
import { tellsOfClient } from './forwarded.ts'
import {
  checkProxy,
  type ProxiedRequest,
  type ProxyOptions,
  type TargetOf,
  type TargetUrl,
} from './options.ts'
import { type Manner, maxForwards, outgoingOf, prepared } from './outgoing.ts'
import { basePath, withoutPrefix } from './path.ts'
import { Presence } from './presence.ts'
import { refusal, RefusedError, statusOf } from './refusal.ts'
import { Tunnel } from './tunnel.ts'
import { type Base, baseOf, Bases } from './upstream-target.ts'
import { Upstream } from './upstream.ts'
import { Via } from './via.ts'

/** Protocols that are HTTP again: what they carry would go past everything that stands before the proxy. */
const httpAgain = new Set(['h2c', 'http', 'tls'])

/** Passes requests on, each from its head to the head of its answer. */
export class Passing {
  readonly upstream: Upstream
  readonly #fixed: Base | undefined
  readonly #targetOf: TargetOf | undefined
  readonly #bases = new Bases()
  readonly #manner: Manner
  readonly #prefix: string
  readonly #endGrace: number
  readonly #options: ProxyOptions

  /** @throws TypeError or RangeError that names the option. */
  constructor(target: TargetUrl | TargetOf, options: ProxyOptions) {
    checkProxy(options)
    const { endGrace = 2_000, forwarded = 'both', preserveHost = false, prefix = '', via } = options
    const named = typeof target === 'function'
    this.#targetOf = named ? target : undefined
    this.#fixed = named ? undefined : baseOf(target)
    this.#manner = { forwarded, preserveHost, via: via === false ? undefined : new Via(via) }
    this.#prefix = basePath(prefix)
    this.#endGrace = endGrace
    this.#options = { ...options }
    this.upstream = new Upstream(options, options.allow ?? (named ? isPublic : undefined))
  }

  async handle(request: Request, context: ServeContext | undefined): Promise<Response> {
    let asked: Asked | undefined
    let presence: Presence | undefined
    let entered = false
    try {
      asked = askedOf(request, context)
      presence = new Presence(asked.signal, asked.exchange, this.#endGrace)
      this.upstream.enter()
      entered = true
      return await this.#pass(asked, presence, request, context)
    } catch (error) {
      presence?.over()
      // Who left hears nothing any more, and did nothing wrong.
      if (presence?.gone === true) {
        if (!asked?.exchange) throw error
        return refusal(502, request.method)
      }
      const status = statusOf(error)
      if (status >= 500 && status !== 501) this.#tell(error, request)
      return refusal(status, request.method)
    } finally {
      if (entered) this.upstream.leave()
    }
  }

  async #pass(
    asked: Asked,
    presence: Presence,
    request: Request,
    context: ServeContext | undefined,
  ): Promise<Response> {
    const { exchange, method } = asked
    const { via } = this.#manner
    if (via?.knows(new Fields(asked.list).all('via')) === true) {
      throw new RefusedError(508, 'it was passed on here before')
    }
    if (method === 'CONNECT') throw new RefusedError(501, 'a tunnel is none of a server')
    if (maxForwards(method, asked.list) === 0) {
      // The client wants to hear of whoever has it now (RFC 9110 section 7.6.2).
      if (method === 'TRACE') throw new RefusedError(501, 'TRACE ends here')
      presence.over()
      return makeResponse(200, [], null)
    }
    const base = this.#fixed ?? (await this.#baseOf(request, context))
    const target = withoutPrefix(asked.target, this.#prefix)
    if (!base || target === undefined) throw new RefusedError(404, 'there is no target')
    const outgoing = await this.#asHooked(
      outgoingOf({ ...asked, target }, request, base, this.#manner),
      request,
    )
    const ready = prepared(asked, outgoing, base, this.#protocolOf(asked))
    const outcome = await this.upstream.send(ready, {
      presence,
      onInform: exchange && ((interim) => pass(interim, exchange)),
      trailers: ready.framing === 'chunked' && exchange ? () => trailersOf(exchange) : undefined,
    })
    const { response, connection, head } = outcome
    if (connection && head && exchange) {
      presence.over()
      return this.#switch(exchange, { connection, head }, response)
    }
    return this.#answer(asked, presence, response, request, context)
  }

  async #answer(
    asked: Asked,
    presence: Presence,
    response: IncomingResponse,
    request: Request,
    context: ServeContext | undefined,
  ): Promise<Response> {
    try {
      if (response.status > 599) {
        throw new BrokenError(`Cannot pass on: ${response.status}, which the server answered, is no status`)
      }
      const trailing = mayTrail(asked, context, response)
      let answer = answerOf(response, this.#manner.via, trailing)
      const { onResponse } = this.#options
      if (onResponse) {
        const { status = answer.status, headers = answer.headers } = (await onResponse(answer, request)) ?? {}
        answer = { status, headers }
      }
      if (trailing && !(response.complete && response.trailers === undefined)) {
        context?.trailers(() => response.trailers ?? [])
      }
      return await responseOf(response, answer, asked.method, presence, (error) => this.#tell(error, request))
    } catch (error) {
      response.discard()
      throw error
    }
  }

  /** The `Response` is for frameworks, which want one whatever became of the connection. */
  #switch(
    exchange: Exchange,
    server: { readonly connection: ByteConnection; readonly head: Uint8Array },
    response: IncomingResponse,
  ): Response {
    const { headers } = answerOf(response, this.#manner.via, false)
    const upgrade = response.headers.get('upgrade') ?? ''
    let client
    try {
      client = exchange.takeOver()
      const lines = [...headers.raw, 'Connection', 'Upgrade', 'Upgrade', upgrade]
      this.upstream.add(new Tunnel(client, server, lines))
    } catch (error) {
      server.connection.destroy()
      client?.connection.destroy()
      throw error
    }
    return makeResponse(200, [], null)
  }

  async #baseOf(request: Request, context: ServeContext | undefined): Promise<Base | undefined> {
    const named = await this.#targetOf?.(request, context)
    return named === undefined ? undefined : this.#bases.of(named)
  }

  async #asHooked(outgoing: ProxiedRequest, request: Request): Promise<ProxiedRequest> {
    const { onRequest } = this.#options
    if (!onRequest) return outgoing
    const { target = outgoing.target, headers = outgoing.headers } =
      (await onRequest(outgoing, request)) ?? {}
    return { method: outgoing.method, target, headers }
  }

  /** The first protocol on offer that is passed on. */
  #protocolOf(asked: Asked): string | undefined {
    const { upgrade = true } = this.#options
    if (upgrade === false) return undefined
    return offersOf(asked).find((offer) => {
      const [name = ''] = offer.split('/', 1)
      return upgrade === true ? !httpAgain.has(name) : upgrade.includes(offer) || upgrade.includes(name)
    })
  }

  /** Whoever is told of errors has none of his own to tell. */
  #tell(error: unknown, request: Request): void {
    const tell = async (): Promise<void> => this.#options.onError?.(error, request)
    tell().catch(() => {})
  }
}

/** 100 is what reading the body says by itself, and the server behind is waited for before that. */
function pass(interim: InformationalResponse, exchange: Exchange): void {
  if (interim.status === 100 || exchange.answered) return
  exchange.inform(interim.status, answerOf({ ...interim, minor: 1 }, undefined, false).headers)
}

/** A server may put them with the fields of the head (RFC 9110 section 6.5.1): they say nothing that those may not. */
function trailersOf({ request }: Exchange): FieldsInit {
  const { trailers } = request.body
  return trailers === undefined ? [] : new Fields(withoutConnection(trailers.raw, tellsOfClient))
}
