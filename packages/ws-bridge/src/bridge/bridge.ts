import {
  type Address,
  type CloseOptions,
  type CloseReason,
  type Resource,
  type ResourceState,
  SocketError,
} from '@fairlead/core'
import {
  checkFunction,
  checkOptions,
  checkPositive,
  checkTime,
  graceOf,
  Lifecycle,
} from '@fairlead/core/transport'
import type { TlsServerOptions } from '@fairlead/tcp'

import { guardOf } from '../guard/guard.ts'
import { targetPolicy } from '../guard/targets.ts'
import { connectionSettings } from '../options.ts'
import { type Crossing, type CrossingOwner, type EndCause, type Ends, Joint } from './crossing.ts'
import { bridgeChannels } from './diagnostics.ts'
import { checkConnect, dial, dialWebSocket, largestDatagram, socketOptions } from './dial.ts'
import {
  checkSides,
  fixedTargetOf,
  isWebSocket,
  type PlainTarget,
  sourceOf,
  type WebSocketTarget,
} from './endpoints.ts'
import type { Halls } from './halls.ts'
import type { BridgeOptions, TokenTargets } from './options.ts'
import { checkListenNames, listenForPlain, listenForWeb, type Place, SharedPlace } from './place.ts'
import { PlainEntrance } from './plain-entrance.ts'
import { BridgeRefusal, type RefusalCause } from './refusals.ts'
import { type BridgeStats, Counters } from './stats.ts'
import { checkTokens, tokenIn, Tokens } from './tokens.ts'
import { type Way, WebEntrance } from './web-entrance.ts'

/** Milliseconds. What the system holds for a slow reader takes a while. */
const defaultLinger = 30_000
const defaultMaxPayload = 1024 * 1024

/** Carries what peers send to their targets, and back. */
export interface Bridge extends Resource {
  /** Where it listens, with the port that the system chose. */
  readonly address: Address
  /** False while suspended, and once closing. */
  readonly accepting: boolean
  /** Those that are there now: live, not a copy. */
  readonly crossings: ReadonlySet<Crossing>
  /** Takes nobody in; crossings live on. */
  suspend(): Promise<void>
  /** Takes peers in again on the same address. @throws ListenError when it cannot be had again. */
  resume(): Promise<void>
  /**
   * Puts other certificates and rules for TLS in the place of those there are; crossings keep theirs. When they are no
   * good, or the bridge listens without TLS or on a listener of somebody else, this rejects with a TypeError, and nothing
   * changes.
   */
  setTls(options: TlsServerOptions): Promise<void>
  stats(): BridgeStats
}

/**
 * Makes a bridge between WebSocket on one side and TCP, TLS, a Unix socket or UDP on the other: each peer that comes in
 * gets a connection of its own to its target. A WebSocket handshake is answered when the target is there.
 *
 * - Bytes: each chunk of them is one binary message, and each message, text included, some more bytes; boundaries mean
 *   nothing. A side that does not read stops the other's input. Ends and errors are carried over; see docs.
 * - Datagrams: each is one binary message, and the other way round. What the WebSocket's peer is too slow for is dropped
 *   and counted.
 *
 * A target that stands in `to` is connected to as it is; one that a token chose only at a public address, unless `allow`
 * opens more. On a loopback address only this machine's own pages are let in, unless `listen.origins` says otherwise.
 *
 * @returns a bridge that takes peers in already; whoever made it closes it.
 * @throws TypeError or RangeError that names the option, ListenError when the address cannot be had, SocketError when
 *   the tokens cannot be read.
 * @example
 * ```ts
 * const vnc = await bridge({ from: 'ws://127.0.0.1:6080', to: 'tcp://127.0.0.1:5900' })
 * ```
 */
