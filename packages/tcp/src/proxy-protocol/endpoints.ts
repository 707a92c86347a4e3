import { type Address, ipAddress } from '@fairlead/core'

/** The two addresses of a header in one family, as a header has them. */
export type Endpoints =
  | {
      readonly family: 4 | 6
      readonly source: Address & { kind: 'ip' }
      readonly destination: Address & { kind: 'ip' }
    }
  | {
      readonly family: 'unix'
      readonly source: Address & { kind: 'unix' }
      readonly destination: Address & { kind: 'unix' }
    }

/**
 * Brings two addresses under one family, or says undefined when there is none for both. An IPv4 address beside
 * an IPv6 one counts as IPv6; a zone means nothing to another machine and is left out.
 */
export function endpointsOf(source: Address, destination: Address): Endpoints | undefined {
  if (source.kind === 'unix' && destination.kind === 'unix') return { family: 'unix', source, destination }
  if (source.kind !== 'ip' || destination.kind !== 'ip') return undefined
  const from = ipAddress(source.host, source.port)
  const to = ipAddress(destination.host, destination.port)
  return { family: from.family === to.family ? from.family : 6, source: from, destination: to }
}

/** The 4 or 16 bytes of a canonical address; those of an IPv4 address in IPv6 are `::ffff:a.b.c.d`. */
export function bytesOf(address: Address & { kind: 'ip' }, family: 4 | 6): number[] {
  if (address.family === 4) {
    const four = address.host.split('.').map(Number)
    return family === 4 ? four : [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...four]
  }
  const [before = [], after = []] = address.host.split('::').map(pairsIn)
  return [...before, ...new Array<number>(16 - before.length - after.length).fill(0), ...after]
}

/** The address of 4 or 16 bytes, and a port. */
export function addressOf(bytes: Uint8Array, port: number): Address {
  if (bytes.length === 4) return ipAddress(bytes.join('.'), port)
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[2 * index] as number) << 8) | (bytes[2 * index + 1] as number)).toString(16),
  )
  return ipAddress(groups.join(':'), port)
}

/** The bytes of groups of hexadecimal digits. */
function pairsIn(groups: string): number[] {
  if (groups === '') return []
  return groups.split(':').flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 255]
  })
}
