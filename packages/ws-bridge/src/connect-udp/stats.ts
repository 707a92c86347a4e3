import type { RefusalCause } from './refusal.ts'

/**
 * Why a tunnel ended: its client ended it, or was lost; ICMP said that nobody takes the datagrams, or the target's socket
 * broke; nothing passed for too long; it lasted as long as it may; the client broke the protocol; or this side closed.
 */
export type TunnelEnd = 'client' | 'target' | 'idle' | 'total' | 'protocol' | 'local'

/** What a UDP proxy counted since it was made. Datagrams, unless the name says bytes. */
export interface UdpProxyStats {
  /** Tunnels that are there now. */
  readonly tunnels: number
  /** Tunnels that were made. */
  readonly accepted: number
  /** How often somebody got none. */
  readonly refusals: Readonly<Record<RefusalCause, number>>
  /** How often one ended. */
  readonly ends: Readonly<Record<TunnelEnd, number>>
  /** From clients, passed on to targets; and the bytes of their payloads. */
  readonly forward: number
  readonly forwardBytes: number
  /** From targets, passed on to clients. */
  readonly backward: number
  readonly backwardBytes: number
  /** From targets, dropped because too much waited for a client that does not read, or closes. */
  readonly dropped: number
  /** From clients, dropped because they were larger than `maxDatagramSize`. */
  readonly oversized: number
  /** From clients: capsules of unknown types, and datagrams of unknown contexts. */
  readonly ignored: number
}

type Counts = { -readonly [Name in Exclude<keyof UdpProxyStats, 'tunnels'>]: UdpProxyStats[Name] }

/** The counters of one proxy, shared by its tunnels. */
export class Counters implements Counts {
  accepted = 0
  forward = 0
  forwardBytes = 0
  backward = 0
  backwardBytes = 0
  dropped = 0
  oversized = 0
  ignored = 0
  readonly refusals: Record<RefusalCause, number> = {
    malformed: 0,
    unauthorized: 0,
    prohibited: 0,
    unresolved: 0,
    unroutable: 0,
    maxTunnels: 0,
    maxTunnelsPerAddress: 0,
    closing: 0,
  }
  readonly ends: Record<TunnelEnd, number> = {
    client: 0,
    target: 0,
    idle: 0,
    total: 0,
    protocol: 0,
    local: 0,
  }

  /** What was counted until now. */
  snapshot(tunnels: number): UdpProxyStats {
    const { refusals, ends, ...counts } = this
    return {
      tunnels,
      ...(counts as Omit<Counts, 'refusals' | 'ends'>),
      refusals: { ...refusals },
      ends: { ...ends },
    }
  }
}
