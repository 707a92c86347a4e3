import type { MessageConnection } from '../connection.ts'
import { BrokenError, ClosedError, LimitError, SocketError } from '../errors.ts'
import { Fifo } from '../fifo.ts'
import { Gate, ready, rejected } from '../gate.ts'
import { unlessAborted } from '../lifecycle.ts'
import { Backlog, type Waiting } from './backlog.ts'
import type { SendPolicy, SendQueueOptions, SendStats } from './send-policy.ts'

/** Whom a send queue tells. */
export interface SendQueueHost {
  /** A message was dropped: told once for each time that the queue was full, and for each that cannot be sent. */
  dropped(error: SocketError): void
  /** Nothing waits any more, and the connection has room. */
  relieved(): void
  /** Nothing waits any more; the connection may be congested still. */
  emptied(): void
}

/** A `send` that waits for its place in the queue. */
interface Waiter<M> extends Waiting<M> {
  resolve(room: Promise<void> | undefined): void
  reject(error: unknown): void
}

/**
 * The messages between those who send and a congested connection, and the policy for when there are too many.
 * What comes while there is room goes straight through.
 */
export class SendQueue<M> {
  readonly #connection: MessageConnection<M>
  readonly #host: SendQueueHost
  readonly #policy: SendPolicy
  readonly #maxWaiting: number
  readonly #maxBytes: number
  readonly #sizeOf: (message: M) => number
  readonly #backlog: Backlog<M>
  readonly #gate = new Gate()
  readonly #waiters = new Fifo<Waiter<M>>()
  /** The connection answered false, and has not drained since. */
  #congested = false
  #pumping = false
  #toldOfDrops = false

  constructor(
    connection: MessageConnection<M>,
    host: SendQueueHost,
    { policy, maxMessages, maxBytes, maxWaiting, sizeOf }: Required<SendQueueOptions<M>>,
  ) {
    this.#connection = connection
    this.#host = host
    this.#policy = policy
    this.#maxWaiting = maxWaiting
    this.#maxBytes = maxBytes
    this.#sizeOf = sizeOf
    this.#backlog = new Backlog<M>(maxMessages, maxBytes)
  }

  get isEmpty(): boolean {
    return this.#backlog.isEmpty && this.#waiters.length === 0
  }

  get bytes(): number {
    return this.#backlog.bytes
  }

  stats(): SendStats {
    return this.#backlog.stats(this.#waiters.length)
  }

  write(message: M): boolean {
    return this.#accept(message, this.#measure(message))
  }

  send(message: M): Promise<void> {
    try {
      const size = this.#measure(message)
      if (this.#policy === 'block' && this.#mustWait && !this.#fits(size)) return this.#wait(message, size)
      return this.#accept(message, size) ? ready : this.#gate.wait()
    } catch (error) {
      return rejected(error)
    }
  }

  drained(options?: { signal?: AbortSignal }): Promise<void> {
    if (!this.#mustWait) return this.#connection.drained(options)
    const room = this.#gate.wait()
    return options?.signal ? unlessAborted(room, options.signal) : room
  }

  /** The connection has room again. */
  drain(): void {
    this.#congested = false
    this.#pump()
    if (this.#congested || !this.isEmpty) return
    this.#toldOfDrops = false
    this.#gate.open()
    this.#host.relieved()
  }

  /** The connection takes no more: what waits is lost, and those who wait hear why, in its own words. */
  finish(): void {
    const whole = this.isEmpty
    this.#backlog.lose()
    const waiters = this.#waiters.drain()
    const fail = (error: Error): void => {
      this.#gate.fail(error)
      for (const waiter of waiters) waiter.reject(error)
    }
    this.#connection.drained().then(() => {
      if (whole) this.#gate.open()
      else fail(new ClosedError('Cannot write: connection is closed', { phase: 'write' }))
    }, fail)
  }

  /** Whether a message has to queue up. A connection that is not open says itself what is wrong. */
  get #mustWait(): boolean {
    return (this.#congested || this.#pumping) && this.#connection.state === 'open'
  }

  /** Those who wait for a place come first. */
  #fits(size: number): boolean {
    return this.#waiters.length === 0 && this.#backlog.fits(size)
  }

