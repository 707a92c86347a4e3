import { ipAddress } from '@fairlead/core'

import { type Destination, type IpAddress, mappedPrefix } from './datagram.ts'

/** An address's host as the system takes it. */
export function wireHost({ host, zone }: IpAddress): string {
  return zone === undefined ? host : `${host}%${zone}`
}

/**
 * Turns destinations into what a socket of one family can be given. The last one is remembered: most
 * datagrams go where the one before went.
 */
export class Wire {
  readonly #family: 4 | 6
  #host: string | undefined
  #zone: string | undefined
  #wire = ''

  constructor(family: 4 | 6) {
    this.#family = family
  }

  /** @throws TypeError or RangeError that says what is wrong with `to`. */
  hostOf(to: Destination): string {
    const { host, port, zone } = to
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new RangeError(`Cannot send: port ${String(port)} is not an integer from 1 to 65535`)
    }
    if (host === this.#host && zone === this.#zone) return this.#wire
    this.#wire = this.#translate(host, zone)
    this.#host = host
    this.#zone = zone
    return this.#wire
  }

  #translate(host: string, zone: string | undefined): string {
    const address = vetted(zone === undefined ? host : `${host}%${zone}`)
    if (address.family === this.#family) return wireHost(address)
    if (address.family === 4) return mappedPrefix + address.host
    throw new TypeError(`Cannot send to ${host}: the socket is bound to IPv4; bind it to '::' for both`)
  }
}

function vetted(host: string): IpAddress {
  try {
    return ipAddress(host, 0)
  } catch (error) {
    const fix = 'resolve it first (node:dns), or use connect({ host, port })'
    throw new TypeError(`Cannot send to ${JSON.stringify(host)}: not a literal address; ${fix}`, {
      cause: error,
    })
  }
}
