import type { Address } from '@fairlead/core'

import type { IpAddress } from '../address/datagram.ts'
import type { Sender } from '../carrier.ts'
import { networkOf } from '../multicast/prefix.ts'

/** Who gives way sooner and who later, the lowest first; see {@link SessionTable}. */
export const ranks = { vacant: 0, unproved: 1, spent: 2, validated: 3 } as const

export type Rank = (typeof ranks)[keyof typeof ranks]

/**
 * A peer's place at the table. It outlasts its session while the peer is not validated and something was sent to
 * it: what that was counts for the session that comes next, too.
 */
export class Seat<S> {
  /** As the carrier names the peer. */
  readonly host: string
  readonly port: number
  /** Whose share of the places it is part of. */
  readonly network: string
  /** None while the seat only remembers. */
  session: S | undefined
  /** Datagrams sent to the peer while it was not validated. */
  sent = 0
  /** When something came last: a tick of the table's clock. */
  heardAt = 0
  rank: Rank = ranks.unproved
  /** Neighbours in the order of hearing: of all, and of those in the same network. The table's own. */
  older: Seat<S> | undefined
  newer: Seat<S> | undefined
  elder: Seat<S> | undefined
  younger: Seat<S> | undefined

  constructor(host: string, port: number, network = host) {
    this.host = host
    this.port = port
    this.network = network
  }

  get validated(): boolean {
    return this.rank === ranks.validated
  }

  /** Whether the peer had its share: no more is sent to it before it is validated, or was silent for long. */
  get spent(): boolean {
    return this.rank === ranks.spent
  }
}

/**
 * Whose share of the places a sender takes: its address's; of IPv6 its network's of 64 bits, since whoever has one of
 * those addresses has them all (RFC 4291 section 2.5.4). The link-local ones are of many machines.
 */
export function shareOf(sender: Sender, address: Address): string {
  if (!isIp(address) || address.family === 4 || address.zone !== undefined) return sender.address
  return networkOf(address, 64).toString(16)
}

function isIp(address: Address): address is IpAddress {
  return address.kind === 'ip'
}
