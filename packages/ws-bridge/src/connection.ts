import type { Duplex } from 'node:stream'

import {
  type Address,
  BrokenError,
  type CloseReason,
  type Connection,
  LimitError,
  ProtocolError,
  type SocketError,
  type TlsFacts,
} from '@fairlead/core'
import {
  checkOptions,
  ConnectionBase,
  defaultGrace,
  defaultHighWaterMark,
  graceOf,
  guarded,
  rejected,
  TokenBucket,
} from '@fairlead/core/transport'
import type { RawData, WebSocket } from 'ws'

import { checkFarewell, closeCodeOf, closeCodes } from './close-codes.ts'
import { canDeflate, deflate, freeExpansion, largestAtOnce, unreadExpansion } from './compression.ts'
import type { EncodedMessage } from './encoded-message.ts'
import { faultOf, garbled, lostBy, tooMany } from './faults.ts'
import { type FrameMeter, hasOwnWs, textOf } from './frame-meter.ts'
import { frame, joinSize, opcodes } from './frame.ts'
import { Heartbeat, type Patient } from './heartbeat.ts'
import type { Borrowing, Loan } from './loan.ts'
import { checkMessage, type MessageKind, type MessageOf, sizeOfMessage } from './messages.ts'
import type { ConnectionSettings } from './options.ts'
import { Outbox } from './outbox.ts'
import { Unmasker } from './unmasker.ts'
import type { WebSocketCloseOptions, WebSocketConnection } from './websocket.ts'

/** What lies under a WebSocket. */
export interface Underneath {
  readonly ws: WebSocket
  /** The socket that `ws` borrowed. */
  readonly socket: Duplex
  /** Who talks, and how: the connection that lent the socket, where there is one. */
  readonly ends: Ends
  /** How that connection tells of its socket; without it, the socket is listened to. */
  readonly loan?: Loan | undefined
  /** A server's frames are not masked, so that they are made here; those of a client are made by `ws`. */
  readonly role: 'client' | 'server'
  /** The window for compressed messages, where that was agreed on. */
  readonly windowBits?: number | undefined
  /** Looks at frames before `ws` does. */
  readonly meter?: FrameMeter | undefined
}

type Ends = Pick<Connection<unknown>, 'localAddress' | 'remoteAddress' | 'tls'>

/** Where `ws`, or its socket, has its connection: one property, where a closure for each event would be six. */
const owner = Symbol('connection')

type Owned<Emitter> = Emitter & { [owner]: WsConnection<MessageKind> }

/**
 * A WebSocket whose frames `ws` reads; the lifecycle, the back-pressure, the output and the reasons are Fairlead's.
 */
