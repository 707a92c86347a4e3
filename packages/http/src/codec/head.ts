import type { CodecErrorReason } from './errors.ts'
import { CodecError } from './errors.ts'
import type { Fields } from './fields.ts'
import type { Framing } from './framing.ts'

/** What the heads of requests and responses have in common. Not to be changed: messages that say the same share it. */
export interface Head {
  /** 0 or 1; a higher one is spoken to as 1 (RFC 9110 section 2.5). */
  readonly minor: 0 | 1
  readonly fields: Fields
  readonly framing: Framing
  /** Whether, as far as this message goes, another may follow on the connection (RFC 9112 section 9.3). */
  readonly keepAlive: boolean
  /** The protocols that an Upgrade field names, in lower case, where Connection announces it and it is HTTP/1.1. */
  readonly upgrade: readonly string[] | undefined
}

/**
 * What a head means to the cycle: an ordinary message; an interim response, with its final one to come; an offer
 * to speak another protocol; or the point after which it is spoken.
 */
export type Turn = 'head' | 'interim' | 'offer' | 'switch'

/** The role-specific half of a parser: how a message begins and what its head says. */
export interface HeadReader<H extends Head> extends StartLine {
  /** The head whose start line was read last. @throws CodecError */
  head(raw: readonly string[]): H
  turn(head: H): Turn
  /** Whether the stream may not end here, between two messages. */
  readonly outstanding: boolean
}

/** How a section begins that has a line before its fields. */
export interface StartLine {
  /** Of the line, its end not counted. */
  readonly maxBytes: number
  readonly tooLong: CodecErrorReason
  readonly malformed: CodecErrorReason
  /** Whether the same field lines are likely to come again with the next message. */
  readonly repeats: boolean
  /** Empty lines tolerated before it. */
  readonly emptyLines: number
  /** Called with the first byte of a message. @throws CodecError where none may come. */
  begin(): void
  /** Called once with the line, of latin1, without its end. @throws CodecError */
  read(line: string): void
}

const VERSION = /^HTTP\/([0-9])\.([0-9])$/

/** @throws CodecError `malformed` for what is no version, VERSION for HTTP/2.0, HTTP/0.9 and the like. */
export function parseVersion(text: string, malformed: CodecErrorReason): 0 | 1 {
  if (text === 'HTTP/1.1') return 1
  const match = VERSION.exec(text)
  if (match === null) throw new CodecError(malformed, 'the version is malformed')
  if (match[1] !== '1') throw new CodecError('VERSION', 'only HTTP/1.x is spoken here')
  return match[2] === '0' ? 0 : 1
}
