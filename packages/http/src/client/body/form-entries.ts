import type { FileLike, FormDataEntryValue, FormDataLike } from 'form-data-encoder'

import { isBlob } from './blob-body.ts'

type Entry = [name: string, value: FormDataEntryValue]

/**
 * The entries of a form, as the encoder needs them: it takes a Blob for text, a type for what can stand in a line,
 * and leaves the line ends of names as they are.
 */
export class FormEntries implements FormDataLike {
  readonly [Symbol.toStringTag] = 'FormData'
  readonly hasFiles: boolean
  readonly #entries: readonly Entry[]

  constructor(form: FormData) {
    this.#entries = Array.from(form.entries(), ([name, value]: [unknown, unknown]): Entry => [
      // HTML standard section 4.10.21.8: CR LF, before it is escaped.
      String(name).replace(/\r\n?|\n/g, '\r\n'),
      isBlob(value) ? fileOf(value) : String(value),
    ])
    this.hasFiles = this.#entries.some(([, value]) => typeof value !== 'string')
  }

  *entries(): IterableIterator<Entry> {
    yield* this.#entries
  }

  [Symbol.iterator](): IterableIterator<Entry> {
    return this.entries()
  }

  getAll(name: string): FormDataEntryValue[] {
    return this.#entries.filter((entry) => entry[0] === name).map(([, value]) => value)
  }

  append(): never {
    throw new TypeError('Cannot append: these entries are to be sent')
  }
}

/** What a Blob has no name for is named as the runtime's FormData does. */
function fileOf(blob: Blob & { name?: unknown; lastModified?: unknown }): FileLike {
  return {
    [Symbol.toStringTag]: 'File',
    name: typeof blob.name === 'string' ? blob.name : 'blob',
    // File API section 3.1: a type with anything else in it is none.
    type: /^[\x20-\x7e]*$/.test(blob.type) ? blob.type : '',
    size: blob.size,
    lastModified: 0,
    stream: () => blob.stream() as ReturnType<FileLike['stream']>,
  }
}
