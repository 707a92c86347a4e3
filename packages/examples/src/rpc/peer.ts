import { LimitError, type MessageConnection, sendQueue, SocketError } from '@fairlead/core'
import { rejected } from '@fairlead/core/transport'

import { codes, type IncomingCall, type Params, type Result, RpcError } from './protocol.ts'

/** Calls of the peer that are worked on at a time; more are refused. */
const maxCalls = 100

type Fields = Record<string, unknown>

/**
 * The other end of a conversation in JSON-RPC 2.0, with the methods `Theirs`, and ours in `handlers`. Calls are given
 * up with `$/cancelRequest`, as in the Language Server Protocol. It takes the connection's handler slot.
 */
export class Peer<Theirs> {
  readonly #connection: MessageConnection<string>
  readonly #handlers: Readonly<Record<string, (params: Fields, call: IncomingCall<Theirs>) => unknown>>
  readonly #failed: (error: unknown) => void
  /** Our calls. */
  readonly #pending = new Map<unknown, { resolve(result: unknown): void; reject(error: unknown): void }>()
  /** The peer's calls; those without an id under a symbol. */
  readonly #running = new Map<unknown, AbortController>()
  #calls = 0

  /** `failed` is told what handlers throw beside RpcErrors. */
  constructor(
    connection: MessageConnection<string>,
    handlers: Readonly<Record<string, (params: Fields, call: IncomingCall<Theirs>) => unknown>>,
    failed: (error: unknown) => void = () => {},
  ) {
    // Who asks and asks, and does not read the answers, is cut off.
    this.#connection = sendQueue(connection, { policy: 'close' })
    this.#handlers = handlers
    this.#failed = failed
    this.#connection.handle({
      onData: (text) => this.#receive(text),
      onEnd: () => void connection.close(),
      onClose: () => this.#end(),
    })
  }

  /**
   * Rejects with an RpcError: the peer's, or with one of `codes`. Gives up, and tells the peer, when aborted (it rejects
   * with `signal.reason`) or after `timeout` milliseconds: by default 30,000; 0 is never.
   */
  async call<K extends keyof Theirs & string>(
    method: K,
    params: Params<Theirs, K>,
    { signal, timeout = 30_000 }: { signal?: AbortSignal; timeout?: number } = {},
  ): Promise<Result<Theirs, K>> {
    signal?.throwIfAborted()
    const id = this.#calls++
    const giveUp = (reason: unknown): void => {
      this.#pending.get(id)?.reject(reason)
      void this.#send({ method: '$/cancelRequest', params: { id } })
    }
    const aborted = (): void => giveUp(signal?.reason)
    const late = (): void => giveUp(new RpcError(codes.late, `No answer in ${timeout} ms`))
    const deadline = timeout > 0 ? setTimeout(late, timeout) : undefined
    signal?.addEventListener('abort', aborted)
    try {
      const answer = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }))
      const sent = this.#send({ id, method, params }).catch((error: unknown) => {
        throw SocketError.is(error) && !(error instanceof LimitError) ? ended() : error
      })
      await Promise.race([answer, sent])
      return (await answer) as Result<Theirs, K>
    } finally {
      this.#pending.delete(id)
      clearTimeout(deadline)
      signal?.removeEventListener('abort', aborted)
    }
  }

  /** Calls without an answer. May be awaited, until there is room for more. */
  notify<K extends keyof Theirs & string>(method: K, params: Params<Theirs, K>): Promise<void> {
    return this.#send({ method, params })
  }

  #send(message: object): Promise<void> {
    try {
      return this.#connection.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
    } catch (error) {
      return rejected(error)
    }
  }

  #receive(text: string): void {
    let message: Fields
    try {
      message = Object(JSON.parse(text)) as Fields
    } catch {
      return this.#refuse(null, new RpcError(codes.parseError, 'That is not JSON'))
    }
    const { jsonrpc, id, method, params = {}, result, error = null } = message
    if (method === undefined && (error ?? result) !== undefined) {
      if (error === null) this.#pending.get(id)?.resolve(result)
      else this.#pending.get(id)?.reject(errorFrom(error))
    } else if (jsonrpc !== '2.0' || typeof method !== 'string' || !isObject(params) || !isId(id ?? 0)) {
      this.#refuse(
        isId(id) ? id : null,
        new RpcError(codes.invalidRequest, 'That is no call of JSON-RPC 2.0'),
      )
    } else if (method === '$/cancelRequest') {
      this.#running.get(params['id'])?.abort()
    } else {
      void this.#answer(id, method, params)
    }
  }

  async #answer(id: unknown, method: string, params: Fields): Promise<void> {
    const call = new AbortController()
    const key = id === undefined || this.#running.has(id) ? Symbol(method) : id
    try {
      if (this.#running.size >= maxCalls) throw new RpcError(codes.busy, `${maxCalls} calls are under way`)
      if (!Object.hasOwn(this.#handlers, method)) throw new RpcError(codes.methodNotFound, 'No such method')
      if (Array.isArray(params)) throw invalidParams('they go by name here')
      this.#running.set(key, call)
      const result = await this.#handlers[method]?.(params, { peer: this, signal: call.signal })
      if (id !== undefined) await this.#send({ id, result: result ?? null })
    } catch (error) {
      this.#refuse(id, call.signal.aborted ? new RpcError(codes.cancelled, 'Cancelled') : error)
    } finally {
      this.#running.delete(key)
    }
  }

  #refuse(id: unknown, error: unknown): void {
    if (this.#connection.state !== 'open') return
    if (!(error instanceof RpcError)) this.#failed(error)
    const { code, message, data } = shownOf(error)
    if (id !== undefined) void this.#send({ id, error: { code, message, data } })
  }

  #end(): void {
    for (const call of this.#pending.values()) call.reject(ended())
    for (const call of this.#running.values()) call.abort()
  }
}

export function invalidParams(why: string): RpcError {
  return new RpcError(codes.invalidParams, `Invalid params: ${why}`)
}

function ended(): RpcError {
  return new RpcError(codes.ended, 'The connection has ended')
}

/** What a caller may know of what went wrong. */
function shownOf(error: unknown): RpcError {
  if (error instanceof RpcError) return error
  return new RpcError(codes.internalError, error instanceof LimitError ? error.message : 'Internal error')
}

function errorFrom(error: unknown): RpcError {
  const { code, message, data } = Object(error) as Fields
  const words = typeof message === 'string' ? message : 'Failed without a reason'
  return new RpcError(typeof code === 'number' ? code : codes.internalError, words, data)
}

function isId(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}
