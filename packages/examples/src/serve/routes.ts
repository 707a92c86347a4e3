import type { ServeContext } from '@fairlead/http'
import { type FilesHandler, type Listing, listingResponse, serveFiles } from '@fairlead/http/files'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { basicAuth } from 'hono/basic-auth'
import { HTTPException } from 'hono/http-exception'
import { parseAccept } from 'hono/utils/accept'

import { pageFiles } from '../page-files.ts'
import type { Resumable } from '../uploads/resumable.ts'
import { refusalOf } from './guard.ts'
import { listingPage, type PageOptions } from './listing-page.ts'
import { assetsPath, isOwn, segmentsOf, uploadsPath } from './paths.ts'
import type { Receiver } from './receive.ts'
import type { Settings } from './settings.ts'

export interface RoutesOptions {
  settings: Settings
  /** A real path. */
  root: string
  /** What the folder is called. */
  name: string
  /** Of what the page consists of; see `versionOf`. */
  version: string
  /** Who takes files, if anybody does. */
  uploads: { receiver: Receiver; resumable: Resumable } | undefined
  /** Told who makes a request. */
  identified?(context: ServeContext, user: string): void
}

type Env = { Bindings: ServeContext }

/** What a browser is told to allow: the listing, and nothing from elsewhere. Files that are served say for themselves. */
const pageHeaders = {
  'Content-Security-Policy':
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
}

const forEver = 'public, max-age=31536000, immutable'

/** A folder, as a web-standard handler. */
export function routes({ settings, root, name, version, uploads, identified }: RoutesOptions): Hono<Env> {
  const { users, cors } = settings
  const app = new Hono<Env>()
  const assets = `${assetsPath}${version}`
  const page = pageFiles('serve', { prefix: assets, cacheControl: forEver, headers: pageHeaders })
  const files = filesOf(settings, root, { name, assets: `${assets}/` })
  const allowed = ['GET', 'HEAD', 'OPTIONS', ...(uploads ? ['PUT', 'POST'] : [])].join(', ')

  app.use(guard(settings))
  if (cors) app.use(openToOthers)
  if (users) {
    app.use(
      basicAuth({
        realm: name.replaceAll(/[^\x20-\x7e]/g, '?'),
        verifyUser: (user, password) => users.knows(user, password),
        onAuthSuccess: (c: Context<Env>, user) => identified?.(c.env, user),
        invalidUserMessage: 'This needs a user and a password.\n',
      }),
    )
  }

  app.get(`${assets}/:name`, (c) => page(c.req.raw))
  if (uploads) {
    const { resumable, receiver } = uploads
    app.all(uploadsPath, (c) => resumable.fetch(c.req.raw))
    app.all(`${uploadsPath}/:id`, (c) => resumable.fetch(c.req.raw))
    app.use(hideOwn)
    app.on(['PUT', 'POST'], '*', (c) => receiver.fetch(c.req.raw))
  } else {
    app.use(hideOwn)
  }
  app.get('*', (c) => files(c.req.raw, c.env))
  app.options('*', (c) => c.body(null, 204, { Allow: allowed }))
  app.all('*', (c) => {
    const why = uploads
      ? 'This is not done to files here.'
      : 'This server takes no files: it was started without --upload.'
    return c.text(`${why}\n`, 405, { Allow: allowed })
  })

  app.notFound((c) => c.text('There is nothing here.\n', 404))
  app.onError((error) => {
    if (error instanceof HTTPException) return error.getResponse()
    // The server answers, and tells its `onError`.
    throw error
  })
  return app
}

function guard(settings: Settings): MiddlewareHandler<Env> {
  // Who has to give a password is no page that was made to point here: browsers keep passwords by name.
  const loopback = settings.loopback && settings.users === undefined
  const tls = settings.tls !== undefined
  return async (c, next) => {
    const refusal = refusalOf(c.req.raw, { loopback, tls })
    return refusal === undefined ? next() : c.text(`${refusal}\n`, 403)
  }
}

/** Pages of other sites may read, and not more. */
const openToOthers: MiddlewareHandler<Env> = async (c, next) => {
  const { req } = c
  if (req.method === 'OPTIONS' && req.header('access-control-request-method') !== undefined) {
    return c.body(null, 204, {
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Allow-Methods': 'GET, HEAD',
      'Access-Control-Allow-Headers': 'range, if-none-match, if-modified-since, if-range',
      'Access-Control-Max-Age': '86400',
    })
  }
  await next()
  c.res.headers.set('Access-Control-Allow-Origin', '*')
  c.res.headers.set('Access-Control-Expose-Headers', 'Content-Range, Content-Length, ETag, Accept-Ranges')
  return undefined
}

const hideOwn: MiddlewareHandler<Env> = async (c, next) => {
  const names = segmentsOf(new URL(c.req.url).pathname)
  return names && isOwn(names) ? c.notFound() : next()
}

/** Files in which browsers run no script; all others may be documents. */
const harmless =
  /\.(png|jpe?g|gif|webp|avif|mp[34]|m4[av]|webm|og[gav]|opus|wav|flac|mkv|mov|pdf|txt|md|csv|zip|gz)$/i

function filesOf(settings: Settings, root: string, page: Pick<PageOptions, 'name' | 'assets'>): FilesHandler {
  const { upload, maxUpload, spa, dotfiles, cache, users } = settings
  const options: PageOptions = {
    ...page,
    uploads: upload ? { endpoint: uploadsPath, maxSize: maxUpload } : undefined,
  }
  const list = async (found: Listing, request: Request): Promise<Response> => {
    const entries = found.entries.filter((entry) => !isOwn([entry.name]))
    const listing = { ...found, entries }
    const query = new URL(request.url).searchParams
    if (wantsJson(request, query)) return listingResponse(request, listing)
    return new Response(await listingPage(listing, query, options), {
      headers: {
        ...pageHeaders,
        'Content-Type': 'text/html; charset=utf-8',
        'Cache-Control': 'no-cache',
        Vary: 'Accept',
      },
    })
  }
  return serveFiles(root, {
    dotfiles: dotfiles ? 'allow' : 'ignore',
    listing: settings.listing && list,
    precompressed: settings.compress,
    // Whoever may send a page here must not have it run in the name of this server.
    headers: (path) => (upload && !harmless.test(path) ? { 'Content-Security-Policy': 'sandbox' } : {}),
    ...(spa ? { fallback: 'index.html' } : {}),
    ...(cache === undefined ? {} : { cacheControl: `${users ? 'private' : 'public'}, max-age=${cache}` }),
  })
}

/** A browser gets the page, and so does whoever takes anything, as curl and wget do: with links that wget follows. */
function wantsJson(request: Request, query: URLSearchParams): boolean {
  const format = query.get('format')
  if (format !== null) return format === 'json'
  const accepted = parseAccept((request.headers.get('accept') ?? '').slice(0, 1_024))
  const weight = (type: string): number => accepted.find((it) => it.type === type)?.q ?? 0
  return weight('application/json') > weight('text/html')
}
