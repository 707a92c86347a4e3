import { LimitError } from '@fairlead/core'

import { Fields } from '../codec/index.ts'
import { listMembers } from '../codec/tokens.ts'
import { acceptedCodings, codingsOf } from '../coding/decoder.ts'
import { discard } from '../message/piece-source.ts'
import { reasonOf } from '../message/status.ts'
import type { FetchHandler } from '../server/serve.ts'
import { Headers } from '../web/headers.ts'
import { Response } from '../web/response.ts'
import { runtime } from '../web/runtime.ts'
import { passBlame } from '../web/served-request.ts'
import type { Given } from './answer.ts'
import { DecodedBody } from './decoded-body.ts'
import type { Wrappable, WrappedHandler } from './handlers.ts'
import { checkHandler, decoderLimitsOf, type DecompressOptions } from './options.ts'

/**
 * Takes the codings off request bodies: gzip, deflate, br, and zstd where the runtime has it. The handler gets a
 * `Request` whose body is decoded as it is read, with back-pressure, without Content-Encoding and Content-Length, and
 * without digests, which are of other bytes. Requests without a coding reach it as they are. Wraps any
 * {@link FetchHandler}, and so what frameworks export as `app.fetch`.
 *
 * A coding that is not known, or too many of them, is answered with 415 and the codings that are known in
 * Accept-Encoding (RFC 9110 sections 12.5.3 and 15.5.16); the handler is not called. A body that expands too much is
 * stopped in mid-stream, and whoever reads it gets a LimitError; of one that is damaged or cut off, an
 * HttpProtocolError with the code `ERR_FAIRLEAD_HTTP_CONTENT_CODING`. A handler that lets those pass, or answers with
 * 500 for it as frameworks do, costs its client 413, or 400.
 *
 * @throws TypeError or RangeError that names the option.
 * @example
 * ```ts
 * const server = await serve({ port: 8080 }, decompress(async (request) => Response.json(await request.json())))
 * ```
 */
export function decompress<T extends Given>(
  handler: Wrappable<T>,
  options: DecompressOptions = {},
): WrappedHandler<T> {
  checkHandler(handler)
  const limits = decoderLimitsOf(options)
  const decompressed: FetchHandler = (request, context, executionContext) => {
    const codings = namedCodings(request.headers.get('content-encoding'))
    // Without a body there is nothing to take off, whatever is said of it.
    const encoded = codings.length > 0 ? request.body : null
    if (encoded === null) return handler(request, context, executionContext)
    const known = codings.length <= limits.contentCodings && knownCodings(codings)
    if (!known) return refusal(415, { 'Accept-Encoding': acceptedCodings })
    const body = new DecodedBody(encoded, known, limits)
    return answered(body, () => handler(decodedRequest(request, body), context, executionContext))
  }
  return decompressed as WrappedHandler<T>
}

/** What was applied, in that order, but for `identity` and members without a name. */
function namedCodings(contentEncoding: string | null): readonly string[] {
  if (contentEncoding === null) return []
  return listMembers(contentEncoding).filter((member) => member !== '' && member !== 'identity')
}

function knownCodings(named: readonly string[]): readonly string[] | undefined {
  return codingsOf(new Fields(['Content-Encoding', named.join()]))
}

/** What tells of the encoded bytes. */
const ofEncoded = [
  'content-encoding',
  'content-length',
  'content-md5',
  'content-digest',
  'digest',
  'repr-digest',
]

function decodedRequest(request: Request, body: DecodedBody): Request {
  const headers = new Headers(request.headers)
  for (const name of ofEncoded) headers.delete(name)
  const { url, method, signal } = request
  passBlame(body.stream, request)
  const init = { method, headers, signal, body: body.stream, duplex: 'half' }
  return new runtime.Request(url, init as RequestInit)
}

/** What the handler answers, unless it failed since its body could not be decoded. */
async function answered(body: DecodedBody, call: () => Given | Promise<Given>): Promise<Given> {
  let given
  try {
    given = await call()
  } catch (error) {
    if (body.failure === undefined || !followsFrom(error, body.failure)) throw error
    return refusal(statusOf(body.failure))
  }
  // Frameworks answer for their handlers, and do not know whose fault it was.
  if (given?.status !== 500 || body.failure === undefined) return given
  discard(given.body)
  return refusal(statusOf(body.failure))
}

function followsFrom(error: unknown, failure: Error): boolean {
  // Nobody wraps it that often; but causes may go round.
  for (let depth = 0; depth < 10; depth++) {
    if (error === failure) return true
    if (!(error instanceof Error)) return false
    error = error.cause
  }
  return false
}

function statusOf(failure: Error): number {
  return failure instanceof LimitError ? 413 : 400
}

function refusal(status: number, fields: Readonly<Record<string, string>> = {}): Response {
  const headers = { 'Content-Type': 'text/plain', ...fields }
  return new Response(`${status} ${reasonOf(status)}\n`, { status, headers })
}
