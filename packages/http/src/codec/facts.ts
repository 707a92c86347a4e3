import { equalsFolded } from './tokens.ts'

/**
 * What field lines say about the message itself: the few fields that a codec acts upon, gathered in one walk.
 * Values stand as they came; a field that came more than once has its values joined by a comma, and a count
 * where a repetition is an offence.
 */
export interface FieldFacts {
  host: string | undefined
  hosts: number
  contentLength: string | undefined
  contentLengths: number
  transferEncoding: string | undefined
  connection: string | undefined
  upgrade: string | undefined
  expect: string | undefined
  date: string | undefined
}

/** Walks `raw` (name and value in turn) once. The length of a name tells most of them apart without a look. */
export function factsOf(raw: readonly string[]): FieldFacts {
  const facts: FieldFacts = {
    host: undefined,
    hosts: 0,
    contentLength: undefined,
    contentLengths: 0,
    transferEncoding: undefined,
    connection: undefined,
    upgrade: undefined,
    expect: undefined,
    date: undefined,
  }
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!
    const value = raw[at + 1]!
    switch (name.length) {
      case 4:
        if (equalsFolded(name, 'host')) {
          facts.hosts++
          facts.host = value
        } else if (equalsFolded(name, 'date')) facts.date = value
        break
      case 6:
        if (equalsFolded(name, 'expect')) facts.expect = join(facts.expect, value)
        break
      case 7:
        if (equalsFolded(name, 'upgrade')) facts.upgrade = join(facts.upgrade, value)
        break
      case 10:
        if (equalsFolded(name, 'connection')) facts.connection = join(facts.connection, value)
        break
      case 14:
        if (equalsFolded(name, 'content-length')) {
          facts.contentLengths++
          facts.contentLength = join(facts.contentLength, value)
        }
        break
      case 17:
        if (equalsFolded(name, 'transfer-encoding'))
          facts.transferEncoding = join(facts.transferEncoding, value)
        break
      default:
    }
  }
  return facts
}

function join(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before},${value}`
}
