import { encodeResponseHead, FieldLines, Fields, type Framing, httpDate } from '../codec/index.ts'
import { type FieldsInit, rawFields } from '../message/fields-init.ts'
import { reasonOf } from '../message/status.ts'

/** What an answer's head depends on beside its fields. */
export interface HeadFacts {
  readonly status: number
  readonly framing: Framing
  readonly keepAlive: boolean
  /** Of the request. */
  readonly method: string
  readonly minor: 0 | 1
}

/** The fields of an answer as the application gave them, and what they say about framing and connection. */
class AnswerFields {
  readonly raw: readonly string[]
  readonly lines: FieldLines
  /** What Content-Length says. */
  readonly declared: number | undefined
  /** Whether the connection is to end. */
  readonly close: boolean
  /** The head that they were last part of: answers of one kind differ in their bodies. */
  #head = ''
  #facts: HeadFacts | undefined
  #date = ''

  /** @throws TypeError for fields that cannot be sent. */
  constructor(raw: readonly string[]) {
    const { declared, close, rest } = examine(raw)
    this.raw = raw
    this.lines = new FieldLines(rest, 'response')
    this.declared = declared
    this.close = close
  }

  /** The whole head with a Date of now. @throws TypeError or RangeError for what cannot be sent. */
  head(facts: HeadFacts): string {
    const date = httpDate()
    if (this.#facts !== undefined && date === this.#date && equal(facts, this.#facts)) return this.#head
    const { status, framing, keepAlive, method, minor } = facts
    const options = { framing, keepAlive, method, minor, date }
    this.#head = encodeResponseHead(status, reasonOf(status), this.lines, options)
    this.#facts = facts
    this.#date = date
    return this.#head
  }
}

function equal(a: HeadFacts, b: HeadFacts): boolean {
  if (a.status !== b.status || a.framing !== b.framing || a.keepAlive !== b.keepAlive) return false
  return a.method === b.method && a.minor === b.minor
}

/** An application has a few sets of fields that it answers with again and again: they are checked and put together once. */
const remembered: AnswerFields[] = []
const capacity = 8
/** Longer ones carry what is said once: a cookie, a link. */
const longest = 1024
let next = 0
let latest = 0

/** @throws TypeError for fields that cannot be sent. */
export function answerFields(init: FieldsInit | readonly string[]): AnswerFields {
  const last = remembered[latest]
  if (last !== undefined && matches(last.raw, init)) return last
  for (let at = 0; at < remembered.length; at++) {
    if (!matches(remembered[at]!.raw, init)) continue
    latest = at
    return remembered[at]!
  }
  // A copy: the application may go on with its own.
  const fields = new AnswerFields(isRaw(init) ? [...init] : [...rawFields(init)])
  if (fields.lines.text.length <= longest) {
    latest = next
    remembered[next] = fields
    next = (next + 1) % capacity
  }
  return fields
}

/** Whether `init` says what `raw` does; where that is not seen at once it is taken for something else. */
function matches(raw: readonly string[], init: FieldsInit | readonly string[]): boolean {
  let at = 0
  const other = init instanceof Fields ? init.raw : isRaw(init) ? init : undefined
  if (other !== undefined) {
    if (other.length !== raw.length) return false
    while (at < raw.length && raw[at] === other[at]) at++
    return at === raw.length
  }
  if (Symbol.iterator in init) return false
  const record = init as Readonly<Record<string, unknown>>
  for (const name in record) {
    if (raw[at] !== name || raw[at + 1] !== record[name]) return false
    at += 2
  }
  return at === raw.length
}

function isRaw(init: FieldsInit | readonly string[]): init is readonly string[] {
  return Array.isArray(init) && typeof init[0] === 'string'
}

/** `close` among the members of a Connection field. */
const closes = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i

function examine(raw: readonly string[]): {
  declared: number | undefined
  close: boolean
  rest: readonly string[]
} {
  let declared: number | undefined
  let close = false
  let rest = raw
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]
    const length = name?.length
    if (length !== 10 && length !== 14 && length !== 17) continue
    const lower = name?.toLowerCase()
    const value = raw[at + 1] ?? ''
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
