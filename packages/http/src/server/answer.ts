import { encodeResponseHead, type Framing, httpDate, isBodiless } from '../codec/index.ts'
import { reasonOf } from '../message/status.ts'

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
  fields: readonly string[],
  body: AnswerBody,
  keepAlive: boolean,
): Answer {
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new RangeError(`Cannot respond: ${status} is not a final status`)
  }
  if (method === 'CONNECT' && status < 300) {
    throw new TypeError(`Cannot respond: ${status} to CONNECT opens a tunnel, which takeOver() does`)
  }
  const { declared, close, rest } = factsOf(fields)
  const bodiless = isBodiless({ status, method })
  const framing = bodiless
    ? (declared ?? toldOf(body, method, status))
    : (lengthOf(body) ?? declared ?? (minor === 1 ? 'chunked' : 'until-close'))
  const lasting = keepAlive && !close && framing !== 'until-close'
  const head = encodeResponseHead(status, reasonOf(status), rest, {
    framing,
    keepAlive: lasting,
    method,
    minor,
    date: httpDate(),
  })
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

/** `close` among the members of a Connection field. */
const closes = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i

/** What the application's own fields say about framing and connection, and the fields that are written. */
function factsOf(fields: readonly string[]): {
  declared: number | undefined
  close: boolean
  rest: readonly string[]
} {
  let declared: number | undefined
  let close = false
  let rest = fields
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]
    const length = name?.length
    if (length !== 10 && length !== 14 && length !== 17) continue
    const lower = name?.toLowerCase()
    const value = fields[at + 1] ?? ''
    if (lower === 'connection') close ||= closes.test(value)
    else if (lower === 'content-length') declared = Number(value)
    // Frameworks say it of their streams; what is right is the server's to say, and not every client's to hear.
    else if (lower === 'transfer-encoding' && value.toLowerCase() === 'chunked') rest = without(rest, name)
  }
  return { declared, close, rest }
}

function without(fields: readonly string[], unwanted: string | undefined): readonly string[] {
  return fields.filter((_, at) => fields[at - (at % 2)] !== unwanted)
}
