import { type Address, formatAddress } from '@fairlead/core'
import { checkPositive } from '@fairlead/core/transport'

import type { Refusal } from './handshake.ts'

/** How many may come. */
export interface VestibuleOptions {
  /** WebSockets at a time; 503 beyond. Default 10,000. */
  maxConnections?: number
  /** Of these, from one address; 429 beyond. Default: as many; behind a proxy or a NAT one address is many peers. */
  maxConnectionsPerAddress?: number
  /** Handshakes that wait for `authorize`, those of clients included that have left; 503 beyond. Default 1,000. */
  maxHandshakes?: number
  /** Milliseconds that `authorize` may take; 503 beyond. Default 10,000. */
  authorizeTimeout?: number
}

const full: Refusal = { status: 503, text: 'too many are here', headers: { 'Retry-After': '5' } }
const busy: Refusal = { status: 503, text: 'too many are coming', headers: { 'Retry-After': '1' } }
const crowded: Refusal = { status: 429, text: 'too many are here from your address' }

/** Counts who is there, and who is still at the door. */
export class Vestibule {
  readonly authorizeTimeout: number
  readonly #limit: number
  readonly #perAddress: number
  readonly #maxHandshakes: number
  readonly #counts = new Map<string, number>()
  /** Where those are from who are here or wait; kept only where one address has a limit of its own. */
  readonly #origins = new Map<object, string>()
  #members = 0
  #waiting = 0

  /** @throws RangeError that names the option. */
  constructor(options: VestibuleOptions) {
    const { maxConnections = 10_000, maxHandshakes = 1_000, authorizeTimeout = 10_000 } = options
    const { maxConnectionsPerAddress = maxConnections } = options
    const given = { maxConnections, maxConnectionsPerAddress, maxHandshakes, authorizeTimeout }
    for (const [name, value] of Object.entries(given)) checkPositive(name, value)
    this.#limit = maxConnections
    this.#perAddress = maxConnectionsPerAddress
    this.#maxHandshakes = maxHandshakes
    this.authorizeTimeout = authorizeTimeout
  }

  /** Why nobody else is let in, if so. */
  refusalFor(address: () => Address): Refusal | undefined {
    if (this.#members + this.#waiting >= this.#limit) return full
    if (!this.#asksAddress) return undefined
    return (this.#counts.get(keyOf(address())) ?? 0) >= this.#perAddress ? crowded : undefined
  }

  /** Somebody waits at the door, and counts towards where he is from. A refusal: too many do. */
  wait(visitor: object, address: () => Address): Refusal | undefined {
    if (this.#waiting >= this.#maxHandshakes) return busy
    this.#waiting++
    this.#note(visitor, address)
    return undefined
  }

  /** Whoever waited does not wait any more. */
  proceed(visitor: object): void {
    this.#waiting--
    this.#forget(visitor)
  }

  enter(member: object, address: () => Address): void {
    this.#members++
    this.#note(member, address)
  }

  leave(member: object): void {
    this.#members--
    this.#forget(member)
  }

  #note(who: object, address: () => Address): void {
    if (!this.#asksAddress) return
    const key = keyOf(address())
    this.#origins.set(who, key)
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  #forget(who: object): void {
    const key = this.#origins.get(who)
    if (key === undefined) return
    this.#origins.delete(who)
    const left = (this.#counts.get(key) ?? 1) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }

  get #asksAddress(): boolean {
    return this.#perAddress < this.#limit
  }
}

/** Ports do not tell peers apart. */
function keyOf(address: Address): string {
  return address.kind === 'ip' ? address.host : formatAddress(address)
}
