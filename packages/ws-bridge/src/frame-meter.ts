import type { Duplex } from 'node:stream'

import { Fifo } from '@fairlead/core/transport'
import { WebSocketServer } from 'ws'

import type { ConnectionSettings } from './options.ts'
import { headerSize, payloadSize } from './unmasker.ts'

/** What is counted here of one message. */
export type MeteredLimit = 'maxFragments' | 'maxBufferedChunks'

/** The first one of control frames; the last frame that is read. */
const opcodeOfClose = 8

/** Bytes that a control frame may carry (section 5.5). */
const largestControl = 125

/** What a {@link FrameMeter} tells. */
export interface MeterHost {
  /** More of something came than is allowed. */
  exceed(limit: MeteredLimit): void
  /** The reason in a Close frame is not UTF-8. `ws` has not heard of it. */
  garbled(): void
}

/**
 * Reads the headers of frames as they come, before `ws` does (RFC 6455 section 5.2), for things that it does not
 * tell: how many bytes a compressed message was, and on runtimes with a `ws` of their own, how many fragments and pieces.
 *
 * And it gives `ws` nothing that comes behind a Close frame, which means nothing (section 5.5.1): while a message is being
 * decompressed, chunks wait in `ws`, and when it finds a fault in one of them, the next one makes it throw where nobody
 * can catch it (8.23). For the same reason it judges Close frames, and `ws` is told to look at no UTF-8.
 */
export class FrameMeter {
  readonly #maxFragments: number
  readonly #maxBufferedChunks: number
  #host: MeterHost = { exceed() {}, garbled() {} }
  #socket: Duplex | undefined
  /** The payload of a Close frame, and where its mask begins. */
  #closing: number[] | undefined
  /** A Close frame is whole. */
  closed = false
  /** Bytes of a header so far, and how many it has as far as is known. */
  readonly #header = new Uint8Array(14)
  #have = 0
  #need = 2
  /** Bytes of the frame's payload that are still to come. */
  #payload = 0
  #fragments = 0
  /** Whether the frame that is under way is the last one of a message. */
  #final = false
  /** Chunks that hold some of a frame which is not whole. */
  #pieces = 0
  #bytes = 0
  /** Sizes of messages that are whole on the wire, and not delivered. */
  readonly #sizes = new Fifo<number>()
  #over = false
  #exceeded: MeteredLimit | undefined

  constructor(maxFragments: number, maxBufferedChunks = Infinity) {
    this.#maxFragments = maxFragments
    this.#maxBufferedChunks = maxBufferedChunks
  }

  attach(socket: Duplex, host: MeterHost): void {
    this.#host = host
    this.#socket = socket
    socket.prependListener('data', this.#read)
  }

  readonly #read = (chunk: Uint8Array): void => this.read(chunk)

  /** Whether something is whole on the wire that was not delivered yet. */
  get pending(): boolean {
    return this.#sizes.length > 0
  }

  /** Bytes on the wire of the message that is delivered next. */
  received(): number | undefined {
    const size = this.#sizes.length > 0 ? this.#sizes.shift() : undefined
    const exceeded = this.#exceeded
    if (exceeded === undefined || this.#sizes.length > 0) return size
    // Behind the message that is being delivered; or in place of the one beyond, which some runtimes give in the same turn.
    if (size === undefined) this.#host.exceed(exceeded)
    else queueMicrotask(() => this.#host.exceed(exceeded))
    return size
  }

  read(chunk: Uint8Array): void {
    if (this.#pieces >= this.#maxBufferedChunks) this.#exceeds('maxBufferedChunks')
    let at = 0
    while (at < chunk.byteLength && !this.#over) {
      if (this.#payload > 0) {
        const taken = Math.min(this.#payload, chunk.byteLength - at)
        this.#closing?.push(...chunk.subarray(at, at + taken))
        this.#payload -= taken
        at += taken
        if (this.#payload === 0) this.#end()
        continue
      }
      this.#header[this.#have++] = chunk[at++] as number
      if (this.#have === 2) this.#need = headerSize(this.#header[1] as number)
      if (this.#have === this.#need) this.#frame()
    }
    this.#pieces = this.#payload > 0 || this.#have > 0 ? this.#pieces + 1 : 0
  }

  #exceeds(limit: MeteredLimit): void {
    if (this.#over) return
    this.#over = true
    this.#exceeded = limit
    // What is whole is delivered first.
    if (this.#sizes.length === 0) this.#host.exceed(limit)
    this.#cut()
  }

  /** `ws` gets what is under way, and nothing behind it. The socket flows on, so that its end is seen. */
  #cut(): void {
    const socket = this.#socket
    this.closed = true
    for (const listener of socket?.listeners('data') ?? []) {
      if (listener !== this.#read) socket?.off('data', listener as () => void)
    }
    socket?.resume()
  }

  /** A Close frame is whole (section 5.5.1): a code, and a text. */
  #close(payload: readonly number[]): void {
    this.#over = true
    const masked = (this.#header[1] as number) > 127
    const mask = masked ? this.#header.subarray(2, 6) : new Uint8Array(4)
    const bytes = Uint8Array.from(payload, (byte, at) => byte ^ (mask[at & 3] as number))
    if (textOf(bytes.subarray(2)) === undefined) this.#host.garbled()
    this.#cut()
  }

  #frame(): void {
    const header = this.#header
    const [first, second] = header as unknown as [number, number]
    this.#payload = payloadSize(header, second & 127)
    this.#have = this.#pieces = 0
    this.#need = 2
    const opcode = first & 15
    // What `ws` refuses, or does not read any more, is not followed any further.
    if (!Number.isSafeInteger(this.#payload)) this.#over = true
    if (opcode === opcodeOfClose && this.#payload <= largestControl) {
      if (this.#payload === 0) this.#close([])
      else this.#closing = []
    }
    if (opcode >= opcodeOfClose || this.#over) return
    this.#fragments++
    this.#bytes += this.#payload
    if (this.#fragments > this.#maxFragments) {
      this.#exceeds('maxFragments')
      return
    }
    this.#final = first >= 128
    if (this.#payload === 0) this.#end()
  }

  /** A frame is whole. */
  #end(): void {
    if (this.#closing) this.#close(this.#closing)
    if (!this.#final) return
    this.#final = false
    this.#sizes.push(this.#bytes)
    this.#fragments = this.#bytes = 0
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text out of bytes, or undefined when they are none (section 8.1). */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

let own: boolean | undefined

/** Some runtimes have a `ws` of their own, which counts neither. */
export function hasOwnWs(): boolean {
  return (own ??= new WebSocketServer({ noServer: true }).options.maxFragments === undefined)
}

/** Looks at the peer's frames, where `ws` does not tell what has to be known of them. */
export function meterFor({
  maxFragments,
  maxBufferedChunks,
  compression,
}: ConnectionSettings): FrameMeter | undefined {
  return compression || hasOwnWs() ? new FrameMeter(maxFragments, maxBufferedChunks) : undefined
}
