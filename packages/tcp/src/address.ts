import { type Address, ipAddress } from '@fairlead/core'

/** The address that the runtime names, or `otherwise` when it names none: of a Unix socket, or of one that is gone. */
export function addressOr(host: string | undefined, port: number | undefined, otherwise: Address): Address {
  return host === undefined || port === undefined ? otherwise : ipAddress(host, port)
}
