import { basename } from 'node:path'

import { normalValue } from '../web/header-list.ts'
import type { Response } from '../web/response.ts'
import { answerWith } from './answer.ts'
import { type AskedFile, askedOf } from './asked.ts'
import { describe } from './describe.ts'
import { mediaType } from './media-type.ts'
import { OpenFile } from './open-file.ts'
import { OpenSource } from './open-source.ts'
import type { FileOptions } from './options.ts'
import { careful } from './root.ts'
import { checkFileOptions, systemPath } from './settings.ts'
import { closeDescriptor, openDescriptor, statOf } from './system.ts'

const unasked: AskedFile = {
  method: 'GET',
  pathname: '/',
  search: '',
  headers: { get: () => null },
  exchange: undefined,
}

/**
 * A file as an answer. With the `request` that it answers, it is what that asks for: a part (206), only the head, or that
 * nothing has changed (304); without, all of it. It is open when this resolves, and closed when the answer was sent, or
 * another one in its place. Without the `request` nothing tells of that other one: then a file of more than 64 KiB whose
 * answer is neither sent, read nor cancelled stays open until it is collected.
 *
 * The path is taken as it is, links and all: from whoever asks, it is {@link serveFiles} that takes one.
 *
 * @throws what the system says of the path, with its code, such as `ENOENT`; `EISDIR` for what is no regular file.
 *   TypeError that names the option.
 * @example
 * ```ts
 * const server = await serve({ port: 8080 }, (request) => file('report.pdf', { request, download: 'Report 2026.pdf' }))
 * ```
 */
export async function file(
  path: string | URL,
  options: FileOptions & { request?: Request } = {},
): Promise<Response> {
  checkFileOptions(options)
  const { request, type, cacheControl = 'no-cache', ...rest } = options
  const name = systemPath('path', path)
  const open = await openRegular(name)
  try {
    const told = await describe(open, {
      ...rest,
      name: basename(name),
      type: type === undefined ? mediaType(name) : normalValue(type),
      cacheControl,
    })
    const asked = request ? askedOf(request) : unasked
    return await answerWith(asked, told, new OpenSource(open, asked.exchange))
  } catch (error) {
    open.close()
    throw error
  }
}

async function openRegular(path: string): Promise<OpenFile> {
  const descriptor = await openDescriptor(path, careful)
  try {
    const stats = statOf(descriptor)
    if (stats.isFile()) return new OpenFile(descriptor, stats)
  } catch (error) {
    closeDescriptor(descriptor)
    throw error
  }
  closeDescriptor(descriptor)
  throw Object.assign(new Error(`Cannot read ${path}: it is no regular file`), { code: 'EISDIR', path })
}
