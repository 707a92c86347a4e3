import { ipAddress } from '@fairlead/core'

import type { IpAddress } from './datagram.ts'

/** The address that `host` spells out, or undefined when it is a name or nothing at all. */
export function literalOf(host: unknown, port = 0): IpAddress | undefined {
  if (typeof host !== 'string') return undefined
  try {
    return ipAddress(host, port)
  } catch {
    return undefined
  }
}
