import { randomFillSync } from 'node:crypto'

import { idSize } from './message.ts'

/** Drawn for many at a time: asking the generator costs more than all else that a request needs from us. */
const drawn = Buffer.alloc(idSize * 128)
let used = drawn.byteLength

/** A new identifier, one character a byte. Unpredictable: whoever cannot see a request cannot forge its answer. */
export function newIdentifier(): string {
  if (used === drawn.byteLength) {
    randomFillSync(drawn)
    used = 0
  }
  used += idSize
  return drawn.toString('latin1', used - idSize, used)
}
