import { Socket } from 'node:net'

import {
  type Address,
  ClosedError,
  type CloseReason,
  LimitError,
  type TimeoutPhase,
  type TlsFacts,
} from '@fairlead/core'
import { ConnectionBase, type InnerHandler, type Traffic } from '@fairlead/core/transport'

import { addressOr } from './address.ts'
import { Borrower } from './borrower.ts'
import { type ConnectionOptions, defaultMaxBuffered } from './connection-options.ts'
import { brokenBy } from './errno.ts'
import { keepsFailures, LastWords, type Written } from './last-words.ts'
import { Outlet, sliceSize } from './outlet.ts'
import type { ConnectionStats, StreamConnection } from './stream.ts'
import { Timeouts, type Watched } from './timeouts.ts'
import type { Sluice } from './tls/sluice.ts'

/** What a borrower of the socket is told; see `lend` in `@fairlead/tcp/node`. */
export interface LendOptions {
  /** The listener shuts down and cuts in `grace` milliseconds. Without it: `close({ grace })`. */
  onShutdown?(grace: number): void
  /** The socket has drained. */
  onDrain?(): void
  /** The peer has ended; told before the listeners hear it that the borrower puts on the socket. */
  onEnd?(): void
  /** The connection is closed. */
  onClose?(reason: CloseReason): void
}

/** How a socket becomes a connection; a listener's connections share one. */
export interface TcpSetup {
  readonly role: 'accepted' | 'connected'
  /** Where the listener is, or whom was connected to: for sockets that have no address of their own to tell. */
  readonly origin: Address
  /** Whom was asked for, as an address or a name. */
  readonly host?: string | undefined
  readonly options: ConnectionOptions
}

/** Where a socket has its connection: one property, where a closure for each event would be five. */
const owner = Symbol('connection')

/** What a connection does not hear of a socket that it lends. */
const onlyData = ['data'] as const
const dataAndEnd = ['data', 'end'] as const

type SocketEvent = 'data' | 'end' | 'drain' | 'error' | 'close'

/** A socket that a connection listens to. */
interface OwnedSocket extends Socket {
  [owner]: TcpConnection
}

/** The most that joins what is gathered already, though that is above the high-water mark. */
const joinSize = 1024

type WriteMany = NonNullable<Socket['_writev']>

/** Only Node has counters that can be asked in the middle of a write, and tells of each by its methods. */
const tellsWhileWriting = keepsFailures && process.versions['deno'] === undefined

/** How the runtime writes. */
const writeOne = Socket.prototype._write
const writeMany = Socket.prototype._writev as WriteMany

/**
 * A conversation over TCP, TLS or a Unix socket. The socket is created with `allowHalfOpen`, paused, and stays
 * paused until somebody reads, so nothing is read that nobody wants.
 */
