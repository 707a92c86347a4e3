import type { Duplex } from 'node:stream'

import type { ByteConnection } from '@fairlead/core'

import { Outbox } from '../outbox.ts'
import type { WebSocketConnection } from '../websocket.ts'
import { PlainSide } from './plain-side.ts'
import type { Crossroads } from './web-socket-side.ts'

/**
 * A stream of bytes: each chunk is a message, and each message some more bytes. A side that does not read stops the
 * other's input. What waits in between is bounded by the high-water mark of the slow side and one chunk, or message.
 */
export class ByteSide extends PlainSide<ByteConnection> {
  readonly #maxPayload: number
  readonly #outbox: Outbox
  #waiting = false

  constructor(
    crossroads: Crossroads,
    connection: ByteConnection,
    socket: WebSocketConnection,
    maxPayload: number,
  ) {
    super(crossroads, connection, socket)
    this.#maxPayload = maxPayload
    // Of what it holds corked it asks for no more than that.
    this.#outbox = new Outbox(connection as Pick<ByteConnection, 'cork' | 'uncork'> as Duplex)
  }

  onData(chunk: Uint8Array): void {
    const { socket } = this
    let room: boolean
    try {
      room = chunk.byteLength > this.#maxPayload ? this.#writeParts(chunk) : socket.write(chunk)
    } catch (error) {
      return this.crossroads.unwritable(error)
    }
    this.bytes += chunk.byteLength
    this.messages++
    // Above the mark, and yet all with the system: there is nothing to wait for.
    if (room || socket.buffered === 0) return
    this.#waiting = true
    this.connection.pause()
  }

  take(message: Uint8Array | string, size: number): boolean {
    if (size === 0) return true
    const { connection } = this
    try {
      // The messages of one packet leave in one, too.
      this.#outbox.gather(size)
      return connection.write(message) || connection.buffered === 0
    } catch (error) {
      this.crossroads.unwritable(error)
      return true
    }
  }

  goOn(): void {
    if (!this.#waiting) return
    this.#waiting = false
    this.connection.resume()
  }

  #writeParts(chunk: Uint8Array): boolean {
    let room = true
    for (let from = 0; from < chunk.byteLength; from += this.#maxPayload) {
      room = this.socket.write(chunk.subarray(from, from + this.#maxPayload))
    }
    return room
  }
}
