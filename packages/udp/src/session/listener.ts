import { type Accept, type Address, LimitError, type Listener } from '@fairlead/core'
import { channels, ListenerBase } from '@fairlead/core/transport'

import type { IpAddress } from '../address/datagram.ts'
import { largestTo } from '../address/size.ts'
import type { Carrier, Opened, Sender } from '../carrier.ts'
import { receiveErrorOf } from '../errno.ts'
import { defaultSocketQueue, type SessionOptions } from '../options.ts'
import { Lane } from '../queue/lane.ts'
import { Outlet } from '../queue/outlet.ts'
import { Quota } from '../queue/quota.ts'
import type { Counters, UdpStats } from '../stats.ts'
import { CookieJar } from '../validation/cookie.ts'
import { type Answer, Doorkeeper, refuse, welcome } from '../validation/doorkeeper.ts'
import { looksLikeFrame } from '../validation/frames.ts'
import { codecOf } from './codec.ts'
import { IdleClock } from './idle-clock.ts'
import { Seat, shareOf } from './seat.ts'
import { Session, type SessionSetup, type UdpSession } from './session.ts'
import { sessionSettings } from './settings.ts'
import { type Pressure, type SessionLimits, SessionTable, type TableLimits } from './table.ts'
import { watchedAccept } from './watched-accept.ts'

/**
 * Makes a {@link UdpSession} of each remote address that sends something. All sessions share its one socket,
 * so `suspend` leaves the socket open: it makes no new sessions until `resume`.
 */
export interface UdpListener<M, A extends Address = IpAddress> extends Listener<UdpSession<M, A>> {
  readonly address: A
  /** What was counted since the listener was made; a copy, which may be asked for as often as one likes. */
  stats(): UdpListenerStats
}

/** What a {@link UdpListener} counted. */
export interface UdpListenerStats extends UdpStats {
  /** Sessions that are there now. */
  readonly sessions: number
  /** How often somebody got no session, by the reason: what `fairlead:refuse` tells. */
  readonly refusals: Readonly<Record<Refusal, number>>
}

/** Why somebody gets no session: a limit, or what became of his asking. */
export type Refusal = keyof TableLimits | 'suspended' | 'backlog' | 'cookie'

