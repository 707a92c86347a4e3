/** A set of bytes: 1 where the byte belongs to it. Code units above 255 read as undefined, that is: outside. */
type ByteTable = Uint8Array

const DIGITS = '0123456789'
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

const HTAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
const SP = 0x20
export const COLON = 0x3a
export const SEMICOLON = 0x3b

/** tchar, RFC 9110 section 5.6.2: methods, field names, connection options. */
export const TOKEN = tableOf("!#$%&'*+-.^_`|~" + DIGITS + LETTERS)

/**
 * What a request target may hold: visible ASCII without `"`, `<`, `>` and `#`. RFC 3986 forbids a few more
 * (`\ ^ { | }` and the backtick), but browsers send those in a query unescaped, as WHATWG URL tells them to.
 */
export const TARGET = tableOf(
  (byte) => byte > 0x20 && byte < 0x7f && !'"<>#'.includes(String.fromCharCode(byte)),
)

/** What a line holds between its ends: HTAB, SP, visible ASCII and obs-text, RFC 9110 section 5.5. */
export const TEXT = tableOf((byte) => byte === HTAB || (byte >= 0x20 && byte !== 0x7f))

/** The value of a hexadecimal digit, 255 where the byte is none. */
export const HEX: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase())
  return digit < 0 ? 255 : digit
})

function tableOf(members: string | ((byte: number) => boolean)): ByteTable {
  const has =
    typeof members === 'string' ? (byte: number) => members.includes(String.fromCharCode(byte)) : members
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(has(byte)))
}

/** Whether `text` is a string of which every code unit is in `table`; true for the empty string. */
export function consistsOf(table: ByteTable, text: string): boolean {
  // An object with a `toString` has no code units to look at, but would be written all the same.
  if (typeof text !== 'string') return false
  for (let i = 0; i < text.length; i++) if (table[text.charCodeAt(i)] !== 1) return false
  return true
}

/** One tchar or more: a method, a field name. */
export function isToken(text: string): boolean {
  return text.length > 0 && consistsOf(TOKEN, text)
}

/** The empty string too. Refuses CR, LF, NUL, the other controls, and what would not survive latin1. */
export function isFieldValue(text: string): boolean {
  return consistsOf(TEXT, text)
}

/**
 * Whether `text` is `lower`, which is in lower case, but for the letter case of ASCII. Several times as fast as
 * `toLowerCase`, which leaves for the runtime, and it ends with the first letter that differs.
 */
export function equalsFolded(text: string, lower: string): boolean {
  if (text.length !== lower.length) return false
  for (let i = 0; i < lower.length; i++) {
    const code = text.charCodeAt(i)
    const folded = code >= 0x41 && code <= 0x5a ? code + 0x20 : code
    if (folded !== lower.charCodeAt(i)) return false
  }
  return true
}

/** The members of a comma-separated list, in lower case and without white space; empty members stay. */
export function listMembers(value: string): string[] {
  const list = value.toLowerCase()
  return list.includes(',') ? list.split(',').map(trimBlanks) : [trimBlanks(list)]
}

/** Without the spaces and tabs (OWS) at both ends; `String.prototype.trim` would take U+00A0 as well. */
function trimBlanks(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return from === 0 && to === text.length ? text : text.slice(from, to)
}

/** The white space of HTTP (OWS, RFC 9110 section 5.6.3). */
export function isBlank(code: number): boolean {
  return code === SP || code === HTAB
}
