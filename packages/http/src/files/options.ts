import type { FieldsInit } from '../message/fields-init.ts'
import type { ServeContext } from '../web/serve-context.ts'
import type { Listing } from './listing/listing.ts'

/** What is done about names that begin with a dot. */
export type DotfilePolicy = 'ignore' | 'deny' | 'allow'

/** Which symbolic links are followed. */
export type SymlinkPolicy = 'inside' | 'never' | 'anywhere'

/** Content codings of files that stand beside the file itself. */
export type Precompressed = 'br' | 'zstd' | 'gzip'

/** Small files that are kept in memory; see {@link ServeFilesOptions.memory}. */
export interface MemoryOptions {
  /** Files of which something is known. Default 1,000. */
  maxFiles?: number
  /** Bytes of the largest file that is kept. Default 64 KiB. */
  maxFileSize?: number
  /** Bytes of all files together. Default 64 MiB. */
  maxSize?: number
  /** Milliseconds in which a file is not looked at again. Default 1,000. */
  revalidate?: number
}

/** How a file is made an answer. */
export interface FileOptions {
  /** The media type. Default: by the extension, and `application/octet-stream` for one that nobody knows. */
  type?: string
  /** Cache-Control. Default `no-cache`: whoever keeps it asks whether it is still the same. */
  cacheControl?: string | undefined
  /**
   * The entity-tag (RFC 9110 section 8.8.3): of the file's facts, which is strong once the file has not been changed for
   * two seconds; a digest of its content, which is the same on every machine; or none. Default `stat`.
   */
  etag?: 'stat' | 'content' | false
  /** Whether it is to be saved, and under which name where that is not its own. Default false: it is shown. */
  download?: boolean | string
  /** Fields beside. Those that tell of the file itself cannot be given. */
  headers?: FieldsInit
}

/** How the files of a folder are served. */
export interface ServeFilesOptions {
  /** What every path begins with, decoded, and no file's name does; others are not found. Default `/`. */
  prefix?: string
  /** The file that stands for its folder. Default `index.html`. */
  index?: string | false
  /** The file that answers a browser that goes to a path without a file: that of an application of one page. Default none. */
  fallback?: string
  /**
   * Who answers where there is no file, with the contexts that the handler itself was given, if it was: an `app.fetch`,
   * a `proxy`, other files. Default: 404.
   */
  notFound?: (
    request: Request,
    context: ServeContext,
    executionContext: ServeContext,
  ) => Response | Promise<Response>
  /** Names that begin with a dot: as if they were not there, 403, or as any other. `.well-known` is. Default `ignore`. */
  dotfiles?: DotfilePolicy
  /**
   * Symbolic links: followed where what they lead to is inside the root, never, or wherever they lead. Asked of what is
   * open, so that one that is changed meanwhile changes nothing. Default `inside`.
   */
  symlinks?: SymlinkPolicy
  /** Whether `name.br`, `name.zst` and `name.gz` are given for `name` to those who take them. Default false. */
  precompressed?: boolean | readonly Precompressed[]
  /** Cache-Control, for all or by the path. Default `no-cache`. */
  cacheControl?: string | ((path: string) => string | undefined)
  /** Paths of files that never change, since their names tell their content: kept for a year. Default none. */
  immutable?: RegExp
  /** As in {@link FileOptions.etag}. */
  etag?: 'stat' | 'content' | false
  /** Whether folders without an index are listed, in HTML or JSON; or who answers with such a listing. Default false. */
  listing?: boolean | ((listing: Listing, request: Request) => Response | Promise<Response>)
  /** As in {@link FileOptions.download}, by the path. Default false. */
  download?: boolean | ((path: string) => boolean | string)
  /** Media types by extension, before those that are known. */
  types?: Readonly<Record<string, string>>
  /** As in {@link FileOptions.headers}, or by the path. */
  headers?: FieldsInit | ((path: string) => FieldsInit)
  /**
   * Whether small files, and what is known of larger ones, are kept in memory: they leave in one write, and a file is
   * looked at once in `revalidate` milliseconds. Default false.
   */
  memory?: boolean | MemoryOptions
}
