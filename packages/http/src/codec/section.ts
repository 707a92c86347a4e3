import type { CodecErrorReason } from './errors.ts'
import { CodecError } from './errors.ts'
import type { StartLine } from './head.ts'
import { Repeat } from './repeat.ts'
import { COLON, CR, LF, TEXT, TOKEN, isBlank } from './tokens.ts'

// Where the scan stands. START to START_END only happens where there is a start line.
const START = 0
const EMPTY_END = 1
const START_END = 2
const NAME = 3
const VALUE = 4
const VALUE_END = 5
const END = 6

interface SectionLimits {
  readonly bytes: number
  /** What the limit of bytes is called. */
  readonly name: 'headBytes' | 'trailerBytes'
  readonly fields: number
  readonly tooLarge: CodecErrorReason
}

/**
 * Field lines up to an empty line, with a start line before them or not: a head, or a trailer section.
 *
 * A section that lies whole in a chunk is scanned where it lies. The pieces of one that does not are copied
 * together, so that no chunk of the network's is kept, and the scan goes on where it stopped: each byte is seen
 * once, and what is refused depends on the bytes before it alone, never on how they were split.
 */
export class Section {
  readonly #limits: SectionLimits
  readonly #startLine: StartLine | undefined
  #kept: Buffer | undefined
  #keptBytes = 0
  /** The field lines, name and value in turn, once the section is complete. */
  #raw: readonly string[] | undefined
  /** Of requests: each of them names the same things again. */
  readonly #repeat: Repeat | undefined
  #repeated = false

  // Positions count from the section's first byte.
  #stage: number
  #at = 0
  #lineStart = 0
  #fieldsStart = 0
  #emptyLines = 0
  /** Three for each field: where its name starts, its colon, the end of its value. Kept from section to section. */
  readonly #marks: number[] = []
  #marked = 0

  constructor(limits: SectionLimits, startLine?: StartLine) {
    this.#limits = limits
    this.#startLine = startLine
    if (startLine?.repeats) this.#repeat = new Repeat()
    this.#stage = startLine === undefined ? NAME : START
  }

  /** Whether a line of it was begun; empty lines before the start line do not count. */
  get begun(): boolean {
    return this.#stage > EMPTY_END || (this.#stage === START && this.#at > this.#lineStart)
  }

  /** The field lines, if the section is complete; it is ready for the next one then. */
  take(): readonly string[] | undefined {
    const raw = this.#raw
    this.#raw = undefined
    return raw
  }

