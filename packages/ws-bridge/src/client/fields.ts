import { Fields, type FieldsInit } from '@fairlead/http'

/** What the handshake says by itself, or what would give it a body; and what is a proxy's to know. */
const reserved: ReadonlyMap<string, string> = new Map([
  ...['connection', 'upgrade', 'sec-websocket-key', 'sec-websocket-version', 'sec-websocket-accept'].map(
    (name): [string, string] => [name, 'is the handshake’s own'],
  ),
  ['sec-websocket-protocol', 'is made of the option protocols'],
  ['sec-websocket-extensions', 'is made of the option compression'],
  ['proxy-authorization', 'is made of the user information of the option proxy'],
  ...['content-length', 'transfer-encoding', 'trailer', 'expect'].map((name): [string, string] => [
    name,
    'is of a body, and a handshake has none',
  ]),
])

const token = /^[!#$%&'*+\-.^_`|~\w]+$/
/** Octets that a field value may have (RFC 9110 section 5.5). */
const value = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * The fields that go out beside those of the handshake, by their names in lower case; several lines of one name are a list.
 *
 * @throws TypeError that names the field, and repeats nothing of its value.
 */
export function handshakeFields(headers: FieldsInit): Record<string, string[]> {
  if (typeof headers !== 'object' || headers === null) {
    throw new TypeError('Invalid option headers: they are neither a record nor pairs')
  }
  const lines = new Map<string, string[]>()
  for (const [name, content] of linesOf(headers)) {
    if (typeof name !== 'string' || !token.test(name)) {
      throw new TypeError('Invalid option headers: the name of a field is none')
    }
    const key = name.toLowerCase()
    const why = reserved.get(key)
    if (why !== undefined) throw new TypeError(`Invalid option headers: ${name} ${why}`)
    if (typeof content !== 'string' || !value.test(content)) {
      throw new TypeError(`Invalid option headers: the value of ${name} cannot be sent`)
    }
    const said = lines.get(key)
    if (said && key === 'host') throw new TypeError('Invalid option headers: Host is said once')
    if (said) said.push(content)
    else lines.set(key, [content])
  }
  return Object.fromEntries(lines)
}

function* linesOf(headers: FieldsInit): Iterable<readonly [name: unknown, value: unknown]> {
  if (headers instanceof Fields || Symbol.iterator in headers) {
    yield* headers as Iterable<readonly [unknown, unknown]>
    return
  }
  for (const [name, content] of Object.entries(headers)) {
    if (Array.isArray(content)) for (const line of content as unknown[]) yield [name, line]
    else yield [name, typeof content === 'number' ? String(content) : content]
  }
}
