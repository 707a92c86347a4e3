import { stripVTControlCharacters } from 'node:util'

/** In bytes. */
const longestLine = 4_096

/** Characters that would end a line. */
const lineEnds = /[\t\n\v\f\r\u0085\u2028\u2029]+/g

/** What a terminal may obey, and marks that turn the direction of what follows. */
const commanding = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** A name has no space, colon or star: what is said can never pass for a notice or for somebody else's words. */
const name = /^[\p{L}\p{N}_.-][\p{L}\p{M}\p{N}_.-]{0,19}$/u

/** What somebody typed, as one line that is safe to print on everybody's terminal. */
export function spoken(line: string): string {
  return stripVTControlCharacters(line).replace(lineEnds, ' ').replace(commanding, '').trim()
}

export function isTooLong(line: string): boolean {
  return line.length > longestLine || Buffer.byteLength(line) > longestLine
}

/** The name as it will be shown, or undefined if nobody may be called so. */
export function nickname(wanted: string): string | undefined {
  const composed = wanted.normalize('NFC')
  return name.test(composed) ? composed : undefined
}

/** Two names with the same key are the same name. */
export function keyOf(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}
