import { type Address, type ByteConnection, ConnectError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'

import type { Connect, ConnectTarget } from '../client/options.ts'
import { global6, notPublic4, notPublic6 } from './public-address.ts'

/** Whom a proxy may connect to. */
export type Allow = (address: Address) => boolean

/** The longest time that a timer of the runtime can hold, in milliseconds. */
const longest = 2_147_483_647

/** Connects by `own`, or over tcp, to nobody whom `allow` forbids. */
export function connecting(allow: Allow | undefined, own: Connect | undefined): Connect {
  if (own) return allow ? (target) => connectBy(own, allow, target) : own
  return ({ host, port, unix, tls, timeouts, signal }) =>
    tcp.connect({
      ...(unix === undefined ? { host, port } : { path: unix }),
      ...(tls && { tls }),
      ...(allow && { allow }),
      dnsTimeout: Math.min(timeouts.dns, longest),
      connectTimeout: Math.min(timeouts.connect, longest),
      tlsTimeout: Math.min(timeouts.tls, longest),
      // For what an upgrade makes of the connection, too.
      writeTimeout: timeouts.write,
      signal,
    })
}

/** Whom a hook connects to is known when it has, and nothing was said yet. */
async function connectBy(own: Connect, allow: Allow, target: ConnectTarget): Promise<ByteConnection> {
  const connection = await own(target)
  let allowed = false
  try {
    // A promise is true, whatever it resolves with.
    allowed = (allow(connection.remoteAddress) as unknown) === true
  } finally {
    if (!allowed) connection.destroy()
  }
  if (allowed) return connection
  throw new ConnectError('Cannot connect: the address is not allowed', {
    code: 'ERR_FAIRLEAD_NOT_ALLOWED',
    retryable: false,
    peer: connection.remoteAddress,
  })
}

interface Lists {
  readonly isSpecial: Allow
  readonly isGlobal6: Allow
}

let lists: Lists | undefined

/**
 * Whether an address is one of the public Internet, which anybody may be asked for: neither loopback, private,
 * link-local, shared, multicast, documentation or reserved, nor one at which clouds have their metadata; neither a Unix
 * socket nor memory. Of IPv6 only global unicast is, without 6to4 and Teredo, in which addresses of IPv4 hide, and
 * without those of NAT64.
 *
 * @example
 * ```ts
 * const own = '192.168.7.9'
 * const targetOf = (request: Request) => new URL(request.url).searchParams.get('to') ?? undefined
 * const handler = proxy(targetOf, { allow: (address) => isPublic(address) || (address.kind === 'ip' && address.host === own) })
 * ```
 */
export function isPublic(address: Address): boolean {
  if (address.kind !== 'ip') return false
  lists ??= {
    isSpecial: tcp.addressMatcher('allow', [...notPublic4, ...notPublic6]),
    isGlobal6: tcp.addressMatcher('allow', global6),
  }
  return !lists.isSpecial(address) && (address.family === 4 || lists.isGlobal6(address))
}
