import { admit } from '../accept.ts'
import type { Connection } from '../connection.ts'
import { BrokenError, BusyError, ClosedError, ConnectError, SocketError } from '../errors.ts'
import { ready, rejected } from '../gate.ts'
import { graceOf, Lifecycle, unlessAborted } from '../lifecycle.ts'
import type { CloseOptions, CloseReason, ResourceState } from '../resource.ts'
import type { Connect, InputOf, OnConnection, OutputOf, ReconnectingClient } from './client.ts'
import type { ReconnectSettings } from './options.ts'
import { Succession } from './succession.ts'
import { WaitingSends } from './waiting-sends.ts'

/** What `admit` asks of a connection beyond its public face. */
type Admitted<C> = Connection<InputOf<C>> & { readonly occupied?: boolean }

/** Of an error of a send that was not made. */
const unsent = { phase: 'write', retryable: true }

/** The client of `reconnect`. */
export class Reconnector<C extends Connection<unknown>> implements ReconnectingClient<C> {
  readonly #connect: Connect<C>
  readonly #onConnection: OnConnection<C> | undefined
  readonly #settings: ReconnectSettings
  readonly #life = new Lifecycle()
  /** Aborted when there are to be no more attempts. */
  readonly #stop = new AbortController()
  readonly #waiting: WaitingSends<OutputOf<C>>
  readonly #succession = new Succession<C>((connection) => leave(connection))
  #connection: C | undefined
  /** Why the last attempt failed; none when it did not. */
  #refusal: SocketError | undefined

  constructor(connect: Connect<C>, settings: ReconnectSettings, onConnection: OnConnection<C> | undefined) {
    this.#connect = connect
    this.#settings = settings
    this.#onConnection = onConnection
    this.#waiting = new WaitingSends(settings.maxWaiting, settings.maxWaitingBytes)
    settings.signal?.addEventListener('abort', this.#abort, { once: true })
    this.#run().then(
      (reason) => this.#end(this.state === 'closing' ? { kind: 'local' } : reason),
      // A callback that is asked something threw: there is no connection that it could cost.
      (error: unknown) => this.destroy(SocketError.from(error, 'Reconnecting failed')),
    )
  }

  get state(): ResourceState {
    return this.#life.state
  }

  get closed(): Promise<CloseReason> {
    return this.#life.closed
  }

  get connection(): C | undefined {
    return this.#connection
  }

