import { BrokenError, type ByteConnection, ClosedError, LimitError } from '@fairlead/core'
import { Deadline } from '@fairlead/core/transport'

import type { Call } from './call.ts'
import { ClientConnection, type ConnectionHost } from './connection.ts'
import { clientChannels } from './diagnostics.ts'
import type { Times } from './settings.ts'

/** What a pool asks of its client. */
export interface PoolHost extends Pick<ConnectionHost, 'limits' | 'pipelining' | 'idleTimeout' | 'count'> {
  readonly maxConnections: number
  readonly maxQueued: number
  /** It has neither connections nor requests. */
  empty(pool: Pool): void
}

/** What a pool counted, and how it stands. */
export interface PoolStats {
  /** Connections that are there, and those of them that wait for a request. */
  readonly connections: number
  readonly idle: number
  /** Connections on their way. */
  readonly connecting: number
  /** Requests that wait for a connection. */
  readonly queued: number
}

/** Opens a connection within these times. */
export type Opener = (signal: AbortSignal, times: Times) => Promise<ByteConnection>

/** A connection on its way. */
interface Opening {
  readonly abort: AbortController
  /** For whom it began. That one fails with it, if it still waits: another connection may have come first. */
  readonly call: Call
  /** Whoever waited when the last one began fails with that. */
  readonly began: number
}

/**
 * The connections to one origin, and the requests that wait for one: first come, first served. A connection that is
 * opened belongs to nobody, so a request takes whichever is free first. The last one used is the first to be used
 * again, since the server is least likely to be closing it.
 */
export class Pool {
  /** What the client knows it by. */
  readonly key: string
  /** Whom it connects to. */
  readonly origin: string
  readonly #connect: Opener
  readonly #host: PoolHost
  readonly #connections = new Set<ClientConnection>()
  readonly #idle: ClientConnection[] = []
  readonly #opening = new Set<Opening>()
  readonly #queue = new Set<Call>()
  /** Those that must have a connection that nobody has used, because the one they had was lost. */
  readonly #again = new Set<Call>()
  readonly #connectionHost: ConnectionHost
  /** It looks for a connection, and is not empty whatever it finds. */
  #taking = false
  /** Those that wait are given what is idle when this turn of the event loop is over. */
  #serving = false
  #draining = false
  #destroyed: Error | undefined

