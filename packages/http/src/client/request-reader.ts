import { Fields } from '../codec/index.ts'
import { equalsFolded } from '../codec/tokens.ts'
import { type FieldsInit, rawFields } from '../message/fields-init.ts'
import type { ClientOptions, RequestOptions } from './options.ts'
import type { OutgoingRequest } from './outgoing-request.ts'
import { checkRequest, type Shared, sharedOf } from './settings.ts'
import { type Target, targetFor, Targets } from './target.ts'

/** What was asked for: what holds for it, whom it is for, and the request itself. */
export interface Asked {
  readonly shared: Shared
  readonly target: Target
  readonly request: OutgoingRequest
}

/** Reads what is given to a client: the client's own options, and those of each request. */
export class RequestReader {
  readonly shared: Shared
  /** The client's fields, which a request has that says nothing of fields. */
  readonly headers: Fields
  readonly #targets: Targets
  readonly #intercepted: boolean

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: ClientOptions) {
    this.shared = sharedOf(options)
    this.headers = new Fields(options.headers === undefined ? [] : fieldsOf(options.headers))
    this.#targets = new Targets(options.base)
    this.#intercepted = (options.interceptors?.length ?? 0) > 0
  }

  /** @throws TypeError or RangeError that names the option, TypeError for what is no URL. */
  read(url: string | URL, options: RequestOptions | undefined): Asked {
    let target = this.#targets.of(url)
    if (options === undefined) {
      if (this.#intercepted) target = copyOf(target)
      return {
        shared: this.shared,
        target,
        request: { url: target.url, method: 'GET', headers: this.headers, body: null },
      }
    }
    checkRequest(options)
    const { query, json, headers, method, body, ...rest } = options
    if (query !== undefined) target = targetFor(withQuery(target.url, query))
    else if (this.#intercepted) target = copyOf(target)
    const content = json === undefined ? (body ?? null) : textOf(json)
    let fields = headers === undefined ? this.headers : this.#with(headers)
    if (json !== undefined && !fields.has('content-type'))
      fields = fields.with('Content-Type', 'application/json')
    const request = {
      ...rest,
      url: target.url,
      method: method ?? (content === null ? 'GET' : 'POST'),
      headers: fields,
      body: content,
    }
    return { shared: sharedOf(options, this.shared), target, request }
  }

  /** The request's own fields, and those of the client that it does not have. */
  #with(headers: FieldsInit): Fields {
    const own = fieldsOf(headers)
    const { raw } = this.headers
    if (raw.length === 0) return new Fields(own)
    const all = [...own]
    for (let at = 0; at < raw.length; at += 2) {
      const name = raw[at]!.toLowerCase()
      const replaced = own.some((other, place) => place % 2 === 0 && equalsFolded(other, name))
      if (!replaced) all.push(raw[at]!, raw[at + 1]!)
    }
    return new Fields(all)
  }
}

function fieldsOf(headers: FieldsInit): readonly string[] {
  if (typeof headers === 'object' && headers !== null) return rawFields(headers)
  throw new TypeError('Invalid option headers: they are neither a record nor pairs')
}

/** Interceptors may change a URL that they are given, and must not change it for others. */
function copyOf(target: Target): Target {
  return { ...target, url: new URL(target.url) }
}

function withQuery(url: URL, query: NonNullable<RequestOptions['query']>): URL {
  const whole = new URL(url)
  const pairs = query instanceof URLSearchParams ? query : Object.entries(query)
  for (const [name, value] of pairs) whole.searchParams.append(name, String(value))
  return whole
}

function textOf(json: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(json) as string | undefined
  } catch (error) {
    throw new TypeError(`Invalid option json: ${(error as Error).message}`, { cause: error })
  }
  if (text === undefined) throw new TypeError('Invalid option json: the value is none of JSON')
  return text
}
