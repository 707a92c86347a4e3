import type { EndCause, Flow } from './crossing.ts'
import type { RefusalCause } from './refusals.ts'

/** Datagrams that were not carried, by the reason. */
export interface DatagramDrops {
  /** Larger than a datagram, or a message, may be. */
  oversized: number
  /** They came while the peer of the WebSocket read too slowly. */
  slow: number
  /** The socket had no room, or the peer is not validated and had its share; see `listen` of udp. */
  refused: number
  /** What the network told: that nobody listens there, that one was too large for the way. */
  troubles: number
}

/** What a bridge counted since it was made; a copy, which may be asked for as often as one likes. */
export interface BridgeStats {
  /** Crossings that are there now. */
  readonly open: number
  /** Peers whose target is being connected to. */
  readonly connecting: number
  /** Crossings that were opened. */
  readonly total: number
  /** What came from the peers, and was taken by their targets. */
  readonly forward: Flow
  /** What came from the targets. */
  readonly backward: Flow
  /** Bytes that wait now, in all crossings. */
  readonly buffered: number
  readonly drops: Readonly<DatagramDrops>
  /** Crossings that are over, by the reason. */
  readonly ended: Readonly<Record<EndCause, number>>
  /** Peers that were not led to a target, by the reason. */
  readonly refused: Readonly<Record<RefusalCause, number>>
}

interface Total {
  bytes: number
  messages: number
}

/** The counters of one bridge. */
export class Counters {
  connecting = 0
  total = 0
  readonly drops: DatagramDrops = { oversized: 0, slow: 0, refused: 0, troubles: 0 }
  readonly ended: Record<EndCause, number> = {
    from: 0,
    to: 0,
    fromBroken: 0,
    toBroken: 0,
    idle: 0,
    total: 0,
    shutdown: 0,
    destroyed: 0,
  }
  readonly refused: Record<RefusalCause, number> = {
    handshake: 0,
    path: 0,
    origin: 0,
    protocol: 0,
    authorize: 0,
    limit: 0,
    closing: 0,
    token: 0,
    policy: 0,
    unreachable: 0,
    timeout: 0,
    failed: 0,
    gone: 0,
  }
  readonly #forward: Total = { bytes: 0, messages: 0 }
  readonly #backward: Total = { bytes: 0, messages: 0 }

  /** A crossing is over: what it carried is kept. */
  add({ forward, backward }: { readonly forward: Flow; readonly backward: Flow }): void {
    addTo(this.#forward, forward)
    addTo(this.#backward, backward)
  }

  /** What was carried by those that are over, and those that are open. */
  snapshot(
    open: Iterable<{ readonly forward: Flow; readonly backward: Flow; readonly buffered: number }>,
  ): BridgeStats {
    const forward = { ...this.#forward }
    const backward = { ...this.#backward }
    let count = 0
    let buffered = 0
    for (const crossing of open) {
      count++
      buffered += crossing.buffered
      addTo(forward, crossing.forward)
      addTo(backward, crossing.backward)
    }
    const { connecting, total, drops, ended, refused } = this
    const facts = { open: count, connecting, total, forward, backward, buffered }
    return { ...facts, drops: { ...drops }, ended: { ...ended }, refused: { ...refused } }
  }
}

function addTo(total: Total, { bytes, messages }: Flow): void {
  total.bytes += bytes
  total.messages += messages
}
