import type { ByteConnection } from '@fairlead/core'

import { type CodecLimits, type Fields, type RequestHead, RequestParser } from '../codec/index.ts'

/** What is done with what an {@link Inlet} parses. */
export interface InletHost {
  readonly connection: ByteConnection
  /** Whether the next byte may be looked at. */
  readonly parsing: boolean
  /** A head came. */
  begin(head: RequestHead): void
  /** Bytes of its body came. */
  take(chunk: Uint8Array): void
  /** Its end came. */
  complete(trailers: Fields | undefined): void
  /** The head was one of an Upgrade or a CONNECT, and {@link Inlet.take} has what follows it. */
  offer(): void
}

const nothing = Buffer.alloc(0)

/**
 * The input of an HTTP connection: bytes on their way to the parser, no more of them than one read brings. While
 * a request is under way its successors wait here unparsed, and input is paused: pipelining costs no memory.
 */
export class Inlet {
  readonly #host: InletHost
  readonly #parser: RequestParser
  /** What was read and not parsed; input is paused as long as there is any that has to wait. */
  #rest: Uint8Array | undefined
  #held = false
  #begun = false

  constructor(host: InletHost, limits: Partial<CodecLimits>) {
    this.#host = host
    const onHead = (head: RequestHead): void => {
      this.#begun = true
      host.begin(head)
    }
    this.#parser = new RequestParser(
      { onHead, onBody: (chunk) => host.take(chunk), onEnd: (trailers) => host.complete(trailers) },
      limits,
    )
  }

  /** Whether any head has come. */
  get begun(): boolean {
    return this.#begun
  }

  /** Whether a head has begun and is not complete. */
  get inHead(): boolean {
    return this.#parser.inHead
  }

  /** Of the request that began last, as far as its request line was read. */
  get method(): string {
    return this.#parser.method ?? 'GET'
  }

  /** Whether anything waits to be parsed. */
  get waiting(): boolean {
    return this.#rest !== undefined
  }

  /** Whether the request at hand is an offer, which is to be dispatched when the parser has returned. */
  get offered(): boolean {
    return this.#parser.state === 'offered'
  }

  /** Bytes came. While input is held nothing comes, unless somebody else lets it flow. */
  add(chunk: Uint8Array): void {
    this.#rest = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
  }

  /** Parses what waits, for as long as nothing has to be waited for. @throws CodecError, and what the host throws. */
  feed(): void {
    while (this.#rest !== undefined && this.#host.parsing) {
      this.#parser.resume()
      const rest = this.#rest
      const consumed = this.#parser.push(rest)
      // Somebody may have taken it, or dropped it.
      if (this.#rest === undefined) return
      this.#rest = consumed < rest.byteLength ? rest.subarray(consumed) : undefined
      // Whoever takes the connection over needs the bytes behind the head: not before the parser has returned.
      if (this.#parser.state === 'waiting') this.#host.offer()
    }
  }

  /** Stops input while there are bytes that cannot be parsed yet. */
  hold(): void {
    const held = this.#rest !== undefined
    if (held === this.#held) return
    this.#held = held
    if (held) this.#host.connection.pause()
    else this.#host.connection.resume()
  }

  /** The parser stops before the next byte. */
  pause(): void {
    this.#parser.pause()
  }

  /** The offer at hand is none, or is declined. */
  decline(): void {
    this.#parser.decline()
  }

  /** Looks at what a body announced, without a byte of it. @throws CodecError when it is too large. */
  look(): void {
    this.#parser.resume()
    this.#parser.push(nothing)
  }

  /** The peer ended. @throws CodecError in the middle of a message. */
  end(): void {
    this.#parser.end()
  }

  /** Gives away what was not parsed. */
  take(): Uint8Array {
    const rest = this.#rest ?? nothing
    this.#rest = undefined
    return rest
  }
}