export class WsConnection<K extends MessageKind>
  extends ConnectionBase<MessageOf<K>>
  implements WebSocketConnection<MessageOf<K>>, Patient, Borrowing
{
  readonly #settings: ConnectionSettings
  readonly #ws: WebSocket
  readonly #socket: Duplex
  readonly #ends: Ends
  readonly #outbox: Outbox
  /** 0 for the client, whose frames `ws` makes; 1 for a server without compression. */
  readonly #windowBits: number
  readonly #meter: FrameMeter | undefined
  /** Made for the first ping, where there is no heartbeat. */
  #heartbeat: Heartbeat | undefined
  #messages: TokenBucket | undefined
  #pings: TokenBucket | undefined
  #farewell: ReturnType<typeof setTimeout> | undefined
  #toldShutdown = false
  /** Bytes that were decompressed while nobody read. */
  #unread = 0
  /** `write` answered false, and nothing drained since. */
  #congested = false
  /** What the Close frame of a shutdown says. */
  shutdownNotice: { readonly code?: number; readonly text?: string } | undefined

  constructor(under: Underneath, settings: ConnectionSettings) {
    super()
    const { ws, socket, ends, loan, role, windowBits = 1, meter } = under
    this.#settings = settings
    this.#ws = ws
    this.#socket = socket
    this.#ends = ends
    this.#windowBits = role === 'client' ? 0 : windowBits
    this.#meter = meter
    this.#outbox = new Outbox(socket)
    if (settings.heartbeat) this.#heartbeat = new Heartbeat(this, settings.heartbeat)
    if (settings.messageRate) this.#messages = new TokenBucket(settings.messageRate)
    ws.pause()
    const heard = WsConnection.#hears
    ;(ws as Owned<WebSocket>)[owner] = this
    ws.on('message', heard.message).on('ping', heard.ping).on('pong', heard.pong)
    ws.on('error', heard.fault).on('close', heard.close)
    if (loan) {
      loan.borrower = this
    } else {
      ;(socket as Owned<Duplex>)[owner] = this
      socket.on('drain', heard.drain).prependListener('end', heard.end)
    }
    if (role === 'server' && !meter && !hasOwnWs()) new Unmasker().attach(socket)
    meter?.attach(socket, {
      exceed: (limit) => this.#refuse(tooMany(limit, settings, this.remoteAddress)),
      garbled: () => this.#refuse(garbled(this.remoteAddress)),
    })
  }

  /** What is heard of `ws`, and of its socket. */
  static readonly #hears = {
    message(this: WebSocket, data: RawData, isBinary: boolean): void {
      ;(this as Owned<WebSocket>)[owner].#receive(data as Buffer, isBinary)
    },
    ping(this: WebSocket): void {
      ;(this as Owned<WebSocket>)[owner].#pinged()
    },
    pong(this: WebSocket, payload: Buffer): void {
      const connection = (this as Owned<WebSocket>)[owner]
      // Ends as a ping does: it holds what came around it in memory just so.
      if (!connection.#heartbeat?.pong(payload)) connection.#pinged()
    },
    fault(this: WebSocket, error: Error): void {
      const connection = (this as Owned<WebSocket>)[owner]
      connection.#blame(faultOf(error, connection.remoteAddress, connection.#settings))
    },
    close(this: WebSocket, code: number, text: Buffer): void {
      ;(this as Owned<WebSocket>)[owner].#closed(code, text.toString())
    },
    drain(this: Duplex): void {
      ;(this as Owned<Duplex>)[owner].socketDrained()
    },
    end(this: Duplex): void {
      ;(this as Owned<Duplex>)[owner].socketEnded()
    },
  }

  /** `ws` does not tell of its socket's buffer. */
  socketDrained(): void {
    // What `ws` is still compressing waits, too.
    if (!this.#congested || this.buffered > defaultHighWaterMark) return
    this.#congested = false
    this.relieved()
  }

  /** Told before `ws` hears it: afterwards its state does not tell whether there was a Close frame. */
  socketEnded(): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return
    // Behind what is still being decompressed a Close frame may come.
    if (this.#meter?.pending) this.#farewell = setTimeout(() => this.#ws.terminate(), defaultGrace)
    else this.#blame(this.#unannounced())
  }

  get reliable(): true {
    return true
  }

  get localAddress(): Address {
    return this.#ends.localAddress
  }

  get remoteAddress(): Address {
    return this.#ends.remoteAddress
  }

  get tls(): TlsFacts | undefined {
    return this.#ends.tls
  }

  get protocol(): string {
    return this.#ws.protocol
  }

  get compressed(): boolean {
    return this.#ws.extensions !== ''
  }

  get roundTrip(): number | undefined {
    return this.#heartbeat?.roundTrip
  }

  get buffered(): number {
    return this.#ws.bufferedAmount
  }

  get bytesIn(): number {
    return (this.#socket as { bytesRead?: number }).bytesRead ?? 0
  }

  get bytesOut(): number {
    // Of a connection of ours a large write shows while it is under way.
    const { bytesGone } = this.#ends as { bytesGone?: number }
    const { bytesWritten = 0, writableLength } = this.#socket as Duplex & { bytesWritten?: number }
    return bytesGone ?? bytesWritten - writableLength
  }

  get reading(): boolean {
    return !this.#ws.isPaused
  }

  write(message: MessageOf<K>): boolean {
    if (!this.writable) throw this.unwritable()
    const { kind, maxPayload } = this.#settings
    const size = checkMessage(message, kind, maxPayload)
    const ws = this.#ws
    if (ws.readyState !== ws.OPEN) throw this.#leaving()
    this.#makeRoom(size)
    const { compression } = this.#settings
    const opcode = typeof message === 'string' ? opcodes.text : opcodes.binary
    if (this.#windowBits === 0) {
      const options = { binary: opcode === opcodes.binary, compress: this.#compresses(size) }
      ws.send(message, options, this.compressed ? (error) => this.#left(error) : undefined)
    } else if (compression && canDeflate(this.#windowBits) && this.#compresses(size)) {
      const payload = deflate(message, compression.level, this.#windowBits)
      const smaller = payload.byteLength < size
      this.#put(smaller ? frame(opcode, payload, payload.byteLength, true) : frame(opcode, message, size))
    } else {
      this.#put(frame(opcode, message, size))
    }
    return !this.congested
  }

  /** Whoever awaits it often goes on with the same memory: what was not copied leaves at once, if the system takes it. */
  override send(message: MessageOf<K>): Promise<void> {
    const sent = super.send(message)
    if (message instanceof Uint8Array && message.byteLength > joinSize) this.#outbox.flush()
    return sent
  }

  /** Writes what was encoded for many; see {@link write}. */
  writeEncoded(encoded: EncodedMessage): boolean {
    const ws = this.#ws
    const { kind, maxPayload, compression } = this.#settings
    const { message, size } = encoded
    const fits = kind === 'both' || (kind === 'text') === (typeof message === 'string')
    const masked = this.#windowBits === 0
    if (masked || !this.writable || !fits || size > maxPayload || ws.readyState !== ws.OPEN) {
      return this.write(message as MessageOf<K>)
    }
    this.#makeRoom(size)
    const deflating = compression && canDeflate(this.#windowBits) && this.#compresses(size)
    this.#put(deflating ? encoded.deflated(compression.level, this.#windowBits) : encoded.plain)
    return !this.congested
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  ping(options?: { signal?: AbortSignal }): Promise<number> {
    if (options?.signal?.aborted) return rejected(options.signal.reason)
    if (!this.writable) return rejected(this.unwritable())
    if (this.#ws.readyState !== this.#ws.OPEN) return rejected(this.#leaving())
    this.#heartbeat ??= new Heartbeat(this, undefined)
    return guarded(this.#heartbeat.ask(options?.signal))
  }

  override close(options?: WebSocketCloseOptions): Promise<void> {
    if (options !== undefined) {
      checkOptions('close', options)
      const { code, text } = options
      checkFarewell(code, text)
      const said = { ...(code !== undefined && { code }), ...(text !== undefined && { text }) }
      this.beginClose({ kind: 'local', ...said }, graceOf(options))
    }
    return super.close(options)
  }

  /** Told by the WebSocket listener and by the HTTP listener under it; the handler hears it once. */
  override shutdown(grace: number): void {
    if (this.#toldShutdown) return
    this.#toldShutdown = true
    // Nobody waits for a peer that broke the protocol.
    if (this.state === 'closed') this.#ws.terminate()
    else super.shutdown(grace)
  }

  override closeForShutdown(grace: number): void {
    this.beginClose({ kind: 'shutdown', ...this.shutdownNotice }, grace)
  }

  /** The TCP connection underneath is closed; when its owner cut it, for the same reason. */
  undercut(reason: CloseReason): void {
    if (reason.kind !== 'remote') this.abandon(reason)
  }

  /** Whether its peer reads more slowly than is written. */
  get slow(): boolean {
    return this.congested
  }

  sendPing(payload: Uint8Array): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping(payload)
  }

  giveUp(): void {
    this.abandon({ kind: 'timeout', phase: 'idle' })
  }

  /** The socket's own mark differs between versions of Node; above ours it will tell when it drains. */
  protected get congested(): boolean {
    const waits = this.#socket.writableNeedDrain || (this.#windowBits === 0 && this.compressed)
    this.#congested ||= waits && this.buffered > defaultHighWaterMark
    return this.#congested
  }

  /** Of what `ws` compresses in its own time, the socket may never have so much that it drains. */
  #left(error: Error | undefined): void {
    if (!error && this.buffered <= defaultHighWaterMark) this.socketDrained()
  }

  flow(wanted: boolean): void {
    if (wanted) this.#ws.resume()
    // Once it closes there is nothing to hold back, and the peer's end has to be seen.
    else if (this.#ws.readyState === this.#ws.OPEN && !this.#meter?.closed) this.#ws.pause()
  }

  protected endOutput(reason: CloseReason): void {
    this.#heartbeat?.rest()
    this.#uncorkAll()
    this.#ws.close(closeCodeOf(reason), 'text' in reason ? reason.text : undefined)
  }

  /**
   * After an error a Close frame goes ahead, if the system takes it at once. Else a cut is no orderly end and must
   * not look like one: the peer sees 1006.
   */
  protected cut(reason: CloseReason): void {
    if (reason.kind === 'error' && !this.#socket.destroyed) {
      this.#uncorkAll()
      this.#ws.close(closeCodeOf(reason))
    }
    this.#ws.terminate()
  }

  protected override finish(reason?: CloseReason): void {
    super.finish(reason)
    this.#heartbeat?.stop(this.unwritable())
  }

  protected sizeOf(message: MessageOf<K>): number {
    return sizeOfMessage(message)
  }

  #receive(data: Buffer, isBinary: boolean): void {
    const { kind, messageRate } = this.#settings
    const received = this.#meter?.received()
    if (this.state !== 'open') return
    if (kind !== 'both' && isBinary !== (kind === 'binary')) {
      const text = `only ${kind} is understood`
      const options = { side: 'remote', peer: this.remoteAddress } as const
      const error = new ProtocolError(`Cannot read message: ${text}`, options)
      this.#refuse({ code: closeCodes.unsupportedData, text, error })
    } else if (messageRate && !this.#messages?.take()) {
      this.#refuse(tooMany('messageRate', this.#settings, this.remoteAddress))
    } else if (received !== undefined && this.#expands(received, data.byteLength)) {
      this.#refuse(tooMany('compression.ratio', this.#settings, this.remoteAddress))
    } else if (received !== undefined && this.#overflows(data.byteLength)) {
      this.#refuse(tooMany('compression.ratio', this.#settings, this.remoteAddress))
    } else {
      const message = isBinary ? data : this.#meter ? textOf(data) : data.toString()
      if (message === undefined) this.#refuse(garbled(this.remoteAddress))
      else this.slot.push(message as MessageOf<K>)
    }
  }

  /** `ws` goes on decompressing what it has when nobody reads: that is no more than one chunk, and may become much more. */
  #overflows(size: number): boolean {
    const { compression, maxPayload } = this.#settings
    this.#unread = this.slot.flowing ? 0 : this.#unread + size
    return compression !== undefined && this.#unread > maxPayload + unreadExpansion(compression)
  }

  #compresses(size: number): boolean {
    const { compression } = this.#settings
    if (compression === undefined || size < compression.threshold || !this.compressed) return false
    // `ws` does it in its own time, for a client.
    return this.#windowBits === 0 || size <= largestAtOnce
  }

  /** Whether a message was compressed more than anybody compresses what is meant to be read. */
  #expands(received: number, size: number): boolean {
    const { compression } = this.#settings
    return compression !== undefined && size > freeExpansion && size > received * compression.ratio
  }

  #pinged(): void {
    this.#pings ??= new TokenBucket(this.#settings.pingRate)
    if (this.state !== 'open') return
    if (!this.#pings.take()) this.#refuse(tooMany('pingRate', this.#settings, this.remoteAddress))
    // Its answer may wait behind others, for a peer that pings and does not read.
    else if (this.buffered > this.#settings.maxBuffered) this.#tooMuchWaits('answer ping')
  }

  /** Closes with a code, because of what the peer sent. */
  #refuse({ code, text, error }: { code: number; text: string; error: SocketError }): void {
    if (this.state !== 'open') return
    this.#uncorkAll()
    this.#ws.close(code, text)
    this.#ws.resume()
    this.#blame(error)
  }

  /**
   * Over, because of the peer. What was read before is still delivered; `ws` goes on to say goodbye, for a while,
   * on a socket that is still counted where it came from.
   */
  #blame(fault: SocketError): void {
    if (this.state !== 'open') return
    this.#uncorkAll()
    this.#farewell = setTimeout(() => this.#ws.terminate(), defaultGrace)
    this.finish({ kind: 'error', error: fault })
  }

  /** Whoever writes on without heeding the answer is stopped before memory is. */
  #makeRoom(size: number): void {
    this.#outbox.gather(size)
    if (this.#congested && this.buffered > this.#settings.maxBuffered) throw this.#tooMuchWaits('write')
  }

  /** Over, because too much waits for the peer. */
  #tooMuchWaits(attempt: string): LimitError {
    const { maxBuffered } = this.#settings
    const value = this.buffered
    const text = `Cannot ${attempt}: ${value} bytes wait already, more than maxBuffered ${maxBuffered}`
    const peer = this.remoteAddress
    const error = new LimitError(text, { limit: 'maxBuffered', value, phase: 'write', peer })
    this.destroy(error)
    return error
  }

  #put([head, payload]: readonly [Uint8Array, Uint8Array?]): void {
    const socket = this.#socket
    if (!payload) {
      socket.write(head)
      return
    }
    socket.cork()
    socket.write(head)
    socket.write(payload)
    socket.uncork()
  }

  #uncorkAll(): void {
    this.#outbox.flush()
    while (this.#socket.writableCorked > 0) this.#socket.uncork()
  }

  #closed(code: number, text: string): void {
    clearTimeout(this.#farewell)
    const abnormal = code === closeCodes.abnormal
    const lost = abnormal && this.#lost
    if (lost) {
      this.finish({ kind: 'error', error: lost })
    } else if (this.state === 'closing') {
      // `ws` itself waits no longer than 30 seconds for the peer.
      const cut = abnormal && !this.#socket.writableFinished
      this.finish(cut ? { kind: 'timeout', phase: 'close' } : undefined)
    } else if (abnormal) {
      this.finish({ kind: 'error', error: this.#unannounced() })
    } else {
      this.slot.pushEnd()
      // A handler whose `onEnd` rejects still costs its connection.
      queueMicrotask(() => this.finish({ kind: 'remote', code, ...(text === '' ? {} : { text }) }))
    }
  }

  /** What broke the socket. */
  get #lost(): BrokenError | undefined {
    const { errored } = this.#socket
    return errored ? lostBy(errored, this.remoteAddress) : undefined
  }

  #unannounced(): BrokenError {
    return new BrokenError('Connection broken: ended without a Close frame', { peer: this.remoteAddress })
  }

  /** Why nothing can be written although the connection is not closed yet. */
  #leaving(): BrokenError {
    const cause = this.#lost
    const options = { phase: 'write', peer: this.remoteAddress, cause }
    return new BrokenError(`Cannot write: ${cause?.message ?? 'the peer closed'}`, options)
  }
}
