import assert from 'node:assert/strict'

import type { Peer } from './fixture.ts'
import { textMaker } from './records.ts'
import type { Stage } from './stage.ts'
import { turn } from './wait.ts'

/** More than any honest transport takes from a sender whose peer does not read. */
const capacity = 64 * 1024 * 1024

/** ASCII, so that the size in bytes is known; what compresses well would take no room. */
const asciiText = textMaker('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 16_384)

/** Sends and sends, awaiting each, until it has to wait for a peer that does not read. */
export class Flood {
  readonly size: number
  readonly limit: number
  sent = 0
  /** The highest `buffered` seen. */
  peak = 0
  /** The highest `buffered` seen when a send came through: there was room, it says. */
  resumed = 0
  #stopped = false
  readonly #stage: Stage
  readonly #connection: Peer
  /** Resolves when the last send did; rejects when one was refused. */
  readonly done: Promise<void>

  constructor(stage: Stage, connection: Peer) {
    this.size = Math.min(16_384, stage.fixture.volume.size)
    this.limit = Math.ceil(capacity / this.size)
    this.#stage = stage
    this.#connection = connection
    this.done = this.#run()
    this.done.catch(() => {})
  }

  /** A text of the flood. */
  text(index: number): string {
    return asciiText(index, this.size)
  }

  /** Waits until no send has come through for many turns, or the fixture's lull, and says no more from then on. */
  async stall(): Promise<void> {
    const { lull = 0 } = this.#stage.fixture
    let seen = -1
    let since = 0
    for (let still = 0; still < 60 || performance.now() - since < lull; still++) {
      if (this.sent !== seen) {
        seen = this.sent
        since = performance.now()
        still = 0
      }
      await turn()
    }
    this.#stopped = true
    assert.ok(this.sent < this.limit, `${this.limit * this.size} bytes were taken that nobody reads`)
  }

  /** Asserts that what piled up at the sender is bounded by the high-water mark and one message. */
  assertBounded(): void {
    // Frame headers and line ends count, too.
    const bound = this.#stage.fixture.highWaterMark + this.size + 64
    assert.ok(this.peak <= bound, `buffered rose to ${this.peak}, above ${bound}`)
    assert.ok(this.peak > 0, 'nothing was ever buffered')
  }

  async #run(): Promise<void> {
    for (; this.sent < this.limit && !this.#stopped; this.sent++) {
      const room = this.#connection.send(this.#stage.encode(this.text(this.sent)))
      this.peak = Math.max(this.peak, this.#connection.buffered)
      await room
      this.resumed = Math.max(this.resumed, this.#connection.buffered)
    }
  }
}
