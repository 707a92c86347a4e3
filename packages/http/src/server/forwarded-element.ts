import { type Address, ipAddress } from '@fairlead/core'

/** What one hop says of the one before it (RFC 7239 section 4). */
export interface ForwardedElement {
  /** Undefined where it is unknown, hidden or not told. */
  readonly address: Address | undefined
  /** As written; whether it is any good is looked at apart. */
  readonly proto: string | undefined
  readonly host: string | undefined
}

const unnamed: ForwardedElement = { address: undefined, proto: undefined, host: undefined }

const comma = 0x2c
const mark = 0x22

/** token "=" ( token / quoted-string ), and white space, which section 4's own examples have behind the semicolon. */
const PAIR = /[\t ]*([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"((?:[^"\\]|\\.)*)")[\t ]*(?:;|$)/y
const EMPTY_PAIR = /[\t ]*(?:;|$)/y

/** nodename [ ":" node-port ], section 6: an address, in brackets if it has colons, or a word in its stead. */
const NODE = /^(?:\[([\dA-Fa-f:.]+)\]|(\d[\d.]*)|unknown|_[\w.-]+)(?::(?:(\d{1,5})|_[\w.-]+))?$/i

/**
 * One element of Forwarded, or undefined where its syntax is broken: a parameter without a value or given twice, a
 * value that needs quotes and has none, a `for` that is no node.
 */
export function parseForwarded(text: string): ForwardedElement | undefined {
  const known = new Map<string, string>()
  for (let at = 0; at < text.length;) {
    EMPTY_PAIR.lastIndex = PAIR.lastIndex = at
    if (EMPTY_PAIR.test(text)) {
      at = EMPTY_PAIR.lastIndex
      continue
    }
    const [, name, token, quoted] = PAIR.exec(text) ?? []
    if (name === undefined || known.has(name.toLowerCase())) return undefined
    known.set(name.toLowerCase(), token ?? quoted?.replace(/\\(.)/g, '$1') ?? '')
    at = PAIR.lastIndex
  }
  const node = known.get('for')
  const parsed = node === undefined ? unnamed : parseNode(node)
  if (!parsed) return undefined
  return { address: parsed.address, proto: known.get('proto'), host: known.get('host') }
}

/** One element of X-Forwarded-For, which nobody has specified: a node, or an IPv6 address without its brackets. */
export function parseForwardedFor(text: string): ForwardedElement | undefined {
  const colons = text.indexOf(':') !== text.lastIndexOf(':')
  return parseNode(colons && !text.startsWith('[') ? `[${text}]` : text)
}

function parseNode(node: string): ForwardedElement | undefined {
  const match = NODE.exec(node)
  if (!match) return undefined
  const [, literal, dotted, port = '0'] = match
  const host = literal ?? dotted
  if (host === undefined) return unnamed
  if (literal !== undefined && !literal.includes(':')) return undefined
  try {
    return { ...unnamed, address: ipAddress(host, Number(port)) }
  } catch {
    return undefined
  }
}

/**
 * The elements of a list field from its end to its beginning; empty ones are none. It is read backwards, so that
 * what a hop appended reads the same whatever stands before it: an open quotation mark, say, from the client.
 */
export function* elementsBackwards(lines: readonly string[]): Generator<string, void> {
  for (let index = lines.length - 1; index >= 0; index--) {
    const line = lines[index] ?? ''
    let end = line.length
    let quoted = false
    for (let at = line.length - 1; at >= -1; at--) {
      const code = at < 0 ? comma : line.charCodeAt(at)
      if (code === mark) {
        if (!quoted || !isEscaped(line, at)) quoted = !quoted
      } else if (code === comma && (!quoted || at < 0)) {
        const element = trimBlanks(line.slice(at + 1, end))
        if (element !== '') yield element
        end = at
      }
    }
  }
}

/** Whether an odd number of backslashes stands before it. */
function isEscaped(line: string, at: number): boolean {
  let before = at
  while (line[before - 1] === '\\') before--
  return (at - before) % 2 === 1
}

/** By hand, because a pattern for the white space at an end is slow where there is much in the middle. */
function trimBlanks(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isBlank(text[from])) from++
  while (to > from && isBlank(text[to - 1])) to--
  return text.slice(from, to)
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t'
}
