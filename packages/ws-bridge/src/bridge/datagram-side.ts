import { LimitError, type MessageConnection } from '@fairlead/core'

import type { WebSocketConnection } from '../websocket.ts'
import { PlainSide } from './plain-side.ts'
import type { DatagramDrops } from './stats.ts'
import type { Crossroads } from './web-socket-side.ts'

/** What holds for the datagrams of a bridge. */
export interface DatagramRules {
  readonly drops: DatagramDrops
  readonly maxPayload: number
  readonly maxMessageSize: number
}

/**
 * Datagrams: each is a message, and each message a datagram, empty ones included. Nobody can hold datagrams back: what
 * finds no room on its way to the WebSocket is dropped, and counted.
 */
export class DatagramSide extends PlainSide<MessageConnection<Uint8Array>> {
  readonly #rules: DatagramRules
  /** The WebSocket's peer reads too slowly. */
  #congested = false

  constructor(
    crossroads: Crossroads,
    connection: MessageConnection<Uint8Array>,
    socket: WebSocketConnection,
    rules: DatagramRules,
  ) {
    super(crossroads, connection, socket)
    this.#rules = rules
  }

  onData(datagram: Uint8Array): void {
    const { socket } = this
    const { drops, maxPayload } = this.#rules
    if (this.#congested) return void drops.slow++
    const { byteLength } = datagram
    if (byteLength > maxPayload) return void drops.oversized++
    try {
      this.#congested = !socket.write(datagram) && socket.buffered > 0
    } catch (error) {
      return this.crossroads.unwritable(error)
    }
    this.bytes += byteLength
    this.messages++
  }

  take(message: Uint8Array | string, size: number): boolean {
    const { drops, maxMessageSize } = this.#rules
    if (size > maxMessageSize) {
      drops.oversized++
      return true
    }
    const { connection } = this
    try {
      const datagram = typeof message === 'string' ? Buffer.from(message) : message
      return connection.write(datagram) || connection.buffered === 0
    } catch (error) {
      if (error instanceof LimitError && connection.state === 'open') drops.refused++
      else this.crossroads.unwritable(error)
      return true
    }
  }

  goOn(): void {
    this.#congested = false
  }

  /** What the network says of a datagram that was lost. */
  onTrouble(): void {
    this.#rules.drops.troubles++
  }
}
