import type { Duplex } from 'node:stream'

import { Fifo } from '@fairlead/core/transport'
import { WebSocketServer } from 'ws'

import type { ConnectionSettings } from './options.ts'

/** What is counted here of one message. */
export type MeteredLimit = 'maxFragments' | 'maxBufferedChunks'

/** The first one of control frames; the last frame that is read. */
const opcodeOfClose = 8

/**
 * Reads the headers of frames as they come, before `ws` does (RFC 6455 section 5.2), for two things that it does not
 * tell: how many bytes a compressed message was, and on runtimes with a `ws` of their own, how many fragments and pieces.
 */
export class FrameMeter {
  readonly #maxFragments: number
  readonly #maxBufferedChunks: number
  #exceed: (limit: MeteredLimit) => void = () => {}
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

  attach(socket: Duplex, exceed: (limit: MeteredLimit) => void): void {
    this.#exceed = exceed
    socket.prependListener('data', (chunk: Uint8Array) => this.read(chunk))
  }

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
    if (size === undefined) this.#exceed(exceeded)
    else queueMicrotask(() => this.#exceed(exceeded))
    return size
  }

  read(chunk: Uint8Array): void {
    if (this.#pieces >= this.#maxBufferedChunks) this.#exceeds('maxBufferedChunks')
    let at = 0
    while (at < chunk.byteLength && !this.#over) {
      if (this.#payload > 0) {
        const taken = Math.min(this.#payload, chunk.byteLength - at)
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
    if (this.#sizes.length === 0) this.#exceed(limit)
  }

  #frame(): void {
    const header = this.#header
    const [first, second] = header as unknown as [number, number]
    this.#payload = payloadSize(header, second & 127)
    this.#have = this.#pieces = 0
    this.#need = 2
    const opcode = first & 15
    // What `ws` refuses, or does not read any more, is not followed any further.
    if (opcode === opcodeOfClose || !Number.isSafeInteger(this.#payload)) this.#over = true
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
    if (!this.#final) return
    this.#final = false
    this.#sizes.push(this.#bytes)
    this.#fragments = this.#bytes = 0
  }
}

function headerSize(second: number): number {
  const length = second & 127
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (second > 127 ? 4 : 0)
}

function payloadSize(header: Uint8Array, length: number): number {
  const view = new DataView(header.buffer)
  if (length === 126) return view.getUint16(2)
  return length === 127 ? Number(view.getBigUint64(2)) : length
}

/** Some runtimes have a `ws` of their own, which counts neither. */
let countsFragments: boolean | undefined

/** Looks at the peer's frames, where `ws` does not tell what has to be known of them. */
export function meterFor(
  { maxFragments, maxBufferedChunks }: ConnectionSettings,
  compressed: boolean,
): FrameMeter | undefined {
  countsFragments ??= new WebSocketServer({ noServer: true }).options.maxFragments !== undefined
  return compressed || !countsFragments ? new FrameMeter(maxFragments, maxBufferedChunks) : undefined
}
