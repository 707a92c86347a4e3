import type { IpAddress } from '../address/datagram.ts'

/** An address as one number of 32 or 128 bits. */
export function bitsOf({ family, host }: IpAddress): bigint {
  if (family === 4) return joined(host.split('.').map(Number), 8n)
  const [front = '', back] = host.split('::')
  const [head, tail] = [groupsOf(front), groupsOf(back ?? '')]
  // What `::` leaves out are zeroes (RFC 4291 section 2.2).
  return joined([...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail], 16n)
}

/** The leading bits that `address` shares with everybody in its network. */
export function networkOf(address: IpAddress, prefix: number): bigint {
  return bitsOf(address) >> BigInt((address.family === 4 ? 32 : 128) - prefix)
}

/** The IPv4 address of a number. */
export function addressAt(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 255n)).join('.')
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}

function joined(groups: readonly number[], width: bigint): bigint {
  return groups.reduce((bits, group) => (bits << width) | BigInt(group), 0n)
}
