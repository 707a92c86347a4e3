import { LimitError } from '@fairlead/core'

/** Which messages a connection carries; the other kind is refused with 1003. */
export type MessageKind = 'text' | 'binary'

/** What a message of a kind is in the program. */
export type MessageOf<K extends MessageKind> = K extends 'text' ? string : Uint8Array

/** What messages a connection takes, and how large. */
export interface MessageOptions<K extends MessageKind = MessageKind> {
  /** Which messages it carries. Default `'text'`. */
  messages?: K
  /** Bytes of the largest message, in both directions; 1009 beyond. Default 1 MiB. */
  maxPayload?: number
}

const defaultMaxPayload = 1024 * 1024

/** The options with their defaults. @throws TypeError or RangeError that names the option */
export function messageOptions<K extends MessageKind>(
  options: MessageOptions<K>,
): Required<MessageOptions<K>> {
  const { messages = 'text' as K, maxPayload = defaultMaxPayload } = options
  if (messages !== 'text' && messages !== 'binary') {
    throw new TypeError(`Invalid option messages: ${String(messages)} is not 'text' or 'binary'`)
  }
  if (!Number.isSafeInteger(maxPayload) || maxPayload < 1) {
    throw new RangeError(`Invalid option maxPayload: ${String(maxPayload)} is not a positive number of bytes`)
  }
  return { messages, maxPayload }
}

/** Refuses a message that its receiver could not have meant. @throws TypeError or LimitError */
export function checkMessage(message: unknown, kind: MessageKind, maxPayload: number): void {
  const fits = kind === 'text' ? typeof message === 'string' : message instanceof Uint8Array
  if (!fits) throw new TypeError(`Cannot send message: ${typeof message} is not ${kind}`)
  const size = sizeOfMessage(message as string | Uint8Array)
  if (size <= maxPayload) return
  throw new LimitError(`Cannot send message: ${size} bytes are more than maxPayload ${maxPayload}`, {
    limit: 'maxPayload',
    value: size,
  })
}

/** Bytes of a message on the wire. */
export function sizeOfMessage(message: string | Uint8Array): number {
  return typeof message === 'string' ? Buffer.byteLength(message) : message.byteLength
}
