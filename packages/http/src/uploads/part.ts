import { BusyError } from '@fairlead/core'

import { Fields } from '../codec/index.ts'
import { FileTarget } from '../disk/file-target.ts'
import { saveAs } from '../disk/save.ts'
import { saveSettings } from '../disk/settings.ts'
import type { IncomingBody } from '../message/body.ts'
import type { Disposition } from './disposition.ts'
import { checkNames } from './option-names.ts'
import type { SavedBody, SavePartOptions } from './options.ts'
import type { PartSource } from './part-source.ts'
import { safeName } from './safe-name.ts'

/** Name and lines of each header field of a part, names in lower case. */
export type PartHeader = Readonly<Record<string, readonly string[]>>

/** What a part is read from. @throws what ended its turn. */
export let bodyOf: (part: Part) => IncomingBody

/**
 * One part of a form, until the next one is asked for: a field or a file. It can be read once, in one of the four ways.
 * What is not read is skipped.
 */
export class Part implements AsyncIterable<Uint8Array> {
  /** Of the input of the form. Any text: empty, that of another part, or `__proto__`. */
  readonly name: string
  /** As it was sent, with whatever path and characters: not to be made a path of. Undefined for a field. */
  readonly sentFilename: string | undefined
  readonly #header: PartHeader
  readonly #source: PartSource
  #filename: string | undefined

  constructor({ name, filename }: Disposition, header: PartHeader, source: PartSource) {
    this.name = name
    this.sentFilename = filename
    this.#header = header
    this.#source = source
  }

  static {
    bodyOf = (part) => part.#source.body
  }

  /** Whether it came with a file name, even with an empty one, which is what an input has that no file was chosen for. */
  get isFile(): boolean {
    return this.sentFilename !== undefined
  }

  /**
   * A name that means a file of a folder on every system: the last segment of what was sent, without control characters,
   * and with `_` in the place of those that are special anywhere. Empty where nothing is left; undefined for a field.
   */
  get filename(): string | undefined {
    if (this.sentFilename === undefined) return undefined
    return (this.#filename ??= safeName(this.sentFilename))
  }

  /** As the client says, which nobody has checked. Where it does not, that of RFC 7578 section 4.4, or of any bytes. */
  get type(): string {
    const [type] = this.#header['content-type'] ?? []
    return type ?? (this.isFile ? 'application/octet-stream' : 'text/plain')
  }

  /** All header fields of the part, names in lower case. */
  get headers(): Fields {
    const raw: string[] = []
    for (const [name, lines] of Object.entries(this.#header)) for (const line of lines) raw.push(name, line)
    return new Fields(raw)
  }

  /**
   * All of it, in one piece.
   *
   * @param limit the most bytes to keep. Default 1 MiB.
   * @throws LimitError beyond that, and what the form failed with; BusyError for a second reader.
   */
  async bytes(limit?: number): Promise<Uint8Array> {
    return this.#source.body.bytes(limit)
  }

  /** All of it as text, which is UTF-8 in every form (RFC 7578 section 5.1.2 and the Fetch standard); see {@link bytes}. */
  async text(limit?: number): Promise<string> {
    return decoder.decode(await this.#source.body.bytes(limit))
  }

  /**
   * Streams it to a file, under a temporary name until it is whole; however that fails, nothing is left.
   *
   * @throws FileError where the system refuses it, or a file is there; what the form failed with; `signal.reason`;
   *   TypeError or RangeError that names the option.
   * @example
   * ```ts
   * import { join } from 'node:path'
   *
   * async function store(request: Request): Promise<void> {
   *   for await (const part of parts(request)) {
   *     if (part.filename) await part.save(join('/srv/inbox', part.filename))
   *   }
   * }
   * ```
   */
  async save(path: string | URL, options: SavePartOptions = {}): Promise<SavedBody> {
    checkNames('save', options)
    const settings = saveSettings(options)
    const target = new FileTarget(path, settings.overwrite)
    settings.signal?.throwIfAborted()
    const { body } = this.#source
    if (body.taken) throw new BusyError('Cannot save part: it has a reader already')
    return { path: target.path, ...(await saveAs(body, target, settings, {})) }
  }

  /** In pieces, as they come. A reader that leaves the loop leaves the rest to be read. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return this.#source.body[Symbol.asyncIterator]()
  }
}

/** A byte order mark is a character like any other (Fetch standard, `multipart/form-data`). */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
