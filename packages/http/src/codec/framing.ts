import { CodecError } from './errors.ts'
import type { FieldFacts } from './facts.ts'
import { listMembers } from './tokens.ts'

/**
 * Where a message's body ends: it has `none`, it is `chunked`, it lasts `until-close`, or it is that many bytes.
 */
export type Framing = 'none' | 'chunked' | 'until-close' | number

/** A response is framed by the request it answers as well: its method. */
interface Answer {
  readonly status: number
  readonly method: string
}

/**
 * The length of a message's body, in the order of RFC 9112 section 6.3, rule by rule. `answer` is there for a
 * response and not for a request. Where the RFC lets a recipient repair a message, this refuses it.
 *
 * @throws CodecError for lengths that are contradictory or not numbers, and for codings it cannot decode.
 */
export function framingOf(facts: FieldFacts, minor: 0 | 1, answer?: Answer): Framing {
  // 1. and 2.: no body whatever the fields say.
  if (answer !== undefined && isBodiless(answer)) return 'none'

  // 3. Both: an attempt at request smuggling, or a bug that looks like one. Section 6.1 allows to refuse it.
  if (facts.transferEncoding !== undefined) {
    if (facts.contentLength !== undefined) {
      throw new CodecError('AMBIGUOUS_FRAMING', 'Transfer-Encoding and Content-Length exclude each other')
    }
    // 4. Transfer-Encoding.
    return transferCoding(facts.transferEncoding, minor, answer !== undefined)
  }

  // 5. and 6. Content-Length.
  if (facts.contentLength !== undefined) {
    if (facts.contentLengths > 1) throw new CodecError('CONTENT_LENGTH', 'Content-Length is repeated')
    return contentLength(facts.contentLength)
  }

  // 7. and 8.
  return answer === undefined ? 'none' : 'until-close'
}

/** Responses without a body: 1xx, 204, 304, to HEAD, and 2xx to CONNECT (RFC 9112 section 6.3, rules 1 and 2). */
export function isBodiless({ status, method }: Answer): boolean {
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return true
  return method === 'CONNECT' && status < 300
}

/** A single, final `chunked`. In a request anything else last is 400 (section 6.3), something before it 501 (6.1). */
function transferCoding(value: string, minor: 0 | 1, response: boolean): 'chunked' {
  if (minor === 0) throw new CodecError('TRANSFER_ENCODING', 'HTTP/1.0 knows no Transfer-Encoding')
  const codings = listMembers(value)
  const chunked = codings.indexOf('chunked')
  if (codings.includes('')) throw new CodecError('TRANSFER_ENCODING', 'Transfer-Encoding has an empty member')
  if (chunked >= 0 && chunked < codings.length - 1) {
    throw new CodecError('TRANSFER_ENCODING', 'chunked is repeated, or not the last transfer coding')
  }
  if (chunked < 0 && !response) {
    throw new CodecError('TRANSFER_ENCODING', 'the last transfer coding of a request must be chunked')
  }
  if (chunked !== 0) throw new CodecError('TRANSFER_CODING', 'no transfer coding but chunked is understood')
  return 'chunked'
}

/** Digits only: no sign, no list, no prefix. What a double cannot hold exactly is beyond every limit anyway. */
function contentLength(value: string): number {
  if (!/^[0-9]+$/.test(value)) throw new CodecError('CONTENT_LENGTH', 'Content-Length is not a number')
  const length = Number(value)
  if (!Number.isSafeInteger(length))
    throw new CodecError('BODY_TOO_LARGE', 'Content-Length is beyond counting')
  return length
}
