import { Fields, lastChunk, type RequestHead } from '../codec/index.ts'
import { rawFields } from '../message/fields-init.ts'
import { reasonOf } from '../message/status.ts'
import { AnswerFields, answerFields } from './answer-fields.ts'
import { type Answer, type AnswerBody, type Asked, prepareAnswer } from './answer.ts'
import type { RespondOptions } from './exchange.ts'

/** `trailers` among the members of a TE field, whatever weight it has (RFC 9110 section 10.1.4). */
const takesTrailers = /(?:^|,)[\t ]*trailers[\t ]*(?:[,;]|$)/i

const plain = new AnswerFields(['Content-Type', 'text/plain'])

/** What the server itself answers: the status in words, and the end of the connection. */
export function prepareRefusal(asked: Asked, status: number): { answer: Answer; body: string | null } {
  const text = `${status} ${reasonOf(status)}\n`
  const answer = prepareAnswer(asked, status, plain, text, false)
  return { answer, body: answer.bodiless ? null : text }
}

/** An answer with trailers: its fields, with Trailer among them, a body in pieces, and how it ends. */
export interface TrailedAnswer {
  readonly fields: AnswerFields
  readonly body: AsyncIterable<Uint8Array | string>
  readonly last: () => string
}

/**
 * Prepares an answer with trailers. Undefined where they are dropped: the client does not ask for them (RFC 9110
 * section 6.5.1), or is of HTTP/1.0.
 *
 * @throws TypeError for what cannot be sent.
 */
export function prepareTrailed(
  head: RequestHead,
  fields: AnswerFields,
  body: AnswerBody,
  trailers: NonNullable<RespondOptions['trailers']>,
): TrailedAnswer | undefined {
  if (head.minor === 0 || !asksForTrailers(head.fields)) return undefined
  if (typeof trailers === 'function') {
    return { fields, body: inPieces(body), last: () => lastChunk(rawFields(trailers())) }
  }
  const given = rawFields(trailers)
  const text = lastChunk(given)
  const announced = given.length > 0 ? ['Trailer', namesOf(given)] : []
  const all = answerFields(new Fields([...fields.raw, ...announced]))
  return { fields: all, body: inPieces(body), last: () => text }
}

function asksForTrailers(fields: Fields): boolean {
  const te = fields.get('te')
  return te !== undefined && takesTrailers.test(te)
}

function namesOf(raw: readonly string[]): string {
  return [...new Set(raw.filter((_, at) => at % 2 === 0))].join(', ')
}

/** A body whose length nobody asks for. */
function inPieces(body: AnswerBody): AsyncIterable<Uint8Array | string> {
  if (body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)) return body
  return {
    async *[Symbol.asyncIterator]() {
      if (body !== null) yield body
    },
  }
}
