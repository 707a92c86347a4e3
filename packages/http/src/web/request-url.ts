import type { Exchange } from '../server/exchange.ts'

/** Origins that were serialised last: one server is asked for few. */
const origins = new Map<string, string | undefined>()
const originsKept = 64

/**
 * Scheme and authority of the target URI (RFC 9112 section 3.3) as WHATWG URL writes them; undefined where the host
 * is one by the grammar of RFC 3986, but not by that of URL.
 */
export function originOf(exchange: Exchange): string | undefined {
  const { protocol, host } = exchange.client
  const named = host === '' ? `${protocol}://localhost` : `${protocol}://${host}`
  const known = origins.get(named)
  return known ?? (origins.has(named) ? undefined : remember(named))
}

function remember(named: string): string | undefined {
  if (origins.size >= originsKept) origins.clear()
  const origin = URL.canParse(named) ? new URL(named).origin : undefined
  origins.set(named, origin)
  return origin
}

/** Paths and queries that are serialised as they stand: nothing to escape, no dot segments, no backslash. */
const plain = /^\/[\w.~!$&()*+,;=:@%/'-]*(?:\?[\w.~!$&()*+,;=:@%/?|^`{}[\]\\-]*)?$/
const dotted = /\/(?:\.|%2e)/i

/** The URL of a request in origin form. */
export function urlOf(origin: string, target: string): string {
  if (plain.test(target) && !dotted.test(target)) return origin + target
  // A path that begins with two slashes is no host: it must not be resolved, but appended.
  return new URL(origin + target).href
}
