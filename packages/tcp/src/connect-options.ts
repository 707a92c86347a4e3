import { isIP } from 'node:net'

import { type Address, ipAddress } from '@fairlead/core'
import { checkFunction, checkOptions, checkPositive, checkSignal } from '@fairlead/core/transport'

import { checkConnection, type ConnectionOptions } from './connection-options.ts'
import { checkEndpoint, type StreamEndpoint } from './endpoint.ts'
import type { Lookup } from './resolve.ts'
import type { Prelude } from './stream.ts'
import { TlsConnector } from './tls/connector.ts'
import type { TlsClientOptions } from './tls/options.ts'

/** Whom to connect to, and how. */
export interface ConnectOptions extends StreamEndpoint, ConnectionOptions {
  /** 1 to 65535. */
  port?: number
  /** IPv4 or IPv6 only. Default: both, or the one of `localAddress`. */
  family?: 4 | 6
  /** The literal address of this machine to connect from. Default: the system chooses. */
  localAddress?: string
  /** Resolves `host` instead of the system. A host that is a literal address never gets here. */
  lookup?: Lookup
  /**
   * Whom to connect to: asked about each address before a packet is sent to it, resolved or literal, in canonical form
   * (`::ffff:127.0.0.1` is `127.0.0.1`), or about the Unix socket. What it is asked about is what is connected to: no
   * name is resolved a second time. Anything but `true` forbids the address, and so does throwing; the next one of the
   * name is tried then. With one address that is forbidden, the cause of the ConnectError has the code
   * `ERR_FAIRLEAD_NOT_ALLOWED`; with more, each of the errors in it. Default: everybody.
   */
  allow?: (address: Address) => boolean
  /**
   * Milliseconds that an attempt has to itself before the next address is tried beside it, 10 at least and
   * better 100 (RFC 8305 section 5). Default 250.
   */
  attemptDelay?: number
  /** Ends the attempt: `connect` rejects with `signal.reason`. Of no effect afterwards. */
  signal?: AbortSignal
  /** Milliseconds from the call to the connection, the resolver and TLS included. Default 10,000. */
  connectTimeout?: number
  /** Milliseconds that the resolver may take until the first address is there. Default: only `connectTimeout`. */
  dnsTimeout?: number
  /** What each attempt goes through before it can win, below TLS: the PROXY protocol. */
  prelude?: Prelude
  /**
   * Milliseconds that the prelude of one attempt may take; then that attempt has failed, and others go on. Default:
   * only `connectTimeout`.
   */
  preludeTimeout?: number
  /** Milliseconds that the TLS handshake of one attempt may take; as `preludeTimeout`. Default: only `connectTimeout`. */
  tlsTimeout?: number
  /** TLS, with what is usual or with options. Default: none. */
  tls?: true | TlsClientOptions
}

export const defaultAttemptDelay = 250
export const defaultConnectTimeout = 10_000

/** RFC 8305 section 5: no attempt starts within 10 milliseconds of the one before. */
const leastAttemptDelay = 10

const times = ['connectTimeout', 'dnsTimeout', 'preludeTimeout', 'tlsTimeout', 'attemptDelay'] as const

/** Refuses, by name, what could not be connected with. */
export function checkConnect(options: ConnectOptions): void {
  checkOptions('connect', options)
  checkEndpoint(options, 1)
  checkSignal(options.signal)
  checkConnection(options)
  for (const name of times) checkPositive(name, options[name])
  const { attemptDelay } = options
  if (attemptDelay !== undefined && attemptDelay < leastAttemptDelay) {
    throw new RangeError(
      `Invalid option attemptDelay: ${attemptDelay} is less than the ${leastAttemptDelay} of RFC 8305`,
    )
  }
  for (const name of ['lookup', 'allow', 'prelude'] as const) checkFunction(name, options[name])
  checkFamilies(options)
  if (options.tls !== undefined) connectorOf(options, options.tls)
}

/** The client's side of TLS towards where `options` lead. */
export function connectorOf(options: ConnectOptions, tls: true | TlsClientOptions): TlsConnector {
  const { host = '127.0.0.1', port, path } = options
  return new TlsConnector(tls, path === undefined ? { host, port } : {})
}

/** The one family that can be connected to, or undefined for both. */
export function familyOf({ family, localAddress }: ConnectOptions): 4 | 6 | undefined {
  return family ?? (localAddress === undefined ? undefined : ipAddress(localAddress, 0).family)
}

/** Addresses of different families cannot meet. */
function checkFamilies(options: ConnectOptions): void {
  const { path, host, family, localAddress } = options
  if (family === undefined && localAddress === undefined) return
  if (family !== undefined && family !== 4 && family !== 6) {
    throw new TypeError(`Invalid option family: ${String(family)} is neither 4 nor 6`)
  }
  if (localAddress !== undefined && (typeof localAddress !== 'string' || isIP(localAddress) === 0)) {
    throw new TypeError(`Invalid option localAddress: ${localAddress} is not an IP address`)
  }
  if (path !== undefined) {
    const name = family === undefined ? 'localAddress' : 'family'
    throw new TypeError(`Invalid option ${name}: cannot stand beside path`)
  }
  const fitting = familyOf(options)
  for (const [name, address] of Object.entries({ localAddress, host })) {
    if (address === undefined || isIP(address) === 0 || ipAddress(address, 0).family === fitting) continue
    throw new TypeError(`Invalid option ${name}: ${address} is not an IPv${fitting} address`)
  }
}
