import { defaultPort, liesUnder, type NamedHost } from './host-name.ts'
import { type HostPattern, readPattern } from './host-pattern.ts'
import { readEntries } from './list-entries.ts'

/** Whether a host is one that may be asked for; one without a port has the default one. */
export type HostMatcher = (named: NamedHost, secure: boolean) => boolean

const expected = 'a host, such as example.com, *.example.com:8443 or [::1]'

/**
 * Makes the matcher of listed hosts: names, addresses, and all names under one, each with a port, or for any.
 *
 * @throws TypeError that names the option and the entry; for an empty list, which would let nobody in.
 */
export function hostMatcher(list: readonly string[]): HostMatcher {
  const patterns = readEntries('hosts', list, expected, readPattern)
  if (patterns.length === 0) throw new TypeError('Invalid option hosts: an empty list lets nobody in')
  const exact = new Set(patterns.filter(({ wildcard }) => !wildcard).map(keyOf))
  const wildcards = patterns.filter(({ wildcard }) => wildcard)
  return (named, secure) => {
    const { host } = named
    const port = named.port ?? defaultPort(secure)
    if (exact.has(host) || exact.has(keyOf({ host, port }))) return true
    return wildcards.some((one) => (one.port === undefined || one.port === port) && liesUnder(host, one.host))
  }
}

function keyOf({ host, port }: NamedHost | HostPattern): string {
  return port === undefined ? host : `${host}:${port}`
}
