import { type FileLike, FormDataEncoder } from 'form-data-encoder'

import { type PieceBody, type PieceSource, sourceOf } from '../../message/piece-source.ts'
import { BytesBody } from './bytes-body.ts'
import { FormEntries } from './form-entries.ts'
import type { OutgoingBody } from './outgoing-body.ts'

/** A form as multipart/form-data (RFC 7578). What is in it is taken as it stands now; files are read as they go. */
export function outgoingForm(form: FormData): OutgoingBody {
  const entries = new FormEntries(form)
  // The library's own boundary is made of numbers that can be foretold: a value could end its part.
  const boundary = `fairlead-${crypto.randomUUID()}`
  const encoder = new FormDataEncoder(entries, boundary)
  if (entries.hasFiles) return new FormBody(encoder)
  return new BytesBody(Buffer.concat([...encoder.values()] as Uint8Array[]), encoder.contentType)
}

/** Whether `value` is a form, whatever realm or library made it. */
export function isForm(value: object): value is FormData {
  const { [Symbol.toStringTag]: tag, entries } = value as Partial<FormData> & {
    [Symbol.toStringTag]?: string
  }
  return tag === 'FormData' && typeof entries === 'function'
}

/** A form with files in it. */
class FormBody implements OutgoingBody {
  readonly length: number | undefined
  readonly type: string
  readonly replayable = true
  readonly whole = undefined
  readonly #encoder: FormDataEncoder

  constructor(encoder: FormDataEncoder) {
    this.#encoder = encoder
    const { contentLength, contentType } = encoder
    this.length = contentLength === undefined ? undefined : Number(contentLength)
    this.type = contentType
  }

  open(): PieceSource {
    return new FormSource(this.#encoder.values())
  }

  discard(): void {}
}

/** One part after the other. */
class FormSource implements PieceSource {
  readonly #parts: Iterator<Uint8Array | FileLike, unknown>
  #file: PieceSource | undefined
  #over = false

  constructor(parts: Iterator<Uint8Array | FileLike, unknown>) {
    this.#parts = parts
  }

  async next(): Promise<IteratorResult<Uint8Array | string, unknown>> {
    for (;;) {
      if (this.#file) {
        const piece = await this.#file.next()
        if (!piece.done) return piece
        this.#file = undefined
      }
      if (this.#over) return { value: undefined, done: true }
      const { value, done } = this.#parts.next()
      if (done === true) return { value: undefined, done }
      if (value instanceof Uint8Array) return { value, done: false }
      this.#file = sourceOf(value.stream() as Exclude<PieceBody, string>)
    }
  }

  cancel(reason: unknown): void {
    this.#over = true
    this.#file?.cancel(reason)
    this.#file = undefined
  }
}
