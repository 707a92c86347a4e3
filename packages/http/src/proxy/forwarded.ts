import type { Address } from '@fairlead/core'

import { isToken } from '../codec/tokens.ts'
import type { ClientFacts } from '../server/client-facts.ts'
import type { ForwardedKind } from './options.ts'

/**
 * Fields that tell of the client, whoever wrote them: anybody may have. With an underscore, too, which is the same to
 * those who make variables of names (RFC 3875 section 4.1.18).
 */
export function tellsOfClient(name: string): boolean {
  const read = name.replaceAll('_', '-')
  return read === 'forwarded' || read.startsWith('x-forwarded') || read === 'x-real-ip'
}

/**
 * Appends who asks: the client, and where trusted proxies stand between it and here, the one that is the peer. Of
 * those before that one nobody can tell which the client made up.
 *
 * @param client as far as trusted proxies say.
 * @param peer as seen here.
 */
export function appendForwarded(
  list: string[],
  kind: ForwardedKind,
  client: ClientFacts | undefined,
  peer: ClientFacts,
): void {
  if (kind === false) return
  const hops = client === undefined || isSame(client, peer) ? [peer] : [client, peer]
  const [first] = hops as [ClientFacts]
  if (kind !== 'X-Forwarded') list.push('Forwarded', hops.map(elementOf).join(', '))
  if (kind === 'Forwarded') return
  list.push('X-Forwarded-For', hops.map(({ address }) => hostOf(address) ?? 'unknown').join(', '))
  list.push('X-Forwarded-Proto', first.protocol)
  if (first.host !== '') list.push('X-Forwarded-Host', first.host)
}

function isSame(one: ClientFacts, other: ClientFacts): boolean {
  return one.address === other.address && one.protocol === other.protocol && one.host === other.host
}

/** RFC 7239 section 4. */
function elementOf({ address, protocol, host }: ClientFacts): string {
  const named = host === '' ? '' : `;host=${valueOf(host)}`
  return `for=${nodeOf(address)}${named};proto=${protocol}`
}

/** RFC 7239 section 6: IPv6 in brackets, and so in quotes. */
function nodeOf(address: Address): string {
  const host = hostOf(address)
  if (host === undefined) return 'unknown'
  return host.includes(':') ? `"[${host}]"` : host
}

/** Of a client without an address there is nothing to tell; a zone means nothing to anybody else. */
function hostOf(address: Address): string | undefined {
  return address.kind === 'ip' ? address.host : undefined
}

function valueOf(text: string): string {
  return isToken(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`
}
