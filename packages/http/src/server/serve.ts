import { ready } from '@fairlead/core/transport'

import { Fields } from '../codec/index.ts'
import { discard } from '../message/piece-source.ts'
import { type RequestMaker, requestMaker } from '../web/request-of.ts'
import { ServeContext, trailersOf } from '../web/serve-context.ts'
import { take } from '../web/taken.ts'
import { wholeAtOnce } from '../web/whole-at-once.ts'
import { lentFields } from './answer-fields.ts'
import type { Exchange } from './exchange.ts'
import { listen } from './listen.ts'
import type { HttpListener } from './listener.ts'
import type { HttpListenOptions } from './options.ts'

export type { ServeContext } from '../web/serve-context.ts'

/** What a handler may give; nothing only where it took the connection over, or answered by itself. */
type Given = Response | undefined | void

/**
 * A web-standard handler, as frameworks export it (`app.fetch`). The context comes twice: as their environment, and
 * as their execution context.
 */
export type FetchHandler = (
  request: Request,
  context: ServeContext,
  executionContext: ServeContext,
) => Given | Promise<Given>

/** Options with the handler among them, as other runtimes take them. */
export interface ServeOptions extends HttpListenOptions {
  /** Called without a `this`. */
  fetch: FetchHandler
}

/**
 * Serves HTTP/1.1 with web-standard `Request` and `Response`: those of this package, which cost little, those of
 * the runtime, and those of anybody else. Bodies are streams with back-pressure both ways; `request.signal` is
 * aborted when the client resets, closes or ends, with an `AbortError`, or when `handlerTimeout` has passed, with a
 * `TimeoutError`; the cause is the error of `exchange.signal`.
 *
 * A handler that throws, gives no response, or one whose body was used, costs its client a 500, and is told to
 * `onError`. A target that is no URL of HTTP's is answered with 400, one of the other scheme than the client came by
 * with 421, a method that no `Request` can have (CONNECT, TRACE) with 501.
 *
 * @throws TypeError or RangeError that names the option, ListenError when the address cannot be had.
 * @example
 * ```ts
 * const server = await serve({ port: 8080 }, (request) => new Response(`${request.method} ${request.url}\n`))
 * ```
 */
export function serve(options: HttpListenOptions, handler: FetchHandler): Promise<HttpListener>
export function serve(handler: FetchHandler): Promise<HttpListener>
export function serve(options: ServeOptions): Promise<HttpListener>
export async function serve(
  first: HttpListenOptions | FetchHandler,
  second?: FetchHandler,
): Promise<HttpListener> {
  const options = typeof first === 'function' ? {} : first
  const handler = second ?? (typeof first === 'function' ? first : (first as Partial<ServeOptions>)?.fetch)
  if (typeof handler !== 'function') {
    throw new TypeError(
      'Invalid option fetch: there is no handler, neither behind the options nor among them',
    )
  }
  const requestOf = requestMaker()
  return listen(options, (exchange) => handle(exchange, requestOf, handler))
}

/** Nothing is promised where nothing is waited for. */
function handle(exchange: Exchange, requestOf: RequestMaker, handler: FetchHandler): void | Promise<void> {
  const request = requestOf(exchange)
  if (typeof request === 'number') return exchange.respond(request)
  const context = new ServeContext(exchange)
  const given = handler(request, context, context)
  if (!isPromise(given)) return answer(context, given)
  // What fails is told here: whoever waited for the promise of that would cost every request another one.
  given.then(
    (response) => answerLate(context, response),
    (error: unknown) => exchange.fail(error),
  )
}

function answerLate(context: ServeContext, response: Given): void {
  const { exchange } = context
  try {
    answer(context, response)?.then(undefined, (error: unknown) => exchange.fail(error))
  } catch (error) {
    exchange.fail(error)
  }
}

function answer(context: ServeContext, response: Given): void | Promise<void> {
  const { exchange } = context
  if (exchange.answered) {
    if (response) discard(response.body)
    return undefined
  }
  const { status, list, lent, body } = take(response)
  if (lent && trailersOf(context) === undefined)
    return settled(exchange.respond(status, lentFields(list), body))
  const fields = new Fields(list)
  if (exchange.request.method === 'HEAD' && isStream(body) && !fields.has('content-length')) {
    return wholeAtOnce(body).then((whole) => exchange.respond(status, fields, whole))
  }
  const trailers = trailersOf(context)
  const done =
    trailers === undefined
      ? exchange.respond(status, fields, body)
      : exchange.respond(status, fields, body, { trailers })
  return settled(done)
}

/** Undefined for what is done. */
function settled(done: Promise<void>): Promise<void> | undefined {
  return done === ready ? undefined : done
}

function isStream(body: unknown): body is ReadableStream<Uint8Array> {
  return typeof body === 'object' && body !== null && !(body instanceof Uint8Array)
}

function isPromise(given: unknown): given is Promise<Given> {
  return typeof (given as Promise<Given> | undefined)?.then === 'function'
}
