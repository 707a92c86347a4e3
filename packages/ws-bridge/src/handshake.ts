import type { Exchange, Fields } from '@fairlead/http'

import { extensionOffers } from './extension-offer.ts'
import { offeredProtocols } from './subprotocol.ts'

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
  /** The subprotocols that are offered, the preferred one first. */
  readonly protocols: readonly string[]
  /** Whether it comes over TLS, as far as trusted proxies say. */
  readonly secure: boolean
}

/** What a handshake is judged by, wherever it came in. */
export interface OpeningFacts extends Omit<HandshakeRequest, 'protocols'> {
  readonly minor: number
  readonly offersWebSocket: boolean
  readonly hasBody: boolean
  /** Host and port that were asked for, as far as trusted proxies say. */
  readonly host?: string | undefined
}

/** The answer to whoever asks for something else. */
export const onlyWebSocket = {
  status: 426,
  text: 'only WebSocket is spoken here',
  headers: { Upgrade: 'websocket', Connection: 'Upgrade' },
} as const

/** 16 bytes in base64 (RFC 6455 section 4.1). */
const nonce = /^[+/0-9A-Za-z]{22}==$/

/** The client's opening handshake (RFC 6455 section 4.1). */
export class Opening implements HandshakeRequest {
  readonly #facts: OpeningFacts
  #protocols: readonly string[] | undefined

  constructor(facts: OpeningFacts) {
    this.#facts = facts
  }

  get method(): string {
    return this.#facts.method
  }

  get target(): string {
    return this.#facts.target
  }

  get headers(): Fields {
    return this.#facts.headers
  }

  get secure(): boolean {
    return this.#facts.secure
  }

  get host(): string | undefined {
    return this.#facts.host
  }

  get protocols(): readonly string[] {
    return (this.#protocols ??= offeredProtocols(this.headers.get('sec-websocket-protocol')) ?? [])
  }

  /** Why the handshake cannot be accepted, if so (RFC 6455 section 4.2.1). */
  get fault(): (Refusal & { text: string }) | undefined {
    const { method, minor, headers, offersWebSocket, hasBody } = this.#facts
    if (!offersWebSocket) return onlyWebSocket
    if (method !== 'GET') {
      return { status: 405, text: 'a WebSocket handshake is a GET', headers: { Allow: 'GET' } }
    }
    if (minor < 1) return { status: 400, text: 'a WebSocket handshake is HTTP/1.1' }
    if (hasBody) return { status: 400, text: 'a WebSocket handshake has no body' }
    if (headers.get('sec-websocket-version') !== '13') {
      const only = { 'Sec-WebSocket-Version': '13', ...onlyWebSocket.headers }
      return { status: 426, text: 'only version 13 of WebSocket is spoken here', headers: only }
    }
    if (!nonce.test(headers.get('sec-websocket-key') ?? '')) {
      return { status: 400, text: 'Sec-WebSocket-Key is missing or invalid' }
    }
    this.#protocols = offeredProtocols(headers.get('sec-websocket-protocol'))
    if (!this.#protocols) return { status: 400, text: 'Sec-WebSocket-Protocol is invalid' }
    const extensions = headers.get('sec-websocket-extensions')
    if (extensions !== undefined && !extensionOffers(extensions)) {
      return { status: 400, text: 'Sec-WebSocket-Extensions is invalid' }
    }
    return undefined
  }
}

/** Whether the client asks to go on with WebSocket. */
export function offersWebSocket(exchange: Exchange): boolean {
  return exchange.request.upgrade?.includes('websocket') === true
}

/** The handshake in an exchange. */
export function openingOf(exchange: Exchange): Opening {
  return new Opening(new ExchangeFacts(exchange))
}

/** Found out when asked for: most of it only now and then. */
class ExchangeFacts implements OpeningFacts {
  readonly #exchange: Exchange

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  get method(): string {
    return this.#exchange.request.method
  }

  get target(): string {
    return this.#exchange.request.target
  }

  get headers(): Fields {
    return this.#exchange.request.headers
  }

  get minor(): number {
    return this.#exchange.request.minor
  }

  get hasBody(): boolean {
    return this.#exchange.request.hasBody
  }

  get offersWebSocket(): boolean {
    return offersWebSocket(this.#exchange)
  }

  get secure(): boolean {
    return this.#exchange.client.protocol === 'https'
  }

  get host(): string {
    return this.#exchange.client.host
  }
}

/** The path of a request, without its query; empty when its absolute form is no URL. */
export function pathOf({ form, target }: Exchange['request']): string {
  if (form === 'absolute') return URL.canParse(target) ? new URL(target).pathname : ''
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}

/** The fields of a refusal. */
export function fieldsOf({ headers = {} }: Refusal): Record<string, string> {
  return { 'Content-Type': 'text/plain; charset=utf-8', ...headers }
}

/** Answers with a refusal. */
export function refuse(exchange: Exchange, refusal: Refusal): void {
  const { status, text } = refusal
  // A refusal that cannot be sent is a 500; a client that is gone hears neither.
  exchange
    .respond(status, fieldsOf(refusal), text === undefined ? null : `${text}\n`)
    .catch((error: unknown) => exchange.fail(error))
}
