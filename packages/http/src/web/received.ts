import { readNow, type Reader } from './content.ts'
import { Held } from './held.ts'
import { type Arriving, ReceivedSource } from './received-source.ts'
import { runtime, type RuntimeResponse } from './runtime.ts'

/**
 * The body of a fetched response, which is read past any stream as long as nobody asked for one: whole, or piece by
 * piece. What fails is told by {@link failureOf}.
 *
 * ```text
 *   there ──read, take──▶ used
 *     └──────content────▶ used, and read there
 * ```
 */
export class Received extends Held implements AsyncIterable<Uint8Array> {
  readonly #arriving: Arriving
  readonly #signal: AbortSignal | undefined
  #used = false

  constructor(arriving: Arriving, signal: AbortSignal | undefined) {
    super()
    this.#arriving = arriving
    this.#signal = signal
    if (!arriving.complete) unread.register(this, { arriving }, this)
  }

  /** Whether it was read, or begun to be. */
  get bodyUsed(): boolean {
    return this.#used
  }

  /** All of it. `type` is the Content-Type of the message. */
  async read(how: Reader, type: string | null): Promise<unknown> {
    this.#use()
    const signal = this.#signal
    // Of a body that came before the abort, too (Fetch standard section 5.6, "abort a fetch() call").
    if (signal?.aborted) {
      this.#arriving.discard()
      throw signal.reason
    }
    let bytes
    try {
      bytes = await this.#arriving.bytes()
    } catch (error) {
      return this.#fail(error)
    }
    return readNow(bytes, how, type)
  }

  /** For whoever sends it on: its pieces are asked for as they are sent. */
  take(): AsyncIterable<Uint8Array> {
    this.#use()
    return this
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    const source = this.#arriving.body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>
    return {
      next: () => source.next().catch((error: unknown) => this.#fail(error)),
      return: () => {
        this.#arriving.discard()
        return Promise.resolve({ value: undefined, done: true })
      },
    }
  }

  /** In the runtime's hands from now on: as a stream, with all that streams can. */
  content(): RuntimeResponse {
    const used = this.#used
    this.#use()
    if (!used) return new runtime.Response(streamOf(this.#arriving, this.#signal))
    const carrier = new runtime.Response(new ReadableStream())
    void carrier.body?.cancel()
    return carrier
  }

  #use(): void {
    if (this.#used) return
    this.#used = true
    unread.unregister(this)
  }

  #fail(error: unknown): never {
    throw failureOf(error, this.#signal)
  }
}

/** What a failure is to who fetches: the reason of the abort, or a `TypeError` that tells all that its cause does. */
export function failureOf(error: unknown, signal: AbortSignal | null | undefined): unknown {
  if (signal?.aborted) return signal.reason
  if (error instanceof TypeError) return error
  const message = error instanceof Error ? error.message : `Cannot fetch: ${String(error)}`
  return new TypeError(message, { cause: error })
}

/**
 * Bodies that nobody can read any more. A program that looks at the status and goes on leaves them, and each would
 * hold its connection for as long as the program runs.
 */
const unread = new FinalizationRegistry<{ readonly arriving: Arriving; readonly forget?: () => void }>(
  ({ arriving, forget }) => {
    forget?.()
    arriving.discard()
  },
)

function streamOf(arriving: Arriving, signal: AbortSignal | undefined): ReadableStream<Uint8Array> {
  const source = new ReceivedSource(arriving, (error) => failureOf(error, signal))
  const stream = new ReadableStream(source)
  if (source.over) return stream
  const forget = signal && listen(signal, new WeakRef(source))
  unread.register(stream, forget ? { arriving, forget } : { arriving }, source)
  source.onOver = () => {
    unread.unregister(source)
    forget?.()
  }
  if (signal?.aborted) source.abort(signal.reason)
  return stream
}

/** The signal may outlive the stream, and must not keep it: so nothing here knows that but weakly. */
function listen(signal: AbortSignal, source: WeakRef<ReceivedSource>): () => void {
  const abort = (): void => source.deref()?.abort(signal.reason)
  signal.addEventListener('abort', abort)
  return () => signal.removeEventListener('abort', abort)
}
