import type { Messages } from '../options.ts'
import { codecOf } from '../session/codec.ts'

/** How a message gets into a datagram and out again, without a copy in between. */
export interface Payload<M> {
  /** The message's bytes. @throws TypeError when `message` is something else. */
  sizeOf(message: M): number
  put(message: M, into: Buffer, at: number): void
  take(from: Buffer, start: number, end: number): M
}

const codecs = { binary: codecOf<Uint8Array>('binary'), text: codecOf<string>('text') }

const bytes: Payload<Uint8Array> = {
  // What is no message, the codec refuses.
  sizeOf: (message) => (message instanceof Uint8Array ? message : codecs.binary.encode(message)).byteLength,
  put: (message, into, at) => into.set(message, at),
  /** The datagram is nobody else's, and each message has its own part of it. */
  take: (from, start, end) => from.subarray(start, end),
}

const text: Payload<string> = {
  sizeOf: (message) =>
    typeof message === 'string' ? Buffer.byteLength(message) : codecs.text.encode(message).byteLength,
  put: (message, into, at) => void into.write(message, at),
  take: (from, start, end) => from.toString('utf8', start, end),
}

/** The payload of the option `messages`; which type it has, the overloads of the public function say. */
export function payloadOf<M>(messages: Messages): Payload<M> {
  return (messages === 'text' ? text : bytes) as unknown as Payload<M>
}
