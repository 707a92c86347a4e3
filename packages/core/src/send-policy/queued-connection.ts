import { ChunkIterator } from '../chunk-iterator.ts'
import type { MessageConnection } from '../connection.ts'
import { ClosedError, SocketError, TimeoutError } from '../errors.ts'
import { rejected } from '../gate.ts'
import type { InnerHandler } from '../handler-slot.ts'
import { Layer } from '../layer.ts'
import { graceOf, unlessAborted } from '../lifecycle.ts'
import type { CloseOptions, CloseReason, ResourceState } from '../resource.ts'
import { type SendQueueOptions, sendQueueOptions, type SendStats } from './send-policy.ts'
import { SendQueue, type SendQueueHost } from './send-queue.ts'

/** A message connection with a bounded queue in front of it. */
export interface QueuedConnection<M> extends MessageConnection<M> {
  /** What went in and what became of it, by now. */
  stats(): SendStats
}

/**
 * Puts a bounded queue in front of a message connection, and says what happens when its peer does not read and
 * the queue is full. Messages queue up only while the connection is congested (its `write` answered false);
 * `write` answers false then, and `onDrain`, `drained()` and `send` tell when all of it was passed on. So who
 * awaits each `send` never meets the policy, and who does not is bounded by it.
 *
 * From this call on the connection's handler slot is the queue's, and its life the connection's own. `close`
 * sends what waits within its grace, then closes the connection. Over a dropping policy a connection is not
 * `reliable`. A handler's `onTrouble` is told of the first message that is dropped each time the queue is full.
 *
 * @throws TypeError or RangeError that names the option.
 * @example
 * ```ts
 * const prices = sendQueue(lines(connection), { policy: 'drop-oldest', maxMessages: 100 })
 * setInterval(() => void prices.write(String(Math.random())), 10)
 * const { offered, sent, queued, dropped } = prices.stats()
 * ```
 */
export function sendQueue<M>(
  connection: MessageConnection<M>,
  options: SendQueueOptions<M>,
): QueuedConnection<M> {
  return new Queued(connection, sendQueueOptions(options))
}

/** No time limit, where the connection wants one: the longest that a timer of the runtime can hold. */
const unlimited = 2_147_483_647

