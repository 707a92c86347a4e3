import { Readable } from 'node:stream'

import { discard, type PieceBody, type PieceSource, sourceOf } from '../../message/piece-source.ts'
import { runtime } from '../../web/runtime.ts'
import type { OutgoingBody } from './outgoing-body.ts'

/** What gives its pieces when they are asked for, and once. */
export type Streamed = Exclude<PieceBody, string | Uint8Array>

/** A stream of the web or of Node, or anything else that is iterated asynchronously. */
export class StreamBody implements OutgoingBody {
  readonly length = undefined
  readonly type = undefined
  readonly replayable = false
  readonly whole = undefined
  readonly #given: Streamed
  #opened = false

  /** @throws TypeError for a stream that has a reader, or was used: what is left of it is not what was meant. */
  constructor(given: Streamed) {
    checkUnused(given)
    this.#given = given
  }

  open(): PieceSource {
    // An iterator that is exhausted would be sent as an empty body.
    if (this.#opened) throw new TypeError('Cannot send body: the stream was sent already')
    this.#take()
    return sourceOf(this.#given)
  }

  discard(): void {
    if (this.#opened) return
    this.#take()
    discard(this.#given)
  }

  #take(): void {
    this.#opened = true
    if (isIterator(this.#given)) spent.add(this.#given)
  }
}

/** Iterators that were sent or let go of: a second request would find them at their end, and send nothing. */
const spent = new WeakSet<object>()

/** Whether it gives its pieces only once, as generators do, and not anew to each who iterates it. */
function isIterator(given: Streamed): boolean {
  return typeof (given as Partial<AsyncIterator<unknown>>).next === 'function'
}

function checkUnused(given: Streamed): void {
  if (given instanceof ReadableStream) {
    if (given.locked) throw new TypeError('Invalid option body: the stream has a reader')
    if (isUsed(given)) throw new TypeError('Invalid option body: the stream was used already')
    return
  }
  if (spent.has(given)) throw new TypeError('Invalid option body: the iterator was sent already')
  const { destroyed, readableEnded } = given as Partial<Readable>
  if (destroyed === true || readableEnded === true) {
    throw new TypeError('Invalid option body: the stream has ended, or was destroyed')
  }
}

/** Whether somebody read of it, or cancelled it, which a stream of the web does not tell itself. */
function isUsed(stream: ReadableStream): boolean {
  if (isDisturbed(stream)) return true
  const probe = new ReadableStream()
  void probe.cancel()
  if (isDisturbed(probe)) return false
  // Deno's knows the streams of Node alone. What makes a Response has to find out (Fetch standard section 5.2).
  try {
    return new runtime.Response(stream).bodyUsed
  } catch {
    return true
  }
}

function isDisturbed(stream: ReadableStream): boolean {
  // It is for both kinds of streams, whatever its type says.
  return Readable.isDisturbed(stream as unknown as Readable)
}
