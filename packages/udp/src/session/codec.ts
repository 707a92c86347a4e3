import type { Messages } from '../options.ts'

/** How a datagram's bytes become a message, and a message bytes. */
export interface Codec<M> {
  decode(data: Uint8Array): M
  /** @throws TypeError when `message` is something else. */
  encode(message: M): Uint8Array
}

const bytes: Codec<Uint8Array> = {
  decode: (data) => data,
  encode(message) {
    if (message instanceof Uint8Array) return message
    throw new TypeError(
      `Cannot send: ${typeof message} is not a Uint8Array; for strings set messages: 'text'`,
    )
  },
}

/** Bytes that are no UTF-8 become U+FFFD: a peer cannot break anything with them. */
const text: Codec<string> = {
  decode: (data) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString(),
  encode(message) {
    if (typeof message === 'string') return Buffer.from(message)
    throw new TypeError(
      `Cannot send: ${typeof message} is not a string; for bytes leave messages: 'text' out`,
    )
  },
}

/** The codec of the option `messages`; which type it has, the overloads of the public functions say. */
export function codecOf<M>(messages: Messages = 'binary'): Codec<M> {
  return (messages === 'text' ? text : bytes) as unknown as Codec<M>
}
