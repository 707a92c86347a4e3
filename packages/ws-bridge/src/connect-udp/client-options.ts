import { checkOptions, checkPositive, checkSignal } from '@fairlead/core/transport'
import type { ClientOptions, FieldsInit, RequestTimeouts, UpgradeOptions } from '@fairlead/http'

import { maxPayload } from './datagram.ts'
import { checkNames } from './options.ts'
import { type Target, targetOf } from './target.ts'
import { defaultPath, TargetTemplate } from './template.ts'

/** Whom to reach through a UDP proxy, and how to ask it. All times are milliseconds. */
export interface ConnectUdpOptions extends Pick<ClientOptions, 'connect' | 'proxy' | 'tls'> {
  /** Whom the datagrams are for: a literal address, without a zone, or a name that the UDP proxy resolves. */
  host: string
  /** 1 to 65535. */
  port: number
  /** Header fields to send beside those of the upgrade, such as `Authorization`. */
  headers?: FieldsInit
  timeouts?: RequestTimeouts
  /** Ends the attempt: `connectUdp` rejects with `signal.reason`. Of no effect afterwards. */
  signal?: AbortSignal
  /** Bytes of the largest message that may be sent. Default 1,200, as for UDP itself (RFC 8085 section 3.2). */
  maxMessageSize?: number
  /** Bytes that may wait for a proxy that does not read; messages beyond are dropped. Default 1 MiB. */
  maxBuffered?: number
}

/** The options as the client works with them. */
export interface ConnectUdpSettings {
  readonly target: Target
  /** Where to ask, expanded. */
  readonly url: string
  readonly request: Omit<UpgradeOptions, 'protocol'>
  /** Of a client of its own; none has to be made when there is nothing in it. */
  readonly client: Pick<ClientOptions, 'connect' | 'proxy' | 'tls'>
  readonly maxMessageSize: number
  readonly maxBuffered: number
}

const known: Record<keyof ConnectUdpOptions, true> = {
  host: true,
  port: true,
  headers: true,
  timeouts: true,
  signal: true,
  maxMessageSize: true,
  maxBuffered: true,
  connect: true,
  proxy: true,
  tls: true,
}

/** @throws TypeError or RangeError that names the option. */
export function connectSettings(template: string | URL, options: ConnectUdpOptions): ConnectUdpSettings {
  checkOptions('connectUdp', options)
  checkNames(options, known)
  const {
    headers,
    timeouts,
    signal,
    connect,
    proxy,
    tls,
    maxMessageSize = 1_200,
    maxBuffered = 1024 * 1024,
  } = options
  checkSignal(signal)
  checkPositive('maxMessageSize', maxMessageSize)
  checkPositive('maxBuffered', maxBuffered)
  if (maxMessageSize > maxPayload) {
    throw new RangeError(`Invalid option maxMessageSize: a datagram holds at most ${maxPayload} bytes`)
  }
  const target = asked(options)
  return {
    target,
    url: expand(template, target),
    request: { headers: fieldsOf(headers), ...(timeouts && { timeouts }), ...(signal && { signal }) },
    client: { ...(connect && { connect }), ...(proxy !== undefined && { proxy }), ...(tls && { tls }) },
    maxMessageSize,
    maxBuffered,
  }
}

/** With the field by which those in between know what follows (RFC 9297 section 3.4). */
function fieldsOf(headers: FieldsInit = {}): [string, string][] {
  const pairs = Symbol.iterator in headers ? [...headers] : Object.entries(headers).flatMap(linesOf)
  return [...pairs.map(([name, value]): [string, string] => [name, value]), ['Capsule-Protocol', '?1']]
}

/** A list is a line for each of its values. */
function linesOf([name, value]: [string, string | number | readonly string[]]): [string, string][] {
  const values = typeof value === 'number' ? [String(value)] : [value].flat()
  return values.map((one) => [name, one])
}

function asked({ host, port }: ConnectUdpOptions): Target {
  if (typeof host !== 'string' || !targetOf(host, '1')) {
    throw new TypeError(`Invalid option host: ${JSON.stringify(host)} is neither an address nor a name`)
  }
  const target = typeof port === 'number' ? targetOf(host, String(port)) : undefined
  if (target) return target
  throw new RangeError(`Invalid option port: ${String(port)} is not an integer from 1 to 65535`)
}

/** The URL of a tunnel; a proxy of which no more is known than where it is has the default path. */
function expand(template: string | URL, target: Target): string {
  // A URL has the braces encoded.
  const text =
    template instanceof URL ? template.href.replaceAll(/%7b/gi, '{').replaceAll(/%7d/gi, '}') : template
  const [, origin, path = ''] = /^(https?:\/\/[^/?#{}\s]+)([/?#{].*)?$/i.exec(text) ?? []
  if (origin === undefined)
    throw new TypeError('Invalid template: it is no absolute URI template of http or https')
  return (
    origin + new TargetTemplate(path === '' || path === '/' ? defaultPath : path, 'template').expand(target)
  )
}
