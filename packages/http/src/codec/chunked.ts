import type { ExtensionState } from './chunk-extension.ts'
import { extensionAfter } from './chunk-extension.ts'
import { CodecError } from './errors.ts'
import { Fields } from './fields.ts'
import type { CodecLimits } from './limits.ts'
import { Section } from './section.ts'
import { CR, HEX, LF, SEMICOLON, isBlank } from './tokens.ts'

const SIZE = 0
const BLANKS = 1
const EXTENSION = 2
const SIZE_END = 3
const DATA_CR = 4
const DATA_LF = 5
const TRAILERS = 6

/** Digits of a chunk size: 16 ** 13 is below 2 ** 53, so that no size can overflow. Leading zeros count. */
const SIZE_DIGITS = 13

/**
 * What must not come in a trailer section: framing, routing, authentication, request modifiers, and what says
 * how to read the content that was already read (RFC 9110 section 6.5.1). Received ones are dropped.
 */
const NOT_IN_TRAILERS = new Set(
  (
    'transfer-encoding content-length host connection keep-alive proxy-connection te trailer upgrade expect ' +
    'max-forwards range cache-control pragma if-match if-none-match if-modified-since if-unmodified-since ' +
    'if-range authorization proxy-authorization proxy-authenticate www-authenticate cookie set-cookie age date ' +
    'expires location retry-after vary warning content-encoding content-type content-range'
  ).split(' '),
)

/** Whether a field may stand in a trailer section. */
export function isTrailer(name: string): boolean {
  return !NOT_IN_TRAILERS.has(name.toLowerCase())
}

/**
 * Decodes the chunked transfer coding (RFC 9112 section 7.1) of one message after the other: all of it but the
 * data. `read` stops before a chunk's data, with `announced` telling how many bytes of it come; whoever reads
 * hands those on and calls `read` again with what follows them.
 */
export class ChunkDecoder {
  readonly #limits: CodecLimits
  readonly #section: Section
  #state = SIZE
  #size = 0
  #digits = 0
  #extensionState: ExtensionState = 'begin'
  #extension = 0
  #extensions = 0
  #announced = 0
  #complete = false
  #trailers: Fields | undefined

  constructor(limits: CodecLimits) {
    this.#limits = limits
    this.#section = new Section({
      bytes: limits.trailerBytes,
      name: 'trailerBytes',
      fields: limits.fieldCount,
      tooLarge: 'TRAILERS_TOO_LARGE',
    })
  }

  /** Bytes of chunk data that come next; 0 while that is not known. */
  get announced(): number {
    return this.#announced
  }

  /** Whether the body, trailer section and all, has been read. */
  get complete(): boolean {
    return this.#complete
  }

  /** Those that may be there; undefined when none came. */
  get trailers(): Fields | undefined {
    return this.#trailers
  }

  /** Readies it for another message. */
  begin(): void {
    this.#complete = false
    this.#trailers = undefined
    this.#extensions = 0
    this.#nextChunk()
  }

  /** Reads `chunk` from `at` to the next data, the end of the body or its own end, and returns how far it came. */
  read(chunk: Buffer, at: number): number {
    this.#announced = 0
    while (at < chunk.length) {
      if (this.#state === TRAILERS) return this.#readTrailers(chunk, at)
      this.#take(chunk[at++]!)
      if (this.#announced > 0) break
    }
    return at
  }

  #take(byte: number): void {
    switch (this.#state) {
      case SIZE:
        if (HEX[byte]! < 16) this.#takeDigit(HEX[byte]!)
        else this.#leaveSize(byte)
        return
      case BLANKS:
        this.#countExtension()
        if (byte === SEMICOLON) this.#beginExtension()
        else if (!isBlank(byte)) throw badSize('white space follows it')
        return
      case EXTENSION:
        if (byte === LF) throw bareLF()
        this.#extensionState = extensionAfter(this.#extensionState, byte)
        if (this.#extensionState === 'end') this.#state = SIZE_END
        else this.#countExtension()
        return
      case SIZE_END:
        if (byte !== LF) throw new CodecError('LINE_END', 'a CR stands without its LF')
        this.#announced = this.#size
        this.#state = this.#size === 0 ? TRAILERS : DATA_CR
        return
      case DATA_CR:
        if (byte !== CR) throw new CodecError('CHUNK_END', 'a chunk is longer than its size')
        this.#state = DATA_LF
        return
      default:
        if (byte !== LF) throw new CodecError('CHUNK_END', 'a chunk is longer than its size')
        this.#nextChunk()
    }
  }

  #takeDigit(digit: number): void {
    if (++this.#digits > SIZE_DIGITS) throw badSize(`it has more than ${SIZE_DIGITS} digits`)
    this.#size = this.#size * 16 + digit
  }

  #leaveSize(byte: number): void {
    if (byte === LF) throw bareLF()
    if (this.#digits === 0) throw badSize('it is not a hexadecimal number')
    if (byte === CR) this.#state = SIZE_END
    else if (byte === SEMICOLON || isBlank(byte)) {
      this.#countExtension()
      if (byte === SEMICOLON) this.#beginExtension()
      else this.#state = BLANKS
    } else throw badSize('it is not a hexadecimal number')
  }

  #beginExtension(): void {
    this.#state = EXTENSION
    this.#extensionState = 'begin'
  }

  #countExtension(): void {
    if (++this.#extension > this.#limits.chunkExtensionBytes) {
      throw new CodecError('CHUNK_EXTENSION', 'the extensions of a chunk exceed chunkExtensionBytes')
    }
    if (++this.#extensions > this.#limits.chunkExtensionsBytes) {
      throw new CodecError('CHUNK_EXTENSION', 'the extensions of all chunks exceed chunkExtensionsBytes')
    }
  }

  #readTrailers(chunk: Buffer, at: number): number {
    const stop = this.#section.read(chunk, at)
    const raw = this.#section.take()
    if (raw === undefined) return stop
    const allowed = raw.filter((_, index) => isTrailer(raw[index - (index % 2)]!))
    if (allowed.length > 0) this.#trailers = new Fields(allowed)
    this.#complete = true
    return stop
  }

  #nextChunk(): void {
    this.#state = SIZE
    this.#size = this.#digits = this.#extension = this.#announced = 0
  }
}

function badSize(why: string): CodecError {
  return new CodecError('CHUNK_SIZE', `a chunk size is malformed: ${why}`)
}

function bareLF(): CodecError {
  return new CodecError('LINE_END', 'a LF stands without its CR')
}
