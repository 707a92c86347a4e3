import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { checkFunction, checkOptions } from '@fairlead/core/transport'

import { checkCount } from '../client/settings.ts'
import { normalValue } from '../web/header-list.ts'
import { checkFields } from './given-fields.ts'
import type { FileOptions, MemoryOptions, Precompressed, ServeFilesOptions } from './options.ts'

/** What {@link ServeFilesOptions} come to. */
export interface FilesSettings {
  readonly prefix: string
  readonly index: string | undefined
  readonly fallback: readonly string[] | undefined
  readonly notFound: ServeFilesOptions['notFound']
  readonly dotfiles: NonNullable<ServeFilesOptions['dotfiles']>
  readonly symlinks: NonNullable<ServeFilesOptions['symlinks']>
  readonly precompressed: readonly Precompressed[]
  readonly cacheControl: (path: string) => string | undefined
  readonly etag: 'stat' | 'content' | false
  readonly listing: NonNullable<ServeFilesOptions['listing']>
  readonly download: (path: string) => boolean | string
  readonly types: Readonly<Record<string, string>>
  readonly headers: (path: string) => NonNullable<FileOptions['headers']>
  readonly memory: Required<MemoryOptions> | undefined
}

/** The best first. */
const all: readonly Precompressed[] = ['br', 'zstd', 'gzip']

const forever = 'public, max-age=31536000, immutable'

const defaultMemory: Required<MemoryOptions> = {
  maxFiles: 1_000,
  maxFileSize: 64 * 1024,
  maxSize: 64 * 1024 * 1024,
  revalidate: 1_000,
}

const known: Record<keyof ServeFilesOptions, true> = {
  prefix: true,
  index: true,
  fallback: true,
  notFound: true,
  dotfiles: true,
  symlinks: true,
  precompressed: true,
  cacheControl: true,
  immutable: true,
  etag: true,
  listing: true,
  download: true,
  types: true,
  headers: true,
  memory: true,
}

/** @throws TypeError or RangeError that names the option. */
export function filesSettings(options: ServeFilesOptions): FilesSettings {
  checkOptions('serveFiles', options)
  checkNames(options, known)
  const { prefix = '/', index = 'index.html', fallback, notFound } = options
  const { dotfiles = 'ignore', symlinks = 'inside', precompressed = false } = options
  const { cacheControl = 'no-cache', immutable, etag = 'stat', listing = false } = options
  const { download = false, types = {}, headers = {}, memory = false } = options
  if (typeof prefix !== 'string' || !prefix.startsWith('/')) {
    throw new TypeError('Invalid option prefix: it must be a path that begins with a slash')
  }
  if (index !== false) checkName('index', index)
  checkFunction('notFound', notFound)
  checkOne('dotfiles', dotfiles, ['ignore', 'deny', 'allow'])
  checkOne('symlinks', symlinks, ['inside', 'never', 'anywhere'])
  checkOne('etag', etag, ['stat', 'content', false])
  checkKind('cacheControl', cacheControl, 'string', 'function')
  checkKind('listing', listing, 'boolean', 'function')
  checkKind('download', download, 'boolean', 'function')
  checkOptions('types', types)
  if (immutable !== undefined && !(immutable instanceof RegExp)) {
    throw new TypeError('Invalid option immutable: it must be a regular expression')
  }
  if (typeof headers !== 'function') checkFields(headers)
  return {
    prefix: prefix.endsWith('/') ? prefix : `${prefix}/`,
    index: index === false ? undefined : index,
    fallback: fallback === undefined ? undefined : segmentsOf(fallback),
    notFound,
    dotfiles,
    symlinks,
    precompressed: codingsOf(precompressed),
    cacheControl: cachingOf(cacheControl, immutable),
    etag,
    listing,
    download: typeof download === 'function' ? download : () => download,
    types: typesOf(types),
    headers: typeof headers === 'function' ? headers : () => headers,
    memory: memoryOf(memory),
  }
}

