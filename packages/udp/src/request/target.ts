import { type Address, ipAddress } from '@fairlead/core'
import { checkOptions } from '@fairlead/core/transport'

import type { Destination } from '../address/datagram.ts'

/** Whom a request may go to: a literal IP address and port, or, in memory, a name. */
export type RequestTarget = Destination | Address | string

/**
 * The canonical address of a destination, as answers are to come from, on a socket with addresses of this `kind`.
 *
 * @throws TypeError or RangeError
 */
export function addressOf(to: RequestTarget, kind: Address['kind']): Address {
  const address = canonical(to)
  if (address.kind === kind) return address
  const wanted = kind === 'ip' ? 'it takes a literal address and a port' : 'it takes a name'
  throw new TypeError(`Invalid option to: ${JSON.stringify(to)} is no address of this socket; ${wanted}`)
}

function canonical(to: RequestTarget): Address {
  if (typeof to === 'string') return { kind: 'memory', name: to }
  checkOptions('to', to)
  if ('host' in to) return literalOf(to)
  if (to.kind === 'memory' || to.kind === 'unix') return to
  throw new TypeError('Invalid option to: is no address')
}

function literalOf({ host, port, zone }: Destination): Address {
  try {
    return ipAddress(zone === undefined ? host : `${host}%${zone}`, port)
  } catch (error) {
    if (error instanceof RangeError) throw error
    // The socket would look a name up and send, and nobody would know from where the answer has to come.
    const text = `Invalid option to: ${JSON.stringify(host)} is no literal address; resolve it first (node:dns)`
    throw new TypeError(text, { cause: error })
  }
}

/** Whether a datagram from `from` comes from where another one was sent to. */
export function isSame(to: Address, from: Address): boolean {
  if (to.kind === 'ip') {
    return from.kind === 'ip' && to.host === from.host && to.port === from.port && matches(to.zone, from.zone)
  }
  if (to.kind === 'memory') return from.kind === 'memory' && to.name === from.name
  return from.kind === 'unix' && to.path === from.path
}

/**
 * One interface goes by its name and by its number (RFC 4007 section 11.2), and may be left to the system. Only
 * two names, or two numbers, can tell that it is another one.
 */
function matches(to: string | undefined, from: string | undefined): boolean {
  if (to === from || to === undefined || from === undefined) return true
  return isNumber(to) !== isNumber(from)
}

function isNumber(zone: string): boolean {
  return /^\d+$/.test(zone)
}
