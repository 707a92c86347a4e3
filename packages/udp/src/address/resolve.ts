import { promises as dns } from 'node:dns'

import { TimeoutError } from '@fairlead/core'
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
  /** The families that are of use. Default: both. */
  families?: readonly (4 | 6)[] | undefined
}

/** What ends in a number is an address or nothing: resolvers read `0x7f.1` and `0177.1` as `127.0.0.1`. */
const numeric = /(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/i

/** Whether a resolver may be asked for it; a literal address is no name. */
export function isName(host: string): boolean {
  return host !== '' && host.length <= 254 && !/[\s:%/\p{C}]/u.test(host) && !numeric.test(host)
}

/** The addresses of a host, at least one, the best first. */
export type Addresses = readonly [IpAddress, ...IpAddress[]]

/**
 * The addresses of a host, asked for once; a literal never meets the resolver.
 *
 * @throws TimeoutError with phase `dns`, `signal.reason`, or the resolver's error.
 */
export async function resolve(host: string, port: number, options: ResolveOptions): Promise<Addresses> {
  const literal = literalOf(host, port)
  if (literal) return [literal]
  const timeout = AbortSignal.timeout(options.timeout)
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout
  try {
    return await unlessAborted(ask(host, port, options, signal), signal)
  } catch (error) {
    if (error !== timeout.reason) throw error
    throw new TimeoutError(`Cannot resolve ${host}: no answer within ${options.timeout} ms`, {
      phase: 'dns',
      retryable: true,
    })
  }
}

async function ask(
  host: string,
  port: number,
  { lookup = systemLookup, families = [4, 6] }: ResolveOptions,
  signal: AbortSignal,
): Promise<Addresses> {
  const found: unknown = await lookup(host, signal)
  const addresses = Array.isArray(found) ? found.map((it: unknown) => addressIn(it, port)) : []
  const [first, ...others] = addresses.filter((it) => it !== undefined && families.includes(it.family))
  if (first) return [first, ...(others as IpAddress[])]
  throw Object.assign(new Error(`the lookup of ${host} gave no address that fits`), { code: 'ENOTFOUND' })
}

/** A name is what it is to every other program of the machine: `lookup`, not `resolve`. */
async function systemLookup(host: string): Promise<string[]> {
  const found = await dns.lookup(host, { all: true })
  return found.map(({ address }) => address)
}

function addressIn(found: unknown, port: number): IpAddress | undefined {
  return typeof found === 'string' ? literalOf(found, port) : undefined
}
