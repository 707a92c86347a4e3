import type { CloseReason, ConnectionHandler } from '@fairlead/core'

import type { WebSocketConnection } from '../websocket.ts'
import type { PlainSide } from './plain-side.ts'

/** Whom the sides of a crossing tell what happens to them. */
export interface Crossroads {
  /** The side that is no WebSocket sends no more. */
  plainEnded(): void
  plainClosed(reason: CloseReason): void
  socketClosed(reason: CloseReason): void
  shutdown(grace: number): void
  /** One could not write to the other. */
  unwritable(error: unknown): void
}

/** The WebSocket of a crossing: carries its messages to the other side. */
export class WebSocketSide implements ConnectionHandler<Uint8Array | string> {
  readonly connection: WebSocketConnection
  readonly #crossroads: Crossroads
  readonly #other: PlainSide
  /** Its input waits until the other side has room. */
  #waiting = false
  bytes = 0
  messages = 0

  constructor(crossroads: Crossroads, connection: WebSocketConnection, other: PlainSide) {
    this.#crossroads = crossroads
    this.connection = connection
    this.#other = other
  }

  /** Text is carried as the bytes that it is. */
  onData(message: Uint8Array | string): void {
    const size = typeof message === 'string' ? Buffer.byteLength(message) : message.byteLength
    this.bytes += size
    this.messages++
    if (this.#other.take(message, size)) return
    this.#waiting = true
    this.connection.pause()
  }

  onDrain(): void {
    this.#other.goOn()
  }

  /** A Close frame says all that there is to say, and comes with the close. */
  onEnd(): void {}

  onShutdown(grace: number): void {
    this.#crossroads.shutdown(grace)
  }

  onClose(reason: CloseReason): void {
    this.#crossroads.socketClosed(reason)
  }

  /** The other side has room again. */
  goOn(): void {
    if (!this.#waiting) return
    this.#waiting = false
    this.connection.resume()
  }
}
