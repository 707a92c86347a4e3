import type { Address } from '../address.ts'
import { ConnectionBase } from '../connection-base.ts'
import type { ByteConnection } from '../connection.ts'
import { defaultHighWaterMark } from '../defaults.ts'
import { ClosedError, SocketError } from '../errors.ts'
import type { CloseReason } from '../resource.ts'
import { failureOf } from './failure.ts'

/** Options of {@link fromWeb}: what a stream cannot tell. */
export interface FromWebOptions {
  /** Default `{ kind: 'memory', name: 'web' }`. */
  localAddress?: Address
  /** Default `{ kind: 'memory', name: 'web' }`. */
  remoteAddress?: Address
}

/**
 * A byte connection over a pair of web streams of bytes: those of WebTransport, of another runtime's sockets,
 * of a `CompressionStream`. It locks both and owns them: `end` closes `writable`, and the end of `readable` is
 * the peer's end; `destroy` aborts the one and cancels the other; when one fails, so does the connection.
 *
 * @throws TypeError when one of the streams is locked.
 * @example
 * ```ts
 * const packing = fromWeb(new CompressionStream('gzip'))
 * packing.handle({ onData: (chunk) => void connection.write(chunk), onEnd: () => connection.end() })
 * await packing.send('ahoy')
 * packing.end()
 * ```
 */
export function fromWeb(
  streams: { readonly readable: ReadableStream<Uint8Array>; readonly writable: WritableStream<Uint8Array> },
  options: FromWebOptions = {},
): ByteConnection {
  for (const name of ['readable', 'writable'] as const) {
    if (streams[name].locked) throw new TypeError(`Cannot adapt web streams: ${name} is locked`)
  }
  return new WebConnection(streams.readable.getReader(), streams.writable.getWriter(), options)
}

class WebConnection extends ConnectionBase<Uint8Array, Uint8Array | string> implements ByteConnection {
  readonly localAddress: Address
  readonly remoteAddress: Address
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>
  #wanted = false
  #reading = false
  #reads = 0
  #inputDone = false
  /** What was written while the stream was busy, or corked. */
  #queue: Uint8Array[] = []
  #queued = 0
  /** Bytes that the stream has not taken yet. */
  #writing = 0
  #congested = false
  #corks = 0
  #output: 'open' | 'ending' | 'closing' | 'closed' = 'open'

  constructor(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    writer: WritableStreamDefaultWriter<Uint8Array>,
    { localAddress = nowhere, remoteAddress = nowhere }: FromWebOptions,
  ) {
    super()
    this.localAddress = localAddress
    this.remoteAddress = remoteAddress
    this.#reader = reader
    this.#writer = writer
    // They tell of a failure while nobody reads or writes, too.
    reader.closed.catch(this.#broken)
    writer.closed.catch(this.#broken)
  }

  get buffered(): number {
    return this.#queued + this.#writing
  }

  write(data: Uint8Array | string, encoding: 'utf8' | 'latin1' = 'utf8'): boolean {
    if (!this.writable) throw this.unwritable()
    const bytes = typeof data === 'string' ? Buffer.from(data, encoding) : data
    if (!(bytes instanceof Uint8Array)) {
      throw new TypeError(`Cannot write: ${typeof data} is neither bytes nor text`)
    }
    if (bytes.byteLength > 0) this.#queue.push(bytes)
    this.#queued += bytes.byteLength
    if (this.#corks === 0) this.#pump()
    if (this.buffered >= defaultHighWaterMark) this.#congested = true
    return !this.#congested
  }

  end(): void {
    this.halfClose()
  }

  cork(): void {
    this.#corks++
  }

  uncork(): void {
    if (this.#corks > 0 && --this.#corks === 0) this.#pump()
  }

  protected get congested(): boolean {
    return this.#congested
  }

  flow(wanted: boolean): void {
    this.#wanted = wanted
    if (wanted) this.#read()
  }

  protected endOutput(): void {
    this.#output = 'ending'
    this.#pump()
  }

  protected cut(reason: CloseReason): void {
    this.#letGo(failureOf(reason) ?? new ClosedError('Connection destroyed'))
  }

  protected sizeOf(data: Uint8Array): number {
    return data.byteLength
  }

  #read(): void {
    if (this.#reading || this.#inputDone || this.state === 'closed') return
    this.#reading = true
    this.#reader.read().then(this.#arrived, this.#broken)
  }

  readonly #arrived = ({ done, value }: { done: boolean; value?: Uint8Array | undefined }): void => {
    this.#reading = false
    if (this.state === 'closed') return
    if (done) {
      this.#inputDone = true
      this.slot.pushEnd()
      return this.#finishIfDone()
    }
    if (!(value instanceof Uint8Array)) {
      return this.#broken(new TypeError(`a chunk of type ${typeof value} is not bytes`))
    }
    if (value.byteLength > 0) this.slot.push(value)
    if (!this.#wanted) return
    // A stream that is always ready must not keep the event loop from its timers.
    if (++this.#reads % 64 > 0) this.#read()
    else setImmediate(() => this.#wanted && this.#read())
  }

  /** One write at a time; what comes meanwhile leaves together, up to the high-water mark. */
  #pump(): void {
    if (this.#writing > 0 || this.state === 'closed') return
    if (this.#queued > 0) {
      const chunk = this.#gather()
      this.#queued -= chunk.byteLength
      this.#writing = chunk.byteLength
      this.#writer.write(chunk).then(this.#written, this.#broken)
    } else if (this.#output === 'ending') {
      this.#output = 'closing'
      this.#writer.close().then(this.#ended, this.#broken)
    }
  }

  /** A copy of its own: a stream may transfer what it is given, and the caller may write his bytes again. */
  #gather(): Uint8Array {
    let count = 0
    let size = 0
    for (const { byteLength } of this.#queue) {
      if (count > 0 && size + byteLength > defaultHighWaterMark) break
      size += byteLength
      count++
    }
    const chunk = new Uint8Array(size)
    let offset = 0
    for (const bytes of this.#queue.splice(0, count)) {
      chunk.set(bytes, offset)
      offset += bytes.byteLength
    }
    return chunk
  }

  readonly #written = (): void => {
    this.#writing = 0
    if (this.#corks === 0 || this.#output !== 'open') this.#pump()
    if (!this.#congested || this.buffered > defaultHighWaterMark / 4) return
    this.#congested = false
    this.relieved()
  }

  readonly #ended = (): void => {
    this.#output = 'closed'
    this.flushed()
    this.#finishIfDone()
  }

  #finishIfDone(): void {
    if (this.#inputDone && this.#output === 'closed') this.finish()
  }

  readonly #broken = (error: unknown): void => {
    if (this.state === 'closed') return
    const failure = SocketError.from(error, 'Connection broken')
    this.#letGo(failure)
    this.finish({ kind: 'error', error: failure })
  }

  #letGo(error: SocketError): void {
    this.#queue = []
    this.#queued = this.#writing = 0
    this.#writer.abort(error).catch(ignore)
    this.#reader.cancel(error).catch(ignore)
  }
}

const nowhere: Address = { kind: 'memory', name: 'web' }
const ignore = (): void => {}
