import { sliceSize } from '../../message/framed-piece.ts'
import { type PieceSource, sourceOf } from '../../message/piece-source.ts'
import type { OutgoingBody } from './outgoing-body.ts'

/** Bytes that are there. */
export class BytesBody implements OutgoingBody {
  readonly length: number
  readonly type: string | undefined
  readonly replayable = true
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array, type?: string) {
    this.#bytes = bytes
    this.length = bytes.byteLength
    this.type = type
  }

  /** Not for bytes whose buffer was transferred or resized meanwhile: sending what is left of them has to fail. */
  get whole(): Uint8Array | undefined {
    const bytes = this.#bytes
    return this.length <= sliceSize && bytes.byteLength === this.length ? bytes : undefined
  }

  open(): PieceSource {
    return sourceOf(this.#bytes)
  }

  discard(): void {}
}
