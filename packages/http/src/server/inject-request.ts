import { encodeChunk, encodeRequestHead, lastChunk } from '../codec/index.ts'

/** A request as it is written. */
export interface InjectedRequest {
  readonly head: string
  /** Framed already, piece by piece. */
  readonly body: AsyncIterable<Uint8Array | string> | undefined
  readonly method: string
  readonly signal: AbortSignal
}

/** Where a request goes that names no host. */
const origin = 'http://localhost'

/** @throws TypeError for what is no request, or cannot be written. */
export async function injectedRequest(
  input: Request | URL | string,
  init: RequestInit | undefined,
): Promise<InjectedRequest> {
  // Without `duplex`, the runtime takes no stream (Fetch standard, section 5.4).
  const whatever = init && ({ duplex: 'half', ...init } as RequestInit)
  const request = new Request(typeof input === 'string' ? urlOf(input) : input, whatever)
  const { method, signal } = request
  const { host, pathname, search } = new URL(request.url)
  const fields: string[] = []
  for (const [name, value] of request.headers) fields.push(name, value)
  if (!request.headers.has('host')) fields.unshift('Host', host)
  const encode = (framing: 'none' | 'chunked' | number): string =>
    encodeRequestHead(method, pathname + search, fields, { framing })

  if (!request.body) {
    // Without one, these are expected to have one (RFC 9110 section 8.6).
    return { head: encode(/^(?:POST|PUT|PATCH)$/.test(method) ? 0 : 'none'), body: undefined, method, signal }
  }
  if (isWhole(init?.body)) {
    const bytes = new Uint8Array(await request.arrayBuffer())
    return { head: encode(bytes.byteLength), body: whole(bytes), method, signal }
  }
  const pieces = request.body as AsyncIterable<Uint8Array>
  const told = request.headers.get('content-length')
  if (told === null) return { head: encode('chunked'), body: chunked(pieces), method, signal }
  return { head: encode(Number(told)), body: counted(pieces, Number(told)), method, signal }
}

/** A path is one, even if it begins like an authority. */
function urlOf(input: string): string {
  return input.startsWith('/') ? origin + input : new URL(input, origin).href
}

/** Whether its length can be known before it is sent; the runtime takes whatever can be iterated for a stream. */
function isWhole(body: unknown): boolean {
  if (body === undefined || body === null) return false
  return typeof body !== 'object' || !(Symbol.asyncIterator in body)
}

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes
}

async function* chunked(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array | string> {
  for await (const piece of pieces) yield encodeChunk(piece)
  yield lastChunk()
}

/** What is more than was told would be read as another request. */
async function* counted(pieces: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let left = length
  for await (const piece of pieces) {
    left -= piece.byteLength
    if (left < 0) break
    yield piece
  }
  if (left !== 0) throw new TypeError('Cannot inject: the body is not as long as Content-Length says')
}
