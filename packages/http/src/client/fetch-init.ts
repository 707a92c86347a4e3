import { isToken } from '../codec/tokens.ts'
import { toText } from '../web/header-list.ts'
import { runtime, type RuntimeRequest } from '../web/runtime.ts'
import { bodyOf, streamIn } from './fetch-body.ts'
import { fieldsOf } from './fetch-fields.ts'
import { fetchUrlOf } from './fetch-url.ts'
import type { FetchClient } from './fetch.ts'
import { checkMetadata } from './integrity.ts'
import type { RequestOptions } from './options.ts'

/** What is to be fetched: input and init of `fetch`, taken apart once. */
export interface Fetching {
  readonly url: string
  readonly options: RequestOptions & { readonly method: string }
  /** The body of a `Request`, which may turn out to be whole. */
  readonly stream: ReadableStream<Uint8Array> | null
  readonly redirect: string
  readonly integrity: string
}

/** Redirects that are followed (Fetch standard section 4.4). */
const redirectLimit = 20

const noInit: RequestInit = Object.freeze({})

/**
 * The steps of `new Request` (Fetch standard section 5.4), without one. Undefined for a URL whose scheme is the
 * runtime's affair.
 *
 * @throws TypeError for what the standard refuses, and for what would do something else here than it says.
 */
export function fetchingOf(input: unknown, given: unknown, client: FetchClient): Fetching | undefined {
  const request = isRequest(input) ? input : undefined
  const url = fetchUrlOf(request ? request.url : input)
  if (url === undefined) return undefined
  const init = given === undefined || given === null ? noInit : initOf(given)

  const method = init.method === undefined ? (request?.method ?? 'GET') : methodOf(init.method)
  const redirect =
    oneOf('redirect', init.redirect === undefined ? request?.redirect : init.redirect) ?? 'follow'
  const cache =
    oneOf('cache', (init as Init).cache === undefined ? request?.cache : (init as Init).cache) ?? 'default'
  const integrity = toText(init.integrity ?? request?.integrity ?? '')
  if (integrity !== '') checkMetadata(integrity)
  const signal = init.signal === undefined ? request?.signal : init.signal

  // Who goes on with a request gives it as the input, or in the place of the init.
  const other = init instanceof runtime.Request ? init : undefined
  const own = init.body ?? null
  const bodyFrom = own === null ? request : other
  const stream = bodyFrom ? streamIn(bodyFrom) : null
  const body = own === null || other ? null : bodyOf(own, init.duplex)
  if ((stream !== null || body !== null) && (method === 'GET' || method === 'HEAD')) {
    throw new TypeError(`Invalid option body: ${method} has none`)
  }
  const headersFrom = init.headers === undefined ? request : other
  const headers = fieldsOf({
    given: init.headers === undefined ? request?.headers : init.headers,
    from: headersFrom,
    withBody: stream !== null && headersFrom === bodyFrom,
    cache,
    defaults: client.headers,
  })
  const redirects = redirect === 'follow' ? (client.redirects ?? redirectLimit) : 0
  const options = { method, headers, body, redirects }
  return { url, options: signal ? { ...options, signal } : options, stream, redirect, integrity }
}

/** A request of the runtime, of ours, or of anybody who writes them as the standard does. */
function isRequest(value: unknown): value is RuntimeRequest {
  if (typeof value !== 'object' || value === null) return false
  if (value instanceof runtime.Request) return true
  const { url, method, headers, arrayBuffer } = value as Partial<RuntimeRequest>
  return (
    typeof url === 'string' &&
    typeof method === 'string' &&
    typeof headers === 'object' &&
    typeof arrayBuffer === 'function'
  )
}

const known = {
  mode: new Set(['same-origin', 'no-cors', 'cors']),
  credentials: new Set(['omit', 'same-origin', 'include']),
  cache: new Set(['default', 'no-store', 'reload', 'no-cache', 'force-cache']),
  redirect: new Set(['follow', 'error', 'manual']),
  referrerPolicy: new Set([
    '',
    'no-referrer',
    'no-referrer-when-downgrade',
    'same-origin',
    'origin',
    'strict-origin',
    'origin-when-cross-origin',
    'strict-origin-when-cross-origin',
    'unsafe-url',
  ]),
  priority: new Set(['high', 'low', 'auto']),
  duplex: new Set(['half']),
}

/** @throws TypeError for a value that is none of those. */
function oneOf(name: keyof typeof known, value: unknown): string | undefined {
  if (value === undefined) return undefined
  const text = toText(value)
  if (known[name].has(text)) return text
  const why =
    text === 'only-if-cached' ? 'there is no cache here' : `it is none of ${[...known[name]].join(', ')}`
  throw new TypeError(`Invalid option ${name}: ${JSON.stringify(text)}, and ${why}`)
}

/** @throws TypeError for a member that asks for what cannot be done. */
function initOf(given: unknown): RequestInit {
  if (typeof given !== 'object' && typeof given !== 'function') {
    throw new TypeError('Invalid init: it is no dictionary')
  }
  const init = given as Init
  const { signal, window, referrer, dispatcher } = init
  oneOf('mode', init.mode)
  oneOf('credentials', init.credentials)
  oneOf('referrerPolicy', init.referrerPolicy)
  oneOf('priority', init.priority)
  oneOf('duplex', init.duplex)
  if (signal !== undefined && signal !== null && typeof signal.addEventListener !== 'function') {
    throw new TypeError('Invalid option signal: it is no AbortSignal')
  }
  if (window !== undefined && window !== null) throw new TypeError('Invalid option window: it is not null')
  if (referrer !== undefined && referrer !== '' && referrer !== 'about:client') {
    throw new TypeError('Invalid option referrer: whom to name is told by the header Referer')
  }
  if (dispatcher !== undefined && dispatcher !== null) {
    throw new TypeError('Invalid option dispatcher: it is of another client; ours has the option connect')
  }
  return init as RequestInit
}

/** The members that Node's types do not know. */
interface Init {
  readonly cache?: unknown
  readonly mode?: unknown
  readonly credentials?: unknown
  readonly referrer?: unknown
  readonly referrerPolicy?: unknown
  readonly priority?: unknown
  readonly duplex?: unknown
  readonly signal?: AbortSignal | null
  readonly window?: unknown
  readonly dispatcher?: unknown
}

/** Methods that are sent in upper case, however they are given. */
const normalised = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'])
const forbidden = new Set(['CONNECT', 'TRACE', 'TRACK'])

/** Fetch standard section 2.2.1. @throws TypeError for what is no method, and for one that pages must not use. */
function methodOf(given: unknown): string {
  const method = toText(given)
  if (normalised.has(method)) return method
  if (!isToken(method)) throw new TypeError(`Invalid option method: ${JSON.stringify(method)} is no token`)
  const upper = method.toUpperCase()
  if (forbidden.has(upper)) throw new TypeError(`Invalid option method: ${method} is forbidden`)
  return normalised.has(upper) ? upper : method
}
