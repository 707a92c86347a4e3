import { type Destination, type IpAddress, mappedPrefix } from './datagram.ts'
import { literalOf } from './literal.ts'
import { isName } from './resolve.ts'

/** An address's host as the system takes it. */
export function wireHost({ host, zone }: IpAddress): string {
  return zone === undefined ? host : `${host}%${zone}`
}

/**
 * Turns destinations into what a socket can be given. The last one is remembered: most
 * datagrams go where the one before went.
 */
export class Wire {
  readonly #speaks: readonly (4 | 6)[]
  readonly #find: (name: string) => string | undefined
  /** At first what no destination has, not even one without a host. */
  #host: string | symbol = Symbol('nobody')
  #zone: string | undefined
  #wire = ''

  /** `speaks` are the families that it can send to, its own first; `find` knows where some names lead. */
  constructor(speaks: readonly (4 | 6)[], find: (name: string) => string | undefined = () => undefined) {
    this.#speaks = speaks
    this.#find = find
  }

  /**
   * Undefined when it is a name of which it is not known yet where it leads.
   *
   * @throws TypeError or RangeError that says what is wrong with `to`.
   */
  hostOf(to: Destination): string | undefined {
    if (typeof to !== 'object' || to === null) throw new TypeError('Cannot send: to is not an address')
    const { host, port, zone } = to
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      const given = typeof port === 'number' ? port : typeof port
      throw new RangeError(`Cannot send: port ${given} is not an integer from 1 to 65535`)
    }
    if (host === this.#host && zone === this.#zone) return this.#wire
    const literal = literalIn(host, zone)
    const wire = literal ? this.wireHostOf(literal) : this.#find(vetted(host))
    if (wire === undefined) return undefined
    this.#wire = wire
    this.#host = host
    this.#zone = zone
    return wire
  }

  /** @throws TypeError when the socket cannot send there. */
  wireHostOf(address: IpAddress): string {
    const [own] = this.#speaks
    if (address.family === own) return wireHost(address)
    if (this.#speaks.includes(address.family)) return mappedPrefix + address.host
    const alone = `the socket is bound to IPv${own} alone; bind it to '::' for both`
    throw new TypeError(`Cannot send to ${address.host}: ${alone}`)
  }
}

/** An address with its zone, which came from the system, perhaps; whoever has no types may give anything. */
function literalIn(host: unknown, zone: unknown): IpAddress | undefined {
  if (typeof host !== 'string') throw new TypeError(`Cannot send: host is ${typeof host}, not a string`)
  const literal = literalOf(host)
  if (zone === undefined) return literal
  const isZoned = literal?.family === 6 && literal.zone === undefined
  if (isZoned && typeof zone === 'string' && zone !== '' && !zone.includes('\0')) return { ...literal, zone }
  throw new TypeError(`Cannot send to ${JSON.stringify(host)}: it does not take the zone that was given`)
}

function vetted(host: string): string {
  if (isName(host)) return host
  throw new TypeError(`Cannot send to ${JSON.stringify(host)}: neither an address nor a name`)
}
