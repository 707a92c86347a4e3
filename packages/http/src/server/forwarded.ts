import type { Address } from '@fairlead/core'

import { parseHost } from '../codec/index.ts'
import type { ClientFacts, TrustProxyOptions } from './client-facts.ts'
import type { Exchange } from './exchange.ts'
import {
  elementsBackwards,
  type ForwardedElement,
  parseForwarded,
  parseForwardedFor,
} from './forwarded-element.ts'

/** `trustProxy` as it is used. */
export interface ProxyTrust {
  readonly fields: TrustProxyOptions['fields']
  isProxy(address: Address): boolean
}

/** More hops than anybody has; whoever has more is told of the one where counting ended. */
const most = 32

type Seen = Pick<Exchange, 'remoteAddress' | 'tls'> & {
  readonly request: Pick<Exchange['request'], 'authority' | 'headers'>
}

/**
 * Who asks. From the peer on, each hop that is trusted is believed what it wrote of the hop before it, from the right
 * to the left; the first one that is not trusted is the client, and what stands left of it may be anybody's
 * invention.
 */
export function clientOf({ remoteAddress, tls, request }: Seen, trust?: ProxyTrust): ClientFacts {
  const own: ClientFacts = {
    address: remoteAddress,
    protocol: tls ? 'https' : 'http',
    host: request.authority,
  }
  if (!trust?.isProxy(remoteAddress)) return own
  const { headers } = request
  if (trust.fields === 'Forwarded') return walk(own, trust, headers.all('forwarded'), parseForwarded)
  const walked = walk(own, trust, headers.all('x-forwarded-for'), parseForwardedFor)
  // Of these a proxy may write one for all hops, or one for each, and nobody can tell: the last is no client's.
  const [proto] = elementsBackwards(headers.all('x-forwarded-proto'))
  const [host] = elementsBackwards(headers.all('x-forwarded-host'))
  return told(walked, { address: undefined, proto, host })
}

function walk(
  own: ClientFacts,
  trust: ProxyTrust,
  lines: readonly string[],
  parse: (text: string) => ForwardedElement | undefined,
): ClientFacts {
  let client = own
  let count = 0
  for (const text of elementsBackwards(lines)) {
    const element = ++count > most ? undefined : parse(text)
    if (!element) break
    client = told(client, element)
    // Who is not named is nobody to be believed.
    if (!element.address || !trust.isProxy(element.address)) break
  }
  return client
}

/** What was known, and what a trusted hop adds to it. */
function told(client: ClientFacts, { address, proto, host }: ForwardedElement): ClientFacts {
  return {
    address: address ?? client.address,
    protocol: protocolOf(proto) ?? client.protocol,
    host: host !== undefined && parseHost(host)?.host ? host : client.host,
  }
}

/** WebSocket's schemes are told by some proxies; what arrives is a request all the same (RFC 6455 section 3). */
function protocolOf(proto: string | undefined): ClientFacts['protocol'] | undefined {
  const lower = proto?.toLowerCase()
  if (lower === 'https' || lower === 'wss') return 'https'
  return lower === 'http' || lower === 'ws' ? 'http' : undefined
}
