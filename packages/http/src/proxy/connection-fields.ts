import type { Fields } from '../codec/index.ts'
import { equalsFolded, listMembers } from '../codec/tokens.ts'

/**
 * What one connection says to the next alone (RFC 9110 section 7.6.1), and what a proxy and its client say to each
 * other (section 11.7): nobody behind has asked for credentials in a proxy's name.
 */
const ofConnection = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  // No field at all, but a name that CGI makes the proxy of a program's own requests of (CVE-2016-5385).
  'proxy',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** Options of a connection that name no field, or one that is taken off anyway. */
const plain = new Set(['', 'close', ...ofConnection])

/**
 * The lines of a message without those of its connection, and without those whose names, in lower case, are
 * `unwanted`.
 *
 * @param received as the message came, where somebody may have added lines since: what Connection names is taken off
 *   as the sender wrote it, and not what somebody else says by the same name.
 */
export function withoutConnection(
  list: readonly string[],
  unwanted: (name: string) => boolean,
  received?: Fields,
): string[] {
  const rest: string[] = []
  const named = namedIn(list)
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at]!.toLowerCase()
    if (ofConnection.has(name) || unwanted(name)) continue
    const value = list[at + 1]!
    if (named?.has(name) && (received?.all(name).includes(value) ?? true)) continue
    rest.push(list[at]!, value)
  }
  return rest
}

/** The fields that Connection names; undefined for none that is a field of its own. */
function namedIn(list: readonly string[]): Set<string> | undefined {
  let named: Set<string> | undefined
  for (let at = 0; at < list.length; at += 2) {
    if (!equalsFolded(list[at]!, 'connection')) continue
    for (const member of listMembers(list[at + 1]!)) if (!plain.has(member)) (named ??= new Set()).add(member)
  }
  return named
}