  /**
   * Reads `chunk` from `from` on and returns where it stopped: behind the section, or at the end of the chunk.
   *
   * @throws CodecError
   */
  read(chunk: Buffer, from: number): number {
    if (this.#keptBytes === 0) {
      if (!this.#scan(chunk, from, chunk.length - from)) {
        this.#keep(chunk, from)
        return chunk.length
      }
      const stop = from + this.#at
      this.#complete(chunk, from)
      return stop
    }
    const before = this.#keptBytes
    const kept = this.#keep(chunk, from)
    if (!this.#scan(kept, 0, this.#keptBytes)) return chunk.length
    const stop = from + this.#at - before
    this.#complete(kept, 0)
    return stop
  }

  /** Appends what the limit has room for; what it has no room for the scan would refuse to look at. */
  #keep(chunk: Buffer, from: number): Buffer {
    const bytes = Math.min(this.#keptBytes + chunk.length - from, this.#limits.bytes)
    if (this.#kept === undefined || this.#kept.length < bytes) {
      const wider = Buffer.allocUnsafeSlow(Math.max(1024, 2 ** Math.ceil(Math.log2(bytes))))
      this.#kept?.copy(wider, 0, 0, this.#keptBytes)
      this.#kept = wider
    }
    chunk.copy(this.#kept, this.#keptBytes, from, from + bytes - this.#keptBytes)
    this.#keptBytes = bytes
    return this.#kept
  }

  /** Goes on over the first `available` bytes from `base`; true when the empty line was passed. */
  #scan(bytes: Buffer, base: number, available: number): boolean {
    const stop = base + Math.min(available, this.#limits.bytes)
    const maxMarks = 3 * this.#limits.fields
    const marks = this.#marks
    let marked = this.#marked
    let lineStart = base + this.#lineStart
    let stage = this.#stage
    let at = base + this.#at
    while (at < stop) {
      switch (stage) {
        case NAME: {
          while (at < stop && TOKEN[bytes[at]!] === 1) at++
          if (at === stop) break
          const byte = bytes[at]!
          if (byte === COLON && at > lineStart) {
            if (marked >= maxMarks) throw tooManyFields(this.#limits.fields)
            marks[marked++] = lineStart - base
            marks[marked++] = at - base
            stage = VALUE
          } else if (byte === CR && at === lineStart) stage = END
          else throw notAName(byte, at === lineStart)
          at++
          break
        }
        case VALUE:
          while (at < stop && TEXT[bytes[at]!] === 1) at++
          if (at === stop) break
          if (bytes[at] !== CR) throw notText(bytes[at]!, 'FIELD_VALUE')
          marks[marked++] = at - base
          stage = VALUE_END
          at++
          break
        case VALUE_END:
          expectLF(bytes[at]!)
          lineStart = ++at
          stage = NAME
          break
        case START: {
          const line = this.#startLine!
          if (at === lineStart) line.begin()
          const cap = Math.min(stop, lineStart + line.maxBytes)
          while (at < cap && TEXT[bytes[at]!] === 1) at++
          if (at - lineStart >= line.maxBytes)
            throw new CodecError(line.tooLong, 'the start line is too long')
          if (at === stop) break
          if (bytes[at] !== CR) throw notText(bytes[at]!, line.malformed)
          stage = at === lineStart ? EMPTY_END : START_END
          at++
          break
        }
        case EMPTY_END:
          expectLF(bytes[at]!)
          if (++this.#emptyLines > this.#startLine!.emptyLines) {
            throw new CodecError(this.#startLine!.malformed, 'empty lines stand in place of the start line')
          }
          lineStart = ++at
          stage = START
          break
        case START_END:
          expectLF(bytes[at]!)
          this.#startLine!.read(bytes.toString('latin1', lineStart, at - 1))
          lineStart = ++at
          this.#fieldsStart = at - base
          stage = NAME
          if (this.#repeat !== undefined) {
            const length = this.#repeat.matches(bytes, at, stop)
            if (length > 0) {
              this.#at = at + length - base
              this.#repeated = true
              return true
            }
          }
          break
        default:
          expectLF(bytes[at]!)
          this.#at = at + 1 - base
          this.#marked = marked
          return true
      }
    }
    this.#at = at - base
    this.#lineStart = lineStart - base
    this.#marked = marked
    this.#stage = stage
    if (this.#at < this.#limits.bytes) return false
    if (stage < START_END) throw new CodecError(this.#startLine!.tooLong, 'the start line does not end')
    const { tooLarge, name, bytes: most } = this.#limits
    throw new CodecError(tooLarge, `the field lines exceed ${name}, which is ${most}`)
  }

  /** One decode for all fields, which are slices of it; then everything as it was before the section. */
  #complete(bytes: Buffer, base: number): void {
    this.#raw = this.#repeated ? this.#repeat!.raw : this.#fields(bytes, base)
    this.#stage = this.#startLine === undefined ? NAME : START
    this.#at = this.#lineStart = this.#fieldsStart = this.#emptyLines = this.#keptBytes = this.#marked = 0
    this.#kept = undefined
    this.#repeated = false
  }

  #fields(bytes: Buffer, base: number): readonly string[] {
    const origin = this.#fieldsStart
    const marks = this.#marks
    const text = bytes.toString('latin1', base + origin, base + this.#at)
    const raw = new Array<string>((this.#marked / 3) * 2)
    for (let i = 0, slot = 0; i < this.#marked; i += 3) {
      const colon = marks[i + 1]! - origin
      let from = colon + 1
      let to = marks[i + 2]! - origin
      while (from < to && isBlank(text.charCodeAt(from))) from++
      while (to > from && isBlank(text.charCodeAt(to - 1))) to--
      raw[slot++] = text.slice(marks[i]! - origin, colon)
      raw[slot++] = text.slice(from, to)
    }
    this.#repeat?.remember(bytes, base + origin, base + this.#at, raw)
    return raw
  }
}

function tooManyFields(most: number): CodecError {
  return new CodecError('TOO_MANY_FIELDS', `it has more field lines than fieldCount, which is ${most}`)
}

function expectLF(byte: number): void {
  if (byte !== LF) throw new CodecError('LINE_END', 'a CR stands without its LF')
}

function notText(byte: number, reason: CodecErrorReason): CodecError {
  if (byte === LF) return new CodecError('LINE_END', 'a LF stands without its CR')
  return new CodecError(reason, 'a line holds a control character')
}

function notAName(byte: number, first: boolean): CodecError {
  if (byte === LF) return new CodecError('LINE_END', 'a LF stands without its CR')
  if (byte === CR) return new CodecError('FIELD_NAME', 'a field line has no colon')
  if (byte === COLON) return new CodecError('FIELD_NAME', 'a field has no name')
  if (!isBlank(byte)) return new CodecError('FIELD_NAME', 'a field name is not a token')
  return new CodecError('FIELD_NAME', first ? 'a field line is folded' : 'white space stands before a colon')
}
