/** Datagrams that one may be late by and still be told from a repeated one. A power of two. */
const window = 1_024

/**
 * Datagrams that may be missing in a row and count as lost, and that one may be late by and is dropped as late. What
 * is farther away has jumped: an outage that long looks like a peer that began again.
 */
const farthest = 65_536

/** Numbers in a row that make a beginning: one that jumped and the next (RFC 3550 appendix A.1). */
const jumped = 2
/** The same among late numbers: a path that was slow delivers some in a row, too. */
const fellBack = 16

/**
 * What the sequence numbers of a peer's datagrams tell: which were lost, came twice, or late. The numbers are
 * serial numbers of 32 bits (RFC 1982), and the window is a bitmap that turns in place (RFC 6479). What is behind it
 * is dropped, as in IPsec (RFC 4303 section 3.4.3): nobody knows whether it came before. A peer that begins again
 * is believed when enough numbers follow each other with none within the window in between.
 *
 * At any time, of the numbers from the first to the highest, `lost` did not come.
 */
export class SequenceWindow {
  /** Numbers that were skipped and have not come since. */
  lost = 0
  /** Datagrams whose number had come already. */
  duplicated = 0
  /** Datagrams that came behind one with a higher number. */
  reordered = 0
  /** Datagrams that came behind the window, and may have come before. */
  late = 0
  /** One bit for each of the latest numbers, at the number modulo the window: whether it came. */
  readonly #seen = new Int32Array(window / 32)
  #highest = 0
  /** How many numbers were to be expected, from the first to the highest: 0 before one came. */
  #span = 0
  /** The last number outside the window, and how many in a row it ends. */
  #suspect: number | undefined
  #row = 0

  /** Notes that a datagram with this number came. False when it came before, or may have. */
  note(sequence: number): boolean {
    if (this.#span === 0) return this.#begin(sequence)
    const ahead = (sequence - this.#highest) | 0
    if (ahead > farthest || ahead <= -window) return this.#doubt(sequence, ahead < 0 && ahead >= -farthest)
    this.#row = 0
    return ahead > 0 ? this.#advance(sequence, ahead) : this.#fill(sequence, -ahead)
  }

  #begin(sequence: number): true {
    this.#seen.fill(0)
    this.#highest = sequence
    this.#span = 1
    this.#mark(sequence)
    return true
  }

  #advance(sequence: number, ahead: number): true {
    for (let behind = Math.min(ahead, window) - 1; behind > 0; behind--) this.#clear(sequence - behind)
    this.#mark(sequence)
    this.#highest = sequence
    this.#span += ahead
    this.lost += ahead - 1
    return true
  }

  /** One that is not the highest: missing until now, or seen, or from before the first. */
  #fill(sequence: number, behind: number): boolean {
    if (this.#isMarked(sequence)) {
      this.duplicated++
      return false
    }
    this.#mark(sequence)
    this.reordered++
    if (behind < this.#span) {
      this.lost--
    } else {
      // The first was not the first; those between the two were to be expected, too.
      this.lost += behind - this.#span
      this.#span = behind + 1
    }
    return true
  }

  /** It moves nothing until others follow: a stray number must not make strays of all that come after it. */
  #doubt(sequence: number, isLate: boolean): boolean {
    const again = sequence === this.#suspect
    if (!again) {
      const before = (sequence - 1) >>> 0
      this.#row = before === this.#suspect ? this.#row + 1 : 1
      this.#suspect = sequence
      if (this.#row >= (isLate ? fellBack : jumped)) {
        this.#row = 0
        this.#begin(before)
        return this.#advance(sequence, 1)
      }
    }
    if (isLate) this.late++
    else if (again) this.duplicated++
    return !isLate && !again
  }

  #isMarked(sequence: number): boolean {
    return ((this.#seen[(sequence & (window - 1)) >> 5] as number) & (1 << sequence)) !== 0
  }

  #mark(sequence: number): void {
    const word = (sequence & (window - 1)) >> 5
    this.#seen[word] = (this.#seen[word] as number) | (1 << sequence)
  }

  #clear(sequence: number): void {
    const word = (sequence & (window - 1)) >> 5
    this.#seen[word] = (this.#seen[word] as number) & ~(1 << sequence)
  }
}
