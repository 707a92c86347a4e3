import { readdir, readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

import { lookup } from 'mrmime'

/** One file of the page. */
export interface PageFile {
  readonly type: string
  readonly content: Uint8Array<ArrayBuffer>
}

/** The build copies the page beside the program, so that it lies here in both. */
const folder = fileURLToPath(new URL('page', import.meta.url))

/** Everything that the page consists of, by its path in a URL. It is small, and what is not in it is not served. */
export async function loadPage(): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(folder.length).split(sep).join('/')
    const type = lookup(entry.name) ?? 'application/octet-stream'
    const content = new Uint8Array(await readFile(path))
    files.set(name, { type: type.startsWith('text/') ? `${type}; charset=utf-8` : type, content })
  }
  const index = files.get('/index.html')
  if (index) files.set('/', index)
  return files
}
