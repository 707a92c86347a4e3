import { BrokenError, type CloseReason, type ConnectionHandler, TimeoutError } from '@fairlead/core'
import { Deadline, type DeadlineOwner } from '@fairlead/core/transport'

import { TcpConnection } from '../connection.ts'
import type { ProxyHeaderDecoder } from './decoder.ts'
import { invalidHeader, type ProxyHeader } from './header.ts'

/**
 * Sits in the handler slot of a new connection until the header is there, or cannot be any more. The time for it
 * is one, however its bytes come.
 */
export class HeaderReader implements ConnectionHandler<Uint8Array>, DeadlineOwner {
  /** Rejects with what was wrong; the connection is then paused, and is the caller's to end. */
  readonly header: Promise<ProxyHeader>
  readonly #connection: TcpConnection
  readonly #decoder: ProxyHeaderDecoder
  readonly #timeout: number
  readonly #deadline = new Deadline(this)
  #resolve!: (header: ProxyHeader) => void
  #reject!: (error: unknown) => void
  #settled = false

  constructor(connection: TcpConnection, decoder: ProxyHeaderDecoder, timeout: number) {
    this.#connection = connection
    this.#decoder = decoder
    this.#timeout = timeout
    this.header = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#deadline.set(timeout)
    connection.handle(this)
  }

  onData(chunk: Uint8Array): void {
    if (this.#settled) return
    try {
      const decoded = this.#decoder.push(chunk)
      if (!decoded) return
      this.#settle()
      TcpConnection.giveBack(this.#connection, this, decoded.rest)
      this.#resolve(decoded.header)
    } catch (error) {
      this.#fail(error)
    }
  }

  onEnd(): void {
    this.#fail(invalidHeader('the peer ended before it was whole'))
  }

  onClose(reason: CloseReason): void {
    const options = { phase: 'handshake', peer: this.#connection.remoteAddress }
    const closed = new BrokenError('Cannot read PROXY header: connection is closed', options)
    this.#fail(reason.kind === 'error' ? reason.error : closed)
  }

  onDeadline(): void {
    this.#fail(
      new TimeoutError(`Cannot read PROXY header: not whole within ${this.#timeout} ms`, {
        phase: 'handshake',
        peer: this.#connection.remoteAddress,
      }),
    )
  }

  #fail(error: unknown): void {
    if (this.#settled) return
    this.#settle()
    this.#connection.pause()
    this.#reject(error)
  }

  #settle(): void {
    this.#settled = true
    this.#deadline.clear()
  }
}
