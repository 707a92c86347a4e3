import type { PieceSource } from '../message/piece-source.ts'
import { Pieces } from '../message/pieces.ts'
import { bytesOf } from '../server/answer-stream.ts'

/** Bytes that are gathered before a stream is taken for one. */
const atMost = 64 * 1024

/**
 * A stream that somebody began to read: what came of it in one turn of the event loop, and where the rest comes from.
 */
export interface Begun {
  /** What came so far. */
  readonly bytes: Uint8Array
  /** Undefined where that was all. */
  readonly rest: PieceSource | undefined
}

/**
 * Reads what there is of a stream in this turn of the event loop: all of it where text or bytes were wrapped in one, as
 * the runtime's `Response` does. So that is known for what it is, and a stream that has to wait is not held back.
 *
 * Rejects with what the stream fails with meanwhile.
 */
export function begin(source: PieceSource): Promise<Begun> {
  const pieces = new Pieces()
  return new Promise((resolve, reject) => {
    let over = false
    let pending: Promise<IteratorResult<Uint8Array | string, unknown>> | undefined
    const settle = (rest: PieceSource | undefined): void => {
      if (over) return
      over = true
      resolve({ bytes: pieces.whole(), rest })
    }
    const gather = async (): Promise<void> => {
      let size = 0
      while (!over) {
        pending = source.next()
        const { done, value } = await pending
        // It is the next reader's.
        if (over) return
        pending = undefined
        if (done) return settle(undefined)
        const bytes = bytesOf(value)
        pieces.push(bytes)
        // Empty pieces count as well: of them there may be no end.
        size += bytes.byteLength + 1
        if (size > atMost) settle(source)
      }
    }
    gather().catch((error: unknown) => {
      if (over) return
      over = true
      source.cancel(error)
      reject(error)
    })
    // A tick that is asked for in a microtask comes when no microtask is left: at the end of this turn.
    queueMicrotask(() => process.nextTick(() => settle(pending ? continued(source, pending) : source)))
  })
}

/** `source`, of which a piece is waited for already. */
function continued(source: PieceSource, pending: ReturnType<PieceSource['next']>): PieceSource {
  let first: ReturnType<PieceSource['next']> | undefined = pending
  return {
    next: () => {
      const next = first ?? source.next()
      first = undefined
      return next
    },
    cancel: (reason) => source.cancel(reason),
  }
}
