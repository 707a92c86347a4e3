import { hostname } from 'node:os'

import { interfaces } from '@fairlead/udp'

/** Addresses that stand for all of a machine's. */
const everywhere = new Set(['0.0.0.0', '::'])

/** Whether nobody but this machine can call it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

/** By what a server can be called. */
export interface Places {
  /** For this machine. */
  readonly here: string
  /** For the others in its networks, the likeliest first. */
  readonly network: readonly string[]
}

/** The hosts by which what listens on `host` can be called. */
export function callableAs(host: string): Places {
  if (isLoopback(host)) return { here: host, network: [] }
  if (!everywhere.has(host)) return { here: host, network: [host] }
  return { here: '127.0.0.1', network: outward(host === '::') }
}

/** The URLs of what listens on `host`. */
export function placesOf(scheme: 'http' | 'https', host: string, port: number): Places {
  const url = (name: string): string => {
    const usual = port === (scheme === 'http' ? 80 : 443)
    return `${scheme}://${name.includes(':') ? `[${name}]` : name}${usual ? '' : `:${port}`}/`
  }
  const { here, network } = callableAs(host)
  return { here: url(here), network: network.map(url) }
}

/** Names and addresses for which a certificate of this machine should be. */
export function ownNames(host: string): { names: readonly string[]; addresses: readonly string[] } {
  const name = hostname().toLowerCase()
  const names = ['localhost', name, ...(name.includes('.') ? [] : [`${name}.local`])]
  const addresses = ['127.0.0.1', '::1', ...outward(true)]
  if (!everywhere.has(host) && !addresses.includes(host)) {
    if (/^[\d.]+$|:/.test(host)) addresses.push(host)
    else if (!names.includes(host)) names.push(host)
  }
  return { names: names.filter((it) => /^[a-z\d]([a-z\d.-]*[a-z\d])?$/.test(it)), addresses }
}

/** The addresses of this machine's that others reach it by, IPv4 first. */
function outward(withIPv6: boolean): string[] {
  // One with a zone means something only on the machine that writes it.
  const all = interfaces().filter(({ internal, zone }) => !internal && zone === undefined)
  const hosts = [4, 6].flatMap((family) => all.filter((it) => it.family === family).map(({ host }) => host))
  return [...new Set(hosts)].filter((host) => withIPv6 || !host.includes(':'))
}
