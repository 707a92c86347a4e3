import { type Framing, isBodiless } from '../codec/index.ts'
import type { FieldsInit } from '../message/fields-init.ts'
import { answerFields } from './answer-fields.ts'

/** What an application may send as the body of an answer. Bytes belong to the server once they were given. */
export type AnswerBody = string | Uint8Array | AsyncIterable<Uint8Array | string> | null

/** The request that is answered, as far as its answer depends on it. */
export interface Asked {
  readonly method: string
  readonly minor: 0 | 1
}

/** An answer ready to go out: how it is framed was decided, its head is encoded and valid. */
export interface Answer {
  readonly head: string
  readonly framing: Framing
  readonly body: AnswerBody
  /** Whether the connection outlives it. */
  readonly keepAlive: boolean
}

/**
 * Decides how an answer is framed and encodes its head. A body that the status or HEAD forbids is dropped; a
 * stream of unknown length goes out in chunks, or to a 1.0 client until the close.
 *
 * @throws TypeError or RangeError for what cannot be sent.
 */
export function prepareAnswer(
  { method, minor }: Asked,
  status: number,
  fields: FieldsInit | readonly string[],
  body: AnswerBody,
  keepAlive: boolean,
): Answer {
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new RangeError(`Cannot respond: ${status} is not a final status`)
  }
  if (method === 'CONNECT' && status < 300) {
    throw new TypeError(`Cannot respond: ${status} to CONNECT opens a tunnel, which takeOver() does`)
  }
  const known = answerFields(fields)
  const bodiless = isBodiless({ status, method })
  const framing = bodiless
    ? (known.declared ?? toldOf(body, method, status))
    : (lengthOf(body) ?? known.declared ?? (minor === 1 ? 'chunked' : 'until-close'))
  const lasting = keepAlive && !known.close && framing !== 'until-close'
  const head = known.head({ status, framing, keepAlive: lasting, method, minor })
  return { head, framing, body: bodiless ? null : body, keepAlive: lasting }
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
