/** Every reason for which bytes are refused, and the status that a server answers a request refused so. */
const STATUS_HINTS = {
  REQUEST_LINE: 400,
  TARGET: 400,
  TARGET_TOO_LONG: 414,
  VERSION: 505,
  STATUS_LINE: 502,
  LINE_END: 400,
  FIELD_NAME: 400,
  FIELD_VALUE: 400,
  HEAD_TOO_LARGE: 431,
  TOO_MANY_FIELDS: 431,
  HOST: 400,
  CONTENT_LENGTH: 400,
  TRANSFER_ENCODING: 400,
  TRANSFER_CODING: 501,
  AMBIGUOUS_FRAMING: 400,
  CHUNK_SIZE: 400,
  CHUNK_EXTENSION: 400,
  CHUNK_END: 400,
  BODY_TOO_LARGE: 413,
  TRAILERS_TOO_LARGE: 431,
  INTERIM_FLOOD: 502,
  UNEXPECTED: 400,
  TRUNCATED: 400,
} as const

/** The tail of a {@link CodecError}'s code. */
export type CodecErrorReason = keyof typeof STATUS_HINTS

/** Stable and documented: programs compare it, people read the message. */
export type CodecErrorCode = `ERR_FAIRLEAD_HTTP_${CodecErrorReason}`

/**
 * The peer sent bytes that are not HTTP/1.1 as this codec reads it, or more of them than a limit allows.
 *
 * Arbitrary input makes a parser throw this and nothing else. Framing is lost from that byte on, so a
 * connection is not read any further after it (RFC 9112 section 9.6). The message never repeats field values.
 */
export class CodecError extends Error {
  override readonly name = 'CodecError'
  readonly code: CodecErrorCode

  /** The status that a server answers. A gateway whose upstream sent the bytes answers 502 whatever stands here. */
  readonly statusHint: number

  constructor(reason: CodecErrorReason, why: string) {
    super(`Cannot read message: ${why}`)
    this.code = `ERR_FAIRLEAD_HTTP_${reason}`
    this.statusHint = STATUS_HINTS[reason]
  }
}
