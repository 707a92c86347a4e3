import { checkSignal } from './checks.ts'
import type { ByteConnection } from './connection.ts'
import { BrokenError } from './errors.ts'
import { rejected } from './gate.ts'
import type { InnerHandler } from './handler-slot.ts'
import type { CloseReason } from './resource.ts'

/** Options of {@link splice}. */
export interface SpliceOptions {
  /** Bytes that were read from the first and from the second connection already: they are carried first. */
  heads?: readonly [first?: Uint8Array | undefined, second?: Uint8Array | undefined]
  /**
   * Ends the carrying, not the connections: the promise rejects with `signal.reason`, and both are as they were
   * born, paused, with nothing lost, for somebody else to handle, close or destroy.
   */
  signal?: AbortSignal
}

/** What a splice carried, and why it is over. */
export interface Spliced {
  /** Bytes that were read from the first connection and accepted by the second. */
  readonly forward: number
  /** Bytes that were read from the second connection and accepted by the first. */
  readonly backward: number
  /**
   * `remote` when both peers had ended; else that of the connection that closed first, or `handover` when
   * somebody else handled one of the two.
   */
  readonly reason: CloseReason
  /** The connection that it came from: the one that ended, closed or was handed over first. */
  readonly by: ByteConnection
}

/**
 * Joins two byte connections, so that the peer of each talks to the peer of the other, until both are closed.
 * The splice owns them from now on. The promise resolves when both are closed; it rejects only when aborted,
 * and a rejection that nobody awaits ends nothing.
 *
 * - Flow control: a side that does not read stops the other side's input. What waits in between is bounded by
 *   the high-water mark of the slow side and one chunk.
 * - Half-close: the end of one side is passed on behind its last byte, and the other direction goes on.
 * - Errors: when one side breaks, times out or is destroyed, the other is destroyed with a {@link BrokenError}
 *   whose `cause` is the first error. Over TCP its peer hears a reset: it must not take a cut stream for a whole
 *   one. Only when both ends had been passed on already may it still finish what was written.
 * - `close()` of one closes both politely, each in its own grace: what was carried is finished, what is read
 *   from then on is discarded. The shutdown of a listener does the same, both within its grace.
 *
 * There is no time limit here: that is the connections' own. A side whose input is stopped hears of a reset
 * when it is read again, or at a deadline.
 *
 * @throws TypeError when both are the same connection.
 * @example
 * ```ts
 * const { forward, backward, reason } = await splice(client, upstream)
 * console.log(`${forward} bytes there, ${backward} back: ${reason.kind}`)
 * ```
 */
export function splice(a: ByteConnection, b: ByteConnection, options: SpliceOptions = {}): Promise<Spliced> {
  if (a === b) throw new TypeError('Cannot splice: both are the same connection')
  const { heads = [], signal } = options
  checkSignal(signal)
  if (!Array.isArray(heads) || heads.some((it) => it !== undefined && !(it instanceof Uint8Array))) {
    throw new TypeError('Invalid option heads: must be a list of bytes')
  }
  const [first, second] = heads
  if (signal?.aborted) return rejected(signal.reason)
  const promise = new Promise<Spliced>((resolve, reject) => {
    const joint = new Joint(a, b, (result) => {
      signal?.removeEventListener('abort', abort)
      resolve(result)
    })
    const abort = (): void => {
      joint.letGo()
      reject(signal?.reason as Error)
    }
    signal?.addEventListener('abort', abort, { once: true })
    a.handle(joint.first, first)
    b.handle(joint.second, second)
    joint.begin()
  })
  if (signal) promise.catch(() => {})
  return promise
}

/** What the two sides have in common: how it began to end, and what becomes of the other side then. */
class Joint {
  readonly first: Side
  readonly second: Side
  readonly #resolve: (result: Spliced) => void
  /** The side whose end came first, and the one that closed first. */
  #ended: Side | undefined
  #closed: Side | undefined
  #shutdown = false
  /** Both are closing politely: neither has to tell the other. */
  #closing = false
  /** The side that closed second was destroyed here. */
  #destroyed = false
  #over = false

  constructor(a: ByteConnection, b: ByteConnection, resolve: (result: Spliced) => void) {
    this.first = new Side(this, a)
    this.second = new Side(this, b)
    this.first.other = this.second
    this.second.other = this.first
    this.#resolve = resolve
  }

  /** A connection that is closing already carries nothing, in a grace that nobody here knows. */
  begin(): void {
    for (const side of [this.first, this.second]) {
      if (side.connection.state !== 'closing') continue
      this.#closed ??= side
      this.#destroy(side, { kind: 'local' })
    }
  }

  ended(side: Side): void {
    this.#ended ??= side
    side.other.connection.end()
  }

