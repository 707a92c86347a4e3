import type { Duplex } from 'node:stream'

import { type Address, ipAddress, type TlsFacts } from '@fairlead/core'
import { Deadline, defaultGrace } from '@fairlead/core/transport'
import { Fields } from '@fairlead/http'
import { encodeResponseHead, parseHost } from '@fairlead/http/codec'

import type { Underneath } from './connection.ts'
import { fieldsOf, Opening, type Refusal } from './handshake.ts'

/** A request as the upgrade event of `node:http` gives it; anything of that shape will do. */
export interface UpgradeEventRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly httpVersion: string
  /** Name and value in turn, as they came. */
  readonly rawHeaders: readonly string[]
}

/** The parts of a socket that tell whom it leads to. */
interface Ends {
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  readonly encrypted?: boolean
  getProtocol?(): string | null
  getCipher?(): { name: string; standardName?: string }
  readonly alpnProtocol?: string | false | null
  readonly servername?: string | false | null
  readonly authorized?: boolean
  isSessionReused?(): boolean
}

/**
 * The handshake in an upgrade event. `node:http` lets through what an HTTP server should refuse (RFC 9112 section 3.2):
 * a Host that is missing, said twice or none, and a body, which `ws` would take for frames.
 */
export function openingOfEvent(
  request: UpgradeEventRequest,
  socket: Duplex,
): { opening: Opening; fault: (Refusal & { text: string }) | undefined } {
  const headers = new Fields(request.rawHeaders)
  const length = headers.get('content-length')
  const opening = new Opening({
    method: request.method ?? '',
    target: request.url ?? '',
    headers,
    minor: request.httpVersion === '1.1' ? 1 : 0,
    offersWebSocket: offers(headers, 'upgrade', 'websocket') && offers(headers, 'connection', 'upgrade'),
    hasBody: headers.has('transfer-encoding') || (length !== undefined && length !== '0'),
    secure: (socket as Ends).encrypted === true,
  })
  const [host, ...more] = headers.all('host')
  const named = host !== undefined && more.length === 0 && parseHost(host) !== undefined
  const fault = named ? opening.fault : { status: 400, text: 'a request of HTTP/1.1 has one Host' }
  return { opening, fault }
}

/** Who talks on a socket that none of our connections has. */
export function endsOf(socket: Duplex): Underneath['ends'] {
  const ends = socket as Ends
  const localAddress = addressOf(ends.localAddress, ends.localPort)
  const remoteAddress = addressOf(ends.remoteAddress, ends.remotePort)
  return { localAddress, remoteAddress, tls: ends.encrypted === true ? tlsOf(ends) : undefined }
}

/** Answers with a refusal, and ends the connection; who goes on all the same is cut when the grace is over. */
export function refuseEvent(socket: Duplex, refusal: Refusal): void {
  const body = refusal.text === undefined ? '' : `${refusal.text}\n`
  const fields = Object.entries(fieldsOf(refusal)).flat()
  const framing = Buffer.byteLength(body)
  // Nobody else listens for what becomes of it, or reads what still comes.
  const deadline = new Deadline({ onDeadline: () => socket.destroy() })
  deadline.set(defaultGrace)
  socket.on('error', () => {}).on('close', () => deadline.release())
  socket.resume()
  socket.end(encodeResponseHead(refusal.status, '', fields, { framing, keepAlive: false }) + body)
}

function offers(headers: Fields, name: string, member: string): boolean {
  const members = headers.get(name)?.toLowerCase().split(',') ?? []
  return members.some((one) => one.trim() === member)
}

/** A Unix socket has no address of its own to tell. */
function addressOf(host: string | undefined, port: number | undefined): Address {
  return host === undefined ? { kind: 'unix', path: '' } : ipAddress(host, port ?? 0)
}

function tlsOf(ends: Ends): TlsFacts {
  const cipher = ends.getCipher?.()
  return {
    protocol: ends.getProtocol?.() ?? '',
    cipher: cipher?.standardName ?? cipher?.name ?? '',
    alpn: ends.alpnProtocol || undefined,
    serverName: ends.servername || undefined,
    authorized: ends.authorized === true,
    resumed: ends.isSessionReused?.() === true,
  }
}
