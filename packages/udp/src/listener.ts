import type { Accept, Address, Listener } from '@fairlead/core'
import { ListenerBase } from '@fairlead/core/transport'

import type { Carrier, Opened, Sender } from './carrier.ts'
import { type Codec, codecOf } from './codec.ts'
import type { IpAddress } from './datagram.ts'
import { receiveErrorOf } from './errno.ts'
import { IdleClock } from './idle-clock.ts'
import {
  defaultIdleTimeout,
  defaultMaxMessageSize,
  defaultMaxSessions,
  defaultMaxSessionsPerAddress,
  defaultPeerQueue,
  defaultSendQueue,
  defaultSocketQueue,
  type ListenOptions,
} from './options.ts'
import { Outlet } from './outlet.ts'
import { type QueueLimits, Quota } from './quota.ts'
import { SessionTable } from './session-table.ts'
import { Session, type UdpSession } from './session.ts'
import { largestTo } from './size.ts'
import type { Counters, UdpStats } from './stats.ts'

/**
 * Makes a {@link UdpSession} of each remote address that sends something. All sessions share its one socket,
 * so `suspend` leaves the socket open: it makes no new sessions until `resume`.
 */
export interface UdpListener<M> extends Listener<UdpSession<M>> {
  readonly address: IpAddress
  /** What was counted since the listener was made; a copy, which may be asked for as often as one likes. */
  stats(): UdpStats
}

/** The {@link UdpListener} over a socket of the runtime that is bound already. */
export class SessionListener<M, A extends Address> extends ListenerBase<Session<M, A>, M> {
  readonly address: A
  readonly #options: ListenOptions
  readonly #socket: Carrier
  readonly #addressOf: (sender: Sender) => A
  readonly #counters: Counters
  readonly #outlet: Outlet
  readonly #codec: Codec<M>
  readonly #iterated: boolean
  readonly #table = new SessionTable<Session<M, A>>()
  readonly #peerQueue: Required<QueueLimits>
  readonly #whole: Quota
  readonly #clock: IdleClock

  constructor(
    options: ListenOptions,
    { socket, address, addressOf }: Opened<A>,
    counters: Counters,
    accept: Accept<Session<M, A>, M> | undefined,
  ) {
    super(accept)
    this.address = address
    this.#addressOf = addressOf
    this.#options = options
    this.#socket = socket
    this.#counters = counters
    this.#outlet = new Outlet(socket, { ...defaultSendQueue, ...options.sendQueue }, counters)
    this.#codec = codecOf(options.messages)
    this.#peerQueue = { ...defaultPeerQueue, ...options.receiveQueue }
    // All sessions together; never less than one of them may have.
    this.#whole = new Quota({
      datagrams: Math.max(defaultSocketQueue.datagrams, this.#peerQueue.datagrams),
      bytes: Math.max(defaultSocketQueue.bytes, this.#peerQueue.bytes),
    })
    this.#iterated = accept === undefined
    this.#clock = new IdleClock(options.idleTimeout ?? defaultIdleTimeout, () => this.#expire())
    socket.on('error', (error) => (counters.lastError = receiveErrorOf(error)))
    socket.on('message', (data, info) => this.receive(data, info))
    // The sessions live on this socket: it goes when the last of them is gone.
    void this.closed.then(() => this.#socket.close())
  }

  stats(): UdpStats {
    return this.#counters.snapshot()
  }

  /** A datagram has come. */
  receive(data: Uint8Array, info: Sender): void {
    this.#counters.received++
    this.#counters.receivedBytes += data.byteLength
    const session = this.#table.find(info.address, info.port) ?? this.#begin(info)
    if (!session) {
      this.#counters.rejected++
      return
    }
    session.receive(data)
    if (!this.connections.has(session)) this.#introduce(session)
  }

  override release(session: Session<M, A>): void {
    this.#table.delete(session.peer.host, session.peer.port)
    if (this.#table.size === 0) this.#clock.stop()
    super.release(session)
  }

  /** New sessions are made while `accepting`; there is no second socket to close for them. */
  protected unlisten(): Promise<void> {
    return Promise.resolve()
  }

  protected relisten(): Promise<void> {
    return Promise.resolve()
  }

  #begin(info: Sender): Session<M, A> | undefined {
    const { maxSessions = defaultMaxSessions, maxSessionsPerAddress = defaultMaxSessionsPerAddress } =
      this.#options
    const { maxMessageSize = defaultMaxMessageSize } = this.#options
    const { address: host, port } = info
    if (!this.accepting || this.#table.size >= maxSessions) return undefined
    if (this.#table.countAt(host) >= maxSessionsPerAddress) return undefined
    const parts = {
      localAddress: this.address,
      remoteAddress: this.#addressOf(info),
      outlet: this.#outlet,
      codec: this.#codec,
      quota: new Quota(this.#peerQueue, this.#whole),
      maxMessageSize: Math.min(maxMessageSize, largestTo(host)),
      peer: { host, port },
    }
    const session = new Session<M, A>(parts, this.#clock)
    this.#table.add(host, port, session)
    this.#clock.start()
    return session
  }

  /** With its first datagram in hand, to whoever accepts; one that nobody has room for is gone at once. */
  #introduce(session: Session<M, A>): void {
    this.adopt(session)
    if (this.#iterated && session.state === 'closed') this.#counters.rejected++
  }

  #expire(): void {
    for (const session of this.connections) {
      if (!session.idle) continue
      this.#counters.expired++
      session.abandon({ kind: 'timeout', phase: 'idle' })
    }
  }
}
