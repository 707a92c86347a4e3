import { type Address, ipAddress } from '@fairlead/core'
import { checkBoolean, checkOptions } from '@fairlead/core/transport'

import type { ProxyHeader, Tlv } from './header.ts'
import { types } from './tlvs.ts'
import { encodeLine } from './v1.ts'
import { encodeBinary } from './v2.ts'

/** A header to be written. */
export interface ProxyHeaderInit {
  /** Default 2. */
  version?: 1 | 2
  /** Default `proxy`. A `local` header has neither addresses nor TLVs; in version 1 it is `UNKNOWN`. */
  command?: 'proxy' | 'local'
  /** Default `stream`. */
  transport?: 'stream' | 'datagram' | 'unspecified'
  /** The client. */
  source?: Address
  /** Where the client connected to. */
  destination?: Address
  /** See `tlvsOf`. Only in version 2, and only with addresses. */
  tlvs?: readonly Tlv[]
  /** Adds a CRC32C of the header as its last TLV, which needs addresses, too. Default false. */
  checksum?: boolean
}

/**
 * Writes a header: what a connection begins with, in one piece. Addresses that its version has no words for are
 * left out, and its transport is unspecified; IPv4 beside IPv6 becomes `::ffff:a.b.c.d`.
 *
 * @throws TypeError or RangeError that names the option.
 * @example
 * ```ts
 * import { ipAddress } from '@fairlead/core'
 *
 * const source = ipAddress('192.168.0.1', 56324)
 * const destination = ipAddress('192.168.0.11', 443)
 * encodeProxyHeader({ version: 1, source, destination }) // PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 CR LF
 * ```
 */
export function encodeProxyHeader(init: ProxyHeaderInit): Uint8Array {
  const { version = 2, command = 'proxy', transport = 'stream', source, destination, tlvs = [] } = init
  const { checksum = false } = init
  checkOneOf('version', version, [1, 2])
  checkOneOf('command', command, ['proxy', 'local'])
  checkOneOf('transport', transport, ['stream', 'datagram', 'unspecified'])
  checkBoolean('checksum', checksum)
  checkAddress('source', source)
  checkAddress('destination', destination)
  if ((source === undefined) !== (destination === undefined)) {
    throw new TypeError('Invalid option source: stands only beside destination, and the other way round')
  }
  if (!Array.isArray(tlvs)) throw new TypeError('Invalid option tlvs: must be a list')
  for (const tlv of tlvs) checkTlv(tlv)
  const addresses = source && destination ? { source, destination } : {}
  const header: ProxyHeader = { version, command, transport, tlvs, ...addresses }
  if (version === 2) return encodeBinary(header, checksum)
  if (checksum || tlvs.length > 0) {
    throw new TypeError(`Invalid option ${checksum ? 'checksum' : 'tlvs'}: version 1 has none`)
  }
  return encodeLine(header)
}

function checkOneOf<T>(name: string, value: T, allowed: readonly T[]): void {
  if (allowed.includes(value)) return
  throw new TypeError(`Invalid option ${name}: ${String(value)} is not one of ${allowed.join(', ')}`)
}

function checkAddress(name: string, address: Address | undefined): void {
  if (address === undefined) return
  try {
    checkOptions(name, address)
    if (address.kind !== 'ip') return
    ipAddress(address.host, address.port)
  } catch (error) {
    throw new TypeError(`Invalid option ${name}: is not an address with a port`, { cause: error })
  }
}

function checkTlv({ type, value }: Tlv): void {
  if (!Number.isInteger(type) || type < 0 || type > 255) {
    throw new RangeError(`Invalid option tlvs: type ${String(type)} is not an integer from 0 to 255`)
  }
  if (!(value instanceof Uint8Array) || value.length > 65_535) {
    throw new TypeError('Invalid option tlvs: a value is not at most 65535 bytes')
  }
  if (type === types.checksum) throw new TypeError('Invalid option tlvs: checksum is an option of its own')
}
