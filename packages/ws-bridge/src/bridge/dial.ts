import {
  type Address,
  type ByteConnection,
  ConnectError,
  formatEndpoint,
  type MessageConnection,
} from '@fairlead/core'
import { checkFunction, checkOptions, checkPositive } from '@fairlead/core/transport'
import * as tcp from '@fairlead/tcp'
import * as udp from '@fairlead/udp'

import { clientSettings, type WebSocketConnectOptions } from '../client/options.ts'
import { connect } from '../connect.ts'
import type { WebSocketConnection } from '../websocket.ts'
import type { DatagramTarget, PlainTarget, Target, WebSocketTarget } from './endpoints.ts'
import type { BridgeConnectOptions, BridgeOptions } from './options.ts'

/** What a bridge leads to or from that is no WebSocket. */
export type PlainConnection = ByteConnection | MessageConnection<Uint8Array>

/** Bytes of the largest datagram that IPv4 carries. What is bridged has the size that its peers chose. */
export const largestDatagram = 65_507

/** What `write` may find waiting before a datagram is counted as dropped, and not queued. */
export const sendQueue = { policy: 'block' } as const

/** Names, in the order of their scheme, of the options that each target takes. */
const known: Readonly<Record<Target['scheme'], readonly (keyof BridgeConnectOptions)[]>> = (() => {
  const stream = ['connectTimeout'] as const
  const network = [...stream, 'lookup'] as const
  const tcpOnly = [...network, 'dnsTimeout', 'family', 'localAddress', 'keepAlive'] as const
  const webOnly = [...stream, 'headers', 'protocols', 'proxy', 'handshakeTimeout'] as const
  return {
    unix: stream,
    udp: [...network, 'maxMessageSize'],
    tcp: tcpOnly,
    tls: [...tcpOnly, 'tls', 'tlsTimeout'],
    ws: webOnly,
    wss: [...webOnly, 'tls'],
  }
})()

const all = new Set(Object.values(known).flat())

/** Where a token may lead. */
const ledTo = ['tcp', 'tls', 'unix', 'udp'] as const

/** Refuses an option that is none, or is of no effect for a target that is fixed. @throws TypeError. */
function checkConnectNames(options: BridgeConnectOptions, target: Target | undefined): void {
  for (const name of Object.keys(options) as (keyof BridgeConnectOptions)[]) {
    if (options[name] === undefined) continue
    if (!all.has(name)) throw new TypeError(`Invalid option connect.${name}: there is no such option`)
    const schemes = target ? [target.scheme] : ledTo
    if (schemes.some((scheme) => known[scheme].includes(name))) continue
    throw new TypeError(`Invalid option connect.${name}: means nothing to ${schemes.join(', ')}`)
  }
}

const times = ['connectTimeout', 'dnsTimeout', 'tlsTimeout', 'maxMessageSize'] as const

/** Refuses what could only be found out with the first peer. @throws TypeError or RangeError that names the option. */
export function checkConnect(options: BridgeOptions, target: Target | undefined): void {
  const { connect: given = {} } = options
  checkOptions('connect', given)
  checkConnectNames(given, target)
  for (const name of times) checkPositive(name, given[name])
  checkFunction('lookup', given.lookup)
  if (target?.scheme === 'ws' || target?.scheme === 'wss') {
    clientSettings(formatEndpoint(target), optionsFor(target, options))
  }
}

/**
 * Connects to a target that is no WebSocket. With `allow`, to nobody whom that forbids: it is asked about the very
 * address that is connected to, before anything is sent there.
 *
 * @throws as `connect` of tcp and udp.
 */
export async function dial(
  target: PlainTarget,
  options: BridgeConnectOptions,
  allow: ((address: Address) => boolean) | undefined,
  signal: AbortSignal,
): Promise<PlainConnection> {
  if (target.scheme === 'udp') return dialDatagrams(target, options, allow, signal)
  const given = { ...pick(options, target), ...(allow && { allow }), signal }
  if (target.scheme === 'unix') return tcp.connect({ ...given, path: target.path })
  const { scheme, host, port } = target
  return tcp.connect({ ...given, ...(scheme === 'tls' && { tls: options.tls ?? true }), host, port })
}

/** Connects to a WebSocket. @throws as `connect` of this package. */
export function dialWebSocket(
  target: WebSocketTarget,
  options: BridgeOptions,
  signal: AbortSignal,
): Promise<WebSocketConnection> {
  return connect(formatEndpoint(target), { ...optionsFor(target, options), signal })
}

function optionsFor(target: WebSocketTarget, options: BridgeOptions): WebSocketConnectOptions<'both'> {
  const { protocols = ['binary'], ...given } = pick(options.connect ?? {}, target)
  return { ...socketOptions(options), ...given, protocols }
}

/** What a WebSocket of a bridge is told, whoever opened it. */
export function socketOptions({ maxPayload, heartbeat, compression }: BridgeOptions) {
  return {
    messages: 'both',
    ...(maxPayload !== undefined && { maxPayload }),
    ...(heartbeat !== undefined && { heartbeat }),
    ...(compression !== undefined && { compression }),
  } as const
}

/** Connecting sends nothing, so that the address is looked at when the socket has it. */
async function dialDatagrams(
  { host, port }: DatagramTarget,
  given: BridgeConnectOptions,
  allow: ((address: Address) => boolean) | undefined,
  signal: AbortSignal,
): Promise<PlainConnection> {
  const { lookup, connectTimeout, maxMessageSize = largestDatagram } = given
  const options = { ...(lookup && { lookup }), ...(connectTimeout !== undefined && { connectTimeout }) }
  const connection = await udp.connect({ ...options, host, port, maxMessageSize, sendQueue, signal })
  let allowed = false
  try {
    allowed = allow?.(connection.remoteAddress) ?? true
  } finally {
    if (!allowed) connection.destroy()
  }
  if (allowed) return connection
  throw new ConnectError('Cannot connect: the address is not allowed', {
    code: 'ERR_FAIRLEAD_NOT_ALLOWED',
    retryable: false,
    peer: connection.remoteAddress,
  })
}

type Given = { [Name in keyof BridgeConnectOptions]?: NonNullable<BridgeConnectOptions[Name]> }

/** The options that mean something to a target. */
function pick(options: BridgeConnectOptions, { scheme }: Target): Given {
  const given = known[scheme].filter((name) => options[name] !== undefined)
  return Object.fromEntries(given.map((name) => [name, options[name]])) as Given
}
