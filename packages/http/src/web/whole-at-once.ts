import { sourceOf } from '../message/piece-source.ts'
import { bytesOf } from '../server/answer-stream.ts'

/** The size up to which an answer to GET is gathered before it begins. */
const atMost = 64 * 1024

/**
 * All of a stream that is over in this turn of the event loop, as that of text is; null when it is not. To GET such
 * an answer has a Content-Length, so it has one to HEAD (RFC 9110 section 9.3.2). The stream is let go of.
 */
export function wholeAtOnce(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array | null> {
  const source = sourceOf(stream)
  const pieces: Uint8Array[] = []
  return new Promise((resolve, reject) => {
    let over = false
    const settle = (whole: Uint8Array | null): void => {
      if (over) return
      over = true
      if (!whole) source.cancel(undefined)
      resolve(whole)
    }
    const gather = async (): Promise<void> => {
      let size = 0
      while (!over) {
        const { done, value } = await source.next()
        if (done) return settle(Buffer.concat(pieces))
        const bytes = bytesOf(value)
        pieces.push(bytes)
        // Empty pieces count as well: of them there may be no end.
        size += bytes.byteLength + 1
        if (size > atMost) settle(null)
      }
    }
    gather().catch(reject)
    // A tick that is asked for in a microtask comes when no microtask is left: at the end of this turn.
    queueMicrotask(() => process.nextTick(() => settle(null)))
  })
}
