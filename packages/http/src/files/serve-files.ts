import { codingsFor } from '../coding/negotiation.ts'
import { makeResponse } from '../web/response.ts'
import type { RuntimeResponse } from '../web/runtime.ts'
import { answerWith } from './answer.ts'
import { type AskedFile, askedOf } from './asked.ts'
import { describe } from './describe.ts'
import { listingResponse } from './listing/answer.ts'
import { listFolder } from './listing/list-folder.ts'
import { mediaType } from './media-type.ts'
import { Memory } from './memory.ts'
import type { OpenFile } from './open-file.ts'
import { KeptSource, OpenSource } from './open-source.ts'
import type { Precompressed, ServeFilesOptions } from './options.ts'
import { evaluate } from './preconditions.ts'
import { refusal, refusalOf } from './refusals.ts'
import type { Representation } from './representation.ts'
import { canonicalPath, isHidden, type RequestPath } from './request-path.ts'
import { Root } from './root.ts'
import { type FilesSettings, filesSettings, systemPath } from './settings.ts'

/** Answers a request with a file; the context is passed on to `notFound`. */
export type FilesHandler = (request: Request, context?: unknown) => RuntimeResponse | Promise<RuntimeResponse>

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
  return (request, context) => files.answer(request, context)
}

/** A file that was found, and what is said of it. */
interface Found {
  readonly file: OpenFile
  readonly told: Representation
}

const suffixes: Readonly<Record<Precompressed, string>> = { br: '.br', zstd: '.zst', gzip: '.gz' }

class Files {
  readonly #settings: FilesSettings
  readonly #root: Root
  readonly #memory: Memory | undefined
  /** Looks that are under way at files that were kept too long. */
  readonly #looks = new Map<string, Promise<unknown>>()

  constructor(root: string, settings: FilesSettings) {
    this.#settings = settings
    this.#root = new Root(root, settings.symlinks)
    this.#memory = settings.memory && new Memory(settings.memory)
  }

  answer(request: Request, context: unknown): RuntimeResponse | Promise<RuntimeResponse> {
    const asked = askedOf(request, context)
    if (asked.method !== 'GET' && asked.method !== 'HEAD') {
      return this.#settings.notFound?.(request, context) ?? refusal(405, 'Allow', 'GET, HEAD')
    }
    const codings = this.#codingsFor(asked)
    return this.#remembered(asked, codings) ?? this.#look(request, context, asked, codings)
  }

