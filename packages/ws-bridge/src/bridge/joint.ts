import { type Address, BrokenError, ClosedError, type CloseReason, SocketError } from '@fairlead/core'
import { Deadline, type DeadlineOwner } from '@fairlead/core/transport'

import { closeCodes } from '../close-codes.ts'
import type { WebSocketConnection } from '../websocket.ts'
import { ByteSide } from './byte-side.ts'
import type { Crossing, EndCause, Flow } from './crossing.ts'
import { type DatagramRules, DatagramSide } from './datagram-side.ts'
import type { PlainConnection } from './dial.ts'
import type { PlainSide } from './plain-side.ts'
import { type Crossroads, WebSocketSide } from './web-socket-side.ts'

/** How long things may last, in milliseconds. */
export interface CrossingTimes {
  readonly idle: number
  readonly total: number
  readonly linger: number
}

/** The two sides of a crossing, and which of them came in. */
export interface Ends {
  readonly socket: WebSocketConnection
  readonly plain: PlainConnection
  readonly near: 'socket' | 'plain'
  /** Who came in, as far as trusted proxies say. */
  readonly from: Address
}

/** Whoever keeps a set of crossings. */
export interface CrossingOwner extends DatagramRules {
  readonly times: CrossingTimes
  readonly halfClose: 'close' | 'wait'
  over(crossing: Joint, cause: EndCause): void
}

/**
 * What the two sides have in common, and what becomes of one when the other ends:
 *
 * ```text
 *   what happens                                  the WebSocket     the other side
 *   the other side ends (FIN)                     Close 1000        end
 *   it is reset, or a time limit of its own       Close 1011        -
 *   Close 1000, 1001, 3000-4999, or without code  -                 end
 *   another Close, none at all, no pong           -                 reset
 *   idleTimeout                                   Close 1008        end
 *   totalTimeout                                  Close 1008        reset
 *   the bridge is closed                          Close 1001        end
 * ```
 *
 * A Close and an end go out behind the last byte. WebSocket has no half-close: whoever ended first is still read until
 * the other has ended, too, but what comes is dropped.
 */
export class Joint implements Crossing, Crossroads, DeadlineOwner {
  readonly id: number
  readonly from: Address
  readonly to: Address
  readonly #socket: WebSocketSide
  readonly #plain: PlainSide
  readonly #near: Ends['near']
  readonly #owner: CrossingOwner
  readonly #bornAt = Deadline.now()
  #deadline: Deadline | undefined
  #movedAt = this.#bornAt
  #bytes = 0
  #buffered = 0
  /** The side of bytes ended, and the other direction goes on. */
  #half = false
  #cause: EndCause | undefined
  #closed = 0

  constructor(id: number, { socket, plain, near, from }: Ends, owner: CrossingOwner) {
    this.id = id
    this.#near = near
    this.#owner = owner
    this.from = from
    this.to = (near === 'socket' ? plain : socket).remoteAddress
    this.#plain =
      'reliable' in plain
        ? new DatagramSide(this, plain, socket, owner)
        : new ByteSide(this, plain, socket, owner.maxPayload)
    this.#socket = new WebSocketSide(this, socket, this.#plain)
    this.#plain.join(this.#socket)
  }

