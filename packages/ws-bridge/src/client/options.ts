import { checkOptions, checkSignal, checkTime } from '@fairlead/core/transport'
import type { ConnectOptions, FieldsInit } from '@fairlead/http'

import type { MessageKind } from '../messages.ts'
import { type ConnectionOptions, connectionSettings } from '../options.ts'
import { handshakeFields } from './fields.ts'
import type { ClientOpening } from './shake-hands.ts'
import { type ClientTarget, clientTarget } from './target.ts'

/** How to connect to a WebSocket server. All times are milliseconds; `Infinity` lifts one. */
export interface WebSocketConnectOptions<K extends MessageKind = MessageKind>
  extends ConnectionOptions<K>, Pick<ConnectOptions, 'tls' | 'unix' | 'connect'> {
  /** Subprotocols to offer, the preferred one first. A server that takes none of them has not answered. */
  protocols?: readonly string[]
  /** Header fields to send beside those of the handshake, such as `Origin`, `Cookie` or `Authorization`. */
  headers?: FieldsInit
  /**
   * The URL of a proxy, `http://user:password@host:port`; a function that knows one for each URL; or `'environment'`:
   * those of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, as they are now. It is asked for a tunnel. The function is given
   * the URL of the handshake, which is one of HTTP: `http:` for `ws:`, `https:` for `wss:`. Default: none.
   */
  proxy?: ConnectOptions['proxy']
  /** Ends the attempt: `connect` rejects with `signal.reason`. Of no effect afterwards. */
  signal?: AbortSignal
  /** From the call to a connection that is ready for the handshake: name, proxy and TLS included. Default 10,000. */
  connectTimeout?: number
  /** From there to the end of the handshake, however its bytes come. Default 10,000. */
  handshakeTimeout?: number
}

/** The options as a client works with them; good for any number of attempts. */
export interface ClientSettings {
  readonly target: ClientTarget
  readonly opening: ClientOpening
  /** For the connection underneath. */
  readonly connecting: Omit<ConnectOptions, 'signal'>
}

/** Every one is named, so that one that is misspelt is told. */
const names: Record<keyof WebSocketConnectOptions, true> = {
  messages: true,
  maxPayload: true,
  maxFragments: true,
  maxBufferedChunks: true,
  maxBuffered: true,
  messageRate: true,
  pingRate: true,
  heartbeat: true,
  compression: true,
  tls: true,
  unix: true,
  connect: true,
  protocols: true,
  headers: true,
  proxy: true,
  signal: true,
  connectTimeout: true,
  handshakeTimeout: true,
}

/**
 * The options with their defaults.
 *
 * @param others names of options that somebody else looks at.
 * @throws TypeError or RangeError that names the option, TypeError for what is no URL of WebSocket.
 */
export function clientSettings(
  url: string | URL,
  options: WebSocketConnectOptions,
  others: object = {},
): ClientSettings {
  checkOptions('connect', options)
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name) || Object.hasOwn(others, name)) continue
    throw new TypeError(`Invalid option ${name}: there is no such option`)
  }
  const { proxy, tls, unix, connect, signal, protocols = [], headers = {} } = options
  const { connectTimeout = 10_000, handshakeTimeout = 10_000 } = options
  checkSignal(signal)
  checkTime('connectTimeout', connectTimeout)
  checkTime('handshakeTimeout', handshakeTimeout)
  checkOffered(protocols)
  const target = clientTarget(url)
  if (target.unix !== undefined && unix !== undefined) {
    throw new TypeError('Invalid option unix: the URL names a socket already')
  }
  const path = target.unix ?? unix
  const { name, authority, authorization } = target
  const fields = handshakeFields(headers)
  return {
    target,
    opening: {
      name,
      path: target.path,
      protocols,
      fields: { host: authority, ...(authorization !== undefined && { authorization }), ...fields },
      settings: connectionSettings(options),
      handshakeTimeout,
    },
    connecting: {
      ...(proxy !== undefined && { proxy }),
      ...(tls !== undefined && { tls }),
      ...(path !== undefined && { unix: path }),
      ...(connect !== undefined && { connect }),
      timeouts: { dns: connectTimeout, connect: connectTimeout, tls: connectTimeout },
    },
  }
}

const token = /^[!#$%&'*+\-.^_`|~\w]+$/

/** RFC 6455 section 4.1: tokens, each of them once. */
function checkOffered(protocols: unknown): void {
  const named = (it: unknown): boolean => typeof it === 'string' && token.test(it)
  const listed: readonly unknown[] = Array.isArray(protocols) ? protocols : [undefined]
  if (listed.every(named) && new Set(listed).size === listed.length) return
  throw new TypeError('Invalid option protocols: must be a list of tokens, each of them once')
}
