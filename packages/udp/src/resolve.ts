import { promises as dns } from 'node:dns'

import { ipAddress, TimeoutError } from '@fairlead/core'
import { unlessAborted } from '@fairlead/core/transport'

import type { IpAddress } from './datagram.ts'

/** How long and how far a name may be looked for. */
export interface ResolveOptions {
  /** Milliseconds. */
  timeout: number
  signal?: AbortSignal | undefined
}

/**
 * The address of a host, asked for once; a literal never meets the resolver.
 *
 * @throws TimeoutError with phase `dns`, `signal.reason`, or the runtime's error.
 */
export async function resolve(host: string, port: number, options: ResolveOptions): Promise<IpAddress> {
  const literal = literalOf(host, port)
  if (literal) return literal
  const timeout = AbortSignal.timeout(options.timeout)
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout
  try {
    const { address } = await unlessAborted(dns.lookup(host), signal)
    return ipAddress(address, port)
  } catch (error) {
    if (error !== timeout.reason) throw error
    throw new TimeoutError(`Cannot resolve ${host}: no answer within ${options.timeout} ms`, {
      phase: 'dns',
      retryable: true,
    })
  }
}

function literalOf(host: string, port: number): IpAddress | undefined {
  try {
    return ipAddress(host, port)
  } catch {
    return undefined
  }
}
