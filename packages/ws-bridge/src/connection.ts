import type { Duplex } from 'node:stream'

import {
  type Address,
  BrokenError,
  type CloseReason,
  type MessageConnection,
  ProtocolError,
  type SocketError,
} from '@fairlead/core'
import { ConnectionBase, defaultGrace, defaultHighWaterMark } from '@fairlead/core/transport'
import type { RawData, WebSocket } from 'ws'

import { closeCodeOf, closeCodes } from './close-codes.ts'
import { faultOf, lostBy } from './faults.ts'
import { checkMessage, type MessageKind, type MessageOf, sizeOfMessage } from './messages.ts'

/** What lies under a WebSocket connection. */
export interface Underneath {
  readonly ws: WebSocket
  /** The socket that `ws` borrowed. */
  readonly socket: Duplex
  readonly localAddress: Address
  readonly remoteAddress: Address
}

/**
 * A conversation in WebSocket messages (RFC 6455). `ws` does the framing; the lifecycle, the back-pressure and
 * the reasons are Fairlead's. There is no half-close: a Close frame ends both directions.
 */
export class WebSocketConnection<K extends MessageKind>
  extends ConnectionBase<MessageOf<K>>
  implements MessageConnection<MessageOf<K>>
{
  readonly reliable = true
  readonly localAddress: Address
  readonly remoteAddress: Address
  readonly #ws: WebSocket
  readonly #socket: Duplex
  readonly #kind: K
  readonly #maxPayload: number
  #farewell: ReturnType<typeof setTimeout> | undefined
  /** What broke the socket. */
  #lost: BrokenError | undefined
  #toldShutdown = false
  /** `write` answered false, and nothing drained since. */
  #congested = false

  constructor({ ws, socket, localAddress, remoteAddress }: Underneath, kind: K, maxPayload: number) {
    super()
    this.localAddress = localAddress
    this.remoteAddress = remoteAddress
    this.#ws = ws
    this.#socket = socket
    this.#kind = kind
    this.#maxPayload = maxPayload
    ws.binaryType = 'nodebuffer'
    ws.pause()
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary))
    ws.on('error', (error) => this.#blame(faultOf(error, remoteAddress, maxPayload)))
    ws.on('close', (code, text) => this.#closed(code, text.toString()))
    // `ws` does not tell of its socket's buffer.
    socket.on('drain', () => this.#drained())
    socket.on('error', (error) => (this.#lost ??= lostBy(error, remoteAddress)))
    // Before `ws` hears it: afterwards its state does not tell whether there was a Close frame.
    socket.prependListener('end', () => {
      if (ws.readyState === ws.OPEN) this.#blame(this.#unannounced())
    })
  }

  get buffered(): number {
    return this.#ws.bufferedAmount
  }

  write(message: MessageOf<K>): boolean {
    if (!this.writable) throw this.unwritable()
    checkMessage(message, this.#kind, this.#maxPayload)
    if (this.#ws.readyState !== this.#ws.OPEN) throw this.#leaving()
    this.#ws.send(message, { binary: this.#kind === 'binary' })
    return !this.congested
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  /** Told by the WebSocket listener and by the HTTP listener under it; the handler hears it once. */
  override shutdown(grace: number): void {
    if (this.#toldShutdown) return
    this.#toldShutdown = true
    // Nobody waits for a peer that broke the protocol.
    if (this.state === 'closed') this.#ws.terminate()
    else super.shutdown(grace)
  }

  /** The TCP connection underneath is closed; when its owner cut it, for the same reason. */
  undercut(reason: CloseReason): void {
    if (reason.kind !== 'remote') this.abandon(reason)
  }

  /** The socket's own mark differs between versions of Node; above ours it will tell when it drains. */
  protected get congested(): boolean {
    this.#congested ||= this.#socket.writableNeedDrain && this.buffered > defaultHighWaterMark
    return this.#congested
  }

  flow(wanted: boolean): void {
    if (wanted) this.#ws.resume()
    // Once it closes there is nothing to hold back, and the peer's end has to be seen.
    else if (this.#ws.readyState === this.#ws.OPEN) this.#ws.pause()
  }

  protected endOutput(reason: CloseReason): void {
    this.#uncorkAll()
    this.#ws.close(closeCodeOf(reason))
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

  protected sizeOf(message: MessageOf<K>): number {
    return sizeOfMessage(message)
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.state !== 'open') return
    if (isBinary === (this.#kind === 'binary')) {
      const bytes = data as Buffer
      this.slot.push((isBinary ? bytes : bytes.toString()) as MessageOf<K>)
      return
    }
    const text = `only ${this.#kind} is understood`
    const options = { side: 'remote', peer: this.remoteAddress } as const
    this.#ws.close(closeCodes.unsupportedData, text)
    this.#ws.resume()
    this.#blame(new ProtocolError(`Cannot read message: ${text}`, options))
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

  #drained(): void {
    if (!this.#congested) return
    this.#congested = false
    this.relieved()
  }

  #uncorkAll(): void {
    while (this.#socket.writableCorked > 0) this.#socket.uncork()
  }

  #closed(code: number, text: string): void {
    clearTimeout(this.#farewell)
    const abnormal = code === closeCodes.abnormal
    if (abnormal && this.#lost) {
      this.finish({ kind: 'error', error: this.#lost })
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
