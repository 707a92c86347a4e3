import { BlockList, isIP } from 'node:net'

import { type Address, ipAddress } from '@fairlead/core'

/**
 * Addresses (`192.0.2.7`), subnets (`10.0.0.0/8`, `2001:db8::/32`) and ranges (`192.0.2.10-192.0.2.20`), both
 * ends included; or a list of the runtime, which may be changed while it is in use.
 */
export type AddressList = readonly string[] | BlockList

/** Makes the runtime's list of what `option` says; IPv4-mapped addresses are IPv4. Refuses what is no list. */
export function parseAddressList(option: string, list: AddressList): BlockList {
  if (!works()) throw new TypeError(`Invalid option ${option}: the BlockList of this runtime finds nothing`)
  if (list instanceof BlockList) return list
  if (!Array.isArray(list)) throw new TypeError(`Invalid option ${option}: must be an array or a BlockList`)
  const parsed = new BlockList()
  for (const entry of list) {
    try {
      add(parsed, String(entry))
    } catch (error) {
      const shown = JSON.stringify(String(entry))
      throw new TypeError(`Invalid option ${option}: ${shown} is not an address, a subnet or a range`, {
        cause: error,
      })
    }
  }
  return parsed
}

/** Whether the list has the address, which is a literal in canonical form. */
export function lists(list: BlockList, host: string): boolean {
  return list.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6')
}

/** Whoever needs no address: its file's permissions, or the process itself, say who can come. */
const anybodyLocal = 'unix'

/**
 * Makes the question "is this address in the list?" of a list, for protocols that trust some peers more than
 * others. Besides addresses, subnets, ranges and lists of the runtime, an array may name `'unix'`: peers over a Unix
 * socket or in memory, which have no IP address. The function may be called as often as one likes, and never throws.
 *
 * @param option what messages call the list.
 * @throws TypeError that names the option: no list, an entry that is no address, or an empty array, which would
 *   match nobody.
 * @example
 * ```ts
 * const isProxy = addressMatcher('proxies', ['10.0.0.0/8', 'unix'])
 * isProxy({ kind: 'ip', family: 4, host: '10.1.2.3', port: 40_000 }) // true
 * ```
 */
export function addressMatcher(option: string, list: AddressList): (address: Address) => boolean {
  const entries: readonly unknown[] = Array.isArray(list) ? list : []
  if (entries === list && entries.length === 0) {
    throw new TypeError(`Invalid option ${option}: an empty list names nobody`)
  }
  const local = entries.includes(anybodyLocal)
  const addresses = local ? entries.filter((entry) => entry !== anybodyLocal) : list
  const parsed = parseAddressList(option, addresses as AddressList)
  return (address) => (address.kind === 'ip' ? lists(parsed, address.host) : local)
}

/** Some runtimes have the class and nothing in it, and whoever relied on a list would have none. */
function works(): boolean {
  const list = new BlockList()
  list.addSubnet('192.0.2.0', 24, 'ipv4')
  return lists(list, '192.0.2.7') && !lists(list, '198.51.100.7')
}

function add(list: BlockList, entry: string): void {
  const [, subnet, prefix] = /^([^/-]+)\/(\d{1,3})$/.exec(entry) ?? []
  if (subnet !== undefined) {
    const { host, family } = literal(subnet)
    // The 96 bits in front of an IPv4-mapped address are always the same.
    const bits = Number(prefix) - (family === 4 && subnet.includes(':') ? 96 : 0)
    return list.addSubnet(host, bits, `ipv${family}`)
  }
  const [, first, last] = /^([^/-]+)-([^/-]+)$/.exec(entry) ?? []
  if (first === undefined || last === undefined) {
    const { host, family } = literal(entry)
    return list.addAddress(host, `ipv${family}`)
  }
  const start = literal(first)
  const end = literal(last)
  if (start.family !== end.family) throw new TypeError('a range has one family')
  list.addRange(start.host, end.host, `ipv${start.family}`)
}

function literal(text: string): { host: string; family: 4 | 6 } {
  const { host, family, zone } = ipAddress(text, 0)
  if (zone !== undefined) throw new TypeError('a list has no zones')
  return { host, family }
}
