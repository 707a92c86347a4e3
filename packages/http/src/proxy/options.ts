import type { Address } from '@fairlead/core'
import { checkBoolean, checkFunction, checkOptions, checkTime } from '@fairlead/core/transport'

import type { ClientOptions } from '../client/options.ts'
import type { ClientStats } from '../client/stats.ts'
import type { Fields } from '../codec/index.ts'
import type { ServeContext } from '../web/serve-context.ts'

/** Whom to ask: an absolute URL of http or https, whose path stands before that of the request. */
export type TargetUrl = string | URL

/** Names the server that a request is for; undefined for none, which is a 404. */
export type TargetOf = (
  request: Request,
  context: ServeContext | undefined,
) => TargetUrl | undefined | Promise<TargetUrl | undefined>

/** A request as it goes on: without the fields of its connection, with Host, Forwarded and Via. */
export interface ProxiedRequest {
  readonly method: string
  /** Path and query, byte for byte as they will be sent. */
  readonly target: string
  readonly headers: Fields
}

/** An answer as it goes back: without the fields of its connection, with Via. */
export interface ProxiedAnswer {
  readonly status: number
  readonly headers: Fields
}

/** What a hook gives: what it wants otherwise, or nothing. */
type Changed<T> = Partial<T> | undefined | void

/** Where the client is told of; see {@link ProxyOptions.forwarded}. */
export type ForwardedKind = 'Forwarded' | 'X-Forwarded' | 'both' | false

/**
 * How to pass requests on. What is not said here is as it is for a `Client`: pools for each origin, and times for each
 * phase.
 */
export interface ProxyOptions extends Pick<
  ClientOptions,
  | 'connect'
  | 'idleTimeout'
  | 'limits'
  | 'maxBodySize'
  | 'maxConnections'
  | 'maxQueued'
  | 'retry'
  | 'timeouts'
  | 'tls'
  | 'unix'
> {
  /** Connections to one origin; each request under way has one. Default 256. */
  maxConnections?: number
  /** Requests that wait for a connection to one origin; 503 beyond. Default 1,024. */
  maxQueued?: number
  /** How long one may wait, in milliseconds; 503 beyond. Default 30,000. */
  queueTimeout?: number
  /**
   * What a client that has ended its side has for each further piece of its answer, in milliseconds. It may only have
   * nothing more to say, or may be gone, as one whose `fetch` was aborted; then its request is aborted. One that reset or
   * closed has none. Default 2,000.
   */
  endGrace?: number
  /**
   * Whom to connect to: asked about the very address that is about to be connected to, resolved or literal, in canonical
   * form. Anything but `true` forbids it, and the answer is 502, as it is for a server that cannot be reached: nobody
   * learns of an address here. Default: everybody where the target is fixed; where a function names it, the addresses
   * of the public Internet ({@link isPublic}), since the name may have come from anywhere.
   */
  allow?: (address: Address) => boolean
  /**
   * The beginning of paths that is not passed on, as in `/api`; 404 for others. It chooses, and keeps nobody out: escapes
   * go on as they came, and what `/api/..%2fadmin` means is the server's to say. Default: none.
   */
  prefix?: string
  /** Whether the server is told the Host that the client asked for, and not its own. Default false. */
  preserveHost?: boolean
  /**
   * In which fields the server is told of the client: `Forwarded` (RFC 7239), or `X-Forwarded-For`, `-Proto` and
   * `-Host`. Whatever came of either kind is taken off, since a client may write anything; what trusted proxies said
   * (`trustProxy` of the listener) is written anew. False: neither is written. Default `both`, which say the same.
   */
  forwarded?: ForwardedKind
  /**
   * The pseudonym of this proxy in Via (RFC 9110 section 7.6.3), by which it knows a request of its own that comes
   * round: 508. No other proxy on the way may have the same. False: none, and loops go on until somebody gives up.
   * Default: `fairlead-` and eight random digits.
   */
  via?: string | false
  /**
   * Whether a client may go on with another protocol, such as WebSocket: with any; with these, in lower case; or
   * with none. `h2c`, `tls` and `http` would be HTTP again, past all that stands before the proxy, and are passed on
   * only where they are named. What is not passed on is a request like any other. Default true.
   */
  upgrade?: boolean | readonly string[]
  /** Asked before a request goes on; what it gives is sent. What it throws is a 500. */
  onRequest?: (
    outgoing: ProxiedRequest,
    request: Request,
  ) => Changed<Omit<ProxiedRequest, 'method'>> | Promise<Changed<Omit<ProxiedRequest, 'method'>>>
  /** Asked before an answer goes back, but for 1xx; what it gives is sent. What it throws is a 500. */
  onResponse?: (
    answer: ProxiedAnswer,
    request: Request,
  ) => Changed<ProxiedAnswer> | Promise<Changed<ProxiedAnswer>>
  /**
   * Told why a request could not be passed on, or its answer is cut: the client gets 500, 502, 503, 504 or 508, and
   * never the text. Not told are clients that leave.
   */
  onError?: (error: unknown, request: Request) => void
}

/** What a proxy counted since it was made; a copy. */
export interface ProxyStats extends ClientStats {
  /** Connections that went on with another protocol, and are open. */
  readonly tunnels: number
}

const known: Record<keyof ProxyOptions, true> = {
  allow: true,
  connect: true,
  endGrace: true,
  forwarded: true,
  idleTimeout: true,
  limits: true,
  maxBodySize: true,
  maxConnections: true,
  maxQueued: true,
  onError: true,
  onRequest: true,
  onResponse: true,
  prefix: true,
  preserveHost: true,
  queueTimeout: true,
  retry: true,
  timeouts: true,
  tls: true,
  unix: true,
  upgrade: true,
  via: true,
}

/** Refuses, by name, what a proxy could not be made with. What is a client's is looked at by that. */
export function checkProxy(options: ProxyOptions): void {
  checkOptions('proxy', options)
  for (const name in options) {
    if (Object.hasOwn(known, name) || !Object.hasOwn(options, name)) continue
    throw new TypeError(`Invalid option ${name}: there is no such option`)
  }
  for (const name of ['allow', 'onRequest', 'onResponse', 'onError'] as const) {
    checkFunction(name, options[name])
  }
  checkBoolean('preserveHost', options.preserveHost)
  checkTime('queueTimeout', options.queueTimeout)
  const { endGrace, forwarded, prefix, upgrade } = options
  if (endGrace !== 0) checkTime('endGrace', endGrace)
  if (forwarded !== undefined && !kinds.has(forwarded)) {
    throw new TypeError('Invalid option forwarded: must be Forwarded, X-Forwarded, both or false')
  }
  if (prefix !== undefined && (typeof prefix !== 'string' || !/^\/[^?#\\]*$/.test(prefix))) {
    throw new TypeError('Invalid option prefix: must be a path')
  }
  if (upgrade === undefined || typeof upgrade === 'boolean') return
  const names: readonly unknown[] = Array.isArray(upgrade) ? upgrade : [undefined]
  if (names.every((name) => typeof name === 'string')) return
  throw new TypeError('Invalid option upgrade: must be a boolean or a list of protocols')
}

const kinds = new Set<unknown>(['Forwarded', 'X-Forwarded', 'both', false])
