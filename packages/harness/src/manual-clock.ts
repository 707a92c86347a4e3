import { type Clock, Deadline, tick } from '@fairlead/core/transport'
import { afterEach, beforeEach } from 'vitest'

/** A clock that deadlines go by while the tests of a file run; it moves when a test says so. */
export function useManualClock(): { advance(milliseconds: number): void } {
  let now = 1_000
  let look: (() => void) | undefined
  const clock: Clock = {
    now: () => now,
    every(callback) {
      look = callback
      return () => (look = undefined)
    },
  }
  beforeEach(() => Deadline.use(clock))
  afterEach(() => Deadline.use())
  return {
    advance(milliseconds) {
      for (const end = now + milliseconds; now < end;) {
        now = Math.min(end, now + tick)
        look?.()
      }
    },
  }
}
