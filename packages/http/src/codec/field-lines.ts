import { type FieldFacts, factsOf } from './facts.ts'
import { isFieldValue, isToken } from './tokens.ts'

/**
 * Fields ready to be written: found valid once, and as often as one likes part of a head.
 *
 * ```js
 * const lines = new FieldLines(['Content-Type', 'text/plain'])
 * encodeResponseHead(200, 'OK', lines, { framing: 5 })
 * ```
 */
export class FieldLines {
  /** Each with its CRLF. */
  readonly text: string
  /** What they say about the message. */
  readonly facts: FieldFacts

  /** @throws TypeError for a field that could begin a line of its own, or that no reader would take. */
  constructor(fields: readonly string[], what = 'fields') {
    if (fields.length % 2 !== 0) throw refusal(what, 'a field has no value')
    let text = ''
    for (let at = 0; at < fields.length; at += 2) {
      const name = fields[at]!
      const value = fields[at + 1]!
      if (!isToken(name)) throw refusal(what, 'a field name is not a token')
      if (!isFieldValue(value))
        throw refusal(what, `the value of ${name} holds a character that cannot be sent`)
      text += `${name}: ${value}\r\n`
    }
    this.text = text
    this.facts = factsOf(fields)
  }
}

export function refusal(what: string, why: string): TypeError {
  return new TypeError(`Cannot encode ${what}: ${why}`)
}
