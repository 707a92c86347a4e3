import type { Fields } from '../codec/index.ts'
import { codingsOf } from '../coding/decoder.ts'
import { Received, failureOf } from '../web/received.ts'
import { type FetchedHead, fetchedResponse, type Response } from '../web/response.ts'
import { runtime, type RuntimeRequest } from '../web/runtime.ts'
import { originalOf } from '../web/served-request.ts'
import { letGo } from './fetch-body.ts'
import { decodedFields } from './fetch-fields.ts'
import { type Fetching, fetchingOf } from './fetch-init.ts'
import { gather } from './gathered.ts'
import { checkIntegrity } from './integrity.ts'
import type { RequestOptions } from './options.ts'
import { isRedirect } from './redirect-location.ts'

/** An answer as far as `fetch` looks at it; `IncomingResponse` is one. */
export interface FetchedAnswer {
  readonly status: number
  readonly reason: string
  readonly headers: Fields
  /** Final, and without its fragment; empty where no server gave the answer. */
  readonly url: string
  readonly redirects: readonly string[]
  /** Whether content codings were taken off the body, of which its fields still tell. */
  readonly decoded?: boolean
  /** Whether the end of the body has come, read or not. */
  readonly complete: boolean
  readonly body: AsyncIterable<Uint8Array>
  bytes(): Promise<Uint8Array>
  discard(): void
}

/** What {@link fetchWith} asks of a client. */
export interface FetchClient {
  request(url: string, options: RequestOptions): Promise<FetchedAnswer>
  /** The client's own for each request: of those, no default of the standard is sent. */
  readonly headers?: Fields | undefined
  /** What `redirect: 'follow'` follows. Default 20, as the standard has it. */
  readonly redirects?: number | undefined
}

/**
 * `fetch` of the Fetch standard (section 5.6) on a client. It makes no object of the runtime's own: what was given is
 * taken apart here, and what comes is a `Response` of ours.
 *
 * Rejects with the reason of the signal when that aborts, and else with a `TypeError` that tells all that its cause,
 * a `RequestError`, does. URLs of `data:` and `blob:` are the runtime's affair.
 *
 * There is neither origin nor cache nor page here. So `mode`, `credentials`, `referrerPolicy`, `keepalive` and
 * `priority` are looked at and change nothing; `cache` is told to caches between here and the server; and what would
 * be wrong without being told is refused: `only-if-cached`, a `referrer` other than none, `dispatcher`.
 */
export async function fetchWith(
  client: FetchClient,
  input: string | URL | RuntimeRequest,
  init?: RequestInit,
): Promise<Response> {
  const fetching = fetchingOf(input, init, client)
  if (fetching === undefined) return (await fetchElsewhere(input, init)) as Response
  const { options, redirect, integrity } = fetching
  const signal = options.signal
  if (signal?.aborted) {
    letGo(fetching.stream ?? options.body, signal.reason)
    throw signal.reason
  }
  try {
    if (fetching.stream) options.body = await gather(fetching.stream)
    const answer = await client.request(fetching.url, options)
    if (redirect === 'error' && isRedirect(answer.status)) throw refuse(answer, fetching)
    const bodiless = options.method === 'HEAD' || isBodiless(answer.status)
    const head = headOf(answer, fetching, bodiless)
    if (bodiless) {
      answer.discard()
      if (integrity === '') return fetchedResponse(head, null)
      throw new TypeError(`Cannot ${told(fetching)}: there is no body to be held to integrity`)
    }
    if (integrity === '') return fetchedResponse(head, new Received(answer, signal))
    const bytes = await answer.bytes()
    checkIntegrity(bytes, integrity, told(fetching))
    return fetchedResponse(head, bytes)
  } catch (error) {
    throw failureOf(error, signal)
  }
}

function headOf(answer: FetchedAnswer, fetching: Fetching, bodiless: boolean): FetchedHead {
  const { status, reason, headers, redirects, url } = answer
  const { decoded = !bodiless && codingsOf(headers) !== undefined } = answer
  return {
    status,
    statusText: reason,
    list: decoded ? decodedFields(headers.raw) : headers.raw,
    url: url === '' ? withoutFragment(fetching.url) : url,
    redirected: redirects.length > 0,
  }
}

function withoutFragment(url: string): string {
  const at = url.indexOf('#')
  return at < 0 ? url : url.slice(0, at)
}

/** Null body status (Fetch standard section 2.2.3). */
function isBodiless(status: number): boolean {
  return status === 204 || status === 304 || status === 205 || status === 101 || status === 103
}

function refuse(answer: FetchedAnswer, fetching: Fetching): TypeError {
  answer.discard()
  return new TypeError(
    `Cannot ${told(fetching)}: the answer is a redirect (${answer.status}), which is an error here`,
  )
}

/** Method and URL, without its query and fragment, where secrets are. */
function told({ options, url }: Fetching): string {
  return `${options.method} ${url.replace(/[?#].*$/s, '')}`
}

async function fetchElsewhere(input: unknown, init: RequestInit | undefined): Promise<unknown> {
  try {
    return await runtime.fetch(originalOf(input) as string, init)
  } catch (error) {
    // What there is to tell of a URL that holds its own answer stands in the cause.
    const { message, cause } = error as { message?: unknown; cause?: unknown }
    if (message !== 'fetch failed' || !(cause instanceof Error)) throw error
    throw new TypeError(`Cannot fetch: ${cause.message}`, { cause: error })
  }
}
