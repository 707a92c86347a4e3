import { consistsOf, TEXT } from '../codec/tokens.ts'
import {
  cloneOf,
  type Content,
  contentOf,
  isPlain,
  type Plain,
  read,
  readCarrier,
  type Reader,
  typeOf,
} from './content.ts'
import { type HeaderList, indexOf, toText } from './header-list.ts'
import { adoptList, copyList, type Headers } from './headers.ts'
import { Held } from './held.ts'
import { ofThisMessage } from './message-fields.ts'
import {
  type BodyInit,
  findRuntime,
  inspect,
  isInstance,
  runtime,
  type RuntimeResponse,
  standBefore,
} from './runtime.ts'
import { Whole } from './whole.ts'

/** A response of ours, taken apart to be sent. */
export interface Taken {
  readonly status: number
  readonly list: HeaderList
  /** Whether it is the list of other responses, too, and never changed. */
  readonly lent?: boolean
  readonly body: string | Uint8Array | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | null
}

/** The head of an answer that was fetched. */
export interface FetchedHead {
  readonly status: number
  readonly statusText: string
  /** Of which nothing is changed. */
  readonly list: readonly string[]
  /** Without its fragment. */
  readonly url: string
  readonly redirected: boolean
}

/** Takes the body out of a response of ours; undefined for anything else. @throws TypeError when it was used. */
export let takeResponse: (value: unknown) => Taken | undefined

/** What `fetch` resolves with, whatever its status is; its headers are immutable. */
export let fetchedResponse: (head: FetchedHead, content: Content | Held) => Response

/**
 * An answer of which nothing has to be checked: status, list and body fit together. The list belongs to it from now on,
 * unless it is lent: then it is copied before anybody can change it. Bytes have all of their memory to themselves: who
 * reads the stream of them takes it away.
 */
export let makeResponse: (status: number, list: HeaderList, content: Plain | Held, lent?: boolean) => Response

/**
 * `Response` of the Fetch standard (section 5.5), which keeps text as text and bytes as bytes: no stream, and no
 * `Headers`, before somebody asks for them. The runtime's own is behind it, so `instanceof Response` holds.
 *
 * @example
 * ```ts
 * const server = await serve({ port: 8080 }, () => Response.json({ said: 'ahoy' }))
 * ```
 */
export class Response implements RuntimeResponse {
  #status = 200
  #statusText = ''
  #list: HeaderList
  #headers: Headers | undefined = undefined
  #content: Content | Held
  /** Where it was fetched, if it was. */
  #fetched: FetchedHead | undefined = undefined
  /** Text or bytes that were read. Where there is a stream, it knows itself. */
  #used = false
  /** Of one that was fetched, or that `error` or `redirect` made. */
  #immutable = false
  /** Whether the list is somebody else's, too. */
  #lent = false

  /**
   * @throws RangeError for a status outside 200 to 599, TypeError for a body with a status that has none, a stream
   *   that has a reader, or headers that cannot be sent.
   */
  constructor(body?: BodyInit | null, init?: ResponseInit) {
    findRuntime()
    this.#list = init === undefined || init === null ? [] : this.#init(init)
    const content = contentOf(body)
    this.#content = content
    if (content !== null) this.#begin(typeOf(body, content))
  }

  static {
    takeResponse = (value) =>
      typeof value === 'object' && value !== null && #list in value ? value.#take() : undefined
    fetchedResponse = (head, content) => {
      const response = new Response()
      response.#status = head.status
      response.#statusText = head.statusText
      response.#list = head.list as HeaderList
      response.#immutable = true
      response.#fetched = head
      response.#content = content
      return response
    }
    makeResponse = (status, list, content, lent = false) => {
      const response = new Response()
      response.#status = status
      response.#list = list
      response.#content = content
      response.#lent = lent
      return response
    }
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(Response, runtime.Response, this, value)
  }

  /** An answer in JSON. @throws TypeError for what JSON cannot say. */
  static json(data: unknown, init?: ResponseInit): Response {
    const text = JSON.stringify(data) as string | undefined
    if (text === undefined) throw new TypeError('Cannot make response: the value is none of JSON')
    const response = new Response(null, init)
    response.#content = text
    response.#begin('application/json')
    return response
  }

