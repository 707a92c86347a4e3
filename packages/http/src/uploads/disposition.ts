import { parse } from 'content-disposition'

import { refused } from './refused.ts'

/** What a part says of itself. */
export interface Disposition {
  readonly name: string
  /** As sent; undefined for what is no file. */
  readonly filename: string | undefined
}

/** As browsers write it: nothing is escaped but quotes and line breaks, by percent (HTML section 4.10.22.8). */
const plain = /^[^\s;="]+(?:[ \t]*;[ \t]*[^\s;="]+=(?:"[^"]*"|[^\s;"]*))*[ \t]*(?:;[ \t]*)?$/

/** As RFC 2183 has it, and curl had: with quoted pairs. */
const escaped = /^[^\s;="]+(?:[ \t]*;[ \t]*[^\s;="]+=(?:"(?:[^"\\]|\\.)*"|[^\s;"]*))*[ \t]*(?:;[ \t]*)?$/

/**
 * Reads the Content-Disposition of a part (RFC 7578 section 4.2). `lines` have one character a byte, which are UTF-8.
 *
 * @throws HttpProtocolError for a part without one, or without a name.
 */
export function dispositionOf(lines: readonly string[] | undefined): Disposition {
  if (lines?.length !== 1) throw refused('a part of the form has not one Content-Disposition')
  const text = Buffer.from(lines[0]!, 'latin1').toString()
  const multipart = plain.test(text)
  // Half of a quoted name would be another name, and half of a quoted file name would make a field of a file.
  if (!multipart && !escaped.test(text))
    throw refused('a part of the form has a malformed Content-Disposition')
  const { type, parameters } = parse(text, { multipart })
  const { name, filename } = parameters
  if (type !== 'form-data' || name === undefined) throw refused('a part of the form has no name')
  return { name, filename }
}
