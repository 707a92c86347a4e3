import { type ByteConnection } from '@fairlead/core'
import { pair } from '@fairlead/core/memory'

import { type BodyToSend, BodyWriter } from '../../../src/client/body/body-writer.ts'
import type { PieceSource } from '../../../src/message/piece-source.ts'

export interface Sent {
  readonly writer: BodyWriter
  readonly here: ByteConnection
  readonly there: ByteConnection
  /** What the writer told of, in order: `wrote 3`, `progress 3`, `blocked true`, `finished`, `failed`. */
  readonly told: string[]
  /** Undefined once it is finished, or what it failed with. */
  readonly over: Promise<unknown>
  /** Lets the peer read, until the end, and gives all of it. */
  read(): Promise<Buffer>
}

/** A writer between the two ends of a pair of which the other is not read yet. */
export function prepare(body: BodyToSend, [here, there] = pair()): Sent {
  const told: string[] = []
  const { promise, resolve } = settled()
  const tell = (what: string): void => void told.push(what)
  const writer = new BodyWriter(here, body, {
    wrote: (bytes) => tell(`wrote ${bytes}`),
    progress: (bytes) => tell(`progress ${bytes}`),
    blocked: (yes) => tell(`blocked ${yes}`),
    finished() {
      tell('finished')
      resolve(undefined)
    },
    failed(error) {
      tell('failed')
      resolve(error)
    },
  })
  here.handle({ onData() {}, onDrain: () => writer.drain(), onClose: () => {} })
  const read = async (): Promise<Buffer> => {
    const pieces: Uint8Array[] = []
    for await (const piece of there) pieces.push(piece)
    return Buffer.concat(pieces)
  }
  return { writer, here, there, told, over: promise, read }
}

function settled(): { promise: Promise<unknown>; resolve: (value: unknown) => void } {
  let resolve!: (value: unknown) => void
  const promise = new Promise((settle) => (resolve = settle))
  return { promise, resolve }
}

/** Sends all of it to a peer that reads, and gives what arrived. @throws what it failed with. */
export async function send(body: BodyToSend, head?: string): Promise<Buffer> {
  const sent = prepare(body)
  const arrived = sent.read()
  sent.writer.start(head)
  const failure = await sent.over
  if (failure !== undefined) throw failure
  sent.here.end()
  return arrived
}

/** A turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A source that a test gives its pieces, and that tells what was asked of it. */
export class ManualSource implements PieceSource {
  asked = 0
  cancelled: unknown[] = []
  #waiting: ((result: IteratorResult<Uint8Array | string, unknown>) => void)[] = []
  #fail: ((error: unknown) => void) | undefined

  next(): Promise<IteratorResult<Uint8Array | string, unknown>> {
    this.asked++
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve)
      this.#fail = reject
    })
  }

  cancel(reason: unknown): void {
    this.cancelled.push(reason)
  }

  give(value: Uint8Array | string): void {
    this.#waiting.shift()?.({ value, done: false })
  }

  end(): void {
    this.#waiting.shift()?.({ value: undefined, done: true })
  }

  fail(error: unknown): void {
    this.#fail?.(error)
  }
}

/** Reads a source to its end. */
export async function drain(source: PieceSource): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for (;;) {
    const { done, value } = await source.next()
    if (done === true) return Buffer.concat(pieces)
    pieces.push(typeof value === 'string' ? Buffer.from(value) : value)
  }
}
