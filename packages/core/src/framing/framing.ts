/**
 * How messages of type `M` are cut from a byte stream, without any I/O: the same messages for any split of
 * the input, and a hard maximum that is checked before anything of that size is kept.
 */
export interface Framing<M> {
  /** One message ready for the wire. Throws a `TypeError` or {@link LimitError} when it cannot be framed. */
  encode(message: M): Encoded
  /** A fresh decoder, for one stream. */
  decoder(): MessageDecoder<M>
}

/** What goes on the wire; pieces leave together, so that a large message need not be copied behind its header. */
export type Encoded = Uint8Array | string | readonly Uint8Array[]

/** Cuts one stream. Input is pushed, messages are taken one by one, so that the cutting can stop anywhere. */
export interface MessageDecoder<M> {
  /** Adds input; the decoder owns the bytes. */
  push(chunk: Uint8Array): void
  /** The next whole message, or undefined when more input is needed. Throws when none can ever come. */
  next(): M | undefined
  /** The stream ended: the message that its end completes, if any. Throws when it cut one off. */
  end(): M | undefined
  /** Takes out the bytes that are not part of any message yet. */
  rest(): Uint8Array
}
