import { originOf } from '../origin.ts'
import { addressIn, belongs, type Subnet, subnetIn } from './subnet.ts'

/** What stands in brackets, or else what a name may hold; the port behind it. */
const NAMED = /^(?:\[([^\]]+)\]|([^:[\]/?#@%\\]+))(?::(\d{1,5}))?$/

/** Whether one entry names this host, which may be an address. */
type Matcher = (host: string, port: number, address: Subnet | undefined) => boolean

/**
 * Whether a URL is asked without a proxy, as `no_proxy` says: entries with commas or white space between them, each
 *
 * - `example.com` or `.example.com` or `*.example.com`: this name and those below it, in any letter case, be they
 *   written in Unicode or ASCII;
 * - `192.0.2.7`, `2001:db8::1` or `[2001:db8::1]`: this address, in whatever form either side has it: `127.1`,
 *   `0x7f000001` and `::ffff:127.0.0.1` are `127.0.0.1`, as they are in a URL;
 * - `10.0.0.0/8` or `2001:db8::/32`: the addresses that begin with as many bits;
 * - `*`: everybody.
 *
 * A port behind a name, an address in brackets or a `*` is of the URL, too: `example.com:8080`. Nothing is resolved: a
 * name never is an address. What is none of these names nobody, for other programs may know better.
 */
export function bypassOf(list: string): (url: URL) => boolean {
  const matchers = list.split(/[\s,]+/).flatMap((entry) => matcherOf(entry) ?? [])
  if (matchers.length === 0) return () => false
  return (url) => {
    const { host, port } = originOf(url)
    const name = withoutRoot(host)
    const address = addressIn(name)
    return matchers.some((matches) => matches(name, port, address))
  }
}

function matcherOf(entry: string): Matcher | undefined {
  const subnet = subnetIn(entry)
  if (subnet !== undefined) return within(subnet)
  const parsed = partsOf(entry)
  if (parsed === undefined) return undefined
  const { who, port } = parsed
  const matches = who === '*' ? () => true : hostMatcher(who)
  if (matches === undefined || port === undefined) return matches
  return (host, asked, address) => asked === port && matches(host, asked, address)
}

/** Name or address, and the port behind it; an address with colons and without brackets has none. */
function partsOf(entry: string): { who: string; port: number | undefined } | undefined {
  const [, bracketed, plain, port] = NAMED.exec(entry) ?? []
  const who = bracketed ?? plain ?? (addressIn(entry) && entry)
  return who === undefined ? undefined : { who, port: port === undefined ? undefined : Number(port) }
}

function hostMatcher(who: string): Matcher | undefined {
  const name = who.replace(/^\*?\./, '')
  const canonical = canonicalHost(name)
  if (canonical === undefined) return undefined
  const wanted = addressIn(canonical)
  // There is nothing below an address.
  if (wanted !== undefined) return name === who ? within(wanted) : undefined
  const below = `.${canonical}`
  return (host) => host === canonical || host.endsWith(below)
}

function within(subnet: Subnet): Matcher {
  return (_host, _port, address) => address !== undefined && belongs(address, subnet)
}

/** As a URL has it, so that numbers, letter case and Unicode are the same on both sides. */
function canonicalHost(name: string): string | undefined {
  try {
    return withoutRoot(originOf(new URL(`http://${name.includes(':') ? `[${name}]` : name}`)).host)
  } catch {
    return undefined
  }
}

/** The dot at the end of a name says that it is whole, which all are here. */
function withoutRoot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host
}
