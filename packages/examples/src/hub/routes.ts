import { type FilesHandler, serveFiles } from '@fairlead/http/files'
import { Hono } from 'hono'
import { generateCookie } from 'hono/cookie'
import { secureHeaders } from 'hono/secure-headers'

import { isSafeName } from '../files/names.ts'
import { reasonOf } from '../reason.ts'
import { refusalOf } from '../uploads/refusal.ts'
import type { Resumable } from '../uploads/resumable.ts'
import type { Folder } from './folder.ts'
import type { Guard } from './guard.ts'
import type { Room } from './room.ts'
import { share } from './share.ts'

export interface RoutesOptions {
  page: FilesHandler
  folder: Folder
  room: Room
  guard: Guard
  /** Takes uploads that can be interrupted. */
  resumable: Resumable
  /** Bytes of the largest upload. */
  maxUpload: number
}

/** Where uploads are sent that can be interrupted. */
export const uploadsPath = '/uploads'

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

/** The hub's HTTP: the page, the shared folder under `/files`, and what arrives in pieces under `/uploads`. */
export function routes({ page, folder, room, guard, resumable, maxUpload }: RoutesOptions): Hono {
  const downloads = serveFiles(folder.path, {
    prefix: '/files',
    symlinks: 'never',
    index: false,
    download: true,
    notFound: noFile,
  })

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
    // What is served is what is listed: other names are as if they were not there.
    if (!isSafeName(c.req.param('name'))) return noFile()
    const response = await downloads(c.req.raw)
    // Not even a page that was made to run what is shared gets it as a script or a style.
    if (response.status === 200 || response.headers.has('content-range'))
      response.headers.set('Content-Type', 'application/octet-stream')
    return response
  })
  app.put('/files/:name', async (c) => {
    const file = await folder.add(c.req.param('name'), c.req.raw, maxUpload)
    share(room, file, c.req.query('by'))
    return c.json(file, 201, { Location: `/files/${encodeURIComponent(file.name)}` })
  })

  app.all(uploadsPath, (c) => resumable.fetch(c.req.raw))
  app.all(`${uploadsPath}/:id`, (c) => resumable.fetch(c.req.raw))

  app.get('*', async (c) => {
    const response = await page(c.req.raw)
    const token = guard.tokenIn(c.req.url)
    if (token !== undefined) {
      const options = { path: '/', httpOnly: true, sameSite: 'Strict' } as const
      response.headers.append('Set-Cookie', generateCookie(guard.cookieName, token, options))
    }
    return response
  })

  app.notFound(() => text('there is nothing here', 404))
  app.onError(explain)
  return app
}

const noFile = (): Response => text('there is no such file', 404)

/** What went wrong, in a line that the page can show. */
function explain(error: Error): Response {
  const refusal = refusalOf(error, 'hub')
  return refusal
    ? text(refusal.text, refusal.status)
    : text(`The hub cannot do this: ${reasonOf(error)}.`, 500)
}

function text(line: string, status: number): Response {
  return new Response(`${line}\n`, { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' } })
}
