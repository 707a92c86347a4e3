import { connect as open, type Socket, type TcpNetConnectOpts } from 'node:net'

import { type Address, BrokenError, type CloseReason, type ConnectAttempt } from '@fairlead/core'
import { defaultHighWaterMark } from '@fairlead/core/transport'

import { phaseTimeoutOf } from './connect-errors.ts'
import { connectorOf, type ConnectOptions } from './connect-options.ts'
import { TcpConnection } from './connection.ts'
import { rootCodeOf } from './errno.ts'
import type { Attempt } from './race.ts'
import { secure } from './tls/start-tls.ts'

/** How far an attempt has come. */
type AttemptPhase = 'connect' | 'handshake' | 'tls'

/** One address, from the first packet to a connection that is ready for its owner. */
export class TcpAttempt implements Attempt<TcpConnection> {
  readonly result: Promise<TcpConnection>
  /** Why it failed, if it did. */
  error: unknown
  phase: AttemptPhase = 'connect'
  /** Whether it failed because the time of its phase was over. */
  late = false
  readonly #address: Address
  readonly #options: ConnectOptions
  readonly #startedAt = performance.now()
  readonly #socket: Socket
  #duration: number | undefined
  /** Runs while it is in a phase with a time limit of its own. */
  #timer: ReturnType<typeof setTimeout> | undefined
  #connection: TcpConnection | undefined
  #resolve!: (connection: TcpConnection) => void
  #reject!: (error: unknown) => void

  constructor(address: Address, options: ConnectOptions) {
    this.#address = address
    this.#options = options
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const refused = (error: Error): void => this.#fail(error)
    this.#socket = open(socketOptions(address, options))
    this.#socket.once('error', refused).once('connect', () => {
      this.#socket.off('error', refused)
      this.#connected()
    })
  }

  get failed(): boolean {
    return this.#duration !== undefined
  }

  /** How it failed; one that has not failed yet has used up the time of all. */
  get record(): ConnectAttempt {
    return {
      address: this.#address,
      phase: this.phase,
      code: this.failed && !this.late ? rootCodeOf(this.error) : 'ETIMEDOUT',
      duration: this.#duration ?? performance.now() - this.#startedAt,
    }
  }

  cancel(): void {
    if (this.#connection) this.#connection.destroy()
    else this.#socket.destroy()
  }

  #connected(): void {
    const { host, prelude, tls } = this.#options
    const setup = { role: 'connected', origin: this.#address, host, options: this.#options } as const
    const connection = new TcpConnection(this.#socket, setup)
    this.#connection = connection
    if (!prelude && tls === undefined) return this.#resolve(connection)
    // Whatever ends it on the way fails the attempt, even if a callback goes on as if nothing were.
    void connection.closed.then((reason) => this.#fail(errorIn(reason)))
    this.#establish(connection).then(
      () => {
        if (connection.state === 'open') this.#resolve(connection)
        else connection.destroy()
      },
      (error: unknown) => this.#fail(error),
    )
  }

  /** What the connection goes through before it is its owner's. */
  async #establish(connection: TcpConnection): Promise<void> {
    const { prelude, preludeTimeout, tls, tlsTimeout } = this.#options
    if (prelude) {
      this.#enter('handshake', preludeTimeout)
      await prelude(connection)
    }
    if (tls !== undefined) {
      this.#enter('tls', tlsTimeout)
      await secure(connection, connectorOf(this.#options, tls))
    }
    clearTimeout(this.#timer)
  }

  /** In the next phase, which may have a time limit of its own. */
  #enter(phase: 'handshake' | 'tls', limit: number | undefined): void {
    clearTimeout(this.#timer)
    if (this.failed) return
    this.phase = phase
    if (limit === undefined) return
    this.#timer = setTimeout(() => {
      this.late = true
      this.#fail(phaseTimeoutOf(phase, limit))
    }, limit)
  }

  #fail(error: unknown): void {
    if (this.failed) return
    clearTimeout(this.#timer)
    this.#duration = performance.now() - this.#startedAt
    this.error = error
    this.#reject(error)
    this.#connection?.destroy()
  }
}

/**
 * Node must neither resolve nor race: both have happened. One literal with all there may be: built of parts it
 * costs several microseconds, here and in the runtime.
 */
function socketOptions(address: Address, options: ConnectOptions): TcpNetConnectOpts {
  const { localAddress, path, noDelay = true, keepAlive, highWaterMark = defaultHighWaterMark } = options
  const ip = address.kind === 'ip' ? address : undefined
  return {
    host: ip?.zone === undefined ? ip?.host : `${ip.host}%${ip.zone}`,
    port: ip?.port,
    family: ip?.family,
    localAddress,
    path,
    allowHalfOpen: true,
    autoSelectFamily: false,
    noDelay,
    keepAlive: typeof keepAlive === 'number',
    keepAliveInitialDelay: keepAlive || 0,
    highWaterMark,
  } as TcpNetConnectOpts
}

/** Why a connection was closed, as an error. */
function errorIn(reason: CloseReason): Error {
  if (reason.kind === 'error') return reason.error
  if (reason.kind === 'timeout') return new BrokenError(`Connection broken: ${reason.phase} timeout`)
  return new BrokenError(
    `Connection broken: ${reason.kind === 'remote' ? 'the peer closed' : 'it was closed'}`,
  )
}
