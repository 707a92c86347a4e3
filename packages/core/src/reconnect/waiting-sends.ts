import { LimitError } from '../errors.ts'
import { rejected } from '../gate.ts'

/** A send that waits for a connection. */
interface WaitingSend<Out> {
  readonly data: Out
  readonly size: number
  readonly signal: AbortSignal | undefined
  readonly abort: () => void
  resolve(sent: Promise<void> | void): void
  reject(error: unknown): void
}

/** Sends that wait for a connection, in order, bounded in number and bytes. None of them was ever on a wire. */
export class WaitingSends<Out> {
  readonly #most: number
  readonly #mostBytes: number
  readonly #sends = new Set<WaitingSend<Out>>()
  #bytes = 0

  constructor(maxWaiting: number, maxWaitingBytes: number) {
    this.#most = maxWaiting
    this.#mostBytes = maxWaitingBytes
  }

  /** Resolves as the send does once it is made; rejects when it may not wait, or is aborted while it does. */
  add(data: Out, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return rejected(signal.reason)
    const size = sizeOf(data)
    if (this.#sends.size >= this.#most) return refuse('maxWaiting', this.#sends.size + 1)
    if (this.#bytes + size > this.#mostBytes) return refuse('maxWaitingBytes', this.#bytes + size)
    const sent = new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        this.#remove(send)
        reject(signal?.reason as Error)
      }
      const send: WaitingSend<Out> = { data, size, signal, abort, resolve, reject }
      signal?.addEventListener('abort', abort, { once: true })
      this.#sends.add(send)
      this.#bytes += size
    })
    sent.catch(() => {})
    return sent
  }

  /** Makes the sends, in order, until `make` answers undefined: there is no connection to make it on. */
  flush(make: (data: Out, signal: AbortSignal | undefined) => Promise<void> | undefined): void {
    for (const send of this.#sends) {
      const made = make(send.data, send.signal)
      if (made === undefined) return
      this.#remove(send)
      send.resolve(made)
    }
  }

  fail(error: unknown): void {
    for (const send of this.#sends) {
      this.#remove(send)
      send.reject(error)
    }
  }

  #remove(send: WaitingSend<Out>): void {
    this.#sends.delete(send)
    this.#bytes -= send.size
    send.signal?.removeEventListener('abort', send.abort)
  }
}

function refuse(limit: string, value: number): Promise<never> {
  const message = `Cannot send: more waits for a connection than ${limit} allows`
  return rejected(new LimitError(message, { limit, value, phase: 'write', retryable: true }))
}

/** What it is besides texts and bytes is known to its framing only; those are bounded in number. */
function sizeOf(data: unknown): number {
  if (typeof data === 'string') return Buffer.byteLength(data)
  return ArrayBuffer.isView(data) ? data.byteLength : 0
}
