/**
 * What a bundle counted since it was made. `lost`, `duplicated` and `reordered` are known from the peer's sequence
 * numbers, and stay 0 when it sends none.
 */
export interface BundleStats {
  /** Messages that left in a datagram which the connection below accepted. */
  readonly sent: number
  readonly sentDatagrams: number
  /** Messages whose datagram it refused, or that were still waiting when it closed. */
  readonly dropped: number
  /** Messages that came. */
  readonly received: number
  readonly receivedDatagrams: number
  /** Datagrams that did not come, by now: one that comes late is taken back. */
  readonly lost: number
  /** Datagrams that came again, and were dropped. */
  readonly duplicated: number
  /** Datagrams that came behind a later one. */
  readonly reordered: number
  /** Datagrams that were no bundle, or not whole, and were dropped. */
  readonly malformed: number
}
