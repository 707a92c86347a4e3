import { Fifo } from '@fairlead/core/transport'

import type { SentCoding } from '../coding/negotiation.ts'
import { encodeAside, encodeAtOnce } from './encoders.ts'

/**
 * Of a body that is encoded in this thread: br takes 0.17 ms for 16 KiB, and gzip 0.08. By way of the pool it is 0.04 ms
 * more, and of br, several at a time, three times as much, for the memory. It is the size up to which bodies are decoded
 * at once, too.
 */
const atOnce = 16 * 1024

/** Of the largest body that is encoded before its answer begins, some 10 ms; a larger one leaves as it is encoded. */
export const wholeLimit = 1024 * 1024

/** Who encodes in the pool, which has as many threads by default: an encoder that waits for one holds its memory. */
const most = 4
let running = 0
const waiting = new Fifo<() => void>()

/** Encodes what is there as a whole: at once what is small, the rest in the pool, a few at a time. */
export function encodeWhole(
  coding: SentCoding,
  level: number,
  bytes: Uint8Array,
): Uint8Array | Promise<Uint8Array> {
  return bytes.byteLength <= atOnce ? encodeAtOnce(coding, level, bytes) : encodeInTurn(coding, level, bytes)
}

async function encodeInTurn(coding: SentCoding, level: number, bytes: Uint8Array): Promise<Uint8Array> {
  if (running < most) running++
  // Whoever is done gives its place to the next.
  else await new Promise<void>((resolve) => waiting.push(resolve))
  try {
    return await encodeAside(coding, level, bytes)
  } finally {
    if (waiting.length > 0) waiting.shift()()
    else running--
  }
}