export async function bridge(options: BridgeOptions): Promise<Bridge> {
  check(options)
  const source = sourceOf(options.from)
  const target = typeof options.to === 'string' ? fixedTargetOf(options.to) : undefined
  checkSides(source, target)
  checkListenNames(options.listen ?? {}, source)
  checkConnect(options, target)
  if (target === undefined) checkTokens(options.to as TokenTargets)
  const { listen = {} } = options
  const made = new Carrier(options)
  if (!isWebSocket(source)) {
    const far = target as WebSocketTarget
    const entrance = new PlainEntrance(made, (signal) => dialWebSocket(far, options, signal), listen)
    return made.at(await listenForPlain(source, options, (near) => entrance.take(near)))
  }
  const way = await wayTo(target as PlainTarget | undefined, source.path, options)
  // Before it listens: a mistake in the options is found without an address.
  let guard = guardOf(listen, { kind: 'memory', name: '' })
  const entrance = new WebEntrance(made, way, () => guard, options)
  if (source.scheme === 'server') {
    guard = guardOf(listen, source.server.address)
    return made.at(new SharedPlace(source.server, (exchange) => entrance.take(exchange)))
  }
  const server = await listenForWeb(source, listen, ({ client }) => made.refused(client.address, 'path'))
  guard = guardOf(listen, server.address)
  server.onUpgrade((exchange) => entrance.take(exchange))
  return made.at(server)
}

const names: ReadonlySet<string> = new Set<keyof BridgeOptions>([
  'from',
  'to',
  'listen',
  'connect',
  'unreachable',
  'halfClose',
  'idleTimeout',
  'totalTimeout',
  'lingerTimeout',
  'maxPayload',
  'heartbeat',
  'compression',
])

function check(options: BridgeOptions): void {
  checkOptions('bridge', options)
  for (const name of Object.keys(options)) {
    if (!names.has(name)) throw new TypeError(`Invalid option ${name}: there is no such option`)
  }
  const { listen = {}, idleTimeout, totalTimeout, lingerTimeout } = options
  checkOptions('listen', listen)
  checkChoice('unreachable', options.unreachable, ['auto', 'status', 'close'])
  checkChoice('halfClose', options.halfClose, ['close', 'wait'])
  for (const [name, time] of Object.entries({ idleTimeout, totalTimeout })) checkTime(name, time)
  checkPositive('lingerTimeout', lingerTimeout)
  checkFunction('listen.authorize', listen.authorize)
  connectionSettings(socketOptions(options))
}

function checkChoice(name: string, value: string | undefined, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value)) return
  throw new TypeError(`Invalid option ${name}: ${value} is none of ${choices.join(', ')}`)
}

/** Where WebSockets are led to: to one target, or to one by token. @throws as {@link bridge}. */
async function wayTo(fixed: PlainTarget | undefined, base: string, options: BridgeOptions): Promise<Way> {
  const { to, connect = {} } = options
  if (typeof to === 'string') {
    const target = fixed as PlainTarget
    return {
      tokenIn: (_, path) => (base === '/' || path === base ? '' : undefined),
      targetOf: () => target,
      dial: (_, signal) => dial(target, connect, undefined, signal),
    }
  }
  const { by = 'query' } = to
  const allow = forbidding(targetPolicy(to.allow, 'to.allow'))
  const tokens = new Tokens(to.tokens)
  await tokens.check()
  return {
    tokenIn: (request, path) => tokenIn(request, path, base, by),
    async targetOf(token, request) {
      const target = await tokens.targetOf(token, request)
      if (!target) throw new BridgeRefusal('token')
      return target
    },
    dial: (target, signal) => dial(target, connect, allow, signal),
  }
}

/** What it throws forbids the address, and is told as the cause. */
function forbidding(allow: (address: Address) => boolean): (address: Address) => boolean {
  return (address) => {
    try {
      return allow(address)
    } catch (cause) {
      throw new BridgeRefusal('policy', { cause })
    }
  }
}

/** The {@link Bridge}: keeps its crossings, and counts. */
class Carrier implements Bridge, Halls, CrossingOwner {
  readonly crossings = new Set<Joint>()
  readonly times
  readonly halfClose: 'close' | 'wait'
  readonly maxPayload: number
  readonly maxMessageSize: number
  readonly #counters = new Counters()
  readonly #life = new Lifecycle()
  readonly #approaches = new Set<AbortController>()
  #place!: Place
  #reason: CloseReason = { kind: 'local' }
  #empty: (() => void) | undefined