/** Checks how a file is to be given. @throws TypeError that names the option. */
export function checkFileOptions(options: FileOptions & { readonly request?: unknown }): void {
  checkOptions('file', options)
  checkNames<FileOptions & { readonly request?: unknown }>(options, {
    type: true,
    cacheControl: true,
    etag: true,
    download: true,
    headers: true,
    request: true,
  })
  const { type, cacheControl, etag, download, headers } = options
  if (type !== undefined) checkKind('type', type, 'string')
  if (cacheControl !== undefined) checkKind('cacheControl', cacheControl, 'string')
  if (etag !== undefined) checkOne('etag', etag, ['stat', 'content', false])
  if (download !== undefined) checkKind('download', download, 'boolean', 'string')
  if (headers !== undefined) checkFields(headers)
}

/** A path of the system, from its root. @throws TypeError for what is none. */
export function systemPath(name: string, path: string | URL): string {
  const text = path instanceof URL ? fileURLToPath(path) : path
  if (typeof text !== 'string' || text === '' || text.includes('\0')) {
    throw new TypeError(`Invalid ${name}: it must be a path or a file: URL`)
  }
  return resolve(text)
}

function checkNames<T extends object>(options: T, names: Record<keyof T, true>): void {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(names, name)) throw new TypeError(`Invalid option ${name}: there is no such option`)
  }
}

function checkOne(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (allowed.includes(value)) return
  throw new TypeError(`Invalid option ${name}: ${String(value)} is none of ${allowed.join(', ')}`)
}

function checkKind(name: string, value: unknown, ...kinds: readonly string[]): void {
  if (kinds.includes(typeof value)) return
  throw new TypeError(`Invalid option ${name}: it must be a ${kinds.join(' or a ')}`)
}

function checkName(name: string, value: unknown): void {
  if (typeof value === 'string' && value !== '' && !/[/\\\0]/.test(value) && value !== '.' && value !== '..')
    return
  throw new TypeError(`Invalid option ${name}: it must be the name of a file`)
}

function segmentsOf(path: string): readonly string[] {
  const segments = typeof path === 'string' ? path.replace(/^\//, '').split('/') : ['']
  for (const segment of segments) checkName('fallback', segment)
  return segments
}

function codingsOf(given: ServeFilesOptions['precompressed']): readonly Precompressed[] {
  if (typeof given === 'boolean') return given ? all : []
  if (!Array.isArray(given) || given.some((coding) => !all.includes(coding as Precompressed))) {
    throw new TypeError(`Invalid option precompressed: it must be true, false, or some of ${all.join(', ')}`)
  }
  return all.filter((coding) => given.includes(coding))
}

function cachingOf(
  given: NonNullable<ServeFilesOptions['cacheControl']>,
  immutable: RegExp | undefined,
): FilesSettings['cacheControl'] {
  const caching = typeof given === 'function' ? given : () => given
  if (!immutable) return caching
  // One that is sticky or global would remember where it stopped.
  const pattern = new RegExp(immutable.source, immutable.flags.replace(/[gy]/g, ''))
  return (path) => (pattern.test(path) ? forever : caching(path))
}

function typesOf(given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const types = Object.create(null) as Record<string, string>
  for (const [extension, type] of Object.entries(given)) {
    if (typeof type !== 'string')
      throw new TypeError(`Invalid option types.${extension}: it must be a string`)
    types[extension.replace(/^\./, '').toLowerCase()] = normalValue(type)
  }
  return types
}

function memoryOf(given: boolean | MemoryOptions): Required<MemoryOptions> | undefined {
  if (given === false) return undefined
  if (given === true) return defaultMemory
  checkOptions('memory', given)
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaultMemory, name)) {
      throw new TypeError(`Invalid option memory.${name}: there is no such option`)
    }
    checkCount(`memory.${name}`, value as number | undefined)
  }
  return { ...defaultMemory, ...given }
}
