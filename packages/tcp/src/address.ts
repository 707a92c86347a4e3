import { type Address, ipAddress } from '@fairlead/core'

/** The address that the runtime names, or the one that was asked for when it names none (a Unix socket). */
export function addressFrom(host: string | undefined, port: number | undefined, path: string): Address {
  return host === undefined || port === undefined ? { kind: 'unix', path } : ipAddress(host, port)
}