  shutdown(grace: number): void {
    this.#shutdown = true
    this.#close({ grace })
  }

  /** One begins to close politely, so that nothing can be carried any more. */
  closing(side: Side): void {
    if (this.#closing || side.other.connection.state !== 'open') return
    this.#closing = true
    void side.other.connection.close()
  }

  closed(side: Side, reason: CloseReason): void {
    if (this.#over) return
    this.#closed ??= side
    const { other } = side
    if (other.reason) return this.#settle(this.#cause)
    // It has only to hand over what was written, or is closing in a grace of its own.
    if ((side.ended && other.ended) || other.connection.state === 'closing') return
    this.#destroy(side, reason)
  }

  /** Somebody else handles the connection of `side` from now on. */
  replaced(side: Side): void {
    if (this.#over) return
    this.#closed = side
    side.reason = { kind: 'handover' }
    this.letGo()
    this.#settle(side)
  }

  /** Gives back what is not closed: its slot is empty, and what was not read is kept there. */
  letGo(): void {
    this.#over = true
    for (const { connection, reason } of [this.first, this.second]) {
      // Iterating takes the place of a handler that has retired; leaving at once keeps what is unread.
      if (!reason && connection.state === 'open') void connection[Symbol.asyncIterator]().return?.()
    }
  }

  get over(): boolean {
    return this.#over
  }

  /** What breaks on its own tells more than a good end before it. */
  get #cause(): Side {
    const first = this.#closed as Side
    return !this.#destroyed && !isFailure(first.reason) && isFailure(first.other.reason) ? first.other : first
  }

  #destroy({ connection, other }: Side, reason: CloseReason): void {
    this.#destroyed = true
    other.connection.destroy(brokenBy(connection, reason))
  }

  #close(options: { grace?: number }): void {
    if (this.#closing) return
    this.#closing = true
    void this.first.connection.close(options)
    void this.second.connection.close(options)
  }

  #settle(cause: Side): void {
    this.#over = true
    const whole = this.first.ended && this.second.ended && !isFailure(cause.reason)
    const by = whole ? (this.#ended ?? cause) : cause
    this.#resolve({
      forward: this.first.carried,
      backward: this.second.carried,
      reason: this.#reasonOf(cause, whole),
      by: by.connection,
    })
  }

  #reasonOf(cause: Side, whole: boolean): CloseReason {
    if (isFailure(cause.reason)) return cause.reason
    if (this.#shutdown) return { kind: 'shutdown' }
    return whole && !this.#closing ? { kind: 'remote' } : (cause.reason as CloseReason)
  }
}

/** One of the two: carries what its connection brings to the other. */
class Side implements InnerHandler<Uint8Array> {
  readonly connection: ByteConnection
  other!: Side
  carried = 0
  ended = false
  reason: CloseReason | undefined
  readonly #joint: Joint
  /** Its input waits until the other has room. */
  #waiting = false

  constructor(joint: Joint, connection: ByteConnection) {
    this.#joint = joint
    this.connection = connection
  }

  get retired(): boolean {
    return this.#joint.over
  }

  onData(chunk: Uint8Array): void {
    const to = this.other.connection
    const room = to.write(chunk)
    this.carried += chunk.byteLength
    // Above the mark, and yet all with the system: there is nothing to wait for.
    if (room || to.buffered === 0) return
    this.#waiting = true
    this.connection.pause()
  }

  onDrain(): void {
    this.other.#goOn()
  }

  onEnd(): void {
    this.ended = true
    this.#joint.ended(this)
  }

  onShutdown(grace: number): void {
    this.#joint.shutdown(grace)
  }

  onDeaf(reason?: CloseReason): void {
    if (!reason) this.#joint.closing(this)
  }

  onReplaced(): readonly Uint8Array[] {
    this.#joint.replaced(this)
    return []
  }

  onClose(reason: CloseReason): void {
    this.reason = reason
    this.#joint.closed(this, reason)
  }

  #goOn(): void {
    if (!this.#waiting) return
    this.#waiting = false
    this.connection.resume()
  }
}

type Failure = CloseReason & { kind: 'error' | 'timeout' }

function isFailure(reason: CloseReason | undefined): reason is Failure {
  return reason?.kind === 'error' || reason?.kind === 'timeout'
}

/** What the other side is destroyed with. */
function brokenBy(connection: ByteConnection, reason: CloseReason): BrokenError {
  const peer = connection.remoteAddress
  if (reason.kind === 'error') {
    return new BrokenError(`Splice broken: ${reason.error.message}`, { peer, cause: reason.error })
  }
  const why = reason.kind === 'timeout' ? `${reason.phase} timeout` : 'the other connection is closed'
  return new BrokenError(`Splice broken: ${why}`, { peer })
}
