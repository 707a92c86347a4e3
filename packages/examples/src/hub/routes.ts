import { join } from 'node:path'

import * as contentDisposition from 'content-disposition'
import { type Context, Hono } from 'hono'
import { setCookie } from 'hono/cookie'
import { secureHeaders } from 'hono/secure-headers'

import { isSafeName } from '../files/names.ts'
import { codeOf, reasonOf } from '../reason.ts'
import { formatSize } from '../size.ts'
import { atMost, TooLargeError } from './at-most.ts'
import { Download } from './download.ts'
import type { Folder } from './folder.ts'
import type { Guard } from './guard.ts'
import type { PageFile } from './page-files.ts'
import type { Room } from './room.ts'
import { nickname } from './talk.ts'

export interface RoutesOptions {
  page: ReadonlyMap<string, PageFile>
  folder: Folder
  room: Room
  guard: Guard
  /** Bytes of the largest upload. */
  maxUpload: number
}

/** What a browser is told to allow: the page, and nothing from elsewhere. */
const headers = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'self'"],
    connectSrc: ["'self'", 'ws:', 'wss:'],
    imgSrc: ["'self'", 'data:'],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
  },
  referrerPolicy: 'same-origin',
  // There is no HTTPS to insist on.
  strictTransportSecurity: false,
})

/** The hub's HTTP: the page, and the shared folder under `/files`. */
export function routes({ page, folder, room, guard, maxUpload }: RoutesOptions): Hono {
  const app = new Hono()
  app.use(headers)
  app.use(async (c, next) => {
    const refusal = guard.refuse({ target: c.req.url, headers: c.req.raw.headers })
    return refusal ? c.text(`${refusal.text}\n`, refusal.status) : next()
  })

  app.get('/files', async (c) => {
    await folder.refresh()
    return c.json(folder.files, 200, { 'Cache-Control': 'no-store' })
  })

  app.get('/files/:name', async (c) => {
    const name = c.req.param('name')
    const download = isSafeName(name) ? await Download.open(join(folder.path, name)) : undefined
    if (!download) return c.text('there is no such file\n', 404)
    c.header('Content-Type', 'application/octet-stream')
    c.header('Content-Length', String(download.size))
    c.header('Content-Disposition', contentDisposition.create(name))
    c.header('Last-Modified', download.modified.toUTCString())
    c.header('Cache-Control', 'no-cache')
    if (c.req.method !== 'HEAD') return c.body(download.body())
    await download.close()
    return c.body(null)
  })

  app.put('/files/:name', async (c) => {
    // Hono's own bodyLimit gathers in memory what comes in chunks.
    if (Number(c.req.header('content-length') ?? 0) > maxUpload) throw new TooLargeError()
    const body = atMost(maxUpload, c.req.raw.body ?? emptyBody())
    const file = await folder.add(c.req.param('name'), body)
    const by = nickname(c.req.query('by') ?? '') ?? 'somebody'
    room.announce(`${by} shared ${file.name} (${formatSize(file.size)})`)
    return c.json(file, 201, { Location: `/files/${encodeURIComponent(file.name)}` })
  })

  app.get('*', (c) => {
    const file = page.get(c.req.path)
    if (!file) return c.text('there is nothing here\n', 404)
    const token = guard.tokenIn(c.req.url)
    if (token !== undefined)
      setCookie(c, guard.cookieName, token, { path: '/', httpOnly: true, sameSite: 'Strict' })
    c.header('Content-Type', file.type)
    c.header('Content-Length', String(file.content.length))
    c.header('Cache-Control', 'no-cache')
    return c.body(file.content)
  })

  app.notFound((c) => c.text('there is nothing here\n', 404))
  app.onError(explain)
  return app
}

/** What went wrong, in a line that the page can show. */
function explain(error: Error, c: Context): Response {
  if (error instanceof TooLargeError) return c.text('The file is too large for this hub.\n', 413)
  const full = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(codeOf(error))
  return full
    ? c.text('The hub has no space left.\n', 507)
    : c.text(`The hub cannot do this: ${reasonOf(error)}.\n`, 500)
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}
