import { SocketError } from '@fairlead/core'

import { HttpProtocolError } from '../errors.ts'
import type { Coding } from './engines.ts'

/** Bytes that are not what their coding says; a gateway answers 502 for an upstream that sent them. */
export function damageError(why: string, cause?: unknown): HttpProtocolError {
  return new HttpProtocolError(`Cannot decode body: ${why}`, {
    side: 'remote',
    code: 'ERR_FAIRLEAD_HTTP_CONTENT_CODING',
    statusHint: 502,
    ...(cause === undefined ? undefined : { cause }),
  })
}

export function truncationError(coding: Coding, cause?: unknown): HttpProtocolError {
  return damageError(`its ${coding} is cut off`, cause)
}

/** What zlib threw, or what this module did, in the words of the house. */
export function codingErrorOf(coding: Coding, error: unknown): SocketError {
  if (SocketError.is(error)) return error
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'Z_BUF_ERROR') return truncationError(coding, error)
  return damageError(`its ${coding} is damaged: ${message}`, error)
}

/**
 * Judges bytes behind the end of what was decoded. gzip says itself what follows, another member (RFC 1952 section
 * 2.2), and zeros are padding to gzip(1). Where the format just ends, the content is whole, and servers do send a
 * checksum or a line end behind it, which browsers and undici drop.
 *
 * @throws HttpProtocolError
 */
export function checkBehind(coding: Coding, bytes: Uint8Array): void {
  if (bytes.byteLength === 0 || coding === 'deflate' || coding === 'br') return
  if (coding === 'gzip' && bytes.every((byte) => byte === 0)) return
  throw damageError(`bytes behind the end of its ${coding}`)
}