  #codingsFor({ headers }: AskedFile): readonly Precompressed[] {
    const { precompressed } = this.#settings
    return precompressed.length === 0
      ? precompressed
      : codingsFor(headers.get('accept-encoding'), precompressed)
  }

  /** From memory alone, if that is enough. */
  #remembered(
    asked: AskedFile,
    codings: readonly Precompressed[],
  ): RuntimeResponse | Promise<RuntimeResponse> | undefined {
    const kept = this.#memory?.fresh(keyOf(asked, codings))
    if (kept === undefined) return undefined
    if (kept.bytes !== undefined) return answerWith(asked, kept.file, new KeptSource(kept.bytes))
    const { etag, modified: lastModified } = kept.file
    const unchanged = evaluate(asked.method, asked.headers, { etag, lastModified }) === 304
    return unchanged ? answerWith(asked, kept.file, new KeptSource(new Uint8Array())) : undefined
  }

  /** Looks at the disk. Of a file that was kept too long one looks for all, and the others wait for that. */
  async #look(
    request: Request,
    context: unknown,
    asked: AskedFile,
    codings: readonly Precompressed[],
  ): Promise<RuntimeResponse> {
    const memory = this.#memory
    const key = memory ? keyOf(asked, codings) : ''
    const before = memory?.held(key)
    if (before === undefined || before === memory?.fresh(key)) {
      return this.#lookNow(request, context, asked, codings)
    }
    const other = this.#looks.get(key)
    if (other) {
      await other.catch(() => {})
      return this.#remembered(asked, codings) ?? this.#lookNow(request, context, asked, codings)
    }
    const look = this.#lookNow(request, context, asked, codings)
    this.#looks.set(key, look)
    try {
      return await look
    } finally {
      this.#looks.delete(key)
      memory?.forget(key, before)
    }
  }

  async #lookNow(
    request: Request,
    context: unknown,
    asked: AskedFile,
    codings: readonly Precompressed[],
  ): Promise<RuntimeResponse> {
    let answer
    try {
      answer = await this.#answerPath(request, asked, codings)
    } catch (error) {
      return refusalOf(error)
    }
    return answer ?? this.#settings.notFound?.(request, context) ?? refusal(404)
  }

  /** Undefined where there is nothing of that name. */
  async #answerPath(
    request: Request,
    asked: AskedFile,
    codings: readonly Precompressed[],
  ): Promise<RuntimeResponse | undefined> {
    const { prefix, dotfiles } = this.#settings
    const path = canonicalPath(asked.pathname, { prefix })
    if (path === undefined) return undefined
    // The folder itself, without the slash that paths in it are relative to.
    if (path.path === '') return redirect(asked)
    if (dotfiles !== 'allow' && isHidden(path.segments)) return dotfiles === 'deny' ? refusal(403) : undefined
    const answer = path.folder
      ? await this.#answerFolder(request, asked, path, codings)
      : await this.#answerFile(asked, path, codings)
    return answer ?? this.#fallBack(asked, codings)
  }

  async #answerFile(
    asked: AskedFile,
    { segments, path }: RequestPath,
    codings: readonly Precompressed[],
  ): Promise<RuntimeResponse | undefined> {
    const file = await this.#root.open(segments)
    if (file === undefined) return undefined
    if (file.stats.isDirectory()) {
      file.close()
      return redirect(asked)
    }
    return this.#give(asked, await this.#chosen(file, segments, path, codings), codings)
  }

  async #answerFolder(
    request: Request,
    asked: AskedFile,
    { segments, path }: RequestPath,
    codings: readonly Precompressed[],
  ): Promise<RuntimeResponse | undefined> {
    const { index, listing } = this.#settings
    if (index !== undefined) {
      const name = [...segments, index]
      const file = await this.#root.open(name)
      if (file?.stats.isFile()) {
        return this.#give(asked, await this.#chosen(file, name, path + index, codings), codings)
      }
      file?.close()
    }
    return listing === false ? undefined : this.#list(request, segments, path)
  }

  /** A page for whoever goes to a path that only a program in the browser knows. */
  async #fallBack(asked: AskedFile, codings: readonly Precompressed[]): Promise<RuntimeResponse | undefined> {
    const { fallback } = this.#settings
    if (fallback === undefined || !asked.headers.get('accept')?.includes('text/html')) return undefined
    const file = await this.#root.open(fallback)
    if (file?.stats.isFile()) {
      const chosen = await this.#chosen(file, fallback, `/${fallback.join('/')}`, codings)
      return answerWith(asked, chosen.told, new OpenSource(chosen.file, asked.exchange))
    }
    file?.close()
    return undefined
  }

  async #list(
    request: Request,
    segments: readonly string[],
    path: string,
  ): Promise<RuntimeResponse | undefined> {
    const { listing, prefix, dotfiles, symlinks } = this.#settings
    const folder = await this.#root.open(segments)
    if (folder === undefined) return undefined
    try {
      if (!folder.stats.isDirectory()) return undefined
      const listed = await listFolder({
        folder: this.#root.nameOf(folder, segments),
        path: prefix.slice(0, -1) + path,
        prefix,
        root: await this.#root.real(),
        request,
        dotfiles,
        symlinks,
      })
      return typeof listing === 'function' ? await listing(listed, request) : listingResponse(request, listed)
    } finally {
      folder.close()
    }
  }

  /** The file, or what stands beside it in a coding that is taken. */
  async #chosen(
    file: OpenFile,
    segments: readonly string[],
    path: string,
    codings: readonly Precompressed[],
  ): Promise<Found> {
    for (const coding of codings) {
      // One that cannot be opened is as if it were not there.
      const name = [...segments.slice(0, -1), segments.at(-1)! + suffixes[coding]]
      const beside = await this.#root.open(name).catch(() => undefined)
      if (beside?.stats.isFile()) {
        file.close()
        return this.#described(beside, segments, path, coding)
      }
      beside?.close()
    }
    return this.#described(file, segments, path)
  }

  async #described(
    file: OpenFile,
    segments: readonly string[],
    path: string,
    coding?: Precompressed,
  ): Promise<Found> {
    const { types, cacheControl, etag, download, headers, precompressed } = this.#settings
    const name = segments.at(-1)!
    try {
      const told = await describe(file, {
        name,
        type: mediaType(name, types),
        cacheControl: cacheControl(path),
        etag,
        download: download(path),
        headers: headers(path),
        coding,
        varies: precompressed.length > 0,
      })
      return { file, told }
    } catch (error) {
      file.close()
      throw error
    }
  }

  async #give(
    asked: AskedFile,
    { file, told }: Found,
    codings: readonly Precompressed[],
  ): Promise<RuntimeResponse> {
    const memory = this.#memory
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

/** To the same path with a slash at its end, from which what stands in the folder is named. */
function redirect({ pathname, search }: AskedFile): RuntimeResponse {
  return makeResponse(301, ['Location', `${pathname}/${search}`, 'Cache-Control', 'no-cache'], null)
}
