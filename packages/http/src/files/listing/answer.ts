import { createHash } from 'node:crypto'

import Negotiator from 'negotiator'

import { makeResponse, type Response } from '../../web/response.ts'
import { evaluate } from '../preconditions.ts'
import { listingJson } from './json.ts'
import type { Listing } from './listing.ts'
import { listingPage } from './page.ts'
import { sortingOf } from './sorting.ts'
import { style } from './style.ts'

const html = 'text/html; charset=utf-8'
const json = 'application/json'

/** Characters of an Accept. Those of browsers have 200; what is longer says nothing, since it takes long to read. */
const longest = 1_024

/**
 * Answers with a listing, in HTML or in JSON: as `?format=html` or `?format=json` says, else as Accept does (RFC 9110
 * section 12.5.1). Who takes anything, as curl and wget do, gets HTML: as from other servers, and with links that wget
 * can follow. So does who takes neither.
 */
export function listingResponse(request: Request, listing: Listing): Response {
  const { headers, method } = request
  const { searchParams: query } = new URL(request.url)
  const type = typeOf(query.get('format'), headers.get('accept'))
  const body = type === json ? listingJson(listing) : listingPage(listing, sortingOf(query))
  const etag = `W/"${digestOf(body, 'base64url').slice(0, 22)}"`
  const list = ['Cache-Control', 'no-cache', 'ETag', etag, 'Vary', 'Accept']
  const outcome = evaluate(method, headers, { etag })
  if (outcome !== 'go') return makeResponse(outcome, list, null)
  list.push('Content-Type', type, 'X-Content-Type-Options', 'nosniff')
  if (type === html) list.push('Content-Security-Policy', policy())
  return makeResponse(200, list, body)
}

let made: string | undefined

/** Nothing but the style, and no page of others around it. */
function policy(): string {
  return (made ??= [
    `default-src 'none'`,
    `style-src 'sha256-${digestOf(style, 'base64')}'`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'self'`,
  ].join('; '))
}

function typeOf(format: string | null, accept: string | null): string {
  if (format === 'json') return json
  if (format === 'html' || accept === null || accept.length > longest) return html
  // Some ask for JSON with a charset, though it has none (RFC 8259 section 11).
  const offered = [html, `${json}; charset=utf-8`]
  return new Negotiator({ headers: { accept } }).mediaType(offered) === offered[1] ? json : html
}

function digestOf(text: string, encoding: 'base64' | 'base64url'): string {
  return createHash('sha256').update(text).digest(encoding)
}
