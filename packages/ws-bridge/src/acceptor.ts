import type { Duplex } from 'node:stream'

import { type ByteConnection, ClosedError, ProtocolError } from '@fairlead/core'
import type { Exchange } from '@fairlead/http'
import { lend } from '@fairlead/tcp/node'
import { type WebSocket, WebSocketServer } from 'ws'

import { negotiation, windowBitsOf } from './compression.ts'
import { type Underneath, WsConnection } from './connection.ts'
import { acceptableDeflate } from './extension-offer.ts'
import { meterFor } from './frame-meter.ts'
import type { GuardOptions } from './guard/guard.ts'
import { type Opening, openingOf, refuse, type Refusal } from './handshake.ts'
import { Loan } from './loan.ts'
import type { MessageKind } from './messages.ts'
import { type ConnectionOptions, type ConnectionSettings, connectionSettings } from './options.ts'
import { checkProtocols, chooseProtocol, type Protocols } from './subprotocol.ts'

/** How to accept a WebSocket, and from whom. */
export interface AcceptOptions<K extends MessageKind = MessageKind>
  extends ConnectionOptions<K>, GuardOptions {
  /** The subprotocols that are spoken, or a function that chooses. Default: the first that is offered. */
  protocols?: Protocols
}

/** What `ws` calls a request; it reads `method`, `url`, `headers` and `socket` of it. */
type UpgradeRequest = Parameters<WebSocketServer['handleUpgrade']>[0]

/** What is said of it besides. */
interface Agreement {
  readonly protocol: string | undefined
  windowBits?: number
}

/** Accepts WebSockets under the same options, one after the other. */
export class Acceptor<K extends MessageKind> {
  readonly #settings: ConnectionSettings
  readonly #protocols: Protocols | undefined
  readonly #framing: WebSocketServer

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: AcceptOptions<K>) {
    const settings = connectionSettings(options)
    const { protocols } = options
    checkProtocols(protocols)
    this.#settings = settings
    this.#protocols = protocols
    const { maxPayload, maxFragments, maxBufferedChunks, pingRate, compression } = settings
    const limits = {
      maxPayload,
      // See FrameMeter for what is left to it.
      maxFragments: compression ? 0 : maxFragments,
      skipUTF8Validation: compression !== undefined,
      maxBufferedChunks,
      // Ours says why it closes, and comes first.
      maxPendingAutoPongs: (pingRate.burst ?? pingRate.perSecond) + 10,
    }
    this.#framing = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: compression ? negotiation(compression) : false,
      handleProtocols: (_offered, request) => agreementOf(request).protocol ?? false,
      ...limits,
    })
    if (!compression) return
    this.#framing.on('headers', (fields, request) => {
      const agreed = fields.find((field) => field.toLowerCase().startsWith('sec-websocket-extensions:'))
      if (agreed !== undefined) agreementOf(request).windowBits = windowBitsOf(agreed)
    })
  }

  /**
   * Answers nothing but 101, or what `ws` refuses by itself.
   *
   * @throws what `protocols` throws, before the exchange is taken over; ProtocolError, ClosedError.
   */
  accept(exchange: Exchange, opening: Opening = openingOf(exchange)): WsConnection<K> {
    if (exchange.closing) {
      // Nobody would tell this connection of the shutdown any more.
      refuse(exchange, { status: 503, text: 'shutting down' })
      throw new ClosedError('Cannot accept WebSocket: the server is closing')
    }
    const protocol = chooseProtocol(opening.protocols, this.#protocols)
    const { connection: under, head } = exchange.takeOver()
    const loan = new Loan()
    const socket = lendOrDestroy(under, loan)
    return this.open(opening, { protocol, socket, head, ends: under, loan })
  }

  /** Does the rest of the handshake on a socket whose HTTP is over. */
  open(
    opening: Opening,
    given: Pick<Underneath, 'socket' | 'ends' | 'loan'> & { protocol: string | undefined; head: Uint8Array },
  ): WsConnection<K> {
    const { socket, head, ends, loan, protocol } = given
    const agreement: Agreement = { protocol }
    const request = { method: 'GET', url: opening.target, headers: fieldsFor(opening), socket, agreement }
    let connection: WsConnection<K> | undefined
    this.#framing.handleUpgrade(
      request as unknown as UpgradeRequest,
      socket,
      bufferOf(head),
      (ws: WebSocket) => {
        const { windowBits } = agreement
        const meter = meterFor(this.#settings)
        connection = new WsConnection(
          { ws, socket, ends, loan, role: 'server', windowBits, meter },
          this.#settings,
        )
      },
    )
    if (connection) return connection
    if (socket.destroyed) throw new ClosedError('Cannot accept WebSocket: the client is gone')
    // `ws` has answered already.
    socket.resume()
    throw refused({ status: 400, text: 'the handshake is malformed' })
  }

  /** The subprotocol that is spoken. @throws what `protocols` throws. */
  protocolFor(opening: Opening): string | undefined {
    return chooseProtocol(opening.protocols, this.#protocols)
  }
}

/** What this side hears of a handshake that was refused. */
export function refused({ text = 'it was refused' }: Refusal): ProtocolError {
  return new ProtocolError(`Cannot accept WebSocket: ${text}`, { side: 'remote', phase: 'handshake' })
}

function agreementOf(request: object): Agreement {
  return (request as { agreement: Agreement }).agreement
}

/** The fields that `ws` reads. It takes no list of protocols, though one may be offered (RFC 9110 section 7.8). */
function fieldsFor({ headers }: Opening): Record<string, string | undefined> {
  const offered = headers.get('sec-websocket-extensions')
  return {
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': headers.get('sec-websocket-key'),
    'sec-websocket-protocol': headers.get('sec-websocket-protocol'),
    // It refuses the handshake for what it should only decline.
    'sec-websocket-extensions': offered === undefined ? undefined : acceptableDeflate(offered),
  }
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
}

/** Nobody else holds the connection any more. */
function lendOrDestroy(connection: ByteConnection, loan: Loan): Duplex {
  try {
    return lend(connection, loan)
  } catch (error) {
    connection.destroy(error as Error)
    throw error
  }
}
