import assert from 'node:assert/strict'
import process from 'node:process'

/** Catches what nobody handled, on any runtime: while it watches, a stray rejection is noted. */
export class StrayWatch {
  readonly #strays: unknown[] = []
  readonly #note = (error: unknown): void => void this.#strays.push(error)

  constructor() {
    process.on('unhandledRejection', this.#note)
    process.on('uncaughtException', this.#note)
  }

  stop(): void {
    process.off('unhandledRejection', this.#note)
    process.off('uncaughtException', this.#note)
  }

  assertNone(): void {
    assert.deepEqual(this.#strays, [], 'errors that nobody handled reached the process')
  }
}
