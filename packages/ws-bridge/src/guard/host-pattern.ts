import { parseEndpoint } from '@fairlead/core'

import { isAddress, type NamedHost, readHost } from './host-name.ts'

/** A host of a list, or all that lie under one. */
export interface HostPattern extends NamedHost {
  /** Whether `*.` stands in front: then the host itself is not meant. */
  readonly wildcard: boolean
}

/**
 * Reads what a list says of a host: `example.com`, `*.example.com:8443`, `[::1]`; names of other alphabets are written
 * as DNS has them. Undefined for all else: a star elsewhere or in front of an address, numbers other than four
 * decimals, IPv6 without brackets or with a zone, a path, credentials, an empty port.
 */
export function readPattern(text: string): HostPattern | undefined {
  const wildcard = text.startsWith('*.')
  const named = readEntry(wildcard ? text.slice(2) : text)
  if (named === undefined || (wildcard && isAddress(named.host))) return undefined
  return { ...named, wildcard }
}

function readEntry(text: string): NamedHost | undefined {
  if (/[/?#\\]/.test(text)) return undefined
  try {
    // Stricter than a URL with numbers, which it would take for addresses.
    const { host } = parseEndpoint(`http://${text}`) as { host: string }
    const [port = ''] = /:\d+$/.exec(text) ?? []
    return readHost(`${host.includes(':') ? `[${host}]` : host}${port}`)
  } catch {
    return undefined
  }
}
