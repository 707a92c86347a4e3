import { AcceptQueue } from './accept-queue.ts'
import { admit } from './accept.ts'
import type { Address } from './address.ts'
import type { ConnectionBase, ConnectionOwner } from './connection-base.ts'
import { defaultAcceptBacklog } from './defaults.ts'
import { channels } from './diagnostics.ts'
import { SocketError } from './errors.ts'
import { graceOf, Lifecycle } from './lifecycle.ts'
import type { Accept, Listener } from './listener.ts'
import type { CloseOptions, CloseReason, ResourceState } from './resource.ts'

/**
 * What every transport's listener shares: the set of connections, the accept callback or the queue of those
 * that wait for iteration, and the order of a shutdown. A transport says how to start and stop listening.
 */
export abstract class ListenerBase<C extends ConnectionBase<In, Out>, In, Out = In>
  implements Listener<C>, ConnectionOwner<C>
{
  abstract readonly address: Address
  readonly connections: Set<C> = new Set<C>()
  readonly #accept: Accept<C, In> | undefined
  readonly #queue = new AcceptQueue<C>(defaultAcceptBacklog)
  readonly #life = new Lifecycle()
  /** What was asked last, and what is so: a step from one to the other may take a while. */
  #wanted = true
  #listening = true
  #steps: Promise<void> = Promise.resolve()
  #reason: CloseReason = { kind: 'local' }
  #cutAt = Infinity
  #cutTimer: ReturnType<typeof setTimeout> | undefined
  #empty: (() => void) | undefined
  #giveUp: (() => void) | undefined

  constructor(accept: Accept<C, In> | undefined) {
    this.#accept = accept
  }

  /** Stops listening; connections live on. */
  protected abstract unlisten(): Promise<void>
  /** Listens again on the same address. */
  protected abstract relisten(): Promise<void>

  get state(): ResourceState {
    return this.#life.state
  }

  get closed(): Promise<CloseReason> {
    return this.#life.closed
  }

  get accepting(): boolean {
    return this.#wanted && this.#listening && this.state === 'open'
  }

  [Symbol.asyncIterator](): AsyncIterator<C, undefined> {
    return this.#queue.iterate()
  }

  suspend(): Promise<void> {
    this.#wanted = false
    return this.#follow()
  }

  async resume(): Promise<void> {
    if (this.state !== 'open') return
    this.#wanted = true
    await this.#follow()
  }

  close(options?: CloseOptions): Promise<void> {
    const grace = graceOf(options)
    this.#arm(grace)
    if (this.#life.begin()) void this.#shutDown(grace)
    return this.#life.settled(options?.signal)
  }

  destroy(error?: Error): void {
    if (this.state === 'closed') return
    for (const connection of this.connections) connection.destroy(error)
    if (error) this.#reason = { kind: 'error', error: SocketError.from(error, 'Listener destroyed') }
    void this.close({ grace: 0 })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * A connection of this listener is gone. One that waits to be iterated goes on waiting: what the peer sent before it
   * ended is still to be read. Where closing leaves nothing to read, see {@link withdraw}.
   */
  release(connection: C): void {
    this.connections.delete(connection)
    if (this.connections.size === 0) this.#empty?.()
  }

  /** The listener closes: what is not a connection yet, and would become one, has to end now. */
  protected dismiss(): void {}

  /** Whether too many wait to be taken already, so that {@link adopt} would refuse another. */
  protected get crowded(): boolean {
    return !this.#accept && this.#queue.full
  }

  /** Takes back a connection that nobody took yet: its place is another's, and it is not handed out. */
  protected withdraw(connection: C): void {
    this.#queue.withdraw(connection)
  }

  /**
   * Takes a new connection into the set and gives it to whoever accepts. False: too many wait to be taken
   * already, and it is destroyed.
   */
  protected adopt(connection: C): boolean {
    this.connections.add(connection)
    connection.attach(this)
    if (channels.accept.hasSubscribers) channels.accept.publish({ listener: this, connection })
    if (this.#accept) {
      admit<C, In, Out>(connection, this.#accept)
      return true
    }
    const taken = this.#queue.offer(connection)
    if (!taken) connection.destroy()
    return taken
  }

  async #shutDown(grace: number): Promise<void> {
    this.dismiss()
    // A step that fails leaves nothing listening either.
    // One that hangs, as in a resolver, does not outlast the grace: what it opens late is closed by the next step.
    const over = new Promise<void>((resolve) => (this.#giveUp = resolve))
    await Promise.race([this.suspend().catch(() => {}), over])
    this.#queue.close()
    for (const connection of this.connections) connection.shutdown(grace)
    if (this.connections.size > 0 && this.#cutAt > 0) {
      await new Promise<void>((resolve) => (this.#empty = resolve))
    }
    clearTimeout(this.#cutTimer)
    for (const connection of this.connections) connection.abandon({ kind: 'shutdown' })
    this.#life.finish(this.#reason)
  }

  /** When the rest is cut; a second, shorter grace shortens the first. */
  #arm(grace: number): void {
    const cutAt = performance.now() + grace
    if (this.state === 'closed' || cutAt >= this.#cutAt) return
    this.#cutAt = cutAt
    clearTimeout(this.#cutTimer)
    this.#cutTimer = setTimeout(() => {
      this.#cutAt = 0
      this.#giveUp?.()
      this.#empty?.()
    }, grace)
  }

  /** One step after the other, towards what was asked last. */
  #follow(): Promise<void> {
    const step = this.#steps.then(() => this.#step())
    this.#steps = step.catch(() => {})
    return step
  }

  async #step(): Promise<void> {
    if (this.#wanted === this.#listening) return
    if (this.#listening) {
      this.#listening = false
      return this.unlisten()
    }
    try {
      await this.relisten()
      this.#listening = true
    } catch (error) {
      this.#wanted = false
      throw error
    }
  }
}
