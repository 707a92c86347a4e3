import { makeResponse } from '../web/response.ts'
import type { RuntimeResponse } from '../web/runtime.ts'
import type { AskedFile } from './asked.ts'
import { type Chosen, choose, type Named } from './choose.ts'
import { listingResponse } from './listing/answer.ts'
import { listFolder } from './listing/list-folder.ts'
import type { Listing } from './listing/listing.ts'
import type { OpenFile } from './open-file.ts'
import type { Precompressed } from './options.ts'
import { refusal, refuse, SystemRefusal } from './refusals.ts'
import { canonicalPath, isHidden, type RequestPath } from './request-path.ts'
import type { Root } from './root.ts'
import type { FilesSettings } from './settings.ts'

/** A file that was found, and what is said of it. Whoever has it closes it. */
export interface Found extends Chosen {
  /** Whether the path is its own, so that it may be remembered under it. */
  readonly own: boolean
}

export function isFound(found: Found | RuntimeResponse): found is Found {
  return 'told' in found
}

/** Finds what stands in a folder under the path of a request: a file, a listing, or a refusal. */
export class Lookup {
  readonly #root: Root
  readonly #settings: FilesSettings

  constructor(root: Root, settings: FilesSettings) {
    this.#root = root
    this.#settings = settings
  }

  /**
   * Undefined where there is nothing of that name.
   *
   * @throws what an application's callbacks throw, and what the system says that is for nobody else to know.
   */
  async find(
    request: Request,
    asked: AskedFile,
    codings: readonly Precompressed[],
  ): Promise<Found | RuntimeResponse | undefined> {
    const { prefix, dotfiles } = this.#settings
    const path = canonicalPath(asked.pathname, { prefix })
    if (path === undefined) return undefined
    // The folder itself, without the slash that paths in it are relative to.
    if (path.path === '') return redirect(asked)
    if (dotfiles !== 'allow' && isHidden(path.segments)) return dotfiles === 'deny' ? refusal(403) : undefined
    try {
      const found = path.folder
        ? await this.#findFolder(request, path, codings)
        : await this.#findFile(asked, path, codings)
      return found ?? (await this.#fallBack(asked, codings))
    } catch (error) {
      if (error instanceof SystemRefusal) return error.answer
      throw error
    }
  }

  async #findFile(
    asked: AskedFile,
    { segments, path }: RequestPath,
    codings: readonly Precompressed[],
  ): Promise<Found | RuntimeResponse | undefined> {
    const file = await this.#open(segments)
    if (file === undefined) return undefined
    if (file.stats.isDirectory()) {
      file.close()
      return redirect(asked)
    }
    return this.#found(file, { segments, path }, codings)
  }

  async #findFolder(
    request: Request,
    { segments, path }: RequestPath,
    codings: readonly Precompressed[],
  ): Promise<Found | RuntimeResponse | undefined> {
    const { index, listing } = this.#settings
    if (index !== undefined) {
      const name = [...segments, index]
      const file = await this.#open(name)
      if (file?.stats.isFile()) return this.#found(file, { segments: name, path: path + index }, codings)
      file?.close()
    }
    if (listing === false) return undefined
    const listed = await this.#list(request, segments, path)
    if (listed === undefined) return undefined
    return typeof listing === 'function' ? listing(listed, request) : listingResponse(request, listed)
  }

  /** A page for whoever goes to a path that only a program in the browser knows. */
  async #fallBack(asked: AskedFile, codings: readonly Precompressed[]): Promise<Found | undefined> {
    const { fallback } = this.#settings
    if (fallback === undefined || !asked.headers.get('accept')?.includes('text/html')) return undefined
    const file = await this.#open(fallback)
    if (file?.stats.isFile()) {
      const named = { segments: fallback, path: `/${fallback.join('/')}`, vary: 'Accept' }
      return { ...(await this.#found(file, named, codings)), own: false }
    }
    file?.close()
    return undefined
  }

  async #list(request: Request, segments: readonly string[], path: string): Promise<Listing | undefined> {
    const { prefix, dotfiles, symlinks } = this.#settings
    const folder = await this.#open(segments)
    if (folder === undefined) return undefined
    try {
      if (!folder.stats.isDirectory()) return undefined
      const root = await this.#root.real()
      return await listFolder({
        folder: this.#root.nameOf(folder, segments),
        path: prefix.slice(0, -1) + path,
        prefix,
        root,
        request,
        dotfiles,
        symlinks,
      })
    } catch (error) {
      refuse(error)
    } finally {
      folder.close()
    }
  }

  #open(segments: readonly string[]): Promise<OpenFile | undefined> {
    return this.#root.open(segments).catch(refuse)
  }

  async #found(file: OpenFile, named: Named, codings: readonly Precompressed[]): Promise<Found> {
    return { ...(await choose(this.#root, file, named, codings, this.#settings)), own: true }
  }
}

/** To the same path with a slash at its end, from which what stands in the folder is named. */
function redirect({ pathname, search }: AskedFile): RuntimeResponse {
  return makeResponse(301, ['Location', `${pathname}/${search}`, 'Cache-Control', 'no-cache'], null)
}
