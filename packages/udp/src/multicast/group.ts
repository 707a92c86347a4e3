import { checkFunction, checkOptions } from '@fairlead/core/transport'

import type { IpAddress } from '../address/datagram.ts'
import { literalOf } from '../address/literal.ts'
import type { JoinOptions } from './membership.ts'

/** A multicast group, and what of it is wanted. */
export interface Group {
  readonly family: 4 | 6
  /** In canonical form. */
  readonly host: string
  /** The one sender that is heard (RFC 4607); without one, all are. */
  readonly source: string | undefined
}

/** Refuses at the call what no interface could join. @throws TypeError that says what is wrong. */
export function checkGroup(text: unknown, family: 4 | 6, options: JoinOptions): Group {
  checkOptions('join', options)
  const { interfaces, source, onChange } = options
  const group = literalOf(text)
  if (!group || !isMulticast(group)) {
    const why = 'not a multicast address (224.0.0.0/4 or ff00::/8)'
    throw new TypeError(`Cannot join ${quote(text)}: ${why}`)
  }
  if (group.zone !== undefined) {
    throw new TypeError(`Cannot join ${quote(text)}: name the interface by the option interfaces`)
  }
  if (group.family !== family) {
    throw new TypeError(
      `Cannot join ${group.host}: the socket is bound to IPv${family}, the group is IPv${group.family}`,
    )
  }
  checkFunction('onChange', onChange)
  if (interfaces !== undefined && !isNames(interfaces)) {
    throw new TypeError('Invalid option interfaces: must be an array of names or addresses, and not empty')
  }
  return { family, host: group.host, source: source === undefined ? undefined : sourceOf(source, family) }
}

/** Whether a socket bound there is given what comes to a group: elsewhere than on Windows, to be bound is to filter. */
export function hearsGroups(bound: IpAddress): boolean {
  return bound.host === '0.0.0.0' || bound.host === '::' || isMulticast(bound) || process.platform === 'win32'
}

/** RFC 5771 section 3, RFC 4291 section 2.7. */
function isMulticast({ family, host }: IpAddress): boolean {
  if (family === 6) return /^ff[0-9a-f]{2}:/.test(host)
  const first = Number.parseInt(host, 10)
  return first >= 224 && first <= 239
}

function sourceOf(text: unknown, family: 4 | 6): string {
  const source = literalOf(text)
  // Neither the unspecified address nor, in IPv4, what is reserved or broadcast (RFC 1112 section 4).
  const isUnicast =
    source &&
    !isMulticast(source) &&
    source.host !== '::' &&
    source.host !== '0.0.0.0' &&
    (source.family === 6 || Number.parseInt(source.host, 10) < 240)
  if (!isUnicast) throw new TypeError(`Invalid option source: ${quote(text)} is not a unicast address`)
  if (source.family === family) return source.host
  throw new TypeError(`Invalid option source: ${source.host} is not IPv${family}, as the group is`)
}

function isNames(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string' && name !== '')
  )
}

function quote(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : typeof value
}