  constructor(options: BridgeOptions) {
    const { idleTimeout, totalTimeout, lingerTimeout, maxPayload, listen, connect, from } = options
    // Sessions of datagrams have a time of their own, which ends them.
    const sessions = typeof from === 'string' && from.startsWith('udp:')
    const idle = sessions ? Infinity : (idleTimeout ?? Infinity)
    this.times = { idle, total: totalTimeout ?? Infinity, linger: lingerTimeout ?? defaultLinger }
    this.halfClose = options.halfClose ?? 'close'
    this.maxPayload = maxPayload ?? defaultMaxPayload
    this.maxMessageSize = listen?.maxMessageSize ?? connect?.maxMessageSize ?? largestDatagram
  }

  /** Listens at `place` from now on. */
  at(place: Place): this {
    this.#place = place
    // Whoever owns it has closed it.
    void place.closed.then(() => {
      if (this.state === 'open') void this.close({ grace: 0 })
    })
    return this
  }

  get drops() {
    return this.#counters.drops
  }

  get state(): ResourceState {
    return this.#life.state
  }

  get closed(): Promise<CloseReason> {
    return this.#life.closed
  }

  get address(): Address {
    return this.#place.address
  }

  get accepting(): boolean {
    return this.state === 'open' && this.#place.accepting
  }

  suspend(): Promise<void> {
    return this.#place.suspend()
  }

  async resume(): Promise<void> {
    if (this.state === 'open') await this.#place.resume()
  }

  async setTls(options: TlsServerOptions): Promise<void> {
    if (!this.#place.setTls) throw new TypeError('Cannot set TLS: the bridge shows no certificate of its own')
    await this.#place.setTls(options)
  }

  stats(): BridgeStats {
    return this.#counters.snapshot(this.crossings)
  }

  close(options?: CloseOptions): Promise<void> {
    const grace = graceOf(options)
    if (this.state !== 'closed') {
      const first = this.#life.begin()
      for (const approach of this.#approaches) approach.abort(new BridgeRefusal('closing'))
      for (const crossing of this.crossings) crossing.shutdown(grace)
      void this.#place.close({ grace })
      if (first) void this.#finish()
    }
    return this.#life.settled(options?.signal)
  }

  destroy(error?: Error): void {
    if (this.state === 'closed') return
    if (error) this.#reason = { kind: 'error', error: SocketError.from(error, 'Bridge destroyed') }
    for (const crossing of this.crossings) crossing.destroy(error)
    this.#place.destroy(error)
    void this.close({ grace: 0 })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // What the entrances tell.

  approach(): AbortController {
    const approach = new AbortController()
    this.#counters.connecting++
    this.#approaches.add(approach)
    if (this.state !== 'open') approach.abort(new BridgeRefusal('closing'))
    return approach
  }

  arrived(approach: AbortController): void {
    this.#counters.connecting--
    this.#approaches.delete(approach)
  }

  refused(peer: Address, cause: RefusalCause, error?: unknown): void {
    this.#counters.refused[cause]++
    if (!bridgeChannels.refuse.hasSubscribers) return
    bridgeChannels.refuse.publish({ bridge: this, peer, cause, ...(error !== undefined && { error }) })
  }

  cross(ends: Ends): void {
    const crossing = new Joint(++this.#counters.total, ends, this)
    this.crossings.add(crossing)
    if (bridgeChannels.open.hasSubscribers) bridgeChannels.open.publish({ bridge: this, crossing })
    crossing.begin()
  }

  over(crossing: Joint, cause: EndCause): void {
    this.crossings.delete(crossing)
    this.#counters.add(crossing)
    this.#counters.ended[cause]++
    if (bridgeChannels.close.hasSubscribers) bridgeChannels.close.publish({ bridge: this, crossing, cause })
    if (this.crossings.size === 0) this.#empty?.()
  }

  /** Each side is cut when its grace is over, so that this has an end. */
  async #finish(): Promise<void> {
    await this.#place.closed
    if (this.crossings.size > 0) await new Promise<void>((resolve) => (this.#empty = resolve))
    this.#life.finish(this.#reason)
  }
}
