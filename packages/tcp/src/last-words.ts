import { codeOf } from '@fairlead/core/transport'

/** Codes of failed writes that say that the peer is gone, and nothing of what it sent before. */
const gone = new Set(['ECONNRESET', 'EPIPE'])

/** Bun closes a socket itself at its first failed write, and tells of nothing that comes after. */
export const keepsFailures = process.versions['bun'] === undefined

/** How a stream is told what came of a write. */
export type Written = (error?: Error | null) => void

/**
 * What a peer said before it was gone. One that has answered and will not hear the rest closes, and the system resets
 * what is still sent to it (RFC 9112 section 9.6). Node destroys a socket at its first failed write, whatever lies
 * unread in it. So the failure is kept back until all is read, if anybody reads.
 */
export class LastWords {
  readonly #connection: { readonly reading: boolean }
  #written: Written | undefined
  #instead: Written | undefined
  /** Tells of the failure that is kept back. */
  #fail: (() => void) | undefined

  constructor(connection: { readonly reading: boolean }) {
    this.#connection = connection
  }

  /** What a write is to tell instead; a stream has the same function for each of its writes. */
  before(written: Written): Written {
    if (this.#instead === undefined || this.#written !== written) {
      this.#written = written
      this.#instead = (error) => {
        if (error && gone.has(codeOf(error))) this.#keep(() => written(error))
        else written(error)
      }
    }
    return this.#instead
  }

  /** No more will be read. True when a failure was kept back until now. */
  end(): boolean {
    const fail = this.#fail
    this.#fail = undefined
    fail?.()
    return fail !== undefined
  }

  #keep(fail: () => void): void {
    this.#fail = fail
    // Behind a handler that was put in its place in this turn.
    queueMicrotask(() => {
      if (!this.#connection.reading) this.end()
    })
  }
}
