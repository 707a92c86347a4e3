/** What a peer may make a parser hold or count, per message unless said otherwise. Sizes are bytes. */
export interface CodecLimits {
  /**
   * The request target; 414 beyond. Default 8,192: RFC 9112 section 3 asks for 8,000 octets of request line at
   * least, and no browser's own address bar makes longer ones.
   */
  readonly targetBytes: number

  /**
   * The head from its first byte to its empty line; 431 beyond. Default 16,384: what Node and most proxies
   * allow, room for a 4 KiB cookie and a token or two.
   */
  readonly headBytes: number

  /** Field lines of a head, and again of a trailer section; 431 beyond. Default 100: browsers send 12 to 20. */
  readonly fieldCount: number

  /**
   * Empty lines before a request line; 400 beyond. Default 2: RFC 9112 section 2.2 wants one tolerated, some old
   * clients end a form with one more.
   */
  readonly emptyLines: number

  /**
   * The decoded body; 413 beyond, before the byte that would exceed it and, where Content-Length tells, before
   * the first. Default 16 MiB: more than any form or JSON document, less than a disk. `limitBody` on a parser
   * changes it for one message.
   */
  readonly bodyBytes: number

  /** One chunk's extensions; 400 beyond. Default 256: they are ignored, and those that exist are signatures. */
  readonly chunkExtensionBytes: number

  /** All chunk extensions together; 400 beyond. Default 16,384, against one-byte chunks that carry 255 each. */
  readonly chunkExtensionsBytes: number

  /** The trailer section; 431 beyond. Default 8,192: checksums, signatures and timings are short. */
  readonly trailerBytes: number

  /** Interim (1xx) responses before a final one. Default 16: 100, a few 102 and 103, never an endless row. */
  readonly interimResponses: number
}

/** The defaults, each with its reason at {@link CodecLimits}. */
export const defaultLimits: CodecLimits = Object.freeze({
  targetBytes: 8192,
  headBytes: 16384,
  fieldCount: 100,
  emptyLines: 2,
  bodyBytes: 16 * 1024 * 1024,
  chunkExtensionBytes: 256,
  chunkExtensionsBytes: 16384,
  trailerBytes: 8192,
  interimResponses: 16,
})

/**
 * The defaults with some replaced. `Infinity` lifts a limit.
 *
 * @throws RangeError when a limit is not a whole number from 0 up, or Infinity; TypeError for one that there is not.
 */
export function withDefaults(limits: Partial<CodecLimits> = {}): CodecLimits {
  if (complete.has(limits)) return limits as CodecLimits
  const all = { ...defaultLimits, ...limits }
  for (const [name, value] of Object.entries(all)) {
    if (!(name in defaultLimits)) throw new TypeError(`Cannot limit ${name}: there is no such limit`)
    checkLimit(name, value)
  }
  complete.add(Object.freeze(all))
  return all
}

/** What was given out here, and needs no second look: a server makes parsers by the thousand of one set of limits. */
const complete = new WeakSet<object>()

/** @throws RangeError when `value` is not a whole number from 0 up, or Infinity. */
export function checkLimit(name: string, value: number): void {
  if (value === Infinity || (Number.isSafeInteger(value) && value >= 0)) return
  throw new RangeError(`Cannot limit ${name}: ${value} is not a whole number from 0 up, or Infinity`)
}
