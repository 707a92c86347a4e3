/** More came than is taken. */
export class TooLargeError extends Error {}

/** Passes on what comes, until it is too much. */
export async function* atMost(limit: number, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const piece of body) {
    size += piece.length
    if (size > limit) throw new TooLargeError(`more than ${limit} bytes`)
    yield piece
  }
}