  [Symbol.asyncIterator](): AsyncIterator<C, undefined> {
    if (this.#onConnection) throw new BusyError('Cannot iterate: a callback takes the connections')
    return this.#succession.iterate()
  }

  send(data: OutputOf<C>, options?: { signal?: AbortSignal }): Promise<void> {
    const signal = options?.signal
    if (signal?.aborted) return rejected(signal.reason)
    const sent = this.#hand(data, signal)
    if (sent) return sent
    if (this.#stop.signal.aborted) return rejected(this.#over())
    if (this.#settings.waits) return this.#waiting.add(data, signal)
    const cause = this.#refusal && { cause: this.#refusal }
    return rejected(new BrokenError('Cannot send: not connected', { ...unsent, ...cause }))
  }

  close(options?: CloseOptions): Promise<void> {
    const grace = graceOf(options)
    this.#life.begin()
    this.#stop.abort()
    this.#waiting.fail(this.#over())
    if (this.#connection) void this.#connection.close({ grace })
    else this.#end({ kind: 'local' })
    return this.#life.settled(options?.signal)
  }

  destroy(error?: Error): void {
    this.#end(
      error ? { kind: 'error', error: SocketError.from(error, 'Client destroyed') } : { kind: 'local' },
    )
    this.#connection?.destroy(error)
    this.#connection = undefined
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Connects until told to stop or given up, and says why it ended. */
  async #run(): Promise<CloseReason> {
    const { signal } = this.#stop
    for (;;) {
      const reason = await this.#turn()
      if (signal.aborted) return reason
      const delay = this.#settings.backoff.next()
      if (delay === undefined) return { kind: 'error', error: this.#refusal ?? this.#gaveUp(reason) }
      void this.#tell(delay, reason)
      await pause(delay, signal)
      if (signal.aborted) return { kind: 'local' }
    }
  }

  /** One attempt, and the life of its connection; answers how that ended. */
  async #turn(): Promise<CloseReason> {
    const { backoff, retry, stableAfter } = this.#settings
    let connection: C
    try {
      connection = await this.#open()
    } catch (error) {
      if (this.#stop.signal.aborted) return { kind: 'local' }
      this.#refusal = refusalOf(error)
      if (!retry(error)) this.#stop.abort()
      return { kind: 'error', error: this.#refusal }
    }
    this.#refusal = undefined
    const since = performance.now()
    this.#take(connection)
    const reason = await connection.closed
    this.#connection = undefined
    this.#succession.withdraw()
    if (performance.now() - since >= stableAfter) backoff.reset()
    return reason
  }

  /** Waits for a connection, but no longer than told to: one that comes too late is dropped. */
  async #open(): Promise<C> {
    const { signal } = this.#stop
    const opening = this.#connect({ signal })
    opening.then(
      (connection: C | undefined) => signal.aborted && connection?.destroy(),
      () => {},
    )
    const connection = await unlessAborted(opening, signal)
    if (!signal.aborted) return connection
    connection.destroy()
    throw signal.reason
  }

  #take(connection: C): void {
    this.#connection = connection
    const onConnection = this.#onConnection
    const attempt = this.#settings.backoff.attempts + 1
    if (onConnection) admit(connection as unknown as Admitted<C>, () => onConnection(connection, attempt))
    else this.#succession.offer(connection)
    this.#waiting.flush((data, signal) => this.#hand(data, signal))
  }

  /** Hands `data` to the connection; undefined when there is none that takes it. */
  #hand(data: OutputOf<C>, signal: AbortSignal | undefined): Promise<void> | undefined {
    const connection = this.#connection
    if (!connection) return undefined
    try {
      return connection.write(data) ? ready : connection.drained(signal ? { signal } : {})
    } catch (error) {
      const lost = error instanceof BrokenError || error instanceof ClosedError
      return lost ? undefined : rejected(error)
    }
  }

  /** A callback that throws or rejects costs the client. */
  async #tell(delay: number, reason: CloseReason): Promise<void> {
    try {
      await this.#settings.onRetry?.(delay, reason)
    } catch (error) {
      this.destroy(SocketError.from(error, 'onRetry callback failed'))
    }
  }

  readonly #abort = (): void => {
    const reason: unknown = this.#settings.signal?.reason
    this.#stop.abort(reason)
    this.#waiting.fail(reason)
  }

  #end(reason: CloseReason): void {
    if (!this.#life.finish(reason)) return
    this.#stop.abort()
    this.#settings.signal?.removeEventListener('abort', this.#abort)
    this.#waiting.fail(this.#over())
    this.#succession.end(reason.kind === 'error' ? reason.error : undefined)
  }

  /** Why nothing is sent any more. */
  #over(): SocketError {
    const reason = this.#life.reason
    if (reason?.kind !== 'error') return new ClosedError('Cannot send: client is closed', { phase: 'write' })
    return new BrokenError(`Cannot send: ${reason.error.message}`, { phase: 'write', cause: reason.error })
  }

  /** Connections came, and did not stay. */
  #gaveUp(reason: CloseReason): ConnectError {
    const cause = reason.kind === 'error' ? { cause: reason.error } : {}
    const message = `Cannot stay connected: gave up after ${this.#settings.backoff.attempts + 1} attempts`
    return new ConnectError(message, { retryable: true, ...cause })
  }
}

/** As after an accept callback: what nobody reads any more is closed. */
function leave(connection: Connection<unknown>): void {
  if ((connection as Admitted<unknown>).occupied === false) void connection.close()
}

function refusalOf(error: unknown): SocketError {
  if (SocketError.is(error)) return error
  const { message } = SocketError.from(error, 'Cannot connect')
  return new ConnectError(message, { retryable: false, cause: error })
}

/** Keeps the process alive, and ends early when aborted. */
function pause(delay: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const wake = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, delay)
    signal.addEventListener('abort', wake, { once: true })
  })
}
