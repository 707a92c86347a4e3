import { type BodySource, IncomingBody } from '../message/body.ts'

/** Bytes of a piece that is copied: the parser keeps what may be the beginning of a boundary, and uses it again. */
const small = 256

/** Where the bytes of a part come from, which has its turn until the next one is asked for. */
export class PartSource implements BodySource {
  readonly #host: { changed(): void }
  readonly #body: IncomingBody
  #flowing = false
  #reason: (() => unknown) | undefined
  isFile = false
  /** Bytes that have come. */
  size = 0

  constructor(host: { changed(): void }) {
    this.#host = host
    this.#body = new IncomingBody(this)
  }

  /** Whether somebody reads it, and there is more to come. */
  get wanted(): boolean {
    return this.#flowing && !this.#body.complete
  }

  /** Whether all of it has come. */
  get complete(): boolean {
    return this.#body.complete
  }

  /** To be read. @throws what ended its turn, also where all of it has come by chance. */
  get body(): IncomingBody {
    if (this.#reason && !this.#body.taken) throw this.#reason()
    return this.#body
  }

  push(chunk: Uint8Array): void {
    this.#body.push(chunk.byteLength <= small ? new Uint8Array(chunk) : chunk)
  }

  finish(): void {
    this.#body.finish()
    this.#host.changed()
  }

  /** Its turn is over: whoever still reads it hears of it. `reason` is made for those that do. */
  end(reason: () => unknown): void {
    this.#reason = reason
    if (!this.#body.complete) this.#body.cancel(reason())
  }

  flow(wanted: boolean): void {
    this.#flowing = wanted
    this.#host.changed()
  }

  fail(error: unknown): void {
    this.#body.abort(error)
  }
}
