import { isTrailer } from './chunked.ts'
import { keepsAlive } from './cycle.ts'
import { CodecError } from './errors.ts'
import type { FieldFacts } from './facts.ts'
import { FieldLines, refusal } from './field-lines.ts'
import type { Framing } from './framing.ts'
import { isBodiless } from './framing.ts'
import { checkHost } from './request.ts'
import { parseTarget } from './target.ts'
import { TEXT, consistsOf, isFieldValue, isToken, listMembers } from './tokens.ts'

export interface RequestHeadOptions {
  /** How the body will be framed; the field that says so is written here. Default `none`. */
  readonly framing?: Exclude<Framing, 'until-close'>
  /** False writes `Connection: close`. Default true. */
  readonly keepAlive?: boolean
}

export interface ResponseHeadOptions {
  /** How the body is framed; the field that says so is written here. For HEAD: as the answer to GET would be. */
  readonly framing: Framing
  /** False writes `Connection: close`; true writes `keep-alive` to a 1.0 client. Default true. */
  readonly keepAlive?: boolean
  /** The method of the request that is answered. Default GET. */
  readonly method?: string
  /** The minor version of the request that is answered. Default 1. */
  readonly minor?: 0 | 1
  /** For a Date field, unless the fields have one: an IMF-fixdate, as {@link httpDate} makes it. */
  readonly date?: string
}

/**
 * The head of a request as a latin1 string, its empty line included. `fields` are name and value in turn, Host
 * among them.
 *
 * A framing field among them must say what `framing` says, and is not written twice.
 *
 * @throws TypeError for anything that the strictest reader would refuse: an argument that could begin a line of
 * its own, a missing or repeated Host, a target that the method cannot have, contradictory framing.
 */
export function encodeRequestHead(
  method: string,
  target: string,
  fields: readonly string[],
  { framing = 'none', keepAlive = true }: RequestHeadOptions = {},
): string {
  if (!isToken(method)) throw refusal('request', 'the method is not a token')
  const { text, facts } = new FieldLines(fields, 'request')
  refuseAsReaderWould('request', () => {
    parseTarget(method, target)
    checkHost(facts, 1)
  })
  if (method === 'CONNECT' && framing !== 'none') throw refusal('request', 'CONNECT has no body')
  let head = `${method} ${target} HTTP/1.1\r\n${text}`
  head += encodeFraming('request', framing, facts)
  if (!keepAlive && keepsAlive(facts, 1)) head += 'Connection: close\r\n'
  return head + '\r\n'
}

/**
 * The head of a response as a latin1 string, its empty line included, so that it can leave in one write with a
 * small body. `fields` are name and value in turn, or {@link FieldLines}; Date, Connection and the framing field are added here.
 *
 * A framing field among them must say what `framing` says, and is not written twice. The line says HTTP/1.1 to
 * 1.0 clients as well (RFC 9110 section 6.2).
 *
 * @throws TypeError for an argument that could begin a line of its own, contradictory framing, a body or its
 * framing where the status or method allows none, a body that has no end where the connection stays open.
 * @throws RangeError for a status outside 100 to 599 (RFC 9110 section 15).
 */
export function encodeResponseHead(
  status: number,
  reason: string,
  fields: readonly string[] | FieldLines,
  { framing, keepAlive = true, method = 'GET', minor = 1, date }: ResponseHeadOptions,
): string {
  if (!Number.isInteger(status) || status < 100 || status > 599) {
    throw new RangeError(`Cannot encode response: ${status} is not a status`)
  }
  if (!consistsOf(TEXT, reason)) throw refusal('response', 'the reason holds a control character')
  const { text, facts } = fields instanceof FieldLines ? fields : new FieldLines(fields, 'response')
  checkBody(framing, status, method, minor)
  let head = `HTTP/1.1 ${status} ${reason}\r\n${text}`
  head += encodeFraming('response', framing, facts)
  if (date !== undefined && facts.date === undefined) {
    if (!isFieldValue(date)) throw refusal('response', 'the date holds a control character')
    head += `Date: ${date}\r\n`
  }
  if (!keepAlive || framing === 'until-close') {
    if (facts.connection === undefined || !listMembers(facts.connection).includes('close')) {
      head += 'Connection: close\r\n'
    }
  } else if (minor === 0 && facts.connection === undefined) head += 'Connection: keep-alive\r\n'
  return head + '\r\n'
}

