import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

import {
  type Address,
  BrokenError,
  ProtocolError,
  type SocketError,
  TimeoutError,
  type TlsFacts,
} from '@fairlead/core'

import type { TlsEngine } from './engine.ts'
import { isTlsError, tlsErrorOf } from './errors.ts'
import { HandshakeFacts } from './facts.ts'
import { Sluice } from './sluice.ts'

const attempt = 'TLS handshake failed'

/** Who is told how a handshake goes. */
export interface HandshakeOwner {
  readonly remoteAddress: Address
  /** The handshake is done. Called at most once, and never after `failed`. */
  secured(facts: TlsFacts, sluice: Sluice | undefined): void
  /** The handshake failed, or TLS itself did later: the socket is of no use any more, and the owner destroys it. */
  failed(error: SocketError): void
}

/** One handshake, from the first byte to the verdict on the peer. */
export class Handshake {
  /** TLS on top of the socket. Writes may come at once: they wait for the handshake. */
  readonly socket: TLSSocket
  /** Open until the handshake is done; then it is the owner's. */
  readonly #sluice: Sluice | undefined
  readonly #engine: TlsEngine
  readonly #owner: HandshakeOwner
  readonly #timer: ReturnType<typeof setTimeout> | undefined
  #pending = true

  /** @param timeout in milliseconds; without one the owner keeps the time. */
  constructor(wire: Socket, engine: TlsEngine, owner: HandshakeOwner, timeout?: number) {
    this.#engine = engine
    this.#owner = owner
    this.#sluice = Sluice.over(wire)
    this.socket = engine.over((this.#sluice as Socket | undefined) ?? wire)
    this.#sluice?.carries(this.socket)
    const broken = (error: Error): void => this.#broken(error)
    this.socket.on('error', broken)
    // On a server's side Node tells of a broken record in no other way, and leaves the socket open.
    this.socket.on('_tlsError', broken)
    this.socket.once(engine.doneEvent, () => this.#judge())
    this.socket.once('end', () => this.#lost('the peer closed'))
    this.socket.once('close', () => this.#lost('connection is closed'))
    if (timeout !== undefined) this.#timer = setTimeout(() => this.#late(timeout), timeout)
  }

  #judge(): void {
    const verdict = this.#engine.judge(this.socket)
    if (this.#engine.strict && !verdict.authorized) {
      const why = verdict.refusal ?? 'the peer is not authorized'
      return this.#fail(new ProtocolError(`${attempt}: ${why}`, { ...this.#facts, side: 'remote' }))
    }
    if (this.#settle()) this.#owner.secured(new HandshakeFacts(this.socket, verdict), this.#sluice)
  }

  #broken(error: Error): void {
    const { remoteAddress } = this.#owner
    if (this.#pending) this.#fail(tlsErrorOf(error, attempt, remoteAddress))
    else if (isTlsError(error)) this.#owner.failed(tlsErrorOf(error, 'Connection broken', remoteAddress))
  }

  #lost(why: string): void {
    this.#fail(new BrokenError(`${attempt}: ${why}`, this.#facts))
  }

  #late(timeout: number): void {
    this.#fail(new TimeoutError(`${attempt}: not done within ${timeout} ms`, this.#facts))
  }

  #fail(error: SocketError): void {
    if (this.#settle()) this.#owner.failed(error)
  }

  /** True for the first who comes. */
  #settle(): boolean {
    const first = this.#pending
    this.#pending = false
    clearTimeout(this.#timer)
    return first
  }

  get #facts(): { phase: 'tls'; peer: Address } {
    return { phase: 'tls', peer: this.#owner.remoteAddress }
  }
}