/** The {@link UdpListener} over a socket of the runtime that is bound already. */
export class SessionListener<M, A extends Address>
  extends ListenerBase<Session<M, A>, M>
  implements UdpListener<M, A>
{
  readonly address: A
  readonly #socket: Carrier
  readonly #addressOf: (sender: Sender) => A
  readonly #counters: Counters
  readonly #refusals: Record<Refusal, number> = {
    maxSessions: 0,
    maxSessionsPerAddress: 0,
    maxUnvalidatedDatagrams: 0,
    suspended: 0,
    backlog: 0,
    cookie: 0,
  }
  readonly #setup: SessionSetup<M, A>
  readonly #maxMessageSize: number
  readonly #clock: IdleClock
  readonly #table: SessionTable<Session<M, A>>
  /** With source validation only. */
  readonly #doorkeeper: Doorkeeper | undefined
  readonly #evictions: Partial<Record<keyof SessionLimits, LimitError>> = {}
  /** The way out for what is said to those without a session. */
  readonly #lane: Lane

  constructor(
    options: SessionOptions,
    { socket, address, addressOf }: Opened<A>,
    counters: Counters,
    accept: Accept<Session<M, A>, M> | undefined,
  ) {
    super(accept && watchedAccept(accept, counters))
    const settings = sessionSettings(options)
    const { maxMessageSize, maxAmplification, receiveQueue } = settings
    const outlet = new Outlet(socket, settings.sendQueue, counters)
    this.address = address
    this.#socket = socket
    this.#addressOf = addressOf
    this.#counters = counters
    this.#maxMessageSize = maxMessageSize
    this.#clock = new IdleClock(settings.idleTimeout, () => this.#expire())
    this.#table = new SessionTable(settings, this.#clock)
    this.#setup = {
      localAddress: address,
      outlet,
      codec: codecOf(settings.messages),
      receiveQueue,
      // All sessions together; never less than one of them may have.
      whole: new Quota({
        datagrams: Math.max(defaultSocketQueue.datagrams, receiveQueue.datagrams),
        bytes: Math.max(defaultSocketQueue.bytes, receiveQueue.bytes),
      }),
      maxAmplification,
      table: this.#table,
    }
    if (settings.validation === 'cookie') this.#doorkeeper = new Doorkeeper(new CookieJar())
    this.#lane = new Lane(outlet, silent)
    socket.on('error', (error) => (counters.lastError = receiveErrorOf(error)))
    socket.on('message', (data, info) => this.receive(data, info))
    // The sessions live on this socket: it goes when the last of them is gone.
    void this.closed.then(() => {
      this.#socket.close()
      this.#clock.stop()
    })
    this.#listens()
  }

  stats(): UdpListenerStats {
    const sessions = this.connections.size
    return Object.freeze({ ...this.#counters.snapshot(), sessions, refusals: { ...this.#refusals } })
  }

  /** A datagram has come. */
  receive(data: Uint8Array, info: Sender): void {
    // No port is no sender (RFC 768), but where names are all there is.
    if (info.port === 0 && info.family !== 'memory') return void this.#counters.filtered++
    this.#counters.received++
    this.#counters.receivedBytes += data.length
    const seat = this.#table.find(info.address, info.port)
    const session = seat?.session
    const doorkeeper = this.#doorkeeper
    if (doorkeeper && (!session || looksLikeFrame(data))) this.#consult(doorkeeper, data, info, session)
    else if (session) session.receive(data)
    else this.#begin(data, info, seat)
  }

  override release(session: Session<M, A>): void {
    this.#table.leave(session.seat)
    this.#rest()
    // Nothing is in it for a reader any more, and there are others who wait.
    this.withdraw(session)
    super.release(session)
  }

  /** New sessions are made while `accepting`; there is no second socket to close for them. */
  protected unlisten(): Promise<void> {
    return Promise.resolve()
  }

  protected relisten(): Promise<void> {
    this.#listens()
    return Promise.resolve()
  }

  #listens(): void {
    if (channels.listen.hasSubscribers) channels.listen.publish({ listener: this })
  }

  /** Somebody new, in whose word nobody has to believe; his first datagram waits for whoever accepts. */
  #begin(data: Uint8Array, info: Sender, seat: Seat<Session<M, A>> | undefined): void {
    if (seat) this.#table.heard(seat)
    if (seat?.spent) return this.#refuse('maxUnvalidatedDatagrams', info)
    const session = this.accepting ? this.#make(info, seat) : this.#refuse('suspended', info)
    if (!session) return
    session.receive(data)
    this.adopt(session)
  }

  /** What looks like a control datagram, or comes from somebody who has to validate himself first. */
  #consult(doorkeeper: Doorkeeper, data: Uint8Array, info: Sender, session: Session<M, A> | undefined): void {
    const caller = { host: info.address, port: info.port, nonce: session?.nonce }
    const verdict = doorkeeper.judge(data, caller, this.accepting, performance.now())
    if (verdict.lost) this.#counters.rejected++
    if (verdict.act === 'deliver') return session?.receive(data)
    if (verdict.act === 'admit') return this.#admit(verdict.nonce, info, session)
    if (verdict.act !== 'answer') return
    if (verdict.cause) this.#refuse(verdict.cause, info)
    if (verdict.cookie) this.#counters.cookies++
    this.#say(verdict, info)
  }

  /** Somebody who has shown a cookie; a peer who has a session already began anew, and so does his session. */
  #admit(nonce: string, info: Sender, before: Session<M, A> | undefined): void {
    before?.abandon({ kind: 'remote' })
    const session = this.#make(info, undefined, nonce)
    const taken = session !== undefined && this.adopt(session) && session.state !== 'closed'
    this.#say(taken ? welcome(nonce) : refuse(nonce), info)
  }

  /** It may be lost: whoever does not hear it asks again. */
  #say({ data }: Answer, { address, port }: Sender): void {
    if (!this.#lane.mustWait(data.length)) this.#lane.write(data, port, address)
  }

  /** Makes a session: in the seat that its peer has left, or a new one, for which another may have to go. */
  #make(info: Sender, left: Seat<Session<M, A>> | undefined, nonce?: string): Session<M, A> | undefined {
    // Asked first: nobody has to go for somebody who is not taken.
    if (this.crowded) return this.#refuse('backlog', info)
    const { address: host, port } = info
    const remoteAddress = this.#addressOf(info)
    const seat = left ?? new Seat(host, port, shareOf(info, remoteAddress))
    const pressure = left ? undefined : this.#table.pressure(seat.network)
    if (pressure) {
      if (!pressure.victim) return this.#refuse(pressure.limit, info)
      this.#evict(pressure.victim, pressure)
    }
    const maxMessageSize = Math.min(this.#maxMessageSize, largestTo(host))
    const peer = { remoteAddress, maxMessageSize, host, port }
    const session = new Session<M, A>(this.#setup, seat, peer, nonce)
    this.#table.enter(seat, session, session.validated)
    this.#clock.start()
    return session
  }

  /** One error for all who meet a limit: under a flood, a stack for each would cost more than its session. */
  #evict(seat: Seat<Session<M, A>>, { limit, value }: Pressure<Session<M, A>>): void {
    if (seat.session) this.#counters.evicted++
    const error = (this.#evictions[limit] ??= new LimitError('Session ended: another needed its place', {
      limit,
      value,
    }))
    seat.session?.abandon({ kind: 'error', error })
    this.#table.delete(seat)
  }

  /** Every peer that gets no session comes by here. */
  #refuse(cause: Refusal, info: Sender): undefined {
    this.#refusals[cause]++
    if (cause === 'cookie') this.#counters.badCookies++
    else this.#counters.rejected++
    if (!channels.refuse.hasSubscribers) return
    channels.refuse.publish({ listener: this, peer: this.#addressOf(info), cause })
  }

  #expire(): void {
    this.#table.expire((seat) => {
      if (seat.session) this.#counters.expired++
      seat.session?.abandon({ kind: 'timeout', phase: 'idle' })
      this.#table.delete(seat)
    })
    this.#rest()
  }

  #rest(): void {
    if (this.#table.size === 0) this.#clock.stop()
  }
}

/** Nobody waits for what is said to those without a session, and it may be lost. */
const silent: ConstructorParameters<typeof Lane>[1] = {
  relieved() {},
  flushed() {},
  troubled() {},
  overflowed() {},
  addressOf: () => undefined,
}