  #accept(message: M, size: number): boolean {
    if (this.#mustWait) {
      if (this.#fits(size)) this.#backlog.add(message, size)
      else this.#overflow(message, size)
      return false
    }
    const room = this.#connection.write(message)
    this.#backlog.passed(size)
    if (!room) this.#congested = true
    return room
  }

  #overflow(message: M, size: number): void {
    const { limit, value } = this.#backlog.limitFor(size)
    const full = `the peer does not read, and ${limit} is reached`
    if (this.#policy === 'block' || this.#policy === 'close') {
      const error = new LimitError(`Cannot write: ${full}`, { limit, value, phase: 'write' })
      if (this.#policy === 'close') this.#connection.destroy(error)
      throw error
    }
    if (this.#policy === 'drop-newest' || size > this.#maxBytes) {
      this.#backlog.refused(size)
    } else {
      while (!this.#backlog.fits(size)) this.#backlog.dropOldest()
      this.#backlog.add(message, size)
    }
    if (this.#toldOfDrops) return
    this.#toldOfDrops = true
    this.#host.dropped(new LimitError(`Message dropped: ${full}`, { limit, value, phase: 'write' }))
  }

  #measure(message: M): number {
    const size = this.#sizeOf(message)
    if (Number.isSafeInteger(size) && size >= 0) return size
    throw new TypeError(`Cannot send: sizeOf gave ${String(size)}, which is no number of bytes`)
  }

  /** Bounded: who never awaits a `send` would fill the memory from here. */
  #wait(message: M, size: number): Promise<void> {
    if (this.#waiters.length >= this.#maxWaiting) {
      const value = this.#waiters.length + 1
      const full = 'the peer does not read, and maxWaiting is reached'
      throw new LimitError(`Cannot send: ${full}`, { limit: 'maxWaiting', value, phase: 'write' })
    }
    const promise = new Promise<void>((resolve, reject) => {
      this.#waiters.push({ message, size, resolve: (room) => resolve(room), reject })
    })
    promise.catch(() => {})
    return promise
  }

  /** Passes on what waits for as long as there is room, and fills the queue from those who wait for it. */
  #pump(): void {
    if (this.#pumping) return
    const waited = !this.isEmpty
    this.#pumping = true
    while (!this.#congested && !this.isEmpty) {
      if (this.#backlog.isEmpty) this.#admitPast(this.#waiters.shift())
      else this.#pass(this.#backlog.take())
    }
    for (
      let first = this.#waiters.head;
      first && this.#backlog.fits(first.size);
      first = this.#waiters.head
    ) {
      this.#waiters.shift()
      this.#backlog.add(first.message, first.size)
      first.resolve(this.#gate.wait())
    }
    this.#pumping = false
    if (waited && this.isEmpty) this.#host.emptied()
  }

  #pass({ message, size }: Waiting<M>): void {
    try {
      this.#congested = !this.#connection.write(message)
    } catch (error) {
      const over = error instanceof ClosedError || error instanceof BrokenError
      this.#backlog.returned(size, over ? 'lost' : 'dropped')
      if (over) this.#congested = true
      else this.#host.dropped(SocketError.from(error, 'Message dropped'))
    }
  }

  /** The queue is empty, so that not even a message above its limit has to wait any longer. */
  #admitPast({ message, size, resolve, reject }: Waiter<M>): void {
    try {
      this.#congested = !this.#connection.write(message)
      this.#backlog.passed(size)
      resolve(this.#congested ? this.#gate.wait() : undefined)
    } catch (error) {
      reject(error)
    }
  }
}
