import { codingFor, type SentCoding } from '../coding/negotiation.ts'
import { discard, type PieceSource, sourceOf } from '../message/piece-source.ts'
import type { FetchHandler } from '../server/serve.ts'
import { Answer, type Given, isResponse } from './answer.ts'
import { begin } from './begun.ts'
import {
  encodedFields,
  forbidsTransforming,
  mayEncode,
  revalidatedFields,
  variedFields,
} from './encoded-fields.ts'
import { encodedStream } from './encoded-stream.ts'
import { hasEncoder } from './encoders.ts'
import type { Wrappable, WrappedHandler } from './handlers.ts'
import { gainsByType, isEventStream, mediaTypeOf } from './media-types.ts'
import { checkHandler, type CompressOptions, type Settings, settingsOf } from './options.ts'
import { encodeWhole, wholeLimit } from './whole.ts'

/**
 * Compresses what a handler answers, in the coding that its client likes best: text, JSON, XML, JavaScript, SVG and
 * WebAssembly of 1 KiB or more, by Content-Type, unless `options` say otherwise. Wraps any {@link FetchHandler}, and so
 * what frameworks export as `app.fetch`.
 *
 * Text and bytes leave with a Content-Length. Streams are compressed as they come, and what has come leaves whenever
 * their source has nothing more at hand: an event is not kept waiting for the next. A reader that is slow slows the
 * source down, one that leaves cancels it, and a source that fails cuts the answer.
 *
 * Left alone is what has a Content-Encoding, `identity` too, or a Content-Range; a `no-transform` in Cache-Control, of
 * answer or request; 204, 205, 206; and what does not become smaller. An answer that another client would have got
 * in another coding says `Vary: Accept-Encoding`. One that is compressed has a weak ETag, and no Accept-Ranges or digest,
 * which are of other bytes. HEAD gets the fields of GET, but for the length.
 *
 * Who compresses secrets together with what others may choose tells them, by its size, what they guessed (BREACH): leave
 * such answers out with `filter`, or by `no-transform`.
 *
 * A stream has an encoder of its own for as long as it lasts: 0.3 MiB in gzip and 1.1 to 1.7 in br, of event streams
 * 0.15 and 0.35. There are as many as there are connections with such an answer.
 *
 * @throws TypeError or RangeError that names the option.
 * @example
 * ```ts
 * const server = await serve({ port: 8080 }, compress(() => Response.json(Array(1000).fill('ahoy'))))
 * ```
 */
export function compress<T extends Given>(
  handler: Wrappable<T>,
  options: CompressOptions = {},
): WrappedHandler<T> {
  checkHandler(handler)
  const compressor = new Compressor(settingsOf(options))
  const compressed: FetchHandler = (request, context, executionContext) => {
    const given = handler(request, context, executionContext)
    return isPromise(given)
      ? given.then((response) => compressor.answer(response, request))
      : compressor.answer(given, request)
  }
  return compressed as WrappedHandler<T>
}

class Compressor {
  readonly #settings: Settings
  /** Those that there are; looked for when first needed, since that loads zlib. */
  #codings: readonly SentCoding[] | undefined

  constructor(settings: Settings) {
    this.#settings = settings
  }

  answer(given: Given, request: Request): Given | Promise<Given> {
    // What is none is the server's to refuse.
    if (!isResponse(given)) return given
    const { headers, status } = given
    if (!mayEncode(status, headers)) return given
    const type = mediaTypeOf(headers.get('content-type'))
    if (!this.#isWorth(given, request, type)) return given
    const declared = lengthOf(headers.get('content-length'))
    if (this.#isSmall(declared)) return given
    const answer = new Answer(given, declared, request.method === 'HEAD', isEventStream(type))
    if (status === 304) {
      return answer.with(revalidatedFields(answer.list, request.headers.get('if-none-match')), null)
    }
    if (this.#isSmall(answer.size)) return answer.asItIs()
    const coding = this.#codingFor(request)
    // Of what GET would get, HEAD may know too little.
    if (coding === undefined || (answer.body === null && answer.size === undefined)) {
      return answer.with(variedFields(answer.list), answer.body)
    }
    return this.#encode(answer, coding)
  }

  #isWorth(given: globalThis.Response, request: Request, type: string | undefined): boolean {
    // A 304 needs no Content-Type (RFC 9110 section 15.4.5): it may stand for anything.
    const gains = gainsByType(type) || (given.status === 304 && type === undefined)
    const { filter } = this.#settings
    try {
      return filter ? filter(given, request, gains) : gains
    } catch (error) {
      discard(given.body)
      throw error
    }
  }

  #isSmall(size: number | undefined): boolean {
    return size !== undefined && (size === 0 || size < this.#settings.threshold)
  }

  #codingFor({ headers }: Request): SentCoding | undefined {
    if (forbidsTransforming(headers)) return undefined
    this.#codings ??= this.#settings.codings.filter(hasEncoder)
    return codingFor(headers.get('accept-encoding'), this.#codings)
  }

  #encode(answer: Answer, coding: SentCoding): Given | Promise<Given> {
    const { body, declared, head } = answer
    if (body !== null && isStream(body)) {
      // With a length, no more is to be found out.
      if (declared !== undefined) {
        return head ? this.#headOnly(answer, coding) : this.#stream(answer, coding, sourceOf(body))
      }
      return begin(sourceOf(body)).then(({ bytes, rest }) => {
        if (rest !== undefined) {
          if (!head) return this.#stream(answer, coding, rest, bytes)
          rest.cancel(undefined)
        } else if (this.#isSmall(bytes.byteLength)) return answer.asItIs(bytes)
        return head ? this.#headOnly(answer, coding) : this.#whole(answer, coding, bytes)
      })
    }
    if (head || body === null) return this.#headOnly(answer, coding)
    return this.#whole(answer, coding, body)
  }

  #headOnly(answer: Answer, coding: SentCoding): Given {
    discard(answer.body)
    return answer.with(encodedFields(answer.list, coding), null)
  }

  #whole(answer: Answer, coding: SentCoding, body: string | Uint8Array): Given | Promise<Given> {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    if (bytes.byteLength > wholeLimit) return this.#stream(answer, coding, sourceOf(bytes))
    const encoded = encodeWhole(coding, this.#settings.level[coding], bytes)
    const settle = (smaller: Uint8Array): Given =>
      smaller.byteLength < bytes.byteLength
        ? answer.with(encodedFields(answer.list, coding), smaller)
        : answer.with(variedFields(answer.list), body)
    return encoded instanceof Promise ? encoded.then(settle) : settle(encoded)
  }

  #stream(answer: Answer, coding: SentCoding, source: PieceSource, first?: Uint8Array): Given {
    const { declared, quiet } = answer
    const level = this.#settings.level[coding]
    const encoding = { coding, level, quiet, declared, ...(first ? { first } : undefined) }
    return answer.with(encodedFields(answer.list, coding), encodedStream(source, encoding))
  }
}

/** What Content-Length says, if it says anything. */
function lengthOf(contentLength: string | null): number | undefined {
  return contentLength !== null && /^\d{1,15}$/.test(contentLength) ? Number(contentLength) : undefined
}

function isStream(body: string | object): body is ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> {
  return typeof body === 'object' && !(body instanceof Uint8Array)
}

function isPromise(given: Given | Promise<Given>): given is Promise<Given> {
  return typeof (given as Promise<Given> | undefined)?.then === 'function'
}
