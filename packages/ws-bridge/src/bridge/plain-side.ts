import type { CloseReason, ConnectionHandler } from '@fairlead/core'

import type { WebSocketConnection } from '../websocket.ts'
import type { PlainConnection } from './dial.ts'
import type { Crossroads, WebSocketSide } from './web-socket-side.ts'

/** The side of a crossing that is no WebSocket: carries what it brings to the WebSocket. */
export abstract class PlainSide<
  C extends PlainConnection = PlainConnection,
> implements ConnectionHandler<Uint8Array> {
  readonly connection: C
  bytes = 0
  messages = 0
  /** Where the WebSocket's input may wait; see {@link join}. */
  protected other: WebSocketSide | undefined
  protected readonly socket: WebSocketConnection
  protected readonly crossroads: Crossroads

  constructor(crossroads: Crossroads, connection: C, socket: WebSocketConnection) {
    this.crossroads = crossroads
    this.connection = connection
    this.socket = socket
  }

  /** Sends a message of the WebSocket on. False: it is to hold back until it is told to go on. */
  abstract take(message: Uint8Array | string, size: number): boolean
  abstract onData(data: Uint8Array): void
  /** The WebSocket has room again. */
  abstract goOn(): void

  join(other: WebSocketSide): void {
    this.other = other
  }

  onDrain(): void {
    this.other?.goOn()
  }

  onEnd(): void {
    this.crossroads.plainEnded()
  }

  onShutdown(grace: number): void {
    this.crossroads.shutdown(grace)
  }

  onClose(reason: CloseReason): void {
    this.crossroads.plainClosed(reason)
  }
}
