import { type ByteConnection, type ConnectionHandler, TimeoutError } from '@fairlead/core'
import { Deadline } from '@fairlead/core/transport'

/** How long a {@link Linger} lasts, in milliseconds. */
export interface LingerTimes {
  /** What the peer has to end, too, once the last byte has left. */
  readonly grace: number
  /** What the peer has to take any of what is left to write. */
  readonly writeTimeout: number
}

/**
 * The end of a connection after its last answer: ends the output, drops what the peer still sends, and lets go
 * when the peer ended, or had its time after the last byte left. Closing at once would make the system send a
 * reset, which can take the answer away from a peer that is still sending (RFC 9112 section 9.6).
 */
export class Linger implements ConnectionHandler<Uint8Array> {
  readonly #connection: ByteConnection
  readonly #times: LingerTimes
  readonly #deadline = new Deadline({ onDeadline: () => this.#look() })
  /** What was left to write when it last became less, and when that was. */
  #left = Infinity
  #since = 0

  constructor(connection: ByteConnection, times: LingerTimes) {
    this.#connection = connection
    this.#times = times
    connection.end()
    this.#look()
  }

  onData(): void {}

  onEnd(): void {
    // Both sides ended: the connection closes when the last byte has left.
  }

  onClose(): void {
    this.#deadline.clear()
  }

  /** How far the peer has got is looked up at each tick of the shared clock. */
  #look(): void {
    const { buffered } = this.#connection
    const now = performance.now()
    if (buffered < this.#left) {
      this.#left = buffered
      this.#since = now
    }
    const { grace, writeTimeout } = this.#times
    const passed = now - this.#since
    if (buffered > 0 && passed >= writeTimeout) {
      this.#connection.destroy(new TimeoutError('Cannot write: the peer takes nothing', { phase: 'write' }))
    } else if (buffered === 0 && passed >= grace) {
      this.#connection.destroy()
    } else {
      this.#deadline.set(0)
    }
  }
}
