/** Bytes that a string may have on the wire, where its length has one byte. */
export const maxText = 255

/**
 * What a peer could play tricks with when it is printed: controls (escape sequences of terminals, line ends),
 * line and paragraph separators, what turns the direction of writing round (UAX 9, section 2), and halves of
 * surrogate pairs.
 */
const unprintable = /[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/u

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Whether `text` may be announced and shown as it is. */
export function isPlain(text: string): boolean {
  return !unprintable.test(text)
}

/** Reads UTF-8; undefined when it is not well-formed, or not plain. */
export function plainFrom(bytes: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(bytes)
    return unprintable.test(text) ? undefined : text
  } catch {
    return undefined
  }
}
