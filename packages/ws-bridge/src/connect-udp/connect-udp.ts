import {
  type ByteConnection,
  ConnectError,
  formatEndpoint,
  ProtocolError,
  type SocketError,
  TimeoutError,
} from '@fairlead/core'
import { Client, type IncomingResponse, RequestError, upgrade, type Upgraded } from '@fairlead/http'

import { RefusedError } from '../client/refused-error.ts'
import { connectSettings, type ConnectUdpOptions, type ConnectUdpSettings } from './client-options.ts'
import { ProxiedConnection, type ProxiedUdpConnection } from './connection.ts'

/** The name of the protocol in Upgrade (RFC 9298 section 8.1). */
const protocol = 'connect-udp'

/**
 * Connects to a UDP peer through an HTTP proxy that speaks RFC 9298 over HTTP/1.1. What comes back when the proxy ends
 * the tunnel is an end: it does so when the peer is unreachable, or nothing passed for too long.
 *
 * @param template the URI template that the proxy is reached by, with `{target_host}` and `{target_port}` in its path or
 *   query; or the proxy's bare origin, which stands for the default path behind it (RFC 9298 section 2).
 * @throws TypeError or RangeError that names the option; ConnectError when the proxy is not reached; RefusedError when it
 *   answers with a status of its own; TimeoutError when that is not done in time; ProtocolError when it switches to
 *   something else; `signal.reason` when aborted.
 * @example
 * ```ts
 * const resolver = await connectUdp('https://proxy.example', { host: '192.0.2.53', port: 53 })
 * await resolver.send(query)
 * for await (const answer of resolver) {
 *   console.log(answer.length)
 *   break
 * }
 * ```
 */
export async function connectUdp(
  template: string | URL,
  options: ConnectUdpOptions,
): Promise<ProxiedUdpConnection> {
  const settings = connectSettings(template, options)
  const name = `Cannot connect to ${formatEndpoint({ scheme: 'udp', ...settings.target })} through ${originOf(settings.url)}`
  const { response, connection, head } = await ask(settings).catch((error: unknown) => {
    throw error instanceof RequestError ? failed(name, error) : error
  })
  if (!connection) throw refused(name, response)
  check(name, response, connection)
  return new ProxiedConnection(connection, head, settings)
}

async function ask({ url, request, client: own }: ConnectUdpSettings): Promise<Upgraded> {
  if (Object.keys(own).length === 0) return discarded(await upgrade(url, { ...request, protocol }))
  const client = new Client(own)
  try {
    return discarded(await client.upgrade(url, { ...request, protocol }))
  } finally {
    // What it made for the tunnel is not its own any more.
    client.destroy()
  }
}

function failed(name: string, error: RequestError): SocketError {
  const { phase, retryable, peer, cause } = error
  const message = `${name}: ${error.message}`
  const facts = { ...(peer && { peer }), retryable, cause: error }
  if (cause instanceof TimeoutError) return new TimeoutError(message, { ...facts, phase: cause.phase })
  return new ConnectError(message, { ...facts, ...(phase !== undefined && { phase }) })
}

/** Nobody reads why not. */
function discarded(upgraded: Upgraded): Upgraded {
  if (!upgraded.connection) upgraded.response.discard()
  return upgraded
}

function refused(name: string, { status, headers }: IncomingResponse): RefusedError {
  // The type of the error (RFC 9209 section 2.1.1) says more than the status.
  const [, type] = /;\s*error=([a-z_]+)/.exec(headers.get('proxy-status') ?? '') ?? []
  const why = `the proxy answered ${status}${type === undefined ? '' : ` (${type})`}`
  return new RefusedError(`${name}: ${why}`, { status, headers }, { code: 'ERR_FAIRLEAD_CONNECT' })
}

/** RFC 9298 section 3.3 and RFC 9297 section 3.2. Capsule-Protocol is for those in between: it may be missing. */
function check(name: string, { headers }: IncomingResponse, connection: ByteConnection): void {
  const offered = headers.all('upgrade')
  const single = offered.length === 1 && offered[0]?.toLowerCase() === protocol
  const content = ['content-length', 'content-type', 'transfer-encoding'].find((field) => headers.has(field))
  if (single && content === undefined) return
  const why = single ? `a tunnel has no ${content}` : 'the proxy switches to something else'
  const error = new ProtocolError(`${name}: ${why}`, { side: 'remote', phase: 'handshake' })
  connection.destroy(error)
  throw error
}

/** Without credentials, path and query, where secrets are. */
function originOf(url: string): string {
  return new URL(url).origin
}
