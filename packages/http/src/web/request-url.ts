import type { Exchange } from '../server/exchange.ts'

type Request = Pick<Exchange['request'], 'form' | 'target'>

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

/**
 * The status for a target in absolute form that cannot be served: 421 for one of the other scheme than the client's
 * or the connection's, since an `https` target asked for in the clear is not secure because it says so (RFC 9110
 * sections 4.2.2, 7.4), and 400 for one that is no URL of HTTP's. Undefined where it can.
 */
export function refusalOf(exchange: Exchange): 400 | 421 | undefined {
  const { request, client, tls } = exchange
  if (!URL.canParse(request.target)) return 400
  const { protocol, username, password } = new URL(request.target)
  if ((protocol !== 'http:' && protocol !== 'https:') || username !== '' || password !== '') return 400
  const own = tls ? 'https:' : 'http:'
  return protocol === own || protocol === `${client.protocol}:` ? undefined : 421
}

/** Paths and queries that are serialised as they stand: nothing to escape, no dot segments, no backslash. */
const plain = /^\/[\w.~!$&()*+,;=:@%/'-]*(?:\?[\w.~!$&()*+,;=:@%/?|^`{}[\]\\-]*)?$/
const dotted = /\/(?:\.|%2e)/i

/** The URL of a request. What is not in the target, {@link originOf} tells, and of absolute ones what is there, too. */
export function urlOf(origin: string, { form, target }: Request): string {
  if (form === 'absolute') {
    const url = new URL(target)
    return origin + url.href.slice(url.origin.length)
  }
  if (form !== 'origin') return `${origin}/`
  if (plain.test(target) && !dotted.test(target)) return origin + target
  // A path that begins with two slashes is no host: it must not be resolved, but appended.
  return new URL(origin + target).href
}
