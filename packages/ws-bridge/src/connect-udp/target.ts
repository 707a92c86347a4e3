import { ipAddress, parseEndpoint } from '@fairlead/core'

/** Whom datagrams are for. */
export interface Target {
  /** A literal address in canonical form, or a name. */
  readonly host: string
  /** 1 to 65535. */
  readonly port: number
}

/** The target of these two, decoded; undefined when they name none (RFC 9298 section 3). */
export function targetOf(host: string, port: string): Target | undefined {
  const literal = host.includes(':')
  // Zones are not for the proxy to know; what is in brackets already is no address.
  if (/[%[\]]/.test(host)) return undefined
  try {
    const endpoint = parseEndpoint(`udp://${literal ? `[${host}]` : host}:${port}`)
    return endpoint.scheme === 'udp' && endpoint.port > 0
      ? { host: endpoint.host, port: endpoint.port }
      : undefined
  } catch {
    return undefined
  }
}

/** The address of a target that is no name. */
export function addressOf({ host, port }: Target): ReturnType<typeof ipAddress> | undefined {
  try {
    return ipAddress(host, port)
  } catch {
    return undefined
  }
}