class Queued<M>
  extends Layer<MessageConnection<M>, M>
  implements QueuedConnection<M>, InnerHandler<M>, SendQueueHost
{
  readonly reliable: boolean
  readonly #queue: SendQueue<M>
  #corks = 0
  /** How the closing began, while it waits for the queue. */
  #closing: CloseOptions | undefined
  #shutdown = false
  #cutAt = Infinity
  #timer: ReturnType<typeof setTimeout> | undefined
  #late: TimeoutError | undefined

  constructor(connection: MessageConnection<M>, options: Required<SendQueueOptions<M>>) {
    super(connection, {
      flow: (wanted) => (wanted ? connection.resume() : connection.pause()),
      answerEnd: () => this.#closeWithin(unlimited),
      closeForShutdown: (grace) => this.#closeForShutdown(grace),
    })
    this.reliable = connection.reliable && !options.policy.startsWith('drop')
    this.#queue = new SendQueue(connection, this, options)
    connection.handle(this)
    connection.pause()
  }

  override get state(): ResourceState {
    const { state } = this.below
    return state === 'open' && this.#closing ? 'closing' : state
  }

  override get closed(): Promise<CloseReason> {
    return this.below.closed.then((reason) => this.#reasonOf(reason))
  }

  override get buffered(): number {
    return this.below.buffered + this.#queue.bytes
  }

  stats(): SendStats {
    return this.#queue.stats()
  }

  [Symbol.asyncIterator](): AsyncIterator<M, undefined> {
    return new ChunkIterator(this.slot, 0, () => 1)
  }

  write(message: M): boolean {
    if (this.#refusing) throw this.#refusal()
    return this.#queue.write(message)
  }

  send(message: M): Promise<void> {
    return this.#refusing ? rejected(this.#refusal()) : this.#queue.send(message)
  }

  drained(options?: { signal?: AbortSignal }): Promise<void> {
    return this.#queue.drained(options)
  }

  override cork(): void {
    this.#corks++
    this.below.cork()
  }

  override uncork(): void {
    if (this.#corks > 0) this.#corks--
    this.below.uncork()
  }

  override async close(options: CloseOptions = {}): Promise<void> {
    this.#closeWithin(graceOf(options), options)
    if (this.below.state === 'closed') return
    const { closed } = this.below
    await (options.signal ? unlessAborted(closed, options.signal) : closed)
  }

  // What follows is heard from the connection.

  /** With messages in the queue the shutdown is this one's affair: they are to be sent first. */
  override get leavesShutdown(): boolean {
    return super.leavesShutdown && this.#queue.isEmpty
  }

  onData(message: M): void {
    this.slot.push(message)
  }

  onEnd(): void {
    this.slot.pushEnd()
  }

  onDrain(): void {
    this.#queue.drain()
  }

  onDeaf(reason?: CloseReason): void {
    this.#queue.finish()
    this.slot.deafen(reason && this.#reasonOf(reason))
  }

  onReplaced(): readonly M[] {
    this.#queue.finish()
    return this.slot.vacate()
  }

  onClose(reason: CloseReason): void {
    clearTimeout(this.#timer)
    this.#queue.finish()
    this.slot.close(this.#reasonOf(reason))
  }

  // And this from the queue.

  /** In a later turn of its own, so that `write` never calls back into its caller. */
  dropped(error: SocketError): void {
    queueMicrotask(() => this.slot.trouble(error))
  }

  relieved(): void {
    this.slot.drain()
  }

  emptied(): void {
    if (this.#refusing) this.#closeNow()
  }

  /** Closing, and waiting for the queue: the connection does not know of it yet. */
  get #refusing(): boolean {
    return this.#closing !== undefined && this.below.state === 'open'
  }

  #refusal(): ClosedError {
    return new ClosedError('Cannot write: connection is closed', { phase: 'write', peer: this.remoteAddress })
  }

  #closeForShutdown(grace: number): void {
    this.#shutdown = true
    this.#closeWithin(grace)
  }

  #closeWithin(grace: number, options?: CloseOptions): void {
    if (this.below.state === 'closed') return
    this.#arm(grace)
    if (!this.#closing) {
      this.#closing = options ?? {}
      this.slot.deafen()
      // A cork would keep in what has to go out first.
      while (this.#corks > 0 && !this.#queue.isEmpty) this.uncork()
    }
    if (this.#queue.isEmpty || this.below.state !== 'open') this.#closeNow()
  }

  #closeNow(): void {
    clearTimeout(this.#timer)
    const { signal: _, ...options } = this.#closing as CloseOptions
    void this.below.close({ ...options, grace: Math.max(0, this.#cutAt - performance.now()) })
  }

  /** When the queue is given up; a second, shorter grace shortens the first. */
  #arm(grace: number): void {
    const cutAt = performance.now() + grace
    if (cutAt >= this.#cutAt) return
    this.#cutAt = cutAt
    clearTimeout(this.#timer)
    if (this.#queue.isEmpty) return
    this.#timer = setTimeout(() => {
      this.#late = new TimeoutError('Cannot close: the peer does not read', { phase: 'close' })
      this.below.destroy(this.#late)
    }, grace)
  }

  /** The connection's reason, but for what happened while it did not know that it was closing. */
  #reasonOf(reason: CloseReason): CloseReason {
    if (reason.kind === 'error' && reason.error === this.#late) return { kind: 'timeout', phase: 'close' }
    return reason.kind === 'local' && this.#shutdown ? { kind: 'shutdown' } : reason
  }
}