  /** Sends the client elsewhere. @throws RangeError for a status that does not. */
  static redirect(url: string | URL, status = 302): Response {
    const location = new URL(url)
    const response = new Response()
    response.#status = status & 0xffff
    if (!redirects.has(response.#status)) throw new RangeError(`Invalid status: ${status} is no redirect`)
    response.#list.push('Location', location.href)
    response.#immutable = true
    return response
  }

  /** What `fetch` makes of a network error; it cannot be sent. */
  static error(): Response {
    const response = new Response()
    response.#status = 0
    response.#immutable = true
    return response
  }

  get type(): RuntimeResponse['type'] {
    if (this.#fetched) return 'basic'
    return this.#status === 0 ? 'error' : 'default'
  }

  get url(): string {
    return this.#fetched?.url ?? ''
  }

  get redirected(): boolean {
    return this.#fetched?.redirected ?? false
  }

  get status(): number {
    return this.#status
  }

  get ok(): boolean {
    return this.#status >= 200 && this.#status < 300
  }

  get statusText(): string {
    return this.#statusText
  }

  get headers(): Headers {
    if (this.#headers) return this.#headers
    if (this.#lent) this.#list = this.#list.slice()
    this.#lent = false
    return (this.#headers = adoptList(this.#list, this.#immutable))
  }

  get body(): RuntimeResponse['body'] {
    const content = this.#held()
    if (content === null) return null
    if (!isPlain(content)) return content.body
    const whole = new Whole(content)
    if (this.#used) whole.take()
    this.#content = whole
    return whole.body
  }

  get bodyUsed(): boolean {
    const content = this.#content
    return isPlain(content) ? this.#used : content.bodyUsed
  }

  clone(): Response {
    if (this.bodyUsed) throw used('clone')
    const content = this.#held()
    if (!isPlain(content) && content.body?.locked) throw used('clone')
    const clone = new Response()
    clone.#status = this.#status
    clone.#statusText = this.#statusText
    clone.#list = this.#list.slice()
    clone.#immutable = this.#immutable
    clone.#fetched = this.#fetched
    clone.#content = cloneOf(content)
    return clone
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#read('arrayBuffer') as Promise<ArrayBuffer>
  }

  blob(): ReturnType<RuntimeResponse['blob']> {
    return this.#read('blob') as ReturnType<RuntimeResponse['blob']>
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#read('bytes') as Promise<Uint8Array<ArrayBuffer>>
  }

  formData(): ReturnType<RuntimeResponse['formData']> {
    return this.#read('formData') as ReturnType<RuntimeResponse['formData']>
  }

  json(): Promise<unknown> {
    return this.#read('json')
  }

  text(): Promise<string> {
    return this.#read('text') as Promise<string>
  }

  [inspect](_depth: number, options: object, print: (value: unknown, options: object) => string): string {
    const { status, statusText, headers, bodyUsed, ok, type } = this
    return `Response ${print({ status, statusText, headers, bodyUsed, ok, type }, options)}`
  }

  #init(init: ResponseInit): HeaderList {
    if (typeof init !== 'object' && typeof init !== 'function') {
      throw new TypeError('Invalid response init: it is no dictionary')
    }
    const { headers, status, statusText } = init
    if (status !== undefined) this.#status = statusOf(status)
    if (statusText !== undefined) {
      this.#statusText = toText(statusText)
      if (!consistsOf(TEXT, this.#statusText))
        throw new TypeError('Invalid statusText: it is no reason phrase')
    }
    return headers === undefined ? [] : copyList(headers)
  }

  /** There is a body: it must be allowed, and has a type. */
  #begin(type: string | null): void {
    const status = this.#status
    if (status === 204 || status === 205 || status === 304) {
      throw new TypeError(`Cannot make response: ${status} has no body`)
    }
    if (type !== null && indexOf(this.#list, 'content-type') < 0) this.#list.push('Content-Type', type)
  }

  #read(how: Reader): Promise<unknown> {
    const content = this.#content
    const type = how === 'blob' || how === 'formData' ? this.headers.get('content-type') : null
    if (content instanceof Held) {
      return content.bodyUsed ? Promise.reject(used('read')) : content.read(how, type)
    }
    if (!isPlain(content) && !(content instanceof Whole)) return readCarrier(content, how, type)
    if (content instanceof Whole ? !content.intact : this.#used) return Promise.reject(used('read'))
    return read(this.#use(content), how, type)
  }

  #take(): Taken {
    const content = this.#content
    if (this.bodyUsed) throw used('respond')
    const list = this.#fetched ? ofThisMessage(this.#list) : this.#list
    const lent = this.#lent
    if (content instanceof Held) return { status: this.#status, list, lent, body: content.take() }
    const body =
      isPlain(content) || content instanceof Whole
        ? this.#use(content)
        : (content.body as ReadableStream<Uint8Array> | null)
    return { status: this.#status, list, lent, body }
  }

  /** What is held elsewhere is this message's from now on. */
  #held(): Content {
    const content = this.#content
    if (!(content instanceof Held)) return content
    this.#used = content.bodyUsed
    return (this.#content = content.content())
  }

  #use(content: Plain | Whole): Plain {
    if (content instanceof Whole) return content.take()
    this.#used = content !== null
    return content
  }
}

standBefore(Response, 'Response')

const redirects = new Set([301, 302, 303, 307, 308])

/** As Web IDL makes an `unsigned short` of it. */
function statusOf(given: unknown): number {
  const status = Number.isInteger(given) ? (given as number) & 0xffff : Math.trunc(Number(given)) & 0xffff
  if (status < 200 || status > 599) throw new RangeError(`Invalid status: ${status} is not from 200 to 599`)
  return status
}

function used(what: string): TypeError {
  return new TypeError(`Cannot ${what}: the body was used already`)
}