/** One chunk, its framing and data in one buffer; nothing for empty data, since an empty chunk ends the body. */
export function encodeChunk(data: Uint8Array | string): Buffer {
  const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length
  if (length === 0) return Buffer.alloc(0)
  const prefix = chunkPrefix(length)
  const chunk = Buffer.allocUnsafe(prefix.length + length + 2)
  chunk.write(prefix, 0, 'latin1')
  if (typeof data === 'string') chunk.write(data, prefix.length, 'utf8')
  else chunk.set(data, prefix.length)
  chunk.write('\r\n', prefix.length + length, 'latin1')
  return chunk
}

/**
 * What stands before `length` bytes of chunk data, for who writes large data without a copy: this, the data, CRLF.
 *
 * @throws RangeError for 0, which would end the body, and for what is no length.
 */
export function chunkPrefix(length: number): string {
  if (!Number.isSafeInteger(length) || length < 1)
    throw new RangeError(`Cannot encode chunk: ${length} bytes`)
  return `${length.toString(16)}\r\n`
}

/**
 * The end of a chunked body, with trailer fields (name and value in turn) if there are any.
 *
 * @throws TypeError for fields that could begin a line of their own or must not be trailers (RFC 9110 section 6.5.1).
 */
export function lastChunk(trailers: readonly string[] = []): string {
  for (let at = 0; at < trailers.length; at += 2) {
    if (!isTrailer(trailers[at]!)) throw refusal('trailers', 'a field among them must not be a trailer')
  }
  return `0\r\n${new FieldLines(trailers, 'trailers').text}\r\n`
}

/** The line that tells of `framing`, unless one among the fields does; a contradiction is refused. */
function encodeFraming(what: string, framing: Framing, facts: FieldFacts): string {
  const { contentLength, contentLengths, transferEncoding } = facts
  if (contentLengths > 1) throw refusal(what, 'Content-Length is repeated')
  if (contentLength !== undefined && contentLength !== String(framing)) {
    throw refusal(what, 'Content-Length contradicts the framing')
  }
  if (
    transferEncoding !== undefined &&
    (framing !== 'chunked' || transferEncoding.toLowerCase() !== 'chunked')
  ) {
    throw refusal(what, 'Transfer-Encoding contradicts the framing')
  }
  if (typeof framing === 'number') {
    if (!Number.isSafeInteger(framing) || framing < 0)
      throw refusal(what, 'the length of the body is not a number')
    return contentLength === undefined ? `Content-Length: ${framing}\r\n` : ''
  }
  return framing === 'chunked' && transferEncoding === undefined ? 'Transfer-Encoding: chunked\r\n' : ''
}

/** What RFC 9112 section 6.3 will make the reader believe must be what is going to be written. */
function checkBody(framing: Framing, status: number, method: string, minor: 0 | 1): void {
  if (framing === 'chunked' && minor === 0) throw refusal('response', 'HTTP/1.0 knows no chunks')
  if (!isBodiless({ status, method })) {
    if (framing === 'none')
      throw refusal('response', `a body is expected with status ${status}, be it of length 0`)
    return
  }
  // HEAD and 304 tell of the body that GET would get; the others must not tell of any (RFC 9110 section 8.6).
  const mayTell = status === 304 || (method === 'HEAD' && status >= 200 && status !== 204)
  if (framing === 'until-close' || (framing !== 'none' && !mayTell)) {
    throw refusal('response', `no body can come with status ${status} to ${method}`)
  }
}

/** The rules of reading hold for writing, but a mistake here is the caller's. */
function refuseAsReaderWould(what: string, check: () => void): void {
  try {
    check()
  } catch (error) {
    if (error instanceof CodecError) throw refusal(what, error.message.replace('Cannot read message: ', ''))
    throw error
  }
}
