import { type BodySource, IncomingBody } from '../message/body.ts'

/** A web stream as an incoming body. A piece is read when somebody wants one. */
export class StreamBody implements BodySource {
  readonly body: IncomingBody
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #wanted = false
  #reading = false
  #over = false

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader()
    this.body = new IncomingBody(this)
  }

  flow(wanted: boolean): void {
    this.#wanted = wanted
    if (wanted && !this.#reading) void this.#read()
  }

  fail(error: unknown): void {
    this.#end(error)
    this.body.abort(error)
  }

  letGo(reason: unknown): void {
    this.#end(reason)
  }

  async #read(): Promise<void> {
    this.#reading = true
    try {
      while (this.#wanted && !this.#over) {
        const { value, done } = await this.#reader.read()
        // What came while somebody let go of it is of no use to anybody.
        if (this.#over) break
        if (done) {
          this.#over = true
          this.body.finish()
        } else if (value instanceof Uint8Array) {
          this.body.push(value)
        } else {
          throw new TypeError('the stream gives something else than bytes')
        }
      }
    } catch (error) {
      this.fail(error)
    }
    this.#reading = false
  }

  #end(reason: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#reader.cancel(reason).catch(() => {})
  }
}
