import { type Framing, isBodiless } from '../codec/index.ts'
import type { PieceBody } from '../message/piece-source.ts'
import type { AnswerFields } from './answer-fields.ts'

/** What an application may send as the body of an answer. Bytes belong to the server once they were given. */
export type AnswerBody = PieceBody | null

/** The request that is answered, as far as its answer depends on it. */
export interface Asked {
  readonly method: string
  readonly minor: 0 | 1
}

/** An answer ready to go out but for its body: how that is framed was decided, the head is encoded and valid. */
export interface Answer {
  readonly head: string
  readonly framing: Framing
  /** Whether no body follows, whatever was given: HEAD or the status forbids it (205: RFC 9110 section 15.3.6). */
  readonly bodiless: boolean
  /** Whether the connection outlives it. */
  readonly keepAlive: boolean
}

/**
 * Decides how an answer is framed and encodes its head. A stream of unknown length goes out in chunks, or to a 1.0
 * client until the close.
 *
 * @throws TypeError or RangeError for what cannot be sent.
 */
export function prepareAnswer(
  asked: Asked,
  status: number,
  fields: AnswerFields,
  body: AnswerBody,
  keepAlive: boolean,
): Answer {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError(`Cannot respond: ${status} is not a final status`)
  }
  const { method, minor } = asked
  if (method === 'CONNECT' && status < 300) {
    throw new TypeError(`Cannot respond: ${status} to CONNECT opens a tunnel, which takeOver() does`)
  }
  const bodiless = isBodiless({ status, method })
  const reset = status === 205
  const framing = bodiless
    ? (fields.declared ?? toldOf(body, method, status))
    : (lengthOf(reset ? null : body) ?? fields.declared ?? (minor === 1 ? 'chunked' : 'until-close'))
  // Behind a CONNECT that was declined may stand what the client took for tunnelled already.
  const lasting = keepAlive && !fields.close && framing !== 'until-close' && method !== 'CONNECT'
  return fields.answer(asked, status, framing, bodiless || reset, lasting)
}

/** The answer to HEAD tells of the body that GET would have got, where that is known. */
function toldOf(body: AnswerBody, method: string, status: number): Framing {
  if (method !== 'HEAD' || status === 204 || status === 304 || body === null) return 'none'
  return lengthOf(body) ?? 'none'
}

function lengthOf(body: AnswerBody): number | undefined {
  if (body === null) return 0
  if (typeof body === 'string') return Buffer.byteLength(body)
  if (body instanceof Uint8Array) return body.byteLength
  if (typeof body === 'object' && typeof body[Symbol.asyncIterator] === 'function') return undefined
  throw new TypeError('Cannot respond: the body is neither text, nor bytes, nor an async iterable')
}
