import type { Messages } from '../options.ts'

/** How a message gets into a datagram and out again, without a copy in between. */
export interface Payload<M> {
  /** The message's bytes. @throws TypeError when `message` is something else. */
  sizeOf(message: M): number
  put(message: M, into: Buffer, at: number): void
  take(from: Buffer, start: number, end: number): M
}

const bytes: Payload<Uint8Array> = {
  sizeOf(message) {
    if (message instanceof Uint8Array) return message.byteLength
    throw new TypeError(
      `Cannot send: ${typeof message} is not a Uint8Array; for strings set messages: 'text'`,
    )
  },
  put: (message, into, at) => into.set(message, at),
  /** The datagram is nobody else's, and each message has its own part of it. */
  take: (from, start, end) => from.subarray(start, end),
}

/** Bytes that are no UTF-8 become U+FFFD: a peer cannot break anything with them. */
const text: Payload<string> = {
  sizeOf(message) {
    if (typeof message === 'string') return Buffer.byteLength(message)
    throw new TypeError(
      `Cannot send: ${typeof message} is not a string; for bytes leave messages: 'text' out`,
    )
  },
  put: (message, into, at) => void into.write(message, at),
  take: (from, start, end) => from.toString('utf8', start, end),
}

/** The payload of the option `messages`; which type it has, the overloads of the public function say. */
export function payloadOf<M>(messages: Messages): Payload<M> {
  return (messages === 'text' ? text : bytes) as unknown as Payload<M>
}
