import { Fields } from '../codec/index.ts'
import { IncomingBody } from '../message/body.ts'
import type { Exchange } from '../server/exchange.ts'
import { originOf, refusalOf } from './request-url.ts'
import { Request } from './request.ts'
import { runtime, type RuntimeRequest } from './runtime.ts'
import { originalOf, ServedRequest } from './served-request.ts'

/** Methods that the Fetch standard keeps from a `Request`, and those that it would rewrite (section 2.2.1). */
const forbidden = new Set(['CONNECT', 'TRACE', 'TRACK'])
const rewritten = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'])

/** Makes the web-standard `Request` of an exchange, or tells the status for one that cannot have any. */
export type RequestMaker = (exchange: Exchange) => RuntimeRequest | number

/**
 * The way to make requests where this program runs: ours, that look things up when asked, where the runtime or the
 * globals know what to do with them; the runtime's own elsewhere.
 */
export function requestMaker(): RequestMaker {
  if (globalThis.Request === Request || (worksAlone ??= probe())) return servedOf
  return (exchange) => {
    const served = servedOf(exchange)
    return typeof served === 'number' ? served : (originalOf(served) as RuntimeRequest)
  }
}

function servedOf(exchange: Exchange): ServedRequest | number {
  const { form, method } = exchange.request
  if (!isServed(method)) return 501
  const refusal = form === 'absolute' ? refusalOf(exchange) : undefined
  if (refusal !== undefined) return refusal
  const origin = originOf(exchange)
  return origin === undefined ? 400 : new ServedRequest(exchange, origin)
}

/**
 * Methods are case-sensitive (RFC 9110 section 9.1): `delete` is none that anybody here knows, and an application
 * that was asked for it must not see DELETE, which something in front of it may have been told to refuse.
 */
function isServed(method: string): boolean {
  if (method === 'GET' || method === 'POST' || rewritten.has(method)) return true
  const upper = method.toUpperCase()
  return !forbidden.has(upper) && !rewritten.has(upper)
}

let worksAlone: boolean | undefined

/**
 * Whether the runtime's own classes take a request of ours for one of theirs, state, body and all. Where they keep
 * their state in private fields (undici 7, Node 24) they cannot.
 */
function probe(): boolean {
  try {
    const exchange = {
      request: {
        method: 'POST',
        target: '/probe?a',
        form: 'origin',
        headers: new Fields(['X-Probe', 'yes']),
        hasBody: true,
        body: IncomingBody.empty(),
      },
      signal: AbortSignal.abort(),
    }
    const served = new ServedRequest(exchange as unknown as Exchange, 'http://localhost')
    const { method, url, headers, body, signal } = new runtime.Request(served)
    const fields = new runtime.Headers(served.headers)
    return (
      served instanceof runtime.Request &&
      method === 'POST' &&
      url === 'http://localhost/probe?a' &&
      headers.get('x-probe') === 'yes' &&
      fields.get('x-probe') === 'yes' &&
      body !== null &&
      signal.aborted &&
      served.bodyUsed
    )
  } catch {
    return false
  }
}
