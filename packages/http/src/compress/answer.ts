import { sourceOf } from '../message/piece-source.ts'
import type { FetchHandler } from '../server/serve.ts'
import type { HeaderList } from '../web/header-list.ts'
import { adoptList, copyList, type Headers } from '../web/headers.ts'
import { KeptBody } from '../web/kept-body.ts'
import { makeResponse, Response, type Taken } from '../web/response.ts'
import { take } from '../web/taken.ts'

/** What a handler may give. */
export type Given = Awaited<ReturnType<FetchHandler>>

type Body = Taken['body']

/** An answer taken apart, of which another is made. @throws TypeError for one whose body was used. */
export class Answer {
  readonly #taken: Taken
  readonly #statusText: string
  /** What Content-Length says. */
  readonly declared: number | undefined
  /** Whether it answers a HEAD. */
  readonly head: boolean
  /** Whether it is open for long, with little in it. */
  readonly quiet: boolean

  constructor(given: globalThis.Response, declared: number | undefined, head: boolean, quiet: boolean) {
    this.#statusText = given.statusText
    this.#taken = take(given)
    this.declared = declared
    this.head = head
    this.quiet = quiet
  }

  get list(): HeaderList {
    return this.#taken.list
  }

  get body(): Body {
    return this.#taken.body
  }

  /** Bytes of the body, or of that which GET would have got, as far as they are known. */
  get size(): number | undefined {
    const { body, declared } = this
    if (body === null) return this.head ? declared : 0
    if (typeof body === 'string') return Buffer.byteLength(body)
    return body instanceof Uint8Array ? body.byteLength : declared
  }

  /** The same again. */
  asItIs(body: Body = this.body): Response {
    return this.with(adoptList(this.list), body)
  }

  /** The same with these fields and this body. */
  with(headers: Headers, body: Body): Response {
    const { status } = this.#taken
    const statusText = this.#statusText
    // Text brings a type along where there is none.
    const given = typeof body === 'string' && !headers.has('content-type') ? Buffer.from(body) : body
    if (!(given instanceof Uint8Array)) return new Response(initOf(given), { status, statusText, headers })
    // Their memory may be that of others, too: a body that is kept, a handler's own, the pool of Buffer.
    if (statusText === '') return makeResponse(status, copyList(headers), new KeptBody(given))
    return new Response(given, { status, statusText, headers })
  }
}

/** Whether it looks like an answer; whether it is one is found out when it is taken apart. */
export function isResponse(given: Given): given is globalThis.Response {
  const { headers, status } = (given ?? {}) as Partial<globalThis.Response>
  return typeof headers?.get === 'function' && typeof status === 'number'
}

function initOf(body: Exclude<Body, Uint8Array>): string | ReadableStream<Uint8Array> | null {
  if (body === null || typeof body === 'string' || body instanceof ReadableStream) return body
  const source = sourceOf(body)
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await source.next()
        if (done) controller.close()
        else controller.enqueue(value as Uint8Array)
      },
      cancel: (reason) => source.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
