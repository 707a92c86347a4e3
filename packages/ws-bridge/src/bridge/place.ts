import type { Listener } from '@fairlead/core'
import { graceOf, Lifecycle } from '@fairlead/core/transport'
import * as http from '@fairlead/http'
import type { HttpListener } from '@fairlead/http'
import * as tcp from '@fairlead/tcp'
import * as udp from '@fairlead/udp'

import { offersWebSocket, onlyWebSocket, refuse } from '../handshake.ts'
import { largestDatagram, type PlainConnection, sendQueue } from './dial.ts'
import type { DatagramTarget, PlainTarget, Source, WebSocketTarget } from './endpoints.ts'
import type { BridgeListenOptions, BridgeOptions } from './options.ts'
import { refusalForms } from './refusals.ts'

/** Where a bridge listens. */
export type Place = Pick<
  Listener<unknown>,
  'address' | 'accepting' | 'closed' | 'suspend' | 'resume' | 'close' | 'destroy'
> &
  Partial<Pick<HttpListener, 'setTls'>>

type Scheme = Source['scheme']

const stream = [
  'allow',
  'deny',
  'acceptRate',
  'maxConnections',
  'maxConnectionsPerAddress',
  'maxHandshakes',
] as const
const web = ['origins', 'hosts', 'authorize', 'authorizeTimeout', 'protocols'] as const
const own = ['maxConnections', 'maxConnectionsPerAddress', 'maxHandshakes'] as const

/** The options that each scheme takes. */
const known: Readonly<Record<Scheme, readonly (keyof BridgeListenOptions)[]>> = {
  ws: [...stream, ...web],
  wss: [...stream, ...web, 'tls'],
  server: [...own, ...web],
  tcp: stream,
  tls: [...stream, 'tls'],
  unix: ['acceptRate', 'mode', 'maxConnections', 'maxHandshakes'],
  udp: [...own, 'validation', 'maxAmplification', 'maxUnvalidatedDatagrams', 'maxMessageSize'],
}

const all = new Set(Object.values(known).flat())

/** Refuses an option that is none, or is of no effect where the bridge listens. @throws TypeError. */
export function checkListenNames(options: BridgeListenOptions, { scheme }: Source): void {
  for (const name of Object.keys(options) as (keyof BridgeListenOptions)[]) {
    if (options[name] === undefined) continue
    if (!all.has(name)) throw new TypeError(`Invalid option listen.${name}: there is no such option`)
    if (known[scheme].includes(name)) continue
    const where = scheme === 'server' ? 'a listener that is there already' : scheme
    throw new TypeError(`Invalid option listen.${name}: means nothing to ${where}`)
  }
  if ((scheme === 'wss' || scheme === 'tls') && options.tls === undefined) {
    throw new TypeError(`Invalid option listen.tls: ${scheme} has to show a certificate`)
  }
}

/** Listens for HTTP; what is no WebSocket, or for another path, is answered here. @throws as `listen` of http. */
export function listenForWeb(
  source: WebSocketTarget,
  options: BridgeListenOptions,
  stray: (exchange: http.Exchange) => void,
): Promise<HttpListener> {
  const { host, port } = source
  const { allow, deny, acceptRate, tls } = options
  return http.listen(
    {
      host,
      port,
      maxConnections: roomFor(options),
      ...(allow && { allow }),
      ...(deny && { deny }),
      ...(acceptRate && { acceptRate }),
      ...(tls && { tls }),
    },
    (exchange) => {
      const handshake = offersWebSocket(exchange)
      if (handshake) stray(exchange)
      refuse(exchange, handshake ? refusalForms.path.answer : onlyWebSocket)
    },
  )
}

/** Some more than may stay: whoever is too many is to be counted, and to get an answer. */
function roomFor({ maxConnections = 10_000, maxHandshakes = 1_000 }: BridgeListenOptions): number {
  return Math.min(maxConnections + maxHandshakes, 2_147_483_647)
}

/** Listens for connections of bytes, or sessions of datagrams. @throws as `listen` of tcp or udp. */
export function listenForPlain(
  source: PlainTarget,
  { listen: options = {}, idleTimeout }: BridgeOptions,
  take: (connection: PlainConnection) => void,
): Promise<Place> {
  if (source.scheme === 'udp') return listenForDatagrams(source, options, idleTimeout, take)
  const { maxHandshakes: _, ...given } = options
  const where = source.scheme === 'unix' ? { path: source.path } : { host: source.host, port: source.port }
  return tcp.listen({ ...given, ...where, maxConnections: roomFor(options) }, take)
}

function listenForDatagrams(
  { host, port }: DatagramTarget,
  options: BridgeListenOptions,
  idleTimeout: number | undefined,
  take: (connection: PlainConnection) => void,
): Promise<Place> {
  const { maxConnections, maxConnectionsPerAddress, validation, maxUnvalidatedDatagrams } = options
  // What comes to loopback is from here: nobody else's address was written on it.
  const local = host === 'localhost' || host === '::1' || host.startsWith('127.')
  const { maxMessageSize = largestDatagram, maxAmplification = local ? Infinity : undefined } = options
  return udp.listen(
    {
      host,
      port,
      maxMessageSize,
      sendQueue,
      ...(maxAmplification !== undefined && { maxAmplification }),
      ...(maxUnvalidatedDatagrams !== undefined && { maxUnvalidatedDatagrams }),
      ...(validation && { validation }),
      ...(maxConnections !== undefined && { maxSessions: maxConnections }),
      ...(maxConnectionsPerAddress !== undefined && { maxSessionsPerAddress: maxConnectionsPerAddress }),
      ...(idleTimeout !== undefined && { idleTimeout }),
    },
    take,
  )
}

/** An HTTP listener that is somebody else's: only its upgrades are taken. */
export class SharedPlace implements Place {
  readonly #server: HttpListener
  readonly #take: (exchange: http.Exchange) => boolean
  readonly #life = new Lifecycle()
  #off: (() => void) | undefined

  constructor(server: HttpListener, take: (exchange: http.Exchange) => boolean) {
    this.#server = server
    this.#take = take
    this.#off = server.onUpgrade(take)
    void server.closed.then(() => this.close({ grace: 0 }))
  }

  get address() {
    return this.#server.address
  }

  get accepting(): boolean {
    return this.#off !== undefined && this.#server.accepting
  }

  get closed() {
    return this.#life.closed
  }

  suspend(): Promise<void> {
    this.#off?.()
    this.#off = undefined
    return Promise.resolve()
  }

  resume(): Promise<void> {
    if (this.#life.state === 'open') this.#off ??= this.#server.onUpgrade(this.#take)
    return Promise.resolve()
  }

  async close(options?: { grace?: number }): Promise<void> {
    graceOf(options)
    await this.suspend()
    this.#life.finish({ kind: 'local' })
  }

  destroy(): void {
    void this.close({ grace: 0 })
  }
}