export class TcpConnection
  extends ConnectionBase<Uint8Array, Uint8Array | string>
  implements StreamConnection, Watched
{
  remoteAddress: Address
  tls: TlsFacts | undefined
  readonly #setup: TcpSetup
  #localAddress: Address | undefined
  /** What is read and written: the socket of the system, or TLS on top of it. */
  #socket: Socket
  /** The socket of the system. */
  #wire: Socket
  /** Between the two, where the runtime's TLS needs it. */
  #sluice: Sluice | undefined
  /** Made for the first output that has to wait. */
  #outlet: Outlet | undefined
  /** Made for the first output. */
  #lastWords: LastWords | undefined
  /** Made when there is something to watch. */
  #timeouts: Timeouts | undefined
  /** What passed before TLS came on top. */
  #before: Traffic | undefined
  #reading = false
  /** Somebody else reads the socket. */
  #lent = false
  /** Whether it keeps the process alive. */
  #referenced = true

  constructor(socket: Socket, setup: TcpSetup) {
    super()
    this.#setup = setup
    this.#socket = this.#wire = socket
    this.remoteAddress = addressOr(socket.remoteAddress, socket.remotePort, setup.origin)
    if (setup.role === 'connected') this.#localAddress = this.#findLocalAddress()
    TcpConnection.#attach(this)
    const { readTimeout, idleTimeout, totalTimeout } = setup.options
    if (readTimeout ?? idleTimeout ?? totalTimeout) this.#timeouts = new Timeouts(this, setup.options)
  }

  /** What a connection hears of its socket. */
  static readonly #hears = {
    data(this: OwnedSocket, chunk: Buffer): void {
      this[owner].slot.push(chunk)
    },
    end(this: OwnedSocket): void {
      const connection = this[owner]
      // Behind a failed write, who ended is not to be told from who was lost.
      if (!connection.#lastWords?.end()) connection.slot.pushEnd()
    },
    drain(this: OwnedSocket): void {
      const connection = this[owner]
      try {
        if (connection.#outlet?.pump() ?? true) connection.relieved()
      } catch (error) {
        // What waited was taken away by its owner: a buffer that was transferred meanwhile.
        connection.fail(error)
      }
    },
    error(this: OwnedSocket, error: Error): void {
      const connection = this[owner]
      connection.finish({ kind: 'error', error: brokenBy(error, connection.remoteAddress) })
    },
    close(this: OwnedSocket): void {
      const connection = this[owner]
      // Whoever has the socket does not say who ended first; without the peer's end it was this side.
      if (connection.#lent && !this.readableEnded) connection.finish({ kind: 'local' })
      else connection.finish()
    },
  }

  /** How its socket writes. */
  static readonly #writes = {
    one(this: OwnedSocket, chunk: unknown, encoding: BufferEncoding, written: Written): void {
      writeOne.call(this, chunk, encoding, this[owner].#beforeWritten(written))
    },
    many(this: OwnedSocket, chunks: Parameters<WriteMany>[0], written: Written): void {
      writeMany.call(this, chunks, this[owner].#beforeWritten(written))
    },
  }

  /** How it writes for somebody else: what the system does not take at once is to be watched. */
  static readonly #lentWrites = {
    one(this: OwnedSocket, chunk: unknown, encoding: BufferEncoding, written: Written): void {
      writeOne.call(this, chunk, encoding, written)
      if (this.writableLength > 0) this[owner].#watch().outputWaits()
    },
    many(this: OwnedSocket, chunks: Parameters<WriteMany>[0], written: Written): void {
      writeMany.call(this, chunks, written)
      if (this.writableLength > 0) this[owner].#watch().outputWaits()
    },
  }

  /** Hands out the socket of `connection` for somebody else to read, with the unread input put back in front. */
  static lend(connection: TcpConnection, options: LendOptions): Socket {
    const ended = connection.slot.ended
    const socket = connection.#detach('lend', ...(options.onEnd ? onlyData : dataAndEnd))
    connection.#lent = true
    const unread = connection.slot.vacate()
    // A socket whose end was read takes nothing back.
    if (ended && unread.length > 0) {
      connection.destroy()
      throw new ClosedError('Cannot lend: the peer has ended, and its last input is unread')
    }
    for (const chunk of unread.toReversed()) socket.unshift(chunk)
    connection.slot.install(new Borrower(options))
    if (tellsWhileWriting) {
      socket._write = TcpConnection.#lentWrites.one
      socket._writev = TcpConnection.#lentWrites.many
    } else {
      connection.#watch().watchAlways()
    }
    return socket
  }

  /** Gives the socket of `connection` away, and what was read from it and not delivered. */
  static unwrap(connection: TcpConnection): { socket: Socket; head: Uint8Array } {
    const socket = connection.#detach('unwrap', 'data', 'end', 'drain', 'error', 'close')
    const head = Buffer.concat(connection.slot.vacate())
    connection.finish({ kind: 'handover' })
    return { socket, head }
  }

  /**
   * Puts another socket on top of the one `connection` has, as TLS does. What was read and not delivered goes
   * through it, `head` first; the handler slot is empty afterwards.
   */
  static overlay(connection: TcpConnection, over: (socket: Socket) => Socket, head?: Uint8Array): Socket {
    if (connection.slot.ended) throw new ClosedError('Cannot start TLS: the peer has ended')
    if (!connection.writable) throw new ClosedError('Cannot start TLS: output has ended')
    const below = connection.#detach('start TLS', 'data', 'end', 'drain', 'error', 'close')
    const unread = [...(head ? [head] : []), ...connection.slot.vacate()]
    for (const chunk of unread.toReversed()) below.unshift(chunk)
    // What the socket below reports, the one above does, too.
    below.on('error', () => {})
    // Who waits for room waits for what was written below.
    if (below.writableNeedDrain) below.once('drain', () => connection.relieved())
    connection.#before = { bytesIn: connection.bytesIn, bytesOut: below.bytesWritten }
    connection.#socket = over(below)
    connection.#outlet = undefined
    TcpConnection.#attach(connection)
    return connection.#socket
  }

  /** Stops the socket of the system by `sluice` from now on, as the one on top of it is. */
  static regulate(connection: TcpConnection, sluice: Sluice): void {
    connection.#sluice = sluice
    sluice.flow(connection.#reading)
  }

  /** Takes `handler` out of the slot, and puts what it did not use back in front. */
  static giveBack(connection: TcpConnection, handler: InnerHandler<Uint8Array>, unread: Uint8Array): void {
    connection.slot.release(handler, unread.byteLength > 0 ? [unread] : [])
  }

  /** Says who really speaks here, when a proxy told. */
  static readdress(
    connection: TcpConnection,
    { localAddress, remoteAddress }: { localAddress: Address; remoteAddress: Address },
  ): void {
    connection.#localAddress = localAddress
    connection.remoteAddress = remoteAddress
  }

  static #attach(connection: TcpConnection): void {
    const socket = connection.#socket as OwnedSocket
    const { data, end, drain, error, close } = TcpConnection.#hears
    socket[owner] = connection
    if (keepsFailures) {
      socket._write = TcpConnection.#writes.one
      socket._writev = TcpConnection.#writes.many
    }
    socket.pause()
    socket.on('data', data).on('end', end).on('drain', drain).on('error', error).on('close', close)
  }

  /** The host that was asked for, when this side connected. */
  get host(): string | undefined {
    return this.#setup.host
  }

  get role(): 'accepted' | 'connected' {
    return this.#setup.role
  }

  get localAddress(): Address {
    return (this.#localAddress ??= this.#findLocalAddress())
  }

  get buffered(): number {
    return this.state === 'closed' ? 0 : this.#socket.writableLength + (this.#outlet?.bytes ?? 0)
  }

  get bytesIn(): number {
    return (this.#before?.bytesIn ?? 0) + this.#socket.bytesRead
  }

  get bytesOut(): number {
    return (this.#before?.bytesOut ?? 0) + this.#socket.bytesWritten - this.#socket.writableLength
  }

  /** Where the runtime lets one see it, a large write moves this while it is under way, and `bytesOut` at its end. */
  get bytesGone(): number {
    const { _handle: handle } = this.#wire as {
      _handle?: { bytesWritten: number; writeQueueSize?: number } | null
    }
    return handle?.writeQueueSize === undefined ? this.bytesOut : handle.bytesWritten - handle.writeQueueSize
  }

  get reading(): boolean {
    if (this.#lent) return this.#socket.readableFlowing === true && !this.#socket.readableEnded
    return this.#reading && !this.slot.ended
  }

  stats(): ConnectionStats {
    return { bytesIn: this.bytesIn, bytesOut: this.bytesOut }
  }

  ref(): void {
    if (this.#referenced || this.state === 'closed') return
    this.#referenced = true
    this.#wire.ref()
  }

  unref(): void {
    if (!this.#referenced || this.state === 'closed') return
    this.#referenced = false
    this.#wire.unref()
  }

  write(data: Uint8Array | string, encoding: 'utf8' | 'latin1' = 'utf8'): boolean {
    if (!this.writable) throw this.unwritable()
    const socket = this.#socket
    const room =
      data.length <= sliceSize && (!this.congested || this.#joins(data))
        ? socket.write(data, encoding)
        : this.#writeBehind(data, encoding)
    if (socket.writableLength > 0) this.#watch().outputWaits()
    return room
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

  flow(wanted: boolean): void {
    if (this.#lent || this.state === 'closed') return
    this.#reading = wanted
    this.#sluice?.flow(wanted)
    if (wanted) this.#socket.resume()
    else this.#socket.pause()
  }

  expire(phase: TimeoutPhase): void {
    this.abandon({ kind: 'timeout', phase })
  }

  protected get congested(): boolean {
    return this.#socket.writableNeedDrain || this.#outlet?.empty === false
  }

  protected override get traffic(): Traffic {
    return { bytesIn: this.bytesIn, bytesOut: this.bytesOut }
  }

  protected endOutput(): void {
    if (this.#outlet?.empty === false) this.#outlet.whenEmpty(() => this.#endSocket())
    else this.#endSocket()
  }

  /**
   * A reset, so that the peer does not take a cut stream for a whole one; but not once the end is on its way, where
   * Node would lose the descriptor. (A peer on libuv that reads the last data and the reset in one go is told of an
   * end all the same.)
   */
  protected cut(): void {
    const { writableEnded, writableLength } = this.#socket
    const whole = writableEnded && writableLength === 0
    this.#outlet?.clear()
    // TLS on top follows its socket, and would send its own end before a reset.
    if (whole || this.#setup.origin.kind === 'unix') this.#socket.destroy()
    else this.#wire.resetAndDestroy()
  }

  protected override finish(reason?: CloseReason): void {
    this.#timeouts?.stop()
    super.finish(reason)
  }

  protected sizeOf(data: Uint8Array): number {
    return data.byteLength
  }

  #beforeWritten(written: Written): Written {
    return (this.#lastWords ??= new LastWords(this)).before(written)
  }

  /** Whether a little more leaves with what is gathered: the end of a chunk must not cost a write of its own. */
  #joins(data: Uint8Array | string): boolean {
    const { writableCorked, writableLength, writableHighWaterMark } = this.#socket
    return (
      data.length <= joinSize &&
      writableCorked > 0 &&
      // As far as one piece can take it: whoever gathers for ever is still to meet `maxBuffered`.
      writableLength <= writableHighWaterMark + sliceSize &&
      this.#outlet?.empty !== false
    )
  }

  #watch(): Timeouts {
    return (this.#timeouts ??= new Timeouts(this, this.#setup.options))
  }

  /** Whoever writes on without heeding the answer is stopped before memory is. */
  #writeBehind(data: Uint8Array | string, encoding: 'utf8' | 'latin1'): boolean {
    this.#outlet ??= new Outlet(this.#socket)
    const { maxBuffered = defaultMaxBuffered } = this.#setup.options
    const value = this.#outlet.standing
    if (value <= maxBuffered) return this.#outlet.write(data, encoding)
    const text = `Cannot write: ${value} bytes wait already, more than maxBuffered ${maxBuffered}`
    const peer = this.remoteAddress
    const error = new LimitError(text, { limit: 'maxBuffered', value, phase: 'write', peer })
    this.destroy(error)
    throw error
  }

  #endSocket(): void {
    // Node tells of no drain behind an end.
    if (this.congested) this.#socket.once('finish', () => this.flushed())
    this.#socket.end()
  }

  /** Costs a system call, which a listener's connections make when somebody asks. */
  #findLocalAddress(): Address {
    return addressOr(this.#wire.localAddress, this.#wire.localPort, this.#setup.origin)
  }

  /** The socket, paused, without the listeners of these names. */
  #detach(attempt: string, ...names: SocketEvent[]): Socket {
    if (this.state !== 'open' || this.#lent) {
      throw new ClosedError(`Cannot ${attempt}: ${this.#lent ? 'socket is lent' : 'connection is closed'}`)
    }
    this.#outlet?.flush()
    // The next owner knows nothing of what is held back.
    while (this.#socket.writableCorked > 0) this.#socket.uncork()
    this.#sluice?.flow(true)
    this.#lastWords?.end()
    if (keepsFailures) {
      this.#socket._write = writeOne
      this.#socket._writev = writeMany
    }
    for (const name of names) this.#socket.off(name, TcpConnection.#hears[name])
    return this.#socket.pause()
  }
}
