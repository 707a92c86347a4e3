/**
 * What a bundle counted since it was made. `lost`, `duplicated`, `reordered` and `late` are known from the peer's
 * sequence numbers, and stay 0 when it sends none.
 *
 * `sent`, `sentDatagrams` and `dropped` say what the connection below accepted and refused at the moment. Once a send
 * queue with the policy `drop-oldest` is full they are approximate, because it gives up what it had accepted: what
 * really went out stands in the connection's own `stats()`, in datagrams.
 */
export interface BundleStats {
  /** Messages that left in a datagram which the connection below accepted. */
  readonly sent: number
  readonly sentDatagrams: number
  /** Messages whose datagram it refused, or that were still waiting when it closed. */
  readonly dropped: number
  /** Messages that came, without those in datagrams that were dropped. */
  readonly received: number
  /** Datagrams that came and were whole, those among them that were dropped as `duplicated` or `late`, too. */
  readonly receivedDatagrams: number
  /** Datagrams that did not come, by now: one that comes late is taken back. */
  readonly lost: number
  /** Datagrams that came again, and were dropped. */
  readonly duplicated: number
  /** Datagrams that came behind a later one. */
  readonly reordered: number
  /** Datagrams so far behind that nobody can tell whether they came before: dropped. If not, they count as `lost`. */
  readonly late: number
  /** Datagrams that were no bundle, or not whole, and were dropped. */
  readonly malformed: number
}
