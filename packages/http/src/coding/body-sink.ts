import type { Fields } from '../codec/index.ts'

/** Where the bytes of a body go, one piece after the other. One of `finish` and `abort` is called, once. */
export interface BodySink {
  push(chunk: Uint8Array): void
  finish(trailers: Fields | undefined): void
  abort(error: unknown): void
}
