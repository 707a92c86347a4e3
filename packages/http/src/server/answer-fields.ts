import { encodeResponseHead, FieldLines, Fields, type Framing, httpDate } from '../codec/index.ts'
import { type FieldsInit, rawFields } from '../message/fields-init.ts'
import { reasonOf } from '../message/status.ts'
import type { Answer, Asked } from './answer.ts'

/** An answer, and what it was made for. */
interface Prepared extends Answer {
  readonly method: string
  readonly minor: 0 | 1
  readonly status: number
  readonly date: string
}

/** The fields of an answer as the application gave them, and what they say about framing and connection. */
export class AnswerFields {
  readonly raw: readonly string[]
  readonly lines: FieldLines
  /** What Content-Length says. */
  readonly declared: number | undefined
  /** Whether the connection is to end. */
  readonly close: boolean
  /** The answer that they were part of last: answers of one kind differ in their bodies. */
  #last: Prepared | undefined

  /** @throws TypeError for fields that cannot be sent. */
  constructor(raw: readonly string[]) {
    const { declared, close, rest } = examine(raw)
    this.raw = raw
    this.lines = new FieldLines(rest, 'response')
    this.declared = declared
    this.close = close
  }

  /** An answer with these fields and a Date of now. @throws TypeError or RangeError for what cannot be sent. */
  answer(
    { method, minor }: Asked,
    status: number,
    framing: Framing,
    bodiless: boolean,
    keepAlive: boolean,
  ): Answer {
    const date = httpDate()
    const last = this.#last
    if (
      last !== undefined &&
      last.status === status &&
      last.framing === framing &&
      last.keepAlive === keepAlive &&
      last.method === method &&
      last.minor === minor &&
      last.date === date
    ) {
      return last
    }
    const options = { framing, keepAlive, method, minor, date }
    const head = encodeResponseHead(status, reasonOf(status), this.lines, options)
    const answer: Prepared = { head, framing, bodiless, keepAlive, method, minor, status, date }
    this.#last = answer
    return answer
  }
}

/** An application has a few sets of fields that it answers with again and again: they are checked and put together once. */
const remembered: AnswerFields[] = []
const capacity = 8
/** Longer ones carry what is said once: a cookie, a link. */
const longest = 1024
let next = 0
let latest = 0

/** Those of answers that are given again and again with the very same list. */
const lent = new WeakMap<readonly string[], AnswerFields>()

/** What is always the same is checked and put together once; for {@link answerFields}, which takes it as it is. */
export function lentFields(list: readonly string[]): FieldsInit {
  let fields = lent.get(list)
  if (fields === undefined) lent.set(list, (fields = new AnswerFields(list)))
  return fields as unknown as FieldsInit
}

/** @throws TypeError for fields that cannot be sent. */
export function answerFields(init: FieldsInit): AnswerFields {
  if (init instanceof AnswerFields) return init
  const last = remembered[latest]
  if (last !== undefined && matches(last.raw, init)) return last
  for (let at = 0; at < remembered.length; at++) {
    if (!matches(remembered[at]!.raw, init)) continue
    latest = at
    return remembered[at]!
  }
  // A copy: the application may go on with its own.
  const fields = new AnswerFields([...rawFields(init)])
  if (fields.lines.text.length <= longest) {
    latest = next
    remembered[next] = fields
    next = (next + 1) % capacity
  }
  return fields
}

/** Whether `init` says what `raw` does; where that is not seen at once it is taken for something else. */
function matches(raw: readonly string[], init: FieldsInit): boolean {
  let at = 0
  if (init instanceof Fields) {
    const other = init.raw
    if (other.length !== raw.length) return false
    while (at < raw.length && raw[at] === other[at]) at++
    return at === raw.length
  }
  if (Symbol.iterator in init) return false
  for (const name in init) {
    if (raw[at] !== name || raw[at + 1] !== init[name]) return false
    at += 2
  }
  return at === raw.length
}

/** Members of a Connection field that are the server's to write: an application that says `close` is heard. */
const ours = /^(?:close|keep-alive|)$/i

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
    if (lower === 'connection') {
      const options = value.split(',').map((option) => option.trim())
      close ||= options.some((option) => option.toLowerCase() === 'close')
      rest = without(rest, name)
      const others = options.filter((option) => !ours.test(option))
      if (others.length > 0) rest = [...rest, 'Connection', others.join(', ')]
    }
    if (lower === 'content-length') declared = Number(value)
    // Frameworks say it of their streams; what is right is the server's to say, and not every client's to hear.
    else if (lower === 'transfer-encoding' && value.toLowerCase() === 'chunked') rest = without(rest, name)
  }
  return { declared, close, rest }
}

function without(fields: readonly string[], unwanted: string | undefined): readonly string[] {
  return fields.filter((_, at) => fields[at - (at % 2)] !== unwanted)
}
