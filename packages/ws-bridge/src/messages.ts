import { LimitError } from '@fairlead/core'

/** Which messages a connection carries. The kind that it does not carry is refused with 1003. */
export type MessageKind = 'text' | 'binary' | 'both'

/** What a message of a kind is in the program: text is a string, what is binary is bytes. */
export type MessageOf<K extends MessageKind> = K extends 'text'
  ? string
  : K extends 'binary'
    ? Uint8Array
    : string | Uint8Array

/** Bytes of a message on the wire, uncompressed. */
export function sizeOfMessage(message: string | Uint8Array): number {
  return typeof message === 'string' ? Buffer.byteLength(message) : message.byteLength
}

/**
 * Refuses a message that its receiver could not have meant; gives its size on the wire.
 *
 * @throws TypeError for the wrong kind, LimitError beyond `maxPayload`.
 */
export function checkMessage(message: unknown, kind: MessageKind, maxPayload: number): number {
  const fits =
    (kind !== 'binary' && typeof message === 'string') || (kind !== 'text' && message instanceof Uint8Array)
  if (!fits) {
    const wanted = kind === 'both' ? 'text or bytes' : kind
    throw new TypeError(`Cannot send message: ${typeof message} is not ${wanted}`)
  }
  const size = sizeOfMessage(message)
  if (size <= maxPayload) return size
  throw new LimitError(`Cannot send message: ${size} bytes are more than maxPayload ${maxPayload}`, {
    limit: 'maxPayload',
    value: size,
  })
}
