import { equalsFolded, isToken } from '../codec/tokens.ts'

/**
 * A header list (Fetch standard section 2.2.2): name and value in turn, names in the letter case that they were given
 * in. These functions take names and values as they were given and check them.
 */
export type HeaderList = string[]

/** A string as Web IDL makes one (section 3.2.11): a symbol throws, which `String` lets pass. */
export function toText(value: unknown): string {
  return typeof value === 'string' ? value : `${value as number}`
}

/** A value as it is kept. @throws TypeError for what is no value, and for what is no ByteString. */
export function normalValue(value: unknown): string {
  const text = toText(value)
  const trimmed =
    isWhiteSpace(text.charCodeAt(0)) || isWhiteSpace(text.charCodeAt(text.length - 1)) ? trim(text) : text
  if (unfit.test(trimmed))
    throw new TypeError('Invalid header value: it holds a character that cannot be sent')
  return trimmed
}

/** @throws TypeError for what is no token. */
export function checkName(name: unknown): string {
  const text = toText(name)
  if (!isToken(text)) throw new TypeError(`Invalid header name: ${JSON.stringify(text)} is no token`)
  return text
}

/** The index of the next line named `name` from `at` on, or -1. */
export function indexOf(list: HeaderList, name: string, at = 0): number {
  for (; at < list.length; at += 2) if (isNamed(list[at]!, name)) return at
  return -1
}

function isNamed(other: string, name: string): boolean {
  return other === name || (other.length === name.length && equalsFolded(other, lower(name)))
}

/** All values of `name` in one, or null. */
export function combined(list: HeaderList, name: string): string | null {
  let at = indexOf(list, name)
  if (at < 0) return null
  let value = list[at + 1]!
  while ((at = indexOf(list, name, at + 2)) >= 0) value += separatorOf(name) + list[at + 1]!
  return value
}

/** The first line gets the value, the others go. */
export function set(list: HeaderList, name: string, value: string): void {
  const at = indexOf(list, name)
  if (at < 0) list.push(name, value)
  else {
    list[at + 1] = value
    remove(list, name, at + 2)
  }
}

/** Takes out the lines of `name` from `from` on. */
export function remove(list: HeaderList, name: string, from = 0): void {
  let to = indexOf(list, name, from)
  if (to < 0) return
  for (let at = to + 2; at < list.length; at += 2) {
    if (isNamed(list[at]!, name)) continue
    list[to++] = list[at]!
    list[to++] = list[at + 1]!
  }
  list.length = to
}

/** What iteration gives: names in lower case and sorted, lines combined, but each cookie apart. */
export function sorted(list: HeaderList): [string, string][] {
  const entries: [string, string][] = []
  const places = new Map<string, [string, string]>()
  for (let at = 0; at < list.length; at += 2) {
    const name = lower(list[at]!)
    const value = list[at + 1]!
    const before = name === 'set-cookie' ? undefined : places.get(name)
    if (before) before[1] += separatorOf(name) + value
    else {
      const entry: [string, string] = [name, value]
      entries.push(entry)
      places.set(name, entry)
    }
  }
  return entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

/** What was given as headers, checked, as a list of its own. @throws TypeError */
export function listOf(init: unknown): HeaderList {
  if ((typeof init !== 'object' && typeof init !== 'function') || init === null) {
    throw new TypeError('Invalid headers: they are neither pairs nor a record')
  }
  const list: HeaderList = []
  if (typeof (init as Iterable<unknown>)[Symbol.iterator] === 'function') {
    for (const pair of init as Iterable<unknown>) {
      const [name, value, ...more] = pairOf(pair)
      if (value === undefined || more.length > 0)
        throw new TypeError('Invalid headers: a pair has not two members')
      list.push(checkName(name), normalValue(value))
    }
    return list
  }
  for (const name of Object.keys(init)) {
    const value = normalValue((init as Record<string, unknown>)[name])
    list.push(checkName(name), value)
  }
  return list
}

function pairOf(pair: unknown): string[] {
  if (typeof pair !== 'object' || pair === null || !(Symbol.iterator in pair)) {
    throw new TypeError('Invalid headers: a member is no pair')
  }
  return Array.from(pair as Iterable<unknown>, toText)
}

/** Cookies are a list of their own (RFC 6265 section 5.4), of which `, ` would make nonsense. */
function separatorOf(name: string): string {
  return name.length === 6 && equalsFolded(name, 'cookie') ? '; ' : ', '
}

/** NUL, CR and LF (Fetch standard section 2.2.2), and what no byte stands for. */
// oxlint-disable-next-line no-control-regex
const unfit = /[\0\r\n\u0100-\uffff]/

/** HTTP whitespace bytes: HTAB, LF, CR, SP. */
function isWhiteSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d
}

function trim(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isWhiteSpace(text.charCodeAt(from))) from++
  while (to > from && isWhiteSpace(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

/** Most names that are asked for are in lower case already, and `toLowerCase` leaves for the runtime. */
function lower(name: string): string {
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at)
    if (code >= 0x41 && code <= 0x5a) return name.toLowerCase()
  }
  return name
}
