/** Bytes that an answer takes beside its datagram, for its key and its places, as measured on Node 20. */
export const overhead = 320

/** An answer, in a ring from the least to the most recently used. */
class Remembered {
  readonly key: string
  /** One character a byte: a buffer apiece takes several times as much, and one of a pool keeps all of the pool. */
  readonly datagram: string
  /** When it is forgotten, unless it is asked for again. */
  until = Infinity
  #older: Remembered = this
  #newer: Remembered = this

  constructor(key: string, datagram: string) {
    this.key = key
    this.datagram = datagram
  }

  get size(): number {
    return this.datagram.length + overhead
  }

  get newer(): Remembered {
    return this.#newer
  }

  /** Takes the place in front of `next`. */
  enter(next: Remembered): void {
    this.#newer = next
    this.#older = next.#older
    this.#older.#newer = next.#older = this
  }

  leave(): void {
    this.#older.#newer = this.#newer
    this.#newer.#older = this.#older
  }
}

/**
 * Answers that were given, as the datagrams that went out. Bounded in number, bytes and time; when there is no
 * room, the one goes first that was not used for longest.
 *
 * A ring besides the map: a map that loses its oldest entries one by one walks over all the gaps to the next one.
 */
export class AnswerMemory {
  readonly #maxAnswers: number
  readonly #maxBytes: number
  readonly #lifetime: number
  readonly #answers = new Map<string, Remembered>()
  /** Between the newest and the oldest use. All live equally long from it: so this is the order of their end, too. */
  readonly #seam = new Remembered('', '')
  #bytes = 0

  constructor(maxAnswers: number, maxBytes: number, lifetime: number) {
    this.#maxAnswers = maxAnswers
    this.#maxBytes = maxBytes
    this.#lifetime = lifetime
  }

  get size(): number {
    return this.#answers.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The answer under `key`; its time begins anew. */
  find(key: string, now: number): Uint8Array | undefined {
    this.expire(now)
    const found = this.#answers.get(key)
    if (!found) return undefined
    found.leave()
    this.#use(found, now)
    return Buffer.from(found.datagram, 'latin1')
  }

  /** Keeps an answer's bytes, and says how many had to be forgotten for it before their time. */
  add(key: string, datagram: Uint8Array, now: number): number {
    this.expire(now)
    const { buffer, byteOffset, byteLength } = datagram
    const text = Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
    const answer = new Remembered(key, text)
    this.#answers.set(key, answer)
    this.#bytes += answer.size
    this.#use(answer, now)
    let forgotten = 0
    for (; this.#answers.size > this.#maxAnswers || this.#bytes > this.#maxBytes; forgotten++) {
      this.#forget(this.#seam.newer)
    }
    return forgotten
  }

  /** Forgets what has had its time. */
  expire(now: number): void {
    while (this.#seam.newer.until <= now) this.#forget(this.#seam.newer)
  }

  clear(): void {
    while (this.size > 0) this.#forget(this.#seam.newer)
  }

  #use(answer: Remembered, now: number): void {
    answer.until = now + this.#lifetime
    answer.enter(this.#seam)
  }

  #forget(answer: Remembered): void {
    answer.leave()
    this.#answers.delete(answer.key)
    this.#bytes -= answer.size
  }
}
