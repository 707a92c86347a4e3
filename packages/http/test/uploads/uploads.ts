import { readdirSync } from 'node:fs'

import type { FetchHandler, HttpListener } from '../../src/index.ts'
import { type FormLimits, parts, statusOf } from '../../src/uploads/index.ts'
import { type Way, ways } from '../server/ways.ts'

/** How many descriptors this process has open. */
export const descriptors = (): number => readdirSync('/proc/self/fd').length

/** A stream that gives pieces of `size` bytes when they are asked for, and `failure` in the place of its end. */
export class Pieces {
  readonly stream: ReadableStream<Uint8Array>
  given = 0
  cancelled: unknown

  constructor(bytes: Uint8Array, size = bytes.length || 1, failure?: Error) {
    this.stream = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          if (this.given < bytes.length) controller.enqueue(bytes.slice(this.given, (this.given += size)))
          else if (failure) controller.error(failure)
          else controller.close()
        },
        cancel: (reason) => void (this.cancelled = reason),
      },
      { highWaterMark: 0 },
    )
  }
}

/** A request of the runtime's, as any other server makes them. */
export function requestWith(
  body: Uint8Array | string | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
): Request {
  const init = { method: 'POST', headers, body, duplex: 'half' }
  return new Request('http://localhost/', init as RequestInit)
}

/** One part as it stands on the wire: its header without the empty line, and its body. */
export type WirePart = readonly [header: string, body: string]

/** A form as it stands on the wire, one character a byte. */
export function wireForm(list: readonly WirePart[], boundary = 'b0undary'): Buffer {
  const lines = list.map(([header, body]) => `--${boundary}\r\n${header}\r\n\r\n${body}\r\n`)
  return Buffer.from(`${lines.join('')}--${boundary}--\r\n`, 'latin1')
}

export const field = (name: string, body = ''): WirePart => [
  `Content-Disposition: form-data; name="${name}"`,
  body,
]

export const file = (name: string, filename: string, body = '', type = 'text/plain'): WirePart => [
  `Content-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: ${type}`,
  body,
]

/** A request whose body is a form as it stands on the wire. */
export function formRequest(
  bytes: Uint8Array,
  { size = bytes.length || 1, boundary = 'b0undary' } = {},
): Request {
  return requestWith(new Pieces(bytes, size).stream, {
    'Content-Type': `multipart/form-data; boundary=${boundary}`,
  })
}

export interface Seen {
  name: string
  filename: string | undefined
  body: string
}

/** All parts of a form, read one after the other. */
export async function readAll(request: Request, limits?: FormLimits): Promise<Seen[]> {
  const seen: Seen[] = []
  for await (const part of parts(request, limits)) {
    seen.push({
      name: part.name,
      filename: part.sentFilename,
      body: Buffer.from(await part.bytes(Infinity)).toString('latin1'),
    })
  }
  return seen
}

/** A server that answers what failed as {@link statusOf} says. */
export function serveUploads(
  way: Way,
  handler: (request: Request) => Promise<Response>,
): Promise<HttpListener> {
  const guarded: FetchHandler = async (request) => {
    try {
      return await handler(request)
    } catch (error) {
      const status = statusOf(error)
      if (status === undefined) throw error
      return new Response((error as Error).message, { status })
    }
  }
  return way.serve(guarded, { maxBodySize: 2 ** 30, onError: () => {} })
}

export const [inMemory, overTcp] = ways as [Way, Way]
