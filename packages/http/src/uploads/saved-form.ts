import type { SavedPart } from './saved-part.ts'

/** A form whose files are on the disk. Those that nobody kept are removed when it is disposed of. */
export class SavedForm implements AsyncDisposable {
  /** The fields, in their order: each name with all of its values. Names are any text, `__proto__` too. */
  readonly fields: ReadonlyMap<string, readonly string[]>
  /** In their order. An input of a page that no file was chosen for is left out. */
  readonly files: readonly SavedPart[]

  constructor(fields: ReadonlyMap<string, readonly string[]>, files: readonly SavedPart[]) {
    this.fields = fields
    this.files = files
  }

  /** The first value of a field. */
  get(name: string): string | undefined {
    return this.fields.get(name)?.[0]
  }

  /** The first file of an input. */
  file(name: string): SavedPart | undefined {
    return this.files.find((file) => file.name === name)
  }

  /** Removes what was not kept. May be called as often as one likes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.files.map((file) => file.remove()))
  }
}
