import type { PieceSource } from '../../message/piece-source.ts'
import type { RequestBody } from '../options.ts'
import { BlobBody, isBlob } from './blob-body.ts'
import { BytesBody } from './bytes-body.ts'
import { isFileBody, openFile } from './file-body.ts'
import { isForm, outgoingForm } from './form-body.ts'
import { StreamBody, type Streamed } from './stream-body.ts'
import { TextBody } from './text-body.ts'

/** A body that is ready to be sent: everything that the head says of it is known. */
export interface OutgoingBody {
  /** Bytes; undefined when only the end will tell. */
  readonly length: number | undefined
  /** The Content-Type that comes with it, unless the request has one. */
  readonly type: string | undefined
  /** Whether it can be opened more than once. */
  readonly replayable: boolean
  /** All of it, where that is there and at most 64 KiB: it leaves in one write with the head. */
  readonly whole: string | Uint8Array | undefined
  /** Begins to read it. @throws TypeError for a second time, where it is not replayable. */
  open(): PieceSource
  /** It will not be opened any more. What was opened is not touched, and cancelled by its own. */
  discard(): void
}

const form = 'application/x-www-form-urlencoded;charset=UTF-8'

/**
 * Takes what was given as the body of a request. Bytes are not copied: they belong to the caller, who leaves them
 * alone until they are sent. Only a file makes it wait: it is opened here.
 *
 * @throws TypeError for what cannot be sent, a stream that has a reader or was used, what is no regular file.
 * @throws RangeError for a part that the file does not have.
 */
export function outgoingBody(given: RequestBody): OutgoingBody | Promise<OutgoingBody> {
  if (typeof given === 'string') return new TextBody(given, 'text/plain;charset=UTF-8')
  if (typeof given !== 'object' || given === null) throw refused(given)
  if (ArrayBuffer.isView(given)) return new BytesBody(viewOf(given))
  // What other realms and libraries made is known by its tag.
  const tag = Object.prototype.toString.call(given)
  if (tag === '[object ArrayBuffer]') return new BytesBody(new Uint8Array(given as ArrayBuffer))
  if (tag === '[object URLSearchParams]') return new TextBody((given as URLSearchParams).toString(), form)
  if (isBlob(given)) return new BlobBody(given)
  if (isForm(given)) return outgoingForm(given)
  if (given instanceof ReadableStream || Symbol.asyncIterator in given) {
    return new StreamBody(given as Streamed)
  }
  if (isFileBody(given)) return openFile(given)
  throw refused(given)
}

/** Bytes in whatever view they came. */
export function viewOf(view: ArrayBufferView): Uint8Array {
  return view instanceof Uint8Array ? view : new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

function refused(given: unknown): TypeError {
  const what = given === null ? 'null' : Array.isArray(given) ? 'an array' : `a value of type ${typeof given}`
  return new TypeError(
    `Invalid option body: ${what} is neither text, bytes, a Blob, a form, search parameters, a file nor a stream`,
  )
}
