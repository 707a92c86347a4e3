import type { HttpListenOptions } from '@fairlead/http'

import type { AcceptOptions } from './acceptor.ts'
import type { CompressionOptions } from './compression.ts'
import type { WebSocketListenOptions } from './listen.ts'
import type { HeartbeatOptions } from './options.ts'

type Names<Options> = Record<keyof Options, true>

const ofAccept: Names<AcceptOptions> = {
  messages: true,
  maxPayload: true,
  maxFragments: true,
  maxBufferedChunks: true,
  maxBuffered: true,
  messageRate: true,
  pingRate: true,
  heartbeat: true,
  compression: true,
  protocols: true,
  origins: true,
  hosts: true,
}

/** What a listener has beside what it is given of HTTP. */
const ofListen: Names<Omit<WebSocketListenOptions, keyof HttpListenOptions>> & Record<string, true> = {
  ...ofAccept,
  server: true,
  authorize: true,
  authorizeTimeout: true,
  maxHandshakes: true,
  // HTTP has these, too, and here they are about WebSockets.
  path: true,
  maxConnections: true,
  maxConnectionsPerAddress: true,
}

const ofHttp: Names<HttpListenOptions> = {
  host: true,
  port: true,
  path: true,
  fd: true,
  mode: true,
  backlog: true,
  ipv6Only: true,
  reusePort: true,
  exclusive: true,
  prelude: true,
  tls: true,
  handshakeTimeout: true,
  signal: true,
  noDelay: true,
  keepAlive: true,
  highWaterMark: true,
  maxBuffered: true,
  writeTimeout: true,
  readTimeout: true,
  idleTimeout: true,
  totalTimeout: true,
  maxConnections: true,
  maxConnectionsPerAddress: true,
  acceptRate: true,
  allow: true,
  deny: true,
  transport: true,
  maxBodySize: true,
  limits: true,
  headersTimeout: true,
  bodyTimeout: true,
  handlerTimeout: true,
  keepAliveTimeout: true,
  idleGrace: true,
  lingerGrace: true,
  onError: true,
  trustProxy: true,
}

const ofHeartbeat: Names<HeartbeatOptions> = { interval: true, timeout: true }

const ofCompression: Names<CompressionOptions> = { threshold: true, level: true, ratio: true }

/** Refuses what `accept` has no option for. */
export function checkAcceptNames(options: AcceptOptions): void {
  checkNames(options, ofAccept)
  checkNested(options)
}

/** Refuses what `listen` has no option for, or none beside `server`. */
export function checkListenNames(options: WebSocketListenOptions): void {
  checkNames(options, { ...ofListen, ...ofHttp })
  checkNested(options)
  if (options.server === undefined) return
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(ofListen, name)) continue
    throw new TypeError(`Invalid option ${name}: cannot stand beside server, which is there already`)
  }
}

function checkNested({ heartbeat, compression }: AcceptOptions): void {
  checkNames(heartbeat, ofHeartbeat, 'heartbeat.')
  checkNames(compression, ofCompression, 'compression.')
}

function checkNames(options: unknown, names: object, prefix = ''): void {
  if (typeof options !== 'object' || options === null) return
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue
    throw new TypeError(`Invalid option ${prefix}${name}: there is no such option`)
  }
}
