import { ipAddress } from '@fairlead/core'

/** Addresses that begin with the same bits: with all of them, one address. */
export interface Subnet {
  readonly family: 4 | 6
  /** The bits that an address has to begin with, as a number. */
  readonly prefix: bigint
  /** How many bits of an address do not matter. */
  readonly free: bigint
}

const SIZES = { 4: 32, 6: 128 } as const

/**
 * The one address that `host` is, without brackets; undefined for names, and for addresses with a zone, which no URL
 * has. IPv4-mapped IPv6 addresses are IPv4.
 */
export function addressIn(host: string): Subnet | undefined {
  // Names are far more frequent, and finding out by an exception is slow.
  return /:|^[\d.]+$/.test(host) ? subnet(host) : undefined
}

/** What `text` says with its slash, as in `10.0.0.0/8`; undefined for anything else. */
export function subnetIn(text: string): Subnet | undefined {
  const [, bracketed, plain, bits] = /^(?:\[([^\]]+)\]|([^[\]/]+))\/(\d{1,3})$/.exec(text) ?? []
  return bits === undefined ? undefined : subnet((bracketed ?? plain)!, Number(bits))
}

/** Whether `address`, one and not many, belongs to `subnet`. */
export function belongs(address: Subnet, { family, prefix, free }: Subnet): boolean {
  return address.family === family && address.prefix >> free === prefix
}

function subnet(text: string, bits?: number): Subnet | undefined {
  try {
    const { family, host, zone } = ipAddress(text, 0)
    if (zone !== undefined) return undefined
    const size = SIZES[family]
    // The 96 bits in front of an IPv4-mapped address are always the same.
    const fixed = bits === undefined ? size : bits - (family === 4 && text.includes(':') ? 96 : 0)
    if (fixed < 0 || fixed > size) return undefined
    const free = BigInt(size - fixed)
    return { family, prefix: (family === 4 ? ofIpv4(host) : ofIpv6(host)) >> free, free }
  } catch {
    return undefined
  }
}

function ofIpv4(host: string): bigint {
  return host.split('.').reduce((value, octet) => (value << 8n) | BigInt(octet), 0n)
}

/** Of the form of RFC 5952, which has no dots but in IPv4-mapped addresses. */
function ofIpv6(host: string): bigint {
  const [before = [], after] = host.split('::').map((half) => (half === '' ? [] : half.split(':')))
  const zeros = after === undefined ? 0 : 8 - before.length - after.length
  const hextets = [...before, ...Array<string>(zeros).fill('0'), ...(after ?? [])]
  return hextets.reduce((value, hextet) => (value << 16n) | BigInt(`0x${hextet}`), 0n)
}
