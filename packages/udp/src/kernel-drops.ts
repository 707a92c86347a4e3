import { readFileSync } from 'node:fs'
import { endianness } from 'node:os'

import type { IpAddress } from './address/datagram.ts'
import { bitsOf } from './multicast/prefix.ts'

/** Which socket: its family, and where it is bound and connected. */
export interface SocketPlace {
  readonly family: 4 | 6
  readonly local: IpAddress
  readonly peer?: IpAddress | undefined
}

/**
 * How many datagrams the kernel dropped before a socket could have them, mostly because its receive buffer was full.
 * Linux alone tells (proc_net_udp, the column `drops`). Undefined where nobody tells, and where several sockets share
 * the address, because nothing says whose is which.
 *
 * It reads the table of all UDP sockets of the network namespace: some 25 µs where there are few of them,
 * milliseconds where there are thousands.
 */
export function kernelDrops(place: SocketPlace): number | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    return dropsIn(readFileSync(place.family === 4 ? '/proc/net/udp' : '/proc/net/udp6', 'latin1'), place)
  } catch {
    // Not every sandbox has it.
    return undefined
  }
}

/** The drops of one socket in such a table. */
export function dropsIn(table: string, place: SocketPlace): number | undefined {
  const addresses = ` ${endOf(place.family, place.local)} ${endOf(place.family, place.peer)} `
  const at = table.indexOf(addresses)
  if (at < 0 || table.includes(addresses, at + 1)) return undefined
  const end = table.indexOf('\n', at)
  const drops = Number(
    table
      .slice(at, end < 0 ? undefined : end)
      .trimEnd()
      .split(' ')
      .at(-1),
  )
  return Number.isSafeInteger(drops) ? drops : undefined
}

/** An end as the table has it: words of 32 bits in the machine's own byte order, and the port. */
function endOf(family: 4 | 6, address: IpAddress | undefined): string {
  const bits = address ? wide(family, address) : 0n
  const words = Array.from({ length: family === 4 ? 1 : 4 }, (_, at) =>
    Number((bits >> BigInt(32 * at)) & 0xffffffffn),
  ).toReversed()
  const port = (address?.port ?? 0).toString(16).padStart(4, '0')
  return `${words.map(hex).join('')}:${port}`.toUpperCase()
}

/** IPv4 as an IPv6 socket has it: mapped (RFC 4291 section 2.5.5.2). */
function wide(family: 4 | 6, address: IpAddress): bigint {
  const bits = bitsOf(address)
  return family === 6 && address.family === 4 ? (0xffffn << 32n) | bits : bits
}

function hex(word: number): string {
  const bytes = Buffer.alloc(4)
  if (endianness() === 'LE') bytes.writeUInt32LE(word)
  else bytes.writeUInt32BE(word)
  return bytes.toString('hex')
}
