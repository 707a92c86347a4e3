import type { Server, Socket } from 'node:net'

import { type Accept, type Address, ipAddress, ListenError, SocketError } from '@fairlead/core'
import { channels, Deadline, ListenerBase } from '@fairlead/core/transport'

import { Admission, type Refusal } from './admission.ts'
import { TcpConnection, type TcpSetup } from './connection.ts'
import type { ListenOptions } from './listen-options.ts'
import { addressOf, openServer } from './server.ts'
import type { ListenerStats, Prelude, StreamListener } from './stream.ts'
import { TlsAcceptor } from './tls/acceptor.ts'
import { defaultHandshakeTimeout, type TlsServerOptions } from './tls/options.ts'
import { secure } from './tls/start-tls.ts'

/**
 * Waits for TCP or Unix socket connections on one address. Each socket takes this way, and the last step alone
 * makes it one of `connections`:
 *
 * ```text
 *   accepted ──▶ admission ──▶ prelude ──▶ TLS handshake ──▶ accept callback or iteration
 *                    │            └─────────────┴── failed, or over handshakeTimeout ──▶ refused
 *                    └── vanished, denied, too many, too fast ─────────────────────────▶ refused
 * ```
 */
export class TcpListener
  extends ListenerBase<TcpConnection, Uint8Array, Uint8Array | string>
  implements StreamListener
{
  readonly #options: ListenOptions
  readonly #admission: Admission
  /** Admitted, and still in front of whoever accepts. */
  readonly #pending = new Set<TcpConnection>()
  readonly #refused: Record<Refusal, number> = {
    vanished: 0,
    denied: 0,
    connections: 0,
    address: 0,
    rate: 0,
    prelude: 0,
    handshake: 0,
    queue: 0,
  }
  /** With it, sessions outlive a change of certificates. */
  readonly #secret = crypto.getRandomValues(new Uint8Array(32))
  #tls: TlsAcceptor | undefined
  #accepted = 0
  /** What its connections share. */
  #setup: TcpSetup | undefined
  #server: Server | undefined
  #address: Address | undefined

  constructor(options: ListenOptions, accept: Accept<TcpConnection, Uint8Array> | undefined) {
    super(accept)
    this.#options = options
    this.#admission = new Admission(options)
    if (options.tls !== undefined) this.#tls = new TlsAcceptor(options.tls, this.#secret)
  }

  /** Where it listens; with port 0, the port that the system chose. */
  get address(): Address {
    return this.#address as Address
  }

  stats(): ListenerStats {
    return {
      accepted: this.#accepted,
      open: this.connections.size,
      pending: this.#pending.size,
      refused: { ...this.#refused },
    }
  }

  async setTls(options: TlsServerOptions): Promise<void> {
    if (!this.#tls) throw new TypeError('Cannot set TLS: listener is plain')
    this.#tls = new TlsAcceptor(options, this.#secret)
  }

  /** Begins to listen, and resolves when it does. The address stays the same from the first time on. */
  async relisten(): Promise<void> {
    const { port = 0, path, fd } = this.#options
    if (fd !== undefined && this.#address) {
      throw new ListenError(`Cannot listen on descriptor ${fd} again: suspending has closed it`)
    }
    const chosen = this.#address?.kind === 'ip' ? this.#address.port : port
    const server = await openServer(this.#options, chosen, (socket, source) => this.#take(socket, source))
    this.#address ??= addressOf(server, path)
    this.#server = server
    if (channels.listen.hasSubscribers) channels.listen.publish({ listener: this })
  }

  override release(connection: TcpConnection): void {
    this.#pending.delete(connection)
    this.#admission.leave(connection)
    super.release(connection)
  }

  protected unlisten(): Promise<void> {
    // The server's own callback waits for the connections, too; the socket itself is closed at once.
    this.#server?.close()
    this.#server = undefined
    return Promise.resolve()
  }

  protected override dismiss(): void {
    for (const connection of this.#pending) connection.abandon({ kind: 'shutdown' })
  }

  /** Synchronous for plain connections: no promise between the system's socket and the accept callback. */
  #take(socket: Socket, server: Server): void {
    // The first may come before `relisten` hears that it is listening.
    const where = (this.#address ??= addressOf(server, this.#options.path))
    this.#setup ??= { role: 'accepted', origin: where, options: this.#options }
    const from = socket.remoteAddress
    const vanished = from === undefined && where.kind === 'ip'
    const cause = vanished ? 'vanished' : this.#admission.refusalOf(from)
    if (cause !== undefined) {
      this.#count(cause, () => (from === undefined ? undefined : ipAddress(from, socket.remotePort ?? 0)))
      cut(socket)
      return
    }

    const connection = new TcpConnection(socket, this.#setup)
    connection.attach(this)
    this.#admission.enter()
    if (this.#options.prelude ?? this.#tls) {
      void this.#prepare(connection)
    } else {
      this.#settle(connection)
      this.#welcome(connection)
    }
  }

  /** The way of a connection with whom something has to be settled first. */
  async #prepare(connection: TcpConnection): Promise<void> {
    const { handshakeTimeout = defaultHandshakeTimeout } = this.#options
    this.#pending.add(connection)
    const step: Step = { phase: this.#options.prelude ? 'handshake' : 'tls' }
    const deadline = new Deadline({ onDeadline: () => connection.expire(step.phase) })
    deadline.set(handshakeTimeout)
    const cause = await this.#shakeHands(connection, step)
    deadline.release()
    this.#pending.delete(connection)
    // Closing the listener has ended it.
    if (this.state !== 'open') return connection.destroy()
    if (cause === undefined && connection.state === 'open') return this.#welcome(connection)
    this.#count(cause ?? (step.phase === 'tls' ? 'handshake' : 'prelude'), () => connection.remoteAddress)
    connection.destroy()
  }

  /** Why the connection is refused, if so. */
  async #shakeHands(connection: TcpConnection, step: Step): Promise<Refusal | undefined> {
    const { prelude } = this.#options
    if (prelude && !(await passes(connection, prelude))) return 'prelude'
    // With a prelude it is only now known who is there.
    if (!this.#settle(connection)) return 'address'
    const tls = this.#tls
    step.phase = 'tls'
    if (tls && !(await passes(connection, () => secure(connection, tls)))) return 'handshake'
    return undefined
  }

  /** Counts a connection towards the address of its peer. False: too many are from there. */
  #settle(connection: TcpConnection): boolean {
    const { remoteAddress } = connection
    return remoteAddress.kind !== 'ip' || this.#admission.settle(connection, remoteAddress.host)
  }

  #welcome(connection: TcpConnection): void {
    this.#accepted++
    if (this.adopt(connection)) return
    this.#accepted--
    this.#count('queue', () => connection.remoteAddress)
  }

  /** Every peer that is refused comes by here, once. */
  #count(cause: Refusal, peer: () => Address | undefined): void {
    this.#refused[cause]++
    if (channels.refuse.hasSubscribers) channels.refuse.publish({ listener: this, peer: peer(), cause })
  }
}

/** How far a connection has come that has to shake hands. */
interface Step {
  phase: 'handshake' | 'tls'
}

/** Whether the connection lives when `step` is done. A step that fails, or never ends, costs that connection. */
async function passes(connection: TcpConnection, step: Prelude): Promise<boolean> {
  try {
    await Promise.race([step(connection), connection.closed])
  } catch (error) {
    connection.destroy(SocketError.from(error, 'Connection refused'))
  }
  return connection.state === 'open'
}

/** A reset, so that the peer knows at once; a Unix socket has none. */
function cut(socket: Socket): void {
  socket.on('error', () => {})
  if (socket.remoteAddress === undefined) socket.destroy()
  else socket.resetAndDestroy()
}
