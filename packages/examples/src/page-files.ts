import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

import { file, type FilesHandler, serveFiles } from '@fairlead/http/files'

export interface PageFilesOptions {
  /** What their paths begin with. Default nothing. */
  prefix?: string
  cacheControl?: string
  headers?: Readonly<Record<string, string>>
}

/** The client for uploads that can be resumed, as its authors built it for browsers. */
const client = 'tus.min.js'
const clientPath = createRequire(import.meta.url).resolve(`tus-js-client/dist/${client}`)

/** The build copies them beside the program, so that they lie here in both. */
const foldersOf = (name: string): URL[] =>
  [`${name}/page/`, 'page/'].map((it) => new URL(it, import.meta.url))

/** Everything that a page consists of: its own files, those that pages have in common, and the client for uploads. */
export function pageFiles(name: 'hub' | 'serve', options: PageFilesOptions = {}): FilesHandler {
  const { prefix = '', ...told } = options
  let handler: FilesHandler = (request) =>
    new URL(request.url).pathname === `${prefix}/${client}`
      ? file(clientPath, { ...told, request })
      : new Response('There is nothing here.\n', { status: 404 })
  for (const folder of foldersOf(name).toReversed()) {
    handler = serveFiles(folder, { ...told, prefix: `${prefix}/`, memory: true, notFound: handler })
  }
  return handler
}

/** Another one for each content of all these files: what is asked for under it may be kept for ever. */
export async function versionOf(name: 'hub' | 'serve'): Promise<string> {
  const hash = createHash('sha256')
  for (const folder of foldersOf(name)) {
    for (const it of (await readdir(folder)).toSorted())
      hash.update(it).update(await readFile(new URL(it, folder)))
  }
  hash.update(await readFile(clientPath))
  return hash.digest('hex').slice(0, 12)
}
