import { LimitError, ProtocolError } from '../errors.ts'

/** Bytes of the longest message where the option `maxLength` does not say. */
export const defaultMaxLength = 1024 * 1024

/** Throws a `RangeError` for an option that is no size. */
export function requireMaxLength(maxLength: number): void {
  if (Number.isSafeInteger(maxLength) && maxLength > 0) return
  throw new RangeError(`Invalid option maxLength: ${maxLength} is not a positive integer`)
}

/** Throws a {@link LimitError} for more bytes than `maxLength`. */
export function checkLength(attempt: string, length: number, maxLength: number): void {
  if (length > maxLength) throw tooLong(attempt, length, maxLength)
}

function tooLong(attempt: string, length: number, maxLength: number): LimitError {
  return new LimitError(`${attempt}: ${length} bytes are more than maxLength ${maxLength}`, {
    limit: 'maxLength',
    value: length,
  })
}

/** Throws a `TypeError` for a message that is not bytes. */
export function requireBytes(message: unknown): asserts message is Uint8Array {
  if (message instanceof Uint8Array) return
  throw new TypeError(`Cannot send message: ${message === null ? 'null' : typeof message} is not bytes`)
}

/** What the peer sent can be no message. */
export function malformed(why: string): ProtocolError {
  return new ProtocolError(`Cannot read message: ${why}`, { side: 'remote', phase: 'read' })
}

/** The stream ended and left `length` bytes of a message that was to be longer. */
export function checkEnd(length: number): undefined {
  if (length > 0) throw malformed('stream ended inside it')
}
