import type { Connection, Transport } from '@fairlead/core'

/** A connection as the suites see it: of whatever it carries, and perhaps with a half-close. */
export type Peer = Connection<unknown> & { end?(): void }

/**
 * What a transport declares that it can do. There are no skips: of what it cannot do, the checks demand that
 * it is absent, refused or without effect, as each line says.
 */
export interface Capabilities {
  /** `end()` sends an end and reading goes on. Else: `end` is absent, or throws and changes nothing. */
  readonly halfClose: boolean
  /** The peer hears a close. Else: its connection stays open. */
  readonly ends: boolean
  /** After the peer's end it stays open until this side ends, too. Else: it is closed with that end. */
  readonly outlivesEnd: boolean
  /** The peer hears a destroy. Else: its connection stays open. */
  readonly resets: boolean
  /** It hears a destroy as an error. Else: as an end, when nothing was lost. */
  readonly tellsResets: boolean
  /** Everything arrives, once and in order. Else: whole, and after repetition. */
  readonly reliable: boolean
  /** A peer that does not read stops the sender. Else: sends go on, and nothing piles up. */
  readonly backpressure: boolean
  /** `accept` is called for a connect alone. Else: when the first data comes. */
  readonly announces: boolean
  /** Connecting where nobody listens is a ConnectError. Else: it succeeds. */
  readonly refuses: boolean
  /** A ConnectError has one record for each address tried. Else: none. */
  readonly attempts: boolean
  /** Corked writes wait for `uncork`. Else: they leave at once. */
  readonly corks: boolean
  /** Each end names the other's address. Else: something stands in between, whose address both name. */
  readonly direct: boolean
}

/** How numbered texts travel as what a transport carries. */
export interface Records<In> {
  /** Characters that a text may have; never a line end. */
  readonly alphabet: string
  /** What `write` must refuse with a TypeError. */
  readonly refused: readonly unknown[]
  /** One text, ready to be written; also as it would be read. */
  encode(text: string): In
  /** Reads texts back, of one connection; on a byte stream, chunk boundaries mean nothing to it. */
  reader(): RecordReader<In>
}

export interface RecordReader<In> {
  /** The texts that are whole now. */
  push(data: In): string[]
}

/** What the suites need to know of a transport. */
export interface Fixture<C extends Peer = Peer, In = unknown> {
  readonly can: Capabilities
  readonly records: Records<In>
  /** Bytes of output above which `write` answers false. */
  readonly highWaterMark: number
  /** Milliseconds for which a sender may seem to stand still though there is room. Default: some turns. */
  readonly lull?: number
  /** How much goes each way in the check of integrity: `count` texts of `size` characters. */
  readonly volume: { readonly count: number; readonly size: number }
  /**
   * A fresh place where nobody listens. The first `listen` may choose the address; from then on the
   * transport's `listen` and `connect` mean that address.
   */
  transport(): Transport<C, In>
}

/** Everything a reliable stream or message transport over a network can do. */
export const everything: Capabilities = {
  halfClose: true,
  ends: true,
  outlivesEnd: true,
  resets: true,
  tellsResets: true,
  reliable: true,
  backpressure: true,
  announces: true,
  refuses: true,
  attempts: true,
  corks: true,
  direct: true,
}
