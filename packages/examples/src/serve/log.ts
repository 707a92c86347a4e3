import { type Address, type ByteConnection, formatAddress } from '@fairlead/core'
import { channels, type DiagnosticEvents } from '@fairlead/core/diagnostics'
import { type Exchange, httpChannels, type HttpDiagnosticEvents } from '@fairlead/http'

import type { LogEntry } from './entry.ts'

/** A request whose answer is still to come. */
interface Pending {
  readonly exchange: Exchange
  readonly time: Date
  readonly began: number
  user: string | undefined
}

/**
 * Tells of each answer once, when it is given; of requests whose clients left before; and of what was no request, and
 * refused by the server itself.
 */
export class AccessLog {
  readonly #tell: (entry: LogEntry) => void
  readonly #isOurs: (connection: ByteConnection) => boolean
  /** By the client's address and port: on a connection, one comes after the other. */
  readonly #pending = new Map<string, Pending>()

  constructor(tell: (entry: LogEntry) => void, isOurs: (connection: ByteConnection) => boolean) {
    this.#tell = tell
    this.#isOurs = isOurs
    httpChannels.answer.subscribe(this.#answered)
    httpChannels.refuse.subscribe(this.#refused)
    channels.close.subscribe(this.#closed)
  }

  /** A request came that is to be told of. */
  begin(exchange: Exchange): void {
    this.#pending.set(keyOf(exchange.remoteAddress), {
      exchange,
      time: new Date(),
      began: performance.now(),
      user: undefined,
    })
  }

  /** Who makes the request. */
  identify({ remoteAddress }: Exchange, user: string): void {
    const pending = this.#pending.get(keyOf(remoteAddress))
    if (pending) pending.user = user
  }

  close(): void {
    httpChannels.answer.unsubscribe(this.#answered)
    httpChannels.refuse.unsubscribe(this.#refused)
    channels.close.unsubscribe(this.#closed)
  }

  readonly #answered = ({ exchange, status, duration, bytesOut }: HttpDiagnosticEvents['answer']): void => {
    const key = keyOf(exchange.remoteAddress)
    const pending = this.#pending.get(key)
    if (pending?.exchange !== exchange) return
    this.#pending.delete(key)
    this.#tell({ ...factsOf(pending), status, bytes: bytesOut, duration })
  }

  readonly #refused = ({ connection, status }: HttpDiagnosticEvents['refuse']): void => {
    if (!this.#isOurs(connection)) return
    const client = clientOf(connection.remoteAddress)
    const unknown = { user: undefined, method: '-', target: '-', bytes: undefined, duration: 0 }
    this.#tell({ time: new Date(), client, status, ...unknown })
  }

  readonly #closed = ({ connection }: DiagnosticEvents['close']): void => {
    const key = keyOf(connection.remoteAddress)
    const pending = this.#pending.get(key)
    if (!pending) return
    this.#pending.delete(key)
    const duration = performance.now() - pending.began
    this.#tell({ ...factsOf(pending), status: undefined, bytes: undefined, duration })
  }
}

function factsOf({ exchange, time, user }: Pending): Omit<LogEntry, 'status' | 'bytes' | 'duration'> {
  const { remoteAddress, request } = exchange
  return { time, client: clientOf(remoteAddress), user, method: request.method, target: request.target }
}

function clientOf(address: Address): string {
  return address.kind === 'ip' ? address.host : formatAddress(address)
}

function keyOf(address: Address): string {
  return formatAddress(address)
}
