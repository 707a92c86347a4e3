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
export type Connect = (signal: AbortSignal, times: Times) => Promise<ByteConnection>

/** A connection on its way. */
interface Opening {
  readonly abort: AbortController
  /** Whoever waited when it began fails with it. */
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
  readonly #connect: Connect
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
  #draining = false
  #destroyed: Error | undefined

  constructor(key: string, origin: string, connect: Connect, host: PoolHost) {
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
    if (this.#draining) throw this.#destroyed ?? new ClosedError('Cannot request: the client is closed')
    // Those that must have a fresh connection wait for none of these.
    const connection = this.#queue.size === 0 ? this.#take(call) : undefined
    if (connection) return connection.send(call)
    const value = this.#waiting
    if (value >= this.#host.maxQueued) {
      const text = `Cannot queue: ${value} requests wait already, maxQueued is ${this.#host.maxQueued}`
      throw new LimitError(text, { limit: 'maxQueued', value, phase: 'connect', retryable: true })
    }
    this.#queue.add(call)
    this.#open()
  }

  /** Sends it once more, before those that wait, on a connection that nobody has used. */
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

  /** Opens as many connections as are waited for, and allowed. */
  #open(): void {
    while (this.#opening.size < this.#waiting && !this.#full) {
      const [first] = this.#again.size > 0 ? this.#again : this.#queue
      this.#begin(first!.shared.times)
    }
  }

  #begin(times: Times): void {
    const opening = { abort: new AbortController(), began: Deadline.now() }
    this.#opening.add(opening)
    this.#connect(opening.abort.signal, times).then(
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
    const [again] = this.#again
    if (again) {
      this.#again.delete(again)
      one.send(again)
    } else this.#free(one)
    if (!one.busy) one.rest()
  }

  /** Those that waited for it from the beginning fail with it; where others are there, only the first of them. */
  #refused(opening: Opening, error: unknown): void {
    this.#opening.delete(opening)
    if (clientChannels.refuse.hasSubscribers) {
      clientChannels.refuse.publish({ origin: this.origin, error, duration: Deadline.now() - opening.began })
    }
    const alone = this.#connections.size === 0
    // What nobody waited for any more is nobody's failure.
    const waiting = opening.abort.signal.aborted ? [] : [...this.#again, ...this.#queue]
    for (const call of waiting) {
      if (call.queuedAt > opening.began) break
      this.#again.delete(call)
      this.#queue.delete(call)
      call.fail(error, false)
      if (!alone) break
    }
    this.#open()
    this.#look()
  }

  /** It has room: for those that wait, or to wait itself. */
  #free(connection: ClientConnection): void {
    // One has to go so that another, which nobody has used, can come: before those that wait.
    const wanted = this.#again.size > this.#opening.size && this.#full
    for (const call of this.#queue) {
      if (wanted || !connection.takes(call)) break
      this.#queue.delete(call)
      connection.send(call)
    }
    if (connection.busy) return
    if (this.#draining || wanted) return connection.close()
    if (this.#connections.has(connection)) this.#idle.push(connection)
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
