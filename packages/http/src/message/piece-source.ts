/** A body that an application gave, of which the pieces are taken when there is room for them. */
export type PieceBody = string | Uint8Array | AsyncIterable<Uint8Array | string>

/** Where the pieces of a streamed body come from. */
export interface PieceSource {
  next(): Promise<IteratorResult<Uint8Array | string, unknown>>
  /** No more will be taken; whatever stands behind it may let go, even while a piece is waited for. */
  cancel(reason: unknown): void
  /** What was given so far has left, and the memory that it lay in can be used again. */
  reuse?(): void
}

/** Under this name a body opens a source of its own, in the place of its iterator. */
export const openPieces = Symbol('openPieces')

/** A body whose pieces lie in memory that is used again and again. */
export interface PieceOpener extends AsyncIterable<Uint8Array> {
  [openPieces](): PieceSource
}

/** Opens a body to be read. @throws what opening it throws, such as TypeError for a stream that has a reader. */
export function sourceOf(body: PieceBody): PieceSource {
  if (typeof body === 'string' || body instanceof Uint8Array) return once(body)
  if (body instanceof ReadableStream) {
    // Its own iterator would wait for the piece that is under way before it lets go.
    const reader = (body as ReadableStream<Uint8Array | string>).getReader()
    return {
      next: () => reader.read(),
      cancel: (reason) => quietly(() => reader.cancel(reason)),
    }
  }
  if (openPieces in body) return (body as PieceOpener)[openPieces]()
  const iterator = body[Symbol.asyncIterator]()
  return {
    next: () => iterator.next(),
    cancel: () => {
      destroy(body)
      quietly(() => iterator.return?.())
    },
  }
}

/** Lets go of a body that will not be sent. */
export function discard(body: PieceBody | null): void {
  if (body === null || typeof body !== 'object' || body instanceof Uint8Array) return
  quietly(() => (body instanceof ReadableStream ? body.cancel() : sourceOf(body).cancel(undefined)))
}

function once(body: string | Uint8Array): PieceSource {
  let given = false
  return {
    next: () => {
      const done = given
      given = true
      return Promise.resolve(done ? { value: undefined, done } : { value: body, done })
    },
    cancel: () => {},
  }
}

/**
 * The iterator of a Node stream that nobody began to read leaves the stream open; and one that fails later, with
 * nobody to hear of it, would end the process.
 */
function destroy(body: object): void {
  const stream = body as { destroy?: () => void; on?: (event: 'error', listener: () => void) => void }
  if (typeof stream.destroy !== 'function') return
  quietly(() => stream.on?.('error', () => {}))
  quietly(() => stream.destroy?.())
}

/** An application's way of letting go may fail; nobody is left to be told. */
function quietly(call: () => unknown): void {
  const attempt = async (): Promise<void> => void (await call())
  attempt().catch(() => {})
}
