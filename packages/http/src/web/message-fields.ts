import type { HeaderList } from './header-list.ts'

/**
 * What one connection says to the next alone (RFC 9110 section 7.6.1, RFC 9112 section 6.1), beside what its
 * Connection field names. Expect is no such field, but says what the sender of this very message does.
 */
const connectionFields = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
])

/** The lines of a message that was received, as they may be sent on: without those of its connection. */
export function ofThisMessage(list: HeaderList): HeaderList {
  let named: Set<string> | undefined
  let found = false
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at]!.toLowerCase()
    if (!connectionFields.has(name)) continue
    found = true
    if (name !== 'connection') continue
    named ??= new Set()
    for (const member of list[at + 1]!.split(',')) named.add(member.trim().toLowerCase())
  }
  if (!found) return list
  return without(list, (name) => connectionFields.has(name) || named?.has(name) === true)
}

/** The lines whose name, in lower case, `unwanted` is not true of. */
export function without(list: readonly string[], unwanted: (name: string) => boolean): HeaderList {
  const rest: HeaderList = []
  for (let at = 0; at < list.length; at += 2) {
    if (!unwanted(list[at]!.toLowerCase())) rest.push(list[at]!, list[at + 1]!)
  }
  return rest
}
