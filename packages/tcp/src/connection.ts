import type { Socket } from 'node:net'

import { type Address, type ByteConnection, ClosedError, type CloseReason } from '@fairlead/core'
import { ConnectionBase, defaultHighWaterMark } from '@fairlead/core/transport'

import { addressFrom } from './address.ts'
import { brokenBy } from './errno.ts'

/** What the connection hears of its socket. */
interface SocketListeners {
  data(chunk: Buffer): void
  end(): void
  drain(): void
  error(error: Error): void
  close(): void
}

/** What a borrower of the socket is told; see `lend` in `@fairlead/tcp/node`. */
export interface LendOptions {
  /** The listener shuts down and cuts in `grace` milliseconds. Without it: `close({ grace })`. */
  onShutdown?(grace: number): void
  /** The connection is closed. */
  onClose?(reason: CloseReason): void
}

/**
 * A conversation over TCP or a Unix socket. The socket is created with `allowHalfOpen`, paused, and stays
 * paused until somebody reads, so nothing is read that nobody wants.
 */
export class TcpConnection extends ConnectionBase<Uint8Array, Uint8Array | string> implements ByteConnection {
  readonly localAddress: Address
  readonly remoteAddress: Address
  protected readonly iterationLimit = defaultHighWaterMark
  readonly #socket: Socket
  readonly #listeners: SocketListeners
  /** Somebody else reads the socket. */
  #lent = false

  constructor(socket: Socket, path = '') {
    super()
    this.#socket = socket
    // A socket that was reset before it got here has no addresses any more.
    this.localAddress = addressFrom(socket.localAddress, socket.localPort, path)
    this.remoteAddress = addressFrom(socket.remoteAddress, socket.remotePort, path)
    this.#listeners = {
      data: (chunk) => this.slot.push(chunk),
      end: () => this.slot.pushEnd(),
      drain: () => this.relieved(),
      error: (error) => this.finish({ kind: 'error', error: brokenBy(error, this.remoteAddress) }),
      close: () => this.finish(),
    }
    socket.pause()
    socket.on('data', this.#listeners.data).on('end', this.#listeners.end).on('drain', this.#listeners.drain)
    socket.on('error', this.#listeners.error).on('close', this.#listeners.close)
  }

  /** Hands out the socket of `connection` for somebody else to read, with the unread input put back in front. */
  static lend(connection: TcpConnection, options: LendOptions): Socket {
    const socket = connection.#detach('lend', 'data', 'end')
    connection.#lent = true
    const ended = connection.slot.ended
    const unread = connection.slot.vacate()
    // A socket whose end was read takes nothing back.
    if (ended && unread.length > 0) {
      connection.destroy()
      throw new ClosedError('Cannot lend: the peer has ended, and its last input is unread')
    }
    for (const chunk of unread.toReversed()) socket.unshift(chunk)
    connection.slot.install({ onData() {}, ...options })
    return socket
  }

  /** Gives the socket of `connection` away, and what was read from it and not delivered. */
  static unwrap(connection: TcpConnection): { socket: Socket; head: Uint8Array } {
    const socket = connection.#detach('unwrap', 'data', 'end', 'drain', 'error', 'close')
    const head = Buffer.concat(connection.slot.vacate())
    connection.finish({ kind: 'handover' })
    return { socket, head }
  }

  get buffered(): number {
    return this.#socket.writableLength
  }

  write(data: Uint8Array | string, encoding: 'utf8' | 'latin1' = 'utf8'): boolean {
    if (!this.writable) throw this.unwritable()
    return this.#socket.write(data, encoding)
  }

  end(): void {
    this.halfClose()
  }

  cork(): void {
    if (this.state !== 'closed') this.#socket.cork()
  }

  uncork(): void {
    if (this.state !== 'closed') this.#socket.uncork()
  }

  protected get congested(): boolean {
    return this.#socket.writableNeedDrain
  }

  protected flow(wanted: boolean): void {
    if (this.#lent || this.state === 'closed') return
    if (wanted) this.#socket.resume()
    else this.#socket.pause()
  }

  protected endOutput(): void {
    // Node tells of no drain behind an end.
    this.#socket.once('finish', () => this.flushed()).end()
  }

  /**
   * A reset, so that the peer does not take a cut stream for a whole one; but not behind an end already sent.
   * (A peer on libuv that reads the last data and the reset in one go is told of an end all the same.)
   */
  protected cut(): void {
    const socket = this.#socket
    if (socket.writableFinished || this.remoteAddress.kind === 'unix') socket.destroy()
    else socket.resetAndDestroy()
  }

  protected sizeOf(data: Uint8Array): number {
    return data.byteLength
  }

  /** The socket, paused, without the listeners of these names. */
  #detach(attempt: string, ...names: (keyof SocketListeners)[]): Socket {
    if (this.state !== 'open' || this.#lent) {
      throw new ClosedError(`Cannot ${attempt}: ${this.#lent ? 'socket is lent' : 'connection is closed'}`)
    }
    for (const name of names) this.#socket.off(name, this.#listeners[name])
    return this.#socket.pause()
  }
}
