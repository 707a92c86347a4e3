import { type PieceSource, sourceOf } from '../../message/piece-source.ts'
import type { OutgoingBody } from './outgoing-body.ts'

/** A Blob or File, also of a library: it is read anew each time. */
export class BlobBody implements OutgoingBody {
  readonly length: number
  readonly type: string | undefined
  readonly replayable = true
  readonly whole = undefined
  readonly #blob: Blob

  constructor(blob: Blob) {
    this.#blob = blob
    this.length = blob.size
    this.type = blob.type === '' ? undefined : blob.type
  }

  open(): PieceSource {
    return sourceOf(this.#blob.stream())
  }

  discard(): void {}
}

/** Whether `value` is one, whatever realm or library made it. */
export function isBlob(value: unknown): value is Blob {
  if (typeof value !== 'object' || value === null) return false
  const {
    [Symbol.toStringTag]: tag,
    size,
    stream,
  } = value as Partial<Blob> & {
    [Symbol.toStringTag]?: string
  }
  return (tag === 'Blob' || tag === 'File') && typeof size === 'number' && typeof stream === 'function'
}
