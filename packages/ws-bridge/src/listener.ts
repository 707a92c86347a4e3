import type { Accept, Address, CloseOptions, CloseReason } from '@fairlead/core'
import { ListenerBase, unlessAborted } from '@fairlead/core/transport'
import type { Exchange, HttpListener } from '@fairlead/http'

import type { Acceptor } from './accept.ts'
import type { WebSocketConnection } from './connection.ts'
import { type HandshakeRequest, offersWebSocket, pathOf, type Refusal, refuse } from './handshake.ts'
import type { MessageKind, MessageOf } from './messages.ts'

/** Which handshakes a listener takes, and who may. */
export interface HandshakeOptions {
  /** Only handshakes for this path; others go on as HTTP. Default: every path. */
  path?: string
  /** Called before a handshake is accepted: what it returns is the answer instead. What it throws is a 500. */
  authorize?(
    request: HandshakeRequest,
    exchange: Exchange,
  ): Refusal | undefined | Promise<Refusal | undefined>
}

/** An HTTP listener to wait on. */
export interface Host {
  readonly server: HttpListener
  /** Whether it was made for this alone, and is closed with it. */
  readonly owned: boolean
}

/** Waits for WebSockets on an HTTP listener. */
export class WebSocketListener<K extends MessageKind> extends ListenerBase<
  WebSocketConnection<K>,
  MessageOf<K>
> {
  readonly #server: HttpListener
  readonly #owned: boolean
  readonly #options: HandshakeOptions
  readonly #acceptor: Acceptor<K>
  #off: () => void

  constructor(
    { server, owned }: Host,
    options: HandshakeOptions,
    acceptor: Acceptor<K>,
    accept: Accept<WebSocketConnection<K>, MessageOf<K>> | undefined,
  ) {
    super(accept)
    this.#server = server
    this.#owned = owned
    this.#options = options
    this.#acceptor = acceptor
    this.#off = server.onUpgrade((exchange) => this.#take(exchange))
    void server.closed.then(() => super.close({ grace: 0 }))
    if (owned) void super.closed.then(() => server.close({ grace: 0 }))
  }

  get address(): Address {
    return this.#server.address
  }

  /** With a server of its own, not before that is closed, too. */
  override get closed(): Promise<CloseReason> {
    const { closed } = this.#server
    return this.#owned ? super.closed.then((reason) => closed.then(() => reason)) : super.closed
  }

  override async close(options?: CloseOptions): Promise<void> {
    await super.close(options)
    await (options?.signal ? unlessAborted(this.closed, options.signal) : this.closed)
  }

  protected async unlisten(): Promise<void> {
    this.#off()
    if (this.#owned) await this.#server.suspend()
  }

  protected async relisten(): Promise<void> {
    if (this.#owned) await this.#server.resume()
    this.#off = this.#server.onUpgrade((exchange) => this.#take(exchange))
  }

  #take(exchange: Exchange): boolean {
    const { path, authorize } = this.#options
    if (!offersWebSocket(exchange)) return false
    if (path !== undefined && pathOf(exchange.request) !== path) return false
    if (!authorize) {
      this.#admit(exchange, undefined)
      return true
    }
    const { method, target, headers } = exchange.request
    void Promise.resolve()
      .then(() => authorize({ method, target, headers }, exchange))
      .then((refusal) => this.#admit(exchange, refusal))
      .catch((error: unknown) => exchange.fail(error))
    return true
  }

  #admit(exchange: Exchange, refusal: Refusal | undefined): void {
    // `authorize` may have answered for itself.
    if (exchange.answered) return
    if (refusal) {
      refuse(exchange, refusal)
      return
    }
    // It took its time, and nobody would tell this connection of the shutdown any more.
    if (this.state !== 'open' || this.#server.state !== 'open') {
      refuse(exchange, { status: 503, text: 'shutting down' })
      return
    }
    let connection: WebSocketConnection<K>
    try {
      connection = this.#acceptor.accept(exchange)
    } catch {
      // The client asked wrongly, and was told so; or it is gone.
      return
    }
    this.adopt(connection)
  }
}
