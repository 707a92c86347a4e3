import type { Address } from '@fairlead/core'

/** Whose tunnels are counted together; of IPv6 whoever has one address has all of its network (RFC 4291 section 2.5.4). */
export function placeOf(address: Address): string {
  if (address.kind !== 'ip') return address.kind
  if (address.family === 4 || address.zone !== undefined) return address.host
  return networkOf(address.host)
}

/** The first four groups of a canonical IPv6 address. */
function networkOf(host: string): string {
  const [before = '', after] = host.split('::')
  const first = before === '' ? [] : before.split(':')
  const last = after === undefined || after === '' ? [] : after.split(':')
  const zeros = Array.from({ length: after === undefined ? 0 : 8 - first.length - last.length }, () => '0')
  return [...first, ...zeros, ...last].slice(0, 4).join(':')
}
