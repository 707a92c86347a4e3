import { promises as dns } from 'node:dns'

import { ipAddress, TimeoutError } from '@fairlead/core'
import { unlessAborted } from '@fairlead/core/transport'

import type { IpAddress } from './datagram.ts'
import { literalOf } from './literal.ts'

/**
 * Literal addresses of a name, the best first. May reject; is told by `signal` when nobody waits any longer. The
 * same shape as tcp's, so that one serves both.
 */
export type Lookup = (host: string, signal: AbortSignal) => Promise<readonly string[]>

/** How long and how far a name may be looked for. */
export interface ResolveOptions {
  /** Milliseconds. */
  timeout: number
  signal?: AbortSignal | undefined
  /** Instead of the system's resolver. */
  lookup?: Lookup | undefined
  /** The only family that is of use. Default: either. */
  family?: 4 | undefined
}

/** What ends in a number is an address or nothing: resolvers read `0x7f.1` and `0177.1` as `127.0.0.1`. */
const numeric = /(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/i

/** Whether a resolver may be asked for it; a literal address is no name. */
export function isName(host: string): boolean {
  return host !== '' && host.length <= 254 && !/[\s:%/\p{C}]/u.test(host) && !numeric.test(host)
}

/**
 * The address of a host, asked for once; a literal never meets the resolver.
 *
 * @throws TimeoutError with phase `dns`, `signal.reason`, or the resolver's error.
 */
export async function resolve(host: string, port: number, options: ResolveOptions): Promise<IpAddress> {
  const literal = literalOf(host, port)
  if (literal) return literal
  const timeout = AbortSignal.timeout(options.timeout)
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout
  try {
    return ipAddress(await unlessAborted(ask(host, options, signal), signal), port)
  } catch (error) {
    if (error !== timeout.reason) throw error
    throw new TimeoutError(`Cannot resolve ${host}: no answer within ${options.timeout} ms`, {
      phase: 'dns',
      retryable: true,
    })
  }
}

async function ask(host: string, { lookup, family }: ResolveOptions, signal: AbortSignal): Promise<string> {
  // A name is what it is to every other program of the machine: `lookup`, not `resolve`.
  if (!lookup) return (await dns.lookup(host, family === undefined ? {} : { family })).address
  const found = await lookup(host, signal)
  const fitting = Array.isArray(found) ? (found as unknown[]).map(addressIn) : []
  const first = fitting.find((it) => it !== undefined && (family === undefined || it.family === family))
  if (first) return first.zone === undefined ? first.host : `${first.host}%${first.zone}`
  throw Object.assign(new Error(`the lookup of ${host} gave no address that fits`), { code: 'ENOTFOUND' })
}

function addressIn(found: unknown): IpAddress | undefined {
  return typeof found === 'string' ? literalOf(found) : undefined
}
