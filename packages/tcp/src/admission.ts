import type { BlockList } from 'node:net'

import { ipAddress } from '@fairlead/core'
import { type Rate, TokenBucket } from '@fairlead/core/transport'

import { type AddressList, lists, parseAddressList } from './access-list.ts'

/**
 * Why a peer did not become a connection.
 *
 * - `vanished`: it was gone before it could be accepted;
 * - `denied`: `deny` has its address, or `allow` does not;
 * - `connections`: `maxConnections` are there; `address`: `maxConnectionsPerAddress` are there from where it is;
 * - `rate`: beyond `acceptRate`;
 * - `prelude`, `handshake`: that failed, or took longer than `handshakeTimeout`;
 * - `queue`: the listener is iterated, and too slowly.
 */
export type Refusal =
  | 'vanished'
  | 'denied'
  | 'connections'
  | 'address'
  | 'rate'
  | 'prelude'
  | 'handshake'
  | 'queue'

/** Whom a listener takes, and how many. */
export interface AdmissionOptions {
  /** Connections at a time, those included that are still shaking hands. Default 10,000. */
  maxConnections?: number
  /** Of these, from one address. Default: as many; behind a proxy or a NAT one address is many peers. */
  maxConnectionsPerAddress?: number
  /** How fast connections may come; those beyond are refused. Default: as fast as they do. */
  acceptRate?: Rate
  /** Only peers on this list. Default: everybody. */
  allow?: AddressList
  /** No peers on this list, be they on `allow` or not. */
  deny?: AddressList
}

const defaultMaxConnections = 10_000

/** Decides whom a listener takes, and keeps the count of those who are there. */
export class Admission {
  readonly #limit: number
  readonly #perAddress: number | undefined
  readonly #bucket: TokenBucket | undefined
  readonly #allow: BlockList | undefined
  readonly #deny: BlockList | undefined
  /** Where members are from; kept only to hold a limit, and as it was when they came. */
  readonly #origins = new Map<object, string>()
  readonly #counts = new Map<string, number>()
  #members = 0

  constructor(options: AdmissionOptions) {
    const { maxConnections = defaultMaxConnections, maxConnectionsPerAddress, acceptRate } = options
    this.#limit = maxConnections
    if (maxConnectionsPerAddress !== undefined && maxConnectionsPerAddress < maxConnections) {
      this.#perAddress = maxConnectionsPerAddress
    }
    if (acceptRate) this.#bucket = new TokenBucket(acceptRate)
    if (options.allow !== undefined) this.#allow = parseAddressList('allow', options.allow)
    if (options.deny !== undefined) this.#deny = parseAddressList('deny', options.deny)
  }

  /** Why somebody from `address` is not taken, if so. Over a Unix socket there is no address, and it is on no list. */
  refusalOf(address: string | undefined): Refusal | undefined {
    if (this.#allow ?? this.#deny ?? this.#perAddress) {
      const host = address === undefined ? undefined : ipAddress(address, 0).host
      if (!this.#allowed(host)) return 'denied'
      if (host !== undefined && this.#crowded(host)) return 'address'
    }
    if (this.#members >= this.#limit) return 'connections'
    // Last: who is not taken anyway uses nobody's turn.
    if (this.#bucket && !this.#bucket.take()) return 'rate'
    return undefined
  }

  /** Counts somebody who is there now. */
  enter(): void {
    this.#members++
  }

  /** Counts a member towards `host`. False: that has as many as it may have. */
  settle(member: object, host: string): boolean {
    if (this.#perAddress === undefined) return true
    if (this.#crowded(host)) return false
    this.#origins.set(member, host)
    this.#counts.set(host, (this.#counts.get(host) ?? 0) + 1)
    return true
  }

  /** The member is gone. */
  leave(member: object): void {
    this.#members--
    const host = this.#origins.get(member)
    if (host === undefined) return
    this.#origins.delete(member)
    const left = (this.#counts.get(host) ?? 1) - 1
    if (left > 0) this.#counts.set(host, left)
    else this.#counts.delete(host)
  }

  #allowed(host: string | undefined): boolean {
    if (host === undefined) return this.#allow === undefined
    if (this.#deny && lists(this.#deny, host)) return false
    return this.#allow === undefined || lists(this.#allow, host)
  }

  #crowded(host: string): boolean {
    return this.#perAddress !== undefined && (this.#counts.get(host) ?? 0) >= this.#perAddress
  }
}
