import { literalOf } from '../address/literal.ts'
import type { NetworkInterface } from './interfaces.ts'

/** The interfaces that multicast of one family can go through. */
export interface Places {
  /**
   * By name, the forms in which the system takes each for multicast, the first preferred: for IPv4 its
   * addresses, for IPv6 `::%eth0` (RFC 4007 section 11).
   */
  readonly forms: ReadonlyMap<string, readonly string[]>
  /** What was asked for by name or address, and is not there now. */
  readonly missing: readonly string[]
}

/** Where multicast of `family` can go: on all `interfaces`, or on those named by name or address. */
export function placesOf(
  interfaces: readonly NetworkInterface[],
  family: 4 | 6,
  named?: readonly string[],
): Places {
  const own = interfaces.filter((it) => it.family === family)
  const forms = new Map<string, string[]>()
  const missing = named?.filter((text) => !own.some((it) => isNamed(it, text))) ?? []
  const chosen = named ? named.flatMap((text) => own.filter((it) => isNamed(it, text))) : own
  for (const it of chosen) {
    const form = family === 4 ? it.host : `::%${zoneOf(it, own)}`
    const known = forms.get(it.name)
    if (!known) forms.set(it.name, [form])
    else if (!known.includes(form)) known.push(form)
  }
  return { forms, missing }
}

function isNamed(it: NetworkInterface, text: string): boolean {
  if (text === it.name) return true
  const address = literalOf(text)
  return address?.host === it.host && (address.zone ?? it.zone) === it.zone
}

/** The zone of any address of the interface: on Windows, only a link-local one tells its number. */
function zoneOf({ name }: NetworkInterface, own: readonly NetworkInterface[]): string {
  return own.find((it) => it.name === name && it.zone !== undefined)?.zone ?? name
}
