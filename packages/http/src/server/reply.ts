import { type Fields, lastChunk, type RequestHead } from '../codec/index.ts'
import { rawFields } from '../message/fields-init.ts'
import { reasonOf } from '../message/status.ts'
import { type Answer, type AnswerBody, type Asked, prepareAnswer } from './answer.ts'
import type { RespondOptions } from './exchange.ts'
import type { StreamEnd } from './outlet.ts'

/** `trailers` among the members of a TE field, whatever weight it has (RFC 9110 section 10.1.4). */
const takesTrailers = /(?:^|,)[\t ]*trailers[\t ]*(?:[,;]|$)/i

/** `100-continue` and nothing else among the members of an Expect field. */
const continues = /^[\t ,]*100-continue(?:[\t ]*,(?:[\t ]*100-continue)?)*[\t ]*$/i

const unknown: Asked = { method: 'GET', minor: 1 }

const plain = ['Content-Type', 'text/plain']

/** Whether a client expects what nobody here can do (RFC 9110 section 10.1.1). HTTP/1.0 knows no expectations. */
export function expectsTooMuch({ minor, fields, expectContinue }: RequestHead): boolean {
  if (expectContinue || minor === 0) return false
  const expected = fields.get('expect')
  return expected !== undefined && !continues.test(expected)
}

/** What the server itself answers: the status in words, and the end of the connection. */
export function prepareRefusal(asked: Asked | undefined, status: number): Answer {
  return prepareAnswer(asked ?? unknown, status, plain, `${status} ${reasonOf(status)}\n`, false)
}

/** An answer with trailers, and how it ends. */
export interface TrailedAnswer extends StreamEnd {
  readonly answer: Answer
  readonly body: Exclude<AnswerBody, null>
}

/**
 * Prepares an answer with trailers. Undefined where they are dropped: the client does not ask for them (RFC 9110
 * section 6.5.1), is of HTTP/1.0, or gets no body.
 *
 * @throws TypeError or RangeError for what cannot be sent.
 */
export function prepareTrailed(
  head: RequestHead,
  status: number,
  raw: readonly string[],
  body: AnswerBody,
  trailers: NonNullable<RespondOptions['trailers']>,
  keepAlive: boolean,
): TrailedAnswer | undefined {
  if (head.minor === 0 || !asksForTrailers(head.fields)) return undefined
  let last: () => string
  let fields = raw
  if (typeof trailers === 'function') {
    last = () => lastChunk(rawFields(trailers()))
  } else {
    const given = rawFields(trailers)
    const text = lastChunk(given)
    last = () => text
    if (given.length > 0) fields = [...raw, 'Trailer', namesOf(given)]
  }
  const source = inChunks(body)
  const answer = prepareAnswer(head, status, fields, source, keepAlive)
  if (answer.framing !== 'chunked' || answer.body === null) return undefined
  return { answer, body: source, whole: undefined, last }
}

function asksForTrailers(fields: Fields): boolean {
  const te = fields.get('te')
  return te !== undefined && takesTrailers.test(te)
}

function namesOf(raw: readonly string[]): string {
  return [...new Set(raw.filter((_, at) => at % 2 === 0))].join(', ')
}

/** A body whose length nobody asks for. */
function inChunks(body: AnswerBody): AsyncIterable<Uint8Array | string> {
  if (body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)) return body
  return {
    async *[Symbol.asyncIterator]() {
      if (body !== null) yield body
    },
  }
}
