import type { Address } from '@fairlead/core'
import { isPublic } from '@fairlead/http/proxy'
import { type AddressList, addressMatcher } from '@fairlead/tcp'

/**
 * Whom a bridge may connect to:
 * - `'public'`: the addresses of the public Internet (`isPublic` of `@fairlead/http/proxy`), and nobody else: neither
 *   this machine nor the private ranges, nor where clouds have their metadata, nor a Unix socket or memory.
 * - `'any'`: everybody. For targets that nobody outside has a say in.
 * - a list: exactly these addresses, subnets and ranges, as every list of `@fairlead/tcp`. What it does not name is
 *   forbidden, the public Internet included. An array may name `'unix'`, for Unix sockets and memory, and `'public'`,
 *   for the public addresses beside its own.
 * - a function: asked about each address; anything but `true` forbids, a promise and a throw included.
 */
export type AllowedTargets = 'public' | 'any' | AddressList | ((address: Address) => boolean)

/** Beside addresses, what a list may name. */
const everybodyPublic = 'public'

/**
 * Makes the target policy of what an option says; `allow` of `connect` in `@fairlead/tcp` takes it. It is asked about
 * addresses and never about names: what a name resolves to is looked at, and connected to, once. An address that is
 * written otherwise (IPv4 in octal or as one number, IPv4-mapped) is looked at as what the system takes it for.
 *
 * A list means exactly what it names, since whoever writes `['192.168.1.10']` for the one machine that may be reached
 * would be surprised by a bridge into the whole Internet. A list of the runtime (`BlockList`) may be changed later.
 *
 * @param allow Default: `'public'`.
 * @param option what messages call it.
 * @returns a function without state; it throws only what a function of `allow` throws.
 * @throws TypeError that names the option: another word, an entry that is no address, or an empty array, with which
 *   nothing could be reached.
 */
export function targetPolicy(
  allow: AllowedTargets | undefined,
  option = 'allow',
): (address: Address) => boolean {
  if (allow === undefined || allow === 'public') return isPublic
  if (allow === 'any') return () => true
  // A promise is true, whatever it resolves with.
  if (typeof allow === 'function') return (address) => (allow(address) as unknown) === true
  if (typeof allow !== 'object' || allow === null) {
    throw new TypeError(
      `Invalid option ${option}: must be 'public', 'any', a list of addresses, or a function`,
    )
  }
  const entries: readonly unknown[] = Array.isArray(allow) ? allow : []
  if (!entries.includes(everybodyPublic)) return addressMatcher(option, allow)
  const others = entries.filter((entry) => entry !== everybodyPublic)
  if (others.length === 0) return isPublic
  const isListed = addressMatcher(option, others as AddressList)
  return (address) => isListed(address) || isPublic(address)
}
