import type { Exchange } from '../server/exchange.ts'
import { exchangeBehind, headersOf, isServed } from '../web/served-request.ts'

/** What is asked for, as far as a file's answer depends on it. */
export interface AskedFile {
  readonly method: string
  /** As in the URL, escapes and all. */
  readonly pathname: string
  /** With its question mark; empty where there is none. */
  readonly search: string
  readonly headers: { get(name: string): string | null }
  /** What is behind it, where it came by this package's server. */
  readonly exchange: Exchange | undefined
}

/** Paths that URL would leave as they are: nothing to escape, no dot segments. */
const plain = /^(?:\/[\w~!$&()*+,;=:@%'-][\w.~!$&()*+,;=:@%'-]*)*\/?$/

/** Of a request that our server handed out nothing is made that was not asked for: neither a URL nor headers. */
export function askedOf(request: Request, context?: unknown): AskedFile {
  const exchange = exchangeBehind(request) ?? exchangeIn(context)
  if (exchange && isServed(request)) {
    const { method, target, form } = exchange.request
    const end = target.indexOf('?')
    const pathname = end < 0 ? target : target.slice(0, end)
    if (form === 'origin' && plain.test(pathname) && !pathname.includes('/%2')) {
      const fields = headersOf(request)
      const headers = { get: (name: string) => fields.get(name) ?? null }
      return { method, pathname, search: end < 0 ? '' : target.slice(end), headers, exchange }
    }
  }
  const { pathname, search } = new URL(request.url)
  return { method: request.method, pathname, search, headers: request.headers, exchange }
}

/** What `serve` gives beside a request, where somebody has given it on. */
function exchangeIn(context: unknown): Exchange | undefined {
  const { exchange } = Object(context) as { exchange?: Partial<Exchange> }
  return typeof exchange?.hold === 'function' ? (exchange as Exchange) : undefined
}
