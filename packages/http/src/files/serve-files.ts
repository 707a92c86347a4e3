import { codingsFor } from '../coding/negotiation.ts'
import type { RuntimeResponse } from '../web/runtime.ts'
import type { ServeContext } from '../web/serve-context.ts'
import { answerWith } from './answer.ts'
import { type AskedFile, askedOf } from './asked.ts'
import { type Found, isFound, Lookup } from './lookup.ts'
import { Memory } from './memory.ts'
import { KeptSource, OpenSource } from './open-source.ts'
import type { Precompressed, ServeFilesOptions } from './options.ts'
import { evaluate } from './preconditions.ts'
import { refusal } from './refusals.ts'
import { Root } from './root.ts'
import { type FilesSettings, filesSettings, systemPath } from './settings.ts'

/** Answers a request with a file; the contexts are passed on to `notFound`. */
export type FilesHandler = (
  request: Request,
  context?: unknown,
  executionContext?: unknown,
) => RuntimeResponse | Promise<RuntimeResponse>

/**
 * Serves the files of a folder, as a web-standard handler: for `serve`, or inside a framework's route. GET and HEAD are
 * answered, with conditions and ranges (RFC 9110 sections 13 and 14); other methods get 405, or `notFound`.
 *
 * A path has one meaning: it is decoded once, and what is not the plain name of a file below the root (`..`, an encoded
 * slash, a backslash, NUL, an empty segment, what is no UTF-8) names nothing. What is served is what is open: outside of
 * the root there is nothing, whatever links are made to point at while a request is under way.
 *
 * @param root the folder. It may be a link that is given another target while the server runs.
 * @throws TypeError or RangeError that names the option.
 * @example
 * ```ts
 * const server = await serve({ port: 8080 }, serveFiles('public', { listing: true }))
 * ```
 */
export function serveFiles(root: string | URL, options: ServeFilesOptions = {}): FilesHandler {
  const files = new Files(systemPath('root', root), filesSettings(options))
  return (request, context, executionContext) => files.answer(request, context, executionContext)
}

/** What is asked, by whom, and what of it counts. */
interface Query {
  readonly request: Request
  readonly context: unknown
  readonly executionContext: unknown
  readonly asked: AskedFile
  readonly codings: readonly Precompressed[]
}

type Answer = RuntimeResponse | Promise<RuntimeResponse>

class Files {
  readonly #settings: FilesSettings
  readonly #lookup: Lookup
  readonly #memory: Memory | undefined
  /** Looks that are under way at files that were kept too long. */
  readonly #looks = new Map<string, Promise<unknown>>()

  constructor(root: string, settings: FilesSettings) {
    this.#settings = settings
    this.#lookup = new Lookup(new Root(root, settings.symlinks), settings)
    this.#memory = settings.memory && new Memory(settings.memory)
  }

  answer(request: Request, context: unknown, executionContext: unknown): Answer {
    const asked = askedOf(request, context)
    const codings = this.#codingsFor(asked)
    const query = { request, context, executionContext, asked, codings }
    if (asked.method !== 'GET' && asked.method !== 'HEAD') {
      return this.#others(query) ?? refusal(405, 'Allow', 'GET, HEAD')
    }
    return this.#remembered(query) ?? this.#look(query)
  }

  #codingsFor({ headers }: AskedFile): readonly Precompressed[] {
    const { precompressed } = this.#settings
    return precompressed.length === 0
      ? precompressed
      : codingsFor(headers.get('accept-encoding'), precompressed)
  }

  /** From memory alone, if that is enough. */
  #remembered({ asked, codings }: Query): Answer | undefined {
    const kept = this.#memory?.fresh(keyOf(asked, codings))
    if (kept === undefined) return undefined
    if (kept.bytes !== undefined) return answerWith(asked, kept.file, new KeptSource(kept.bytes))
    const { etag, modified: lastModified } = kept.file
    const unchanged = evaluate(asked.method, asked.headers, { etag, lastModified }) === 304
    return unchanged ? answerWith(asked, kept.file, new KeptSource(new Uint8Array())) : undefined
  }

  /** Looks at the disk. Of a file that was kept too long one looks for all, and the others wait for that. */
  async #look(query: Query): Promise<RuntimeResponse> {
    const memory = this.#memory
    const key = memory ? keyOf(query.asked, query.codings) : ''
    const before = memory?.held(key)
    if (before === undefined || before === memory?.fresh(key)) return this.#lookNow(query)
    const other = this.#looks.get(key)
    if (other) {
      await other.catch(() => {})
      return this.#remembered(query) ?? this.#lookNow(query)
    }
    const look = this.#lookNow(query)
    this.#looks.set(key, look)
    try {
      return await look
    } finally {
      this.#looks.delete(key)
      memory?.forget(key, before)
    }
  }

  async #lookNow(query: Query): Promise<RuntimeResponse> {
    const { request, asked, codings } = query
    const found = await this.#lookup.find(request, asked, codings)
    if (found === undefined) return this.#others(query) ?? this.#nothing()
    return isFound(found) ? this.#give(query, found) : found
  }

  /** Whoever answers where no file does. */
  #others({ request, context, executionContext }: Query): Answer | undefined {
    const given = [context as ServeContext, executionContext as ServeContext] as const
    return this.#settings.notFound?.(request, ...given)
  }

  /** Who accepts HTML would have got the fallback in its place. */
  #nothing(): RuntimeResponse {
    return this.#settings.fallback === undefined ? refusal(404) : refusal(404, 'Vary', 'Accept')
  }

  async #give({ asked, codings }: Query, { file, told, own }: Found): Promise<RuntimeResponse> {
    const memory = own ? this.#memory : undefined
    if (!memory) return answerWith(asked, told, new OpenSource(file, asked.exchange))
    const key = keyOf(asked, codings)
    if (told.size > memory.maxFileSize) {
      memory.set(key, told, undefined)
      return answerWith(asked, told, new OpenSource(file, asked.exchange))
    }
    const bytes = await file.whole().finally(() => file.close())
    memory.set(key, told, bytes)
    return answerWith(asked, told, new KeptSource(bytes))
  }
}

/** What an answer depends on beside the fields that are looked at each time. */
function keyOf({ pathname }: AskedFile, codings: readonly Precompressed[]): string {
  return codings.length === 0 ? pathname : `${codings.join()} ${pathname}`
}
