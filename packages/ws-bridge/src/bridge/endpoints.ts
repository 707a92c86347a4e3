import { type Endpoint, parseEndpoint } from '@fairlead/core'
import type { HttpListener } from '@fairlead/http'

import type { BridgeOptions, BridgeServer } from './options.ts'

/** A WebSocket by its URL. */
export interface WebSocketTarget {
  readonly scheme: 'ws' | 'wss'
  readonly host: string
  readonly port: number
  readonly path: string
}

export interface StreamTarget {
  readonly scheme: 'tcp' | 'tls'
  readonly host: string
  readonly port: number
}

export interface DatagramTarget {
  readonly scheme: 'udp'
  readonly host: string
  readonly port: number
}

/** What a bridge connects to that is no WebSocket. */
export type PlainTarget = StreamTarget | DatagramTarget | { readonly scheme: 'unix'; readonly path: string }

/** What a bridge connects to. */
export type Target = PlainTarget | WebSocketTarget

/** Where a bridge waits: on an address of its own, or on an HTTP listener that is there. */
export type Source =
  | Target
  | { readonly scheme: 'server'; readonly server: HttpListener; readonly path: string }

const schemes: ReadonlySet<string> = new Set(['ws', 'wss', 'tcp', 'tls', 'unix', 'udp'])

/** Reads `from`. @throws TypeError or RangeError that names the option. */
export function sourceOf(from: BridgeOptions['from']): Source {
  if (typeof from === 'object' && from !== null) return serverOf(from)
  const source = endpointOf('from', from)
  if ((source.scheme === 'ws' || source.scheme === 'wss') && source.path.includes('?')) {
    throw new TypeError('Invalid option from: a path to wait on has no query')
  }
  return source
}

/** Reads a `to` that is one for all. @throws TypeError or RangeError that names the option. */
export function fixedTargetOf(to: string): Target {
  const target = endpointOf('to', to)
  if ('port' in target && target.port === 0) throw new RangeError('Invalid option to: nobody has port 0')
  return target
}

/**
 * Reads the target of a token: an endpoint, or `host:port` and `unix_socket:/path` as `websockify` has them.
 *
 * @throws TypeError or RangeError that says what is wrong.
 */
export function tokenTargetOf(text: string): PlainTarget {
  const path = /^unix_socket:(.+)$/s.exec(text)?.[1]
  if (path !== undefined) return { scheme: 'unix', path }
  const target = parseEndpoint(/^(?:unix:|[a-z]+:\/\/)/i.test(text) ? text : `tcp://${bracketed(text)}`)
  if (!schemes.has(target.scheme) || isWebSocket(target as Target)) {
    throw new TypeError(`Invalid target: ${target.scheme} cannot be led to from a WebSocket`)
  }
  if ('port' in target && target.port === 0) throw new RangeError('Invalid target: nobody has port 0')
  return target as PlainTarget
}

/** Whether it is a WebSocket that waits, or is led to, there. */
export function isWebSocket<E extends Source>(endpoint: E): endpoint is Exclude<E, PlainTarget> {
  return endpoint.scheme === 'ws' || endpoint.scheme === 'wss' || endpoint.scheme === 'server'
}

/** One side is WebSocket, the other is not. @throws TypeError. */
export function checkSides(source: Source, target: Target | undefined): void {
  const plain = target === undefined || !isWebSocket(target)
  if (isWebSocket(source) === plain) return
  if (target === undefined) throw new TypeError('Invalid option to: only a WebSocket has a token to tell')
  throw new TypeError(
    plain
      ? `Invalid option to: ${source.scheme} to ${target.scheme} is no bridge, one side has to be a WebSocket`
      : 'Invalid option to: only one side of a bridge can be a WebSocket',
  )
}

function serverOf({ server, path = '/' }: BridgeServer): Source {
  if (typeof (server as Partial<HttpListener> | undefined)?.onUpgrade !== 'function') {
    throw new TypeError('Invalid option from: server is no HTTP listener')
  }
  if (typeof path !== 'string' || !/^\/[^?#]*$/.test(path)) {
    throw new TypeError('Invalid option from: path is no path that begins with a slash')
  }
  return { scheme: 'server', server, path }
}

function endpointOf(option: 'from' | 'to', text: string): Target {
  let endpoint: Endpoint
  try {
    endpoint = parseEndpoint(text)
  } catch (error) {
    const message = `Invalid option ${option}: ${(error as Error).message.replace(/^Invalid endpoint: /, '')}`
    throw error instanceof RangeError ? new RangeError(message) : new TypeError(message)
  }
  if (schemes.has(endpoint.scheme)) return endpoint as Target
  throw new TypeError(`Invalid option ${option}: ${endpoint.scheme} cannot be bridged`)
}

/** `::1:5900`, which `websockify` reads as the host up to the last colon, as it stands in an endpoint. */
function bracketed(text: string): string {
  const [, host = '', port = ''] = /^([^[\]]*:[^[\]]*):(\d+)$/.exec(text) ?? []
  return host === '' ? text : `[${host}]:${port}`
}
