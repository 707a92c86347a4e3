import { type ByteConnection, type CloseReason, type ConnectionHandler, TimeoutError } from '@fairlead/core'
import { Deadline } from '@fairlead/core/transport'

/** How long a {@link Linger} lasts, in milliseconds. */
export interface LingerOptions {
  /** What the peer has to end, too, once the last byte has left. */
  readonly grace: number
  /** What the peer has for each {@link step} of what is left to write. */
  readonly writeTimeout: number
  /** The peer did not take it. */
  onTimeout(): void
}

/** Bytes that earn a slow reader more time: one at a time would do for ever. */
const step = 64 * 1024

/**
 * The end of a connection after its last answer: ends the output, drops what the peer still sends, and lets go
 * when the peer ended, or had its time after the last byte left. Closing at once would make the system send a
 * reset, which can take the answer away from a peer that is still sending (RFC 9112 section 9.6).
 */
export class Linger implements ConnectionHandler<Uint8Array> {
  readonly #connection: ByteConnection
  readonly #options: LingerOptions
  readonly #deadline = new Deadline({ onDeadline: () => this.#look() })
  /** What was left to write when the peer earned time last, and when that was. */
  #left = Infinity
  #since = 0

  constructor(connection: ByteConnection, options: LingerOptions) {
    this.#connection = connection
    this.#options = options
    connection.end()
    this.#look()
  }

  onData(): void {}

  onEnd(): void {
    // Both sides ended: the connection closes when the last byte has left.
  }

  onClose(reason: CloseReason): void {
    this.#deadline.clear()
    if (isWriteTimeout(reason)) this.#options.onTimeout()
  }

  /** How far the peer has got is looked up at each tick of the shared clock. */
  #look(): void {
    const { buffered } = this.#connection
    const now = Deadline.now()
    if (buffered === 0 ? this.#left > 0 : buffered <= this.#left - step) {
      this.#left = buffered
      this.#since = now
    }
    const { grace, writeTimeout } = this.#options
    const passed = now - this.#since
    if (buffered > 0 && passed >= writeTimeout) {
      this.#connection.destroy(new TimeoutError('Cannot write: the peer takes nothing', { phase: 'write' }))
    } else if (buffered === 0 && passed >= grace) {
      this.#connection.destroy()
    } else {
      // Not at once, or a clock that stands would look for ever.
      this.#deadline.set(1)
    }
  }
}

/** Whether a connection was cut because its peer did not read, be it by HTTP or by what is below. */
export function isWriteTimeout(reason: CloseReason): boolean {
  if (reason.kind === 'timeout') return reason.phase === 'write'
  return reason.kind === 'error' && reason.error instanceof TimeoutError && reason.error.phase === 'write'
}
