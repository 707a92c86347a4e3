import { toText } from './header-list.ts'
import { runtime, type RuntimeResponse } from './runtime.ts'
import { Whole, wholeOf } from './whole.ts'

/**
 * What a message holds: text or bytes as they are, or of which a stream was made, and anything else inside a
 * `Response` of the runtime, which knows how to read, clone and tell whether it was used.
 */
export type Content = Plain | Whole | RuntimeResponse

/** What is no stream yet. */
export type Plain = string | Uint8Array | null

/** Whether it is no stream yet. */
export function isPlain(content: unknown): content is Plain {
  return typeof content === 'string' || content === null || content instanceof Uint8Array
}

/**
 * Takes what was given as a body (Fetch standard section 5.2).
 *
 * @throws TypeError for a stream that has a reader, or was used.
 */
export function contentOf(body: unknown): Content {
  if (typeof body === 'string') return body
  if (body === null || body === undefined) return null
  if (typeof body !== 'object') return toText(body)
  if (body instanceof URLSearchParams) return body.toString()
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice()
  }
  if (body instanceof ArrayBuffer) return new Uint8Array(body).slice()
  const whole = wholeOf(body)
  if (!whole) return new runtime.Response(body as ReadableStream)
  if (!whole.intact) throw new TypeError('Invalid body: the stream has a reader, or was used')
  return whole
}

/** The Content-Type that comes with a body, unless another one is given. */
export function typeOf(body: unknown, content: Content): string | null {
  if (content === null || content instanceof Uint8Array || content instanceof Whole) return null
  if (typeof content !== 'string') return content.headers.get('content-type')
  return body instanceof URLSearchParams
    ? 'application/x-www-form-urlencoded;charset=UTF-8'
    : 'text/plain;charset=UTF-8'
}

/** A second one of its own, of one that was not used. */
export function cloneOf(content: Content): Content {
  if (content instanceof Whole) return cloneOf(content.content)
  if (content === null || typeof content === 'string') return content
  // What `slice` of a Buffer gives would be the same memory.
  return content instanceof Uint8Array ? new Uint8Array(content) : content.clone()
}

/** Bytes or text as a stream, with all that streams can. */
function carrierOf(content: Plain, type: string | null = null): RuntimeResponse {
  return new runtime.Response(
    content as string | null,
    type === null ? undefined : { headers: { 'Content-Type': type } },
  )
}

export type Reader = 'arrayBuffer' | 'blob' | 'bytes' | 'formData' | 'json' | 'text'

/** Reads what is there whole. `type` is the Content-Type of the message. */
export async function read(content: Plain, how: Reader, type: string | null): Promise<unknown> {
  return readNow(content, how, type)
}

/** As {@link read} does, for whoever waits anyway: of a blob or a form there is a promise all the same. */
export function readNow(content: Plain, how: Reader, type: string | null): unknown {
  switch (how) {
    case 'text':
      return textOf(content)
    case 'json':
      return JSON.parse(textOf(content)) as unknown
    case 'bytes':
      return bytesOf(content)
    case 'arrayBuffer':
      return bytesOf(content).buffer
    case 'blob':
    case 'formData':
    default:
      return carrierOf(content, type)[how]()
  }
}

/** Reads what a carrier holds, where the message's type matters as if it had it. */
export function readCarrier(carrier: RuntimeResponse, how: Reader, type: string | null): Promise<unknown> {
  if ((how !== 'blob' && how !== 'formData') || carrier.bodyUsed)
    return (carrier as unknown as Readable)[how]()
  const typed = new runtime.Response(
    carrier.body,
    type === null ? undefined : { headers: { 'Content-Type': type } },
  )
  return typed[how]()
}

type Readable = Record<Reader, () => Promise<unknown>>

/** UTF-8 decode (Encoding standard): without a byte order mark, and with U+FFFD for what is no character. */
export function textOf(content: Plain): string {
  if (content === null) return ''
  const text = typeof content === 'string' ? wellFormed(content) : decode(content)
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
}

/** Bytes for whoever asked to keep. */
export function bytesOf(content: Plain): Uint8Array<ArrayBuffer> {
  if (content === null) return new Uint8Array()
  // Neither shares the runtime's pool with anybody.
  return typeof content === 'string' ? new TextEncoder().encode(content) : new Uint8Array(content)
}

function wellFormed(text: string): string {
  return (text as unknown as { toWellFormed(): string }).toWellFormed()
}