  constructor(key: string, origin: string, connect: Opener, host: PoolHost) {
    this.key = key
    this.origin = origin
    this.#connect = connect
    this.#host = host
    this.#connectionHost = {
      limits: host.limits,
      pipelining: host.pipelining,
      idleTimeout: host.idleTimeout,
      free: (connection) => this.#free(connection),
      gone: (connection) => this.#gone(connection),
      count: (bytesIn, bytesOut) => host.count(bytesIn, bytesOut),
    }
  }

  stats(): PoolStats {
    return {
      connections: this.#connections.size,
      idle: this.#idle.length,
      connecting: this.#opening.size,
      queued: this.#waiting,
    }
  }

  /** Sends it, at once or when a connection is free. @throws LimitError when too many wait. */
  dispatch(call: Call): void {
    if (this.#destroyed) throw this.#destroyed
    // Another protocol is not asked for where the server may be about to close, and nothing can be asked twice.
    if (call.request.upgrade !== undefined) {
      this.#refuseMore()
      call.fresh = true
      return this.again(call)
    }
    // Those that must have a fresh connection wait for none of these.
    const connection = this.#queue.size === 0 && !this.#bides(call) ? this.#take(call) : undefined
    if (connection) return connection.send(call)
    this.#refuseMore()
    this.#queue.add(call)
    if (this.#idle.length > 0) this.#serveSoon()
    this.#open()
  }

  /** Sends it before those that wait, on a connection that nobody has used. */
  again(call: Call): void {
    if (this.#destroyed) return call.fail(this.#destroyed, false)
    this.#again.add(call)
    // Whoever waits for a connection that is free waits in vain if all of them are.
    if (this.#full) this.#idle[0]?.close()
    this.#open()
  }

  /** It waits no more. */
  forget(call: Call): void {
    this.#queue.delete(call)
    this.#again.delete(call)
    if (this.#waiting > 0) return
    const reason = new ClosedError('Cannot connect: nobody waits for it any more')
    for (const opening of this.#opening) opening.abort.abort(reason)
    this.#look()
  }

  /** Idle connections go; the others, when they have done what waits for them. */
  drain(): void {
    this.#draining = true
    for (const connection of this.#idle.slice()) connection.close()
    this.#look()
  }

  /** Everything goes, now. */
  destroy(error: Error): void {
    this.#draining = true
    this.#destroyed = error
    const waiting = [...this.#again, ...this.#queue]
    this.#again.clear()
    this.#queue.clear()
    for (const opening of this.#opening) opening.abort.abort(error)
    for (const connection of this.#connections) connection.destroy(error)
    for (const call of waiting) call.fail(error, false)
    this.#look()
  }

  get #waiting(): number {
    return this.#queue.size + this.#again.size
  }

  get #full(): boolean {
    return this.#connections.size + this.#opening.size >= this.#host.maxConnections
  }

  /** A connection that can take `call` now. */
  #take(call: Call): ClientConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined) break
      if (connection.takes(call)) return connection
      this.#taking = true
      connection.close()
      this.#taking = false
    }
    if (this.#host.pipelining === 1 || !this.#full) return undefined
    for (const connection of this.#connections) if (connection.takes(call)) return connection
    return undefined
  }

  /**
   * Whether it takes no connection that is idle before a turn of the event loop is over, in which an end that has come
   * already is read: servers close behind an answer without a word, and this one cannot be sent again.
   */
  #bides(call: Call): boolean {
    return !call.request.idempotent && this.#idle.length > 0
  }

  /** Whoever has a connection on its way does not count. */
  #refuseMore(): void {
    const value = this.#waiting - this.#opening.size
    const { maxQueued } = this.#host
    if (value < maxQueued || !this.#full) return
    const text = `Cannot queue: ${value} requests wait already, maxQueued is ${maxQueued}`
    throw new LimitError(text, { limit: 'maxQueued', value, phase: 'connect', retryable: true })
  }

  #serveSoon(): void {
    if (this.#serving) return
    this.#serving = true
    const serve = (): void => {
      this.#serving = false
      this.#serve()
    }
    // The first one may come in this turn: behind the second, sockets were looked at in between.
    setImmediate(() => setImmediate(serve))
  }

  /** Gives what is idle to those that wait. */
  #serve(): void {
    for (const call of this.#queue) {
      const connection = this.#take(call)
      if (connection === undefined) break
      this.#queue.delete(call)
      connection.send(call)
    }
    this.#open()
    this.#look()
  }

  /** Opens as many connections as are waited for, and allowed. */
  #open(): void {
    for (;;) {
      const wanted = this.#again.size + Math.max(0, this.#queue.size - this.#idle.length)
      if (this.#opening.size >= wanted || this.#full) return
      this.#begin(this.#next())
    }
  }

  /** For whom the next connection is: the first of those that wait for whom none is on its way. */
  #next(): Call {
    const served = new Set<Call>()
    for (const { call } of this.#opening) served.add(call)
    for (const waiting of [this.#again, this.#queue]) {
      for (const call of waiting) if (!served.has(call)) return call
    }
    // One that was on its way for somebody else.
    const [first] = this.#again.size > 0 ? this.#again : this.#queue
    return first!
  }

  #begin(call: Call): void {
    const opening = { abort: new AbortController(), call, began: Deadline.now() }
    this.#opening.add(opening)
    this.#connect(opening.abort.signal, call.shared.times).then(
      (connection) => this.#opened(opening, connection),
      (error: unknown) => this.#refused(opening, error),
    )
  }

  #opened(opening: Opening, connection: ByteConnection): void {
    this.#opening.delete(opening)
    if (opening.abort.signal.aborted) {
      connection.destroy()
      this.#open()
      return this.#look()
    }
    if (connection.state !== 'open') {
      // Whoever waits for it would wait for the next one, and so on without end.
      const error = new BrokenError('Cannot connect: the connection was closed at once', { phase: 'connect' })
      return this.#refused(opening, error)
    }
    if (clientChannels.connect.hasSubscribers) {
      clientChannels.connect.publish({
        origin: this.origin,
        connection,
        duration: Deadline.now() - opening.began,
      })
    }
    let one
    try {
      one = new ClientConnection(connection, this.#connectionHost)
    } catch (error) {
      connection.destroy()
      return this.#refused(opening, error)
    }
    this.#connections.add(one)
    const [first] = this.#again.size > 0 ? this.#again : this.#queue
    if (first) {
      this.#again.delete(first)
      this.#queue.delete(first)
      one.send(first)
    } else this.#free(one)
    if (!one.busy) one.rest()
  }

  /** Whom it began for fails with it; with the last one, where no other connection is there, all who waited then. */
  #refused(opening: Opening, error: unknown): void {
    this.#opening.delete(opening)
    if (clientChannels.refuse.hasSubscribers) {
      clientChannels.refuse.publish({ origin: this.origin, error, duration: Deadline.now() - opening.began })
    }
    // What nobody waited for any more is nobody's failure.
    if (!opening.abort.signal.aborted) {
      const last = this.#connections.size === 0 && this.#opening.size === 0
      for (const call of [opening.call, ...(last ? [...this.#again, ...this.#queue] : [])]) {
        if (call.queuedAt > opening.began) break
        const waited = this.#again.delete(call) || this.#queue.delete(call)
        if (waited) call.fail(error, false)
      }
    }
    this.#open()
    this.#look()
  }

  /** It has room: for those that wait, or to wait itself. */
  #free(connection: ClientConnection): void {
    // One has to go so that another, which nobody has used, can come: before those that wait.
    const wanted = this.#again.size > this.#opening.size && this.#full
    for (const call of this.#queue) {
      if (wanted || !call.request.idempotent || !connection.takes(call)) break
      this.#queue.delete(call)
      connection.send(call)
    }
    if (connection.busy) return
    if (wanted || (this.#draining && this.#queue.size === 0)) return connection.close()
    if (!this.#connections.has(connection)) return
    this.#idle.push(connection)
    if (this.#queue.size > 0) this.#serveSoon()
  }

  #gone(connection: ClientConnection): void {
    this.#connections.delete(connection)
    const at = this.#idle.lastIndexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#open()
    this.#look()
  }

  #look(): void {
    if (this.#taking) return
    if (this.#connections.size === 0 && this.#opening.size === 0 && this.#waiting === 0)
      this.#host.empty(this)
  }
}
