import type { Accept, Address, CloseReason } from '@fairlead/core'
import { Deadline, ListenerBase, unlessAborted } from '@fairlead/core/transport'
import type { Exchange, HttpListener } from '@fairlead/http'

import type { Acceptor } from './acceptor.ts'
import { checkFarewell } from './close-codes.ts'
import type { WsConnection } from './connection.ts'
import type { Guard } from './guard/guard.ts'
import {
  type HandshakeRequest,
  offersWebSocket,
  type Opening,
  openingOf,
  pathOf,
  type Refusal,
  refuse,
} from './handshake.ts'
import type { MessageKind, MessageOf } from './messages.ts'
import type { Vestibule } from './vestibule.ts'
import type { WebSocketCloseOptions } from './websocket.ts'

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

/** Whom a listener takes, and how. */
export interface Rules<K extends MessageKind> extends HandshakeOptions {
  readonly acceptor: Acceptor<K>
  readonly guard: Guard
  readonly vestibule: Vestibule
}

/** Waits for WebSockets on an HTTP listener. */
export class WebSocketListener<K extends MessageKind> extends ListenerBase<WsConnection<K>, MessageOf<K>> {
  readonly #server: HttpListener
  readonly #owned: boolean
  readonly #rules: Rules<K>
  #off: () => void

  constructor(
    { server, owned }: Host,
    rules: Rules<K>,
    accept: Accept<WsConnection<K>, MessageOf<K>> | undefined,
  ) {
    super(accept)
    this.#server = server
    this.#owned = owned
    this.#rules = rules
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

  /** Tells everybody `code` and `text`: by default 1001. */
  override async close(options?: WebSocketCloseOptions): Promise<void> {
    const { code, text } = options ?? {}
    checkFarewell(code, text)
    const notice = { ...(code !== undefined && { code }), ...(text !== undefined && { text }) }
    for (const connection of this.connections) connection.shutdownNotice ??= notice
    await super.close(options)
    await (options?.signal ? unlessAborted(this.closed, options.signal) : this.closed)
  }

  override release(connection: WsConnection<K>): void {
    this.#rules.vestibule.leave(connection)
    super.release(connection)
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
    const { path, authorize, guard, vestibule } = this.#rules
    if (!offersWebSocket(exchange)) return false
    if (path !== undefined && pathOf(exchange.request) !== path) return false
    const opening = openingOf(exchange)
    const refusal =
      opening.fault ??
      guard.refusalOf(opening) ??
      vestibule.refusalFor(() => exchange.client.address) ??
      (authorize ? vestibule.wait(exchange, () => exchange.client.address) : undefined)
    if (refusal) refuse(exchange, refusal)
    else if (authorize) void this.#ask(exchange, opening, authorize)
    else this.#admit(exchange, opening)
    return true
  }

  async #ask(
    exchange: Exchange,
    opening: Opening,
    authorize: NonNullable<HandshakeOptions['authorize']>,
  ): Promise<void> {
    const { vestibule } = this.#rules
    const late = { status: 503, text: 'that took too long' }
    const waiting = new Waiting(vestibule, exchange, () => this.#admit(exchange, opening, late))
    try {
      const refusal = await authorize(opening, exchange)
      if (!waiting.leave()) return
      // Others may have come meanwhile.
      const crowded = refusal ?? vestibule.refusalFor(() => exchange.client.address)
      this.#admit(exchange, opening, crowded)
    } catch (error) {
      waiting.leave()
      exchange.fail(error)
    }
  }

  /** Lets somebody in, or answers with why not. */
  #admit(exchange: Exchange, opening: Opening, refusal?: Refusal): void {
    // `authorize` may have answered for itself.
    if (exchange.answered) return
    const { vestibule, acceptor } = this.#rules
    // It took its time, and nobody would tell this connection of the shutdown any more.
    const late = this.state !== 'open' || this.#server.state !== 'open'
    const why = refusal ?? (late ? { status: 503, text: 'shutting down' } : undefined)
    if (why) {
      refuse(exchange, why)
      return
    }
    let connection: WsConnection<K>
    try {
      connection = acceptor.accept(exchange, opening)
    } catch (error) {
      // The client asked wrongly, and was told so; or it is gone. What `protocols` throws is nobody's answer yet.
      if (!exchange.answered) exchange.fail(error)
      return
    }
    vestibule.enter(connection, () => exchange.client.address)
    this.adopt(connection)
  }
}

/** A handshake that waits for `authorize`, until it is over or takes too long. */
class Waiting {
  readonly #vestibule: Vestibule
  readonly #visitor: Exchange
  readonly #deadline: Deadline
  #over = false

  constructor(vestibule: Vestibule, visitor: Exchange, tooLate: () => void) {
    this.#vestibule = vestibule
    this.#visitor = visitor
    this.#deadline = new Deadline({ onDeadline: () => this.leave() && tooLate() })
    this.#deadline.set(vestibule.authorizeTimeout)
  }

  /** Whether it was still waited for. */
  leave(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#deadline.release()
    this.#vestibule.proceed(this.#visitor)
    return true
  }
}
