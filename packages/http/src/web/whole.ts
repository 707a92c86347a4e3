const wholes = new WeakMap<object, Whole>()

/** What a stream was made of, if it is the stream of a {@link Whole}. */
export function wholeOf(stream: object): Whole | undefined {
  return wholes.get(stream)
}

/**
 * Text or bytes of which a stream was made. Who has the stream can have them as they are, as long as nobody has
 * read of it: middleware makes a response out of the stream of another for each field that it sets.
 *
 * ```text
 *   intact ──getReader, tee, pipeTo──▶ locked
 *     │                                  │
 *     │ take, cancel                     │ read, cancel
 *     ▼                                  ▼
 *   used ◀───────────────────────────────┘
 * ```
 */
export class Whole {
  readonly body: ReadableStream<Uint8Array>
  readonly #content: string | Uint8Array
  #used = false

  /** The content belongs to it from now on. */
  constructor(content: string | Uint8Array) {
    this.#content = content
    // Of bytes, as the runtime's are; nothing is encoded before it is read.
    this.body = new ReadableStream({
      type: 'bytes',
      pull: (controller) => this.#give(controller),
      cancel: () => void (this.#used = true),
    })
    wholes.set(this.body, this)
  }

  /** Whether it was taken, read or cancelled. */
  get bodyUsed(): boolean {
    return this.#used
  }

  /** Whether it can be taken. */
  get intact(): boolean {
    return !this.#used && !this.body.locked
  }

  /** For a copy. */
  get content(): string | Uint8Array {
    return this.#content
  }

  /** Takes it past the stream. @throws TypeError when it was used, or has a reader. */
  take(): string | Uint8Array {
    if (!this.intact) throw new TypeError('Cannot read: the body was used already')
    // Whoever else has the stream sees that there is nothing left of it.
    void this.body.cancel()
    return this.#content
  }

  #give(controller: ReadableByteStreamController): void {
    this.#used = true
    const content = this.#content
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
    if (bytes.byteLength > 0) controller.enqueue(bytes)
    controller.close()
    // Who waits with a buffer of his own is told in his own way (Streams standard section 4.8.3).
    if (bytes.byteLength === 0) controller.byobRequest?.respond(0)
  }
}
