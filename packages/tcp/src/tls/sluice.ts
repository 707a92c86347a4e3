import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** Deno's TLS reads on from the socket under it when nobody reads it, and does not hear of that socket's reset. */
const needed = process.versions['deno'] !== undefined

/**
 * Stands between a socket and TLS, where the runtime's TLS cannot stop reading by itself: shut, it lets nothing
 * through, and the socket stops.
 */
export class Sluice extends Duplex {
  readonly #wire: Socket
  #open = true

  /** None where the runtime does without. */
  static over(wire: Socket): Sluice | undefined {
    return needed ? new Sluice(wire) : undefined
  }

  private constructor(wire: Socket) {
    super({ allowHalfOpen: true, autoDestroy: false })
    this.#wire = wire
    wire.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) wire.pause()
    })
    wire.on('end', () => this.push(null))
    wire.on('close', () => this.destroy())
  }

  /** Tells what is on top of it how the socket failed. */
  carries(above: Socket): void {
    this.#wire.on('error', (error: Error) => above.destroy(error))
  }

  flow(open: boolean): void {
    this.#open = open
    if (open) this.#wire.resume()
    else this.#wire.pause()
  }

  override _read(): void {
    if (this.#open) this.#wire.resume()
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    // TLS would take an error for room. Whatever fails a write ends the socket, and is heard of that way.
    this.#wire.write(chunk, (error) => {
      if (!error) done()
    })
  }

  override _final(done: () => void): void {
    this.#wire.end(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#wire.destroy()
    done(error)
  }
}
