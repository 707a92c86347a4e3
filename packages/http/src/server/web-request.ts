import type { IncomingBody } from '../message/body.ts'
import type { IncomingRequest } from '../message/request.ts'
import type { Exchange } from './exchange.ts'

/** Methods that the Fetch standard keeps from a `Request`. */
const forbidden = new Set(['CONNECT', 'TRACE', 'TRACK'])

/** The web-standard `Request` of an exchange, or the status for one that cannot have any. */
export function webRequestOf(exchange: Exchange): Request | number {
  const { request, tls, signal } = exchange
  const { method, headers, hasBody } = request
  if (forbidden.has(method.toUpperCase())) return 501
  const init = { method, headers: [...headers], signal }
  // What a body of GET or HEAD would mean nobody knows (RFC 9110 section 9.3.1).
  const readable = hasBody && method !== 'GET' && method !== 'HEAD'
  try {
    const url = urlOf(request, tls !== undefined)
    return new Request(url, readable ? { ...init, body: streamOf(request.body), duplex: 'half' } : init)
  } catch {
    // A host that is one by the grammar of RFC 3986 need not be one by that of URL.
    return 400
  }
}

/** The target URI (RFC 9112 section 3.3). */
function urlOf({ form, target, authority }: IncomingRequest, secure: boolean): string {
  if (form === 'absolute') return target
  const origin = `${secure ? 'https' : 'http'}://${authority === '' ? 'localhost' : authority}`
  return form === 'origin' ? origin + target : `${origin}/`
}

/** Nothing is asked of the client before somebody reads. */
function streamOf(body: IncomingBody): ReadableStream<Uint8Array> {
  let source: AsyncIterator<Uint8Array, undefined> | undefined
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        source ??= body[Symbol.asyncIterator]()
        const { value, done } = await source.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await source?.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
