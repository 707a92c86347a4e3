import type { Exchange, Fields } from '@fairlead/http'

/** An answer instead of a WebSocket, with a real HTTP status. */
export interface Refusal {
  readonly status: number
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** What is known of whoever asks for a WebSocket. */
export interface HandshakeRequest {
  readonly method: string
  /** Path and query, as sent. */
  readonly target: string
  readonly headers: Fields
}

/** The answer to whoever asks for something else. */
export const onlyWebSocket = {
  status: 426,
  text: 'only WebSocket is spoken here',
  headers: { Upgrade: 'websocket' },
} as const

/** 16 bytes in base64 (RFC 6455 section 4.1). */
const nonce = /^[+/0-9A-Za-z]{22}==$/

/** Whether the client asks to go on with WebSocket. */
export function offersWebSocket(exchange: Exchange): boolean {
  return exchange.request.upgrade?.includes('websocket') === true
}

/** Why the handshake cannot be accepted, if so (RFC 6455 section 4.2.1). */
export function handshakeFault(exchange: Exchange): (Refusal & { text: string }) | undefined {
  const { method, headers, body } = exchange.request
  if (!offersWebSocket(exchange)) return onlyWebSocket
  if (method !== 'GET') {
    return { status: 405, text: 'a WebSocket handshake is a GET', headers: { Allow: 'GET' } }
  }
  if (!body.complete) return { status: 400, text: 'a WebSocket handshake has no body' }
  if (headers.get('sec-websocket-version') !== '13') {
    const only = { 'Sec-WebSocket-Version': '13', Upgrade: 'websocket' }
    return { status: 426, text: 'only version 13 of WebSocket is spoken here', headers: only }
  }
  if (!nonce.test(headers.get('sec-websocket-key') ?? '')) {
    return { status: 400, text: 'Sec-WebSocket-Key is missing or invalid' }
  }
  return undefined
}

/** The headers in the shape that `ws` reads. */
export function recordOf(fields: Fields): Record<string, string> {
  const record = Object.create(null) as Record<string, string>
  for (const [name] of fields) record[name.toLowerCase()] ??= fields.get(name) ?? ''
  return record
}

/** The path of a request, without its query; empty when its absolute form is no URL. */
export function pathOf({ form, target }: Exchange['request']): string {
  if (form === 'absolute') return URL.canParse(target) ? new URL(target).pathname : ''
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}

/** Answers with a refusal. */
export function refuse(exchange: Exchange, { status, text, headers = {} }: Refusal): void {
  const fields = { 'Content-Type': 'text/plain; charset=utf-8', ...headers }
  // A refusal that cannot be sent is a 500; a client that is gone hears neither.
  exchange
    .respond(status, fields, text === undefined ? null : `${text}\n`)
    .catch((error: unknown) => exchange.fail(error))
}
