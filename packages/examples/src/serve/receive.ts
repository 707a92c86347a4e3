import { rm } from 'node:fs/promises'
import { extname } from 'node:path'

import { saveBody, saveForm } from '@fairlead/http/uploads'
import * as contentDisposition from 'content-disposition'
import { mimes } from 'mrmime'

import { formatSize } from '../size.ts'
import { type Inbox, type Kept, TakenError } from '../uploads/inbox.ts'
import { refusalOf } from '../uploads/refusal.ts'
import { type Folders, segmentsOf } from './paths.ts'

export interface ReceiveOptions {
  inbox: Inbox
  folders: Folders
  /** Bytes of the largest file. */
  maxSize: number
}

/** A file that was kept, and where it is now. */
interface Stored extends Kept {
  /** The path of a URL. */
  readonly path: string
}

/** Something that is answered with a line of text. */
class Refusal extends Error {
  readonly status: number

  constructor(status: number, text: string) {
    super(text)
    this.status = status
  }
}

/** Takes files by PUT, under the name in the path, and by POST, into a folder: of a form, or what is in the body. */
export class Receiver {
  readonly #options: ReceiveOptions

  constructor(options: ReceiveOptions) {
    this.#options = options
  }

  async fetch(request: Request): Promise<Response> {
    try {
      return await (request.method === 'PUT' ? this.#put(request) : this.#post(request))
    } catch (error) {
      return answerTo(error)
    }
  }

  async #put(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    const names = segmentsOf(pathname)
    const name = names?.pop()
    if (name === undefined || pathname.endsWith('/')) throw new Refusal(400, 'PUT takes the name of a file.')
    const [stored] = await this.#save(request, names ?? [], name, true)
    return answer(request, [stored], stored.replaced ? 200 : 201)
  }

  async #post(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    const names = segmentsOf(pathname)
    if (!names) throw noFolder
    const type = request.headers.get('content-type') ?? ''
    if (/^multipart\/form-data\b/i.test(type)) return this.#form(request, names)
    // A path that is no folder's is the name of the file.
    const within = pathname.endsWith('/') || (await this.#options.folders.find(names)) !== undefined
    const name = within ? nameOf(request.headers) : names.pop()
    const [stored] = await this.#save(request, names, name ?? '', false)
    return answer(request, [stored], 201)
  }

  async #save(request: Request, names: readonly string[], name: string, exact: boolean): Promise<[Stored]> {
    const { inbox, maxSize } = this.#options
    const folder = await this.#folder(names)
    const destination = { folder, name, exact }
    // Refused before the body comes, where a client asks first.
    await inbox.check(destination)
    const file = inbox.temporary()
    await saveBody(request, file, { maxSize })
    return [await this.#keep(file, names, destination)]
  }

  async #form(request: Request, names: readonly string[]): Promise<Response> {
    const { inbox, maxSize } = this.#options
    const folder = await this.#folder(names)
    const limits = { fileSize: maxSize, totalSize: Infinity }
    await using form = await saveForm(request, { folder: inbox.workshop, ...limits })
    const stored: Stored[] = []
    for (const { path, sentFilename: name } of form.files) {
      stored.push(await this.#keep(path, names, { folder, name, exact: false }))
    }
    if (stored.length === 0) throw new Refusal(400, 'There is no file in the form.')
    return answer(request, stored, 201)
  }

  async #folder(names: readonly string[]): Promise<string> {
    const folder = await this.#options.folders.find(names)
    if (folder === undefined) throw noFolder
    return folder
  }

  async #keep(
    file: string,
    names: readonly string[],
    destination: Parameters<Inbox['keep']>[1],
  ): Promise<Stored> {
    try {
      const kept = await this.#options.inbox.keep(file, destination)
      return { ...kept, path: `/${[...names, kept.name].map(encodeURIComponent).join('/')}` }
    } catch (error) {
      await rm(file, { force: true })
      throw error
    }
  }
}

const noFolder = new Refusal(404, 'There is no such folder.')

/** A name for a body that comes without one. */
function nameOf(headers: Headers): string {
  const disposition = headers.get('content-disposition')
  if (disposition !== null) {
    const { filename } = contentDisposition.parse(disposition).parameters
    if (filename !== undefined && filename !== '') return filename
  }
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '.').replace('T', ' ')
  return `upload ${stamp}${extensionOf(headers.get('content-type') ?? '')}`
}

/** What curl says of any data is nothing that the file is. */
const meaningless = new Set(['application/x-www-form-urlencoded', 'application/octet-stream'])

function extensionOf(contentType: string): string {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  if (meaningless.has(type)) return ''
  const usual = { 'text/plain': 'txt', 'image/jpeg': 'jpg', 'text/html': 'html' }[type]
  const extension = usual ?? Object.keys(mimes).find((it) => mimes[it] === type)
  return extension === undefined ? '' : extname(`.${extension}`) || `.${extension}`
}

/** What became of files: for programs, for forms without a script, and for people at a terminal. */
function answer(request: Request, stored: readonly Stored[], status: number): Response {
  const accept = request.headers.get('accept') ?? ''
  if (request.method === 'POST' && accept.includes('text/html')) {
    return new Response(null, { status: 303, headers: { Location: new URL(request.url).pathname } })
  }
  const headers = stored.length === 1 ? { Location: stored[0]?.path ?? '' } : {}
  if (accept.includes('application/json')) {
    const files = stored.map(({ name, path, size, replaced }) => ({ name, path, size, replaced }))
    return Response.json(files, { status, headers })
  }
  const lines = stored.map(({ path, size }) => `${decodeURI(path)}  ${formatSize(size)}\n`)
  return new Response(lines.join(''), {
    status,
    headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' },
  })
}

function answerTo(error: unknown): Response {
  if (error instanceof Refusal) return text(error.status, error.message)
  if (error instanceof TakenError) return text(409, `It is not taken: ${error.message}.`)
  const refusal = refusalOf(error, 'server')
  if (refusal === undefined) throw error
  return text(refusal.status, refusal.text)
}

function text(status: number, line: string): Response {
  return new Response(`${line}\n`, { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' } })
}
