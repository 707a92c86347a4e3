import { type Address, LimitError, type MessageConnection } from '@fairlead/core'

import type { IpAddress } from '../address/datagram.ts'
import { DatagramConnection, type DatagramPeer, type DatagramSetup } from './datagram-connection.ts'
import type { Seat } from './seat.ts'
import type { SessionTable } from './table.ts'

/**
 * A listener's conversation with one remote address. It begins with the first datagram from there, or with
 * `validation: 'cookie'` when the peer has shown that it reads what is sent there. It ends when it is closed,
 * when its listener is, when nothing came for too long, or when it has to make room for others. What comes from
 * there afterwards begins a new one, for which what was sent to a peer that is not {@link validated} counts, too:
 * whoever has used up `maxUnvalidatedDatagrams` is not heard before it was silent for `idleTimeout`. Closing sends
 * nothing: what says goodbye is up to the messages.
 *
 * The sender of a datagram is whoever its address says (RFC 8085 section 6): anybody can write another's. So
 * little is sent to a peer that is not {@link validated}, and it is the first to make room.
 */
export interface UdpSession<M, A extends Address = IpAddress> extends MessageConnection<M> {
  readonly localAddress: A
  readonly remoteAddress: A
  readonly reliable: false
  /** Bytes of the largest message that `write` takes; larger ones meet a LimitError. */
  readonly maxMessageSize: number
  /**
   * Whether the peer is known to be where its address says. Until then `write` and `send` meet a LimitError
   * beyond `maxAmplification` and `maxUnvalidatedDatagrams`.
   */
  readonly validated: boolean
  /**
   * Says that the peer has proved its address: it repeated something that was sent there and that nobody could
   * guess. A token longer than `maxAmplification` times what came is refused as anything else is. May be called
   * again; of no effect when the session is closed.
   *
   * @example
   * ```ts
   * const token = crypto.randomUUID().slice(0, 13)
   * session.write(token)
   * session.handle({ onData: (message) => void (message === token && session.validate()) })
   * ```
   */
  validate(): void
  /** What was counted since it began; a copy. */
  stats(): SessionStats
}

/** What a session counted: bytes of messages, without UDP's and IP's headers. */
export interface SessionStats {
  readonly bytesIn: number
  /** Accepted by `write`; what became of them the listener's counters tell. */
  readonly bytesOut: number
}

/** What all sessions of a listener share. */
export interface SessionSetup<M, A extends Address> extends DatagramSetup<M, A> {
  readonly maxAmplification: number
  /** Told what the order of the sessions depends on. */
  readonly table: Pick<SessionTable<Session<M, A>>, 'now' | 'heard' | 'promote' | 'sent'>
}

/** The {@link UdpSession} over a listener's socket. */
export class Session<M, A extends Address> extends DatagramConnection<M, A> implements UdpSession<M, A> {
  declare protected readonly setup: SessionSetup<M, A>
  readonly seat: Seat<Session<M, A>>
  /** What the client drew when it validated itself by cookie. */
  readonly nonce: string | undefined
  #validated: boolean

  constructor(setup: SessionSetup<M, A>, seat: Seat<Session<M, A>>, peer: DatagramPeer<A>, nonce?: string) {
    super(setup, peer)
    this.seat = seat
    this.nonce = nonce
    this.#validated = nonce !== undefined
  }

  get validated(): boolean {
    return this.#validated
  }

  validate(): void {
    if (this.#validated || this.state === 'closed') return
    this.#validated = true
    this.setup.table.promote(this.seat)
  }

  stats(): SessionStats {
    return { ...this.traffic }
  }

  override receive(data: Uint8Array): void {
    if (this.seat.heardAt !== this.setup.table.now) this.setup.table.heard(this.seat)
    super.receive(data)
  }

  protected override allow(bytes: number): void {
    if (this.#validated) return
    const { maxAmplification } = this.setup
    const total = this.bytesOut + bytes
    if (total > maxAmplification * this.bytesIn) {
      const why = `are more than ${maxAmplification} times the ${this.bytesIn} that came: see validate()`
      this.#withhold(`${total} bytes in all`, why, 'maxAmplification', total)
    }
    if (this.seat.spent) {
      const value = this.seat.sent + 1
      this.#withhold(`${value} datagrams`, 'are too many: see validate()', 'maxUnvalidatedDatagrams', value)
    }
  }

  protected override passed(bytes: number): void {
    super.passed(bytes)
    if (!this.#validated) this.setup.table.sent(this.seat)
  }

  #withhold(what: string, why: string, limit: string, value: number): never {
    this.setup.outlet.counters.withheld++
    throw new LimitError(`Cannot send: ${what} to a peer that is not validated ${why}`, {
      phase: 'write',
      peer: this.remoteAddress,
      limit,
      value,
      // More may be sent when more has come; of datagrams there is a number in all.
      retryable: limit === 'maxAmplification',
    })
  }
}
