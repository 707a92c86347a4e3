import { discard } from '../message/piece-source.ts'
import { toText } from '../web/header-list.ts'
import type { RuntimeRequest } from '../web/runtime.ts'
import { wholeOf } from '../web/whole.ts'
import { isBlob } from './body/blob-body.ts'
import { isForm } from './body/form-body.ts'
import type { RequestBody } from './options.ts'

/**
 * What was given as a body, as it was at that moment (Fetch standard section 5.2): what can be changed is copied.
 *
 * @throws TypeError for a stream that has a reader, or comes without `duplex`, and for what is not meant to be sent.
 */
export function bodyOf(body: unknown, duplex: unknown): RequestBody {
  if (typeof body === 'string') return body
  if (typeof body !== 'object' || body === null) return toText(body)
  if (ArrayBuffer.isView(body)) return copyOf(body.buffer, body.byteOffset, body.byteLength)
  // What other realms and libraries made is known by its tag.
  const tag = Object.prototype.toString.call(body)
  if (tag === '[object ArrayBuffer]') return (body as ArrayBuffer).slice()
  if (tag === '[object URLSearchParams]') return new URLSearchParams((body as URLSearchParams).toString())
  if (isBlob(body) || isForm(body)) return body
  if (body instanceof ReadableStream || Symbol.asyncIterator in body) return streamed(body, duplex)
  const text = toText(body)
  if (/^\[object \w+\]$/.test(text)) {
    throw new TypeError(
      `Invalid option body: ${text} is nothing to be sent; JSON.stringify makes text of an object`,
    )
  }
  return text
}

/** The body of a request that goes on. @throws TypeError when it was used. */
export function streamIn(request: RuntimeRequest): ReadableStream<Uint8Array> | null {
  const used = request.bodyUsed
  const body = used ? null : request.body
  if (used || body?.locked) throw new TypeError('Invalid request: its body was used already')
  return body as ReadableStream<Uint8Array> | null
}

/** A body will not be sent (Fetch standard section 5.6, "abort a fetch() call"). */
export function letGo(body: RequestBody | null | undefined, reason: unknown): void {
  if (body instanceof ReadableStream) body.cancel(reason).catch(() => {})
  else if (typeof body === 'object' && body !== null && Symbol.asyncIterator in body) discard(body)
}

function streamed(body: object, duplex: unknown): RequestBody {
  if (duplex === undefined) {
    throw new TypeError("Invalid option duplex: a body that is a stream needs duplex: 'half'")
  }
  const whole = wholeOf(body)
  if (whole?.intact) {
    const content = whole.take()
    // Of a stream nobody knows the type.
    return typeof content === 'string' ? Buffer.from(content) : content
  }
  if (whole || (body instanceof ReadableStream && body.locked)) {
    throw new TypeError('Invalid option body: the stream has a reader, or was used')
  }
  return body as RequestBody
}

function copyOf(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array {
  // That of another realm is no instance of this one's.
  const own = Object.prototype.toString.call(buffer) === '[object ArrayBuffer]'
  if (own) return new Uint8Array(buffer, offset, length).slice()
  throw new TypeError('Invalid option body: its memory is shared')
}
