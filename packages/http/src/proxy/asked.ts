import type { Streamed } from '../client/body/stream-body.ts'
import { parseHost } from '../codec/index.ts'
import { equalsFolded, listMembers } from '../codec/tokens.ts'
import type { ClientFacts } from '../server/client-facts.ts'
import type { Exchange } from '../server/exchange.ts'
import { copyList } from '../web/headers.ts'
import { originOf, urlOf } from '../web/request-url.ts'
import type { ServeContext } from '../web/serve-context.ts'
import { isServed } from '../web/served-request.ts'
import { targetOf } from './path.ts'

/** A request that is to be passed on, taken apart. */
export interface Asked {
  readonly method: string
  /** Path and query as they came, or `*`. */
  readonly target: string
  /** Name and value in turn: as they came, or as somebody before the proxy left them. */
  readonly list: readonly string[]
  readonly minor: 0 | 1
  /** Host and port that the client asked for; may be empty. */
  readonly host: string
  readonly body: Streamed | null
  /** What is behind it, where it came by this package's server. */
  readonly exchange: Exchange | undefined
  readonly signal: AbortSignal
}

/**
 * Takes a request apart. One that came by this package's server is read past every stream, and its target is the one
 * that was sent; one that somebody has made since is what its URL and its body say.
 *
 * @throws TypeError when its body was used.
 */
export function askedOf(request: Request, context: ServeContext | undefined): Asked {
  if (request.bodyUsed) throw new TypeError('Cannot pass on: the body was used already')
  const exchange = exchangeOf(context)
  const list = copyList(request.headers)
  const { method } = request
  if (exchange && isOf(request, exchange)) {
    const { form, target, minor, authority, hasBody, body } = exchange.request
    return {
      method,
      target: targetOf(method, form, target),
      list,
      minor,
      host: authority,
      // Somebody who looked at the stream has taken the reader's place for it.
      body: !hasBody ? null : isServed(request) && !body.taken ? body : request.body,
      exchange,
      signal: exchange.signal,
    }
  }
  const { pathname, search, host } = new URL(request.url)
  return {
    method,
    target: pathname + search,
    list,
    minor: 1,
    host,
    body: request.body,
    exchange,
    signal: exchange?.signal ?? request.signal,
  }
}

/** What is seen of the one who asks: the peer. */
export function peerOf({ exchange, host }: Asked, request: Request): ClientFacts {
  if (exchange) {
    return { address: exchange.remoteAddress, protocol: exchange.tls ? 'https' : 'http', host }
  }
  const address = { kind: 'memory', name: '' } as const
  return { address, protocol: request.url.startsWith('https:') ? 'https' : 'http', host }
}

/** The protocols that a client offers to go on with. */
export function offersOf({ exchange }: Asked): readonly string[] {
  return exchange?.offersUpgrade === true ? (exchange.request.upgrade ?? []) : []
}

/** Whether the client waits for a 100 before it sends its body. */
export function expectsContinue({ body, minor, list }: Asked): boolean {
  if (body === null || minor === 0) return false
  return list.some((name, at) => at % 2 === 0 && equalsFolded(name, 'expect'))
}

/** Whether fields may stand behind the body of the answer (RFC 9110 section 10.1.4). */
export function takesTrailers({ minor, list }: Asked): boolean {
  if (minor === 0) return false
  for (let at = 0; at < list.length; at += 2) {
    if (!equalsFolded(list[at]!, 'te')) continue
    if (listMembers(list[at + 1]!).some((member) => /^trailers[\t ]*(?:;|$)/.test(member))) return true
  }
  return false
}

/** What Content-Length says. */
export function lengthOf({ list }: Asked): number | undefined {
  for (let at = 0; at < list.length; at += 2) {
    if (!equalsFolded(list[at]!, 'content-length')) continue
    return /^\d{1,15}$/.test(list[at + 1]!) ? Number(list[at + 1]) : undefined
  }
  return undefined
}

/** Host as the client has it, where that is one. */
export function hostOf({ host }: Asked): string | undefined {
  return parseHost(host)?.host ? host : undefined
}

/** Frameworks give on what they were given, and some of them something of their own. */
function exchangeOf(context: unknown): Exchange | undefined {
  const { exchange } = Object(context) as Partial<ServeContext>
  return typeof exchange?.respond === 'function' ? exchange : undefined
}

/** Whether a request is the one that came, or says the same: some runtimes have theirs in the place of ours. */
function isOf(request: Request, exchange: Exchange): boolean {
  if (isServed(request)) return true
  const { method } = exchange.request
  const origin = originOf(exchange)
  return request.method === method && origin !== undefined && request.url === urlOf(origin, exchange.request)
}