  get forward(): Flow {
    return flowOf(this.#near === 'socket' ? this.#socket : this.#plain)
  }

  get backward(): Flow {
    return flowOf(this.#near === 'socket' ? this.#plain : this.#socket)
  }

  get buffered(): number {
    return this.#socket.connection.buffered + this.#plain.connection.buffered
  }

  get age(): number {
    return Deadline.now() - this.#bornAt
  }

  /** Lets it flow. */
  begin(): void {
    this.#plain.connection.handle(this.#plain)
    this.#socket.connection.handle(this.#socket)
    const { idle, total } = this.#owner.times
    if (idle !== Infinity || total !== Infinity) this.#watch()
  }

  close(): void {
    this.shutdown(this.#owner.times.linger)
  }

  destroy(error?: Error): void {
    this.#cause ??= 'destroyed'
    this.#socket.connection.destroy(error)
    this.#plain.connection.destroy(error)
  }

  onDeadline(): void {
    const { times } = this.#owner
    const idle = this.#half ? Math.min(times.idle, times.linger) : times.idle
    const now = Deadline.now()
    const bytes = this.#socket.bytes + this.#plain.bytes
    const { buffered } = this
    if (bytes !== this.#bytes || buffered !== this.#buffered) this.#movedAt = now
    this.#bytes = bytes
    this.#buffered = buffered
    if (now - this.#bornAt >= times.total) this.#expire('total')
    else if (now - this.#movedAt < idle)
      this.#deadline?.set(Math.min(this.#bornAt + times.total - now, idle / 8))
    else if (this.#half) this.#closeSocket(closeCodes.normal)
    else this.#expire('idle')
  }

  // What the sides tell.

  plainEnded(): void {
    this.#cause ??= this.#near === 'plain' ? 'from' : 'to'
    if (this.#owner.halfClose === 'close') return this.#closeSocket(closeCodes.normal)
    this.#half = true
    this.#movedAt = Deadline.now()
    this.#watch()
  }

  plainClosed(reason: CloseReason): void {
    const broken = reason.kind === 'error' || reason.kind === 'timeout'
    const idle = reason.kind === 'timeout' && reason.phase === 'idle'
    if (idle) this.#cause ??= 'idle'
    if (broken) this.#cause ??= this.#near === 'plain' ? 'fromBroken' : 'toBroken'
    if (idle) this.#closeSocket(closeCodes.policyViolation, 'idle timeout')
    else if (broken) this.#closeSocket(closeCodes.internalError, 'the other side broke off')
    else this.#closeSocket(closeCodes.normal)
    this.#over()
  }

  socketClosed(reason: CloseReason): void {
    const { connection } = this.#plain
    const good = isGood(reason)
    const side = this.#near === 'socket' ? 'from' : 'to'
    this.#cause ??= good ? side : `${side}Broken`
    if (good) void connection.close({ grace: this.#owner.times.linger })
    else connection.destroy(brokenBy(wordsOf(reason), reason.kind === 'error' ? reason.error : undefined))
    this.#over()
  }

  shutdown(grace: number): void {
    this.#cause ??= 'shutdown'
    void this.#socket.connection.close({ code: closeCodes.goingAway, grace })
    void this.#plain.connection.close({ grace })
  }

  /** A side that is on its way out takes no more, and says so itself; else something is wrong with it. */
  unwritable(error: unknown): void {
    const leaving = error instanceof BrokenError || error instanceof ClosedError
    if (!leaving) this.destroy(SocketError.from(error, 'Bridge broken'))
  }

  /** What goes on for ever is not whole when it is stopped. */
  #expire(phase: 'idle' | 'total'): void {
    this.#cause ??= phase
    const text = `${phase} timeout`
    this.#closeSocket(closeCodes.policyViolation, text)
    if (phase === 'total') this.#plain.connection.destroy(brokenBy(text))
    else void this.#plain.connection.close({ grace: this.#owner.times.linger })
  }

  #watch(): void {
    this.#deadline ??= new Deadline(this)
    this.onDeadline()
  }

  #closeSocket(code: number, text?: string): void {
    const grace = this.#owner.times.linger
    void this.#socket.connection.close({ code, grace, ...(text !== undefined && { text }) })
  }

  #over(): void {
    if (++this.#closed < 2) return
    this.#deadline?.clear()
    this.#owner.over(this, this.#cause ?? 'destroyed')
  }
}

function flowOf({ bytes, messages }: Flow): Flow {
  return { bytes, messages }
}

/** Whether the peer of a WebSocket closed it because it was done. */
function isGood(reason: CloseReason): boolean {
  if (reason.kind === 'error' || reason.kind === 'timeout') return false
  const { code = closeCodes.noStatus } = reason
  if (reason.kind !== 'remote' || code >= 3000) return true
  return code === closeCodes.normal || code === closeCodes.goingAway || code === closeCodes.noStatus
}

function wordsOf(reason: CloseReason): string {
  if (reason.kind === 'error') return reason.error.message
  if (reason.kind === 'timeout') return `${reason.phase} timeout`
  return `the WebSocket was closed with ${reason.code}`
}

function brokenBy(why: string, cause?: Error): BrokenError {
  return new BrokenError(`Bridge broken: ${why}`, cause ? { cause } : {})
}
