/** First in, first out, in constant time: `shift` of a long array moves all that is behind. */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #first = 0

  get length(): number {
    return this.#items.length - this.#first
  }

  get head(): T | undefined {
    return this.#items[this.#first]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** Takes out the first one; there must be one. */
  shift(): T {
    const item = this.#items[this.#first] as T
    this.#items[this.#first++] = undefined
    // In large steps, so that neither a long queue is moved for each item nor a short one.
    if (this.#first >= 32 && this.#first * 2 > this.#items.length) {
      this.#items.splice(0, this.#first)
      this.#first = 0
    }
    return item
  }

  /** Takes out the last one; there must be one. */
  pop(): T {
    return this.#items.pop() as T
  }

  /** Takes out all, in order. */
  drain(): T[] {
    const items = this.#items.slice(this.#first) as T[]
    this.#items = []
    this.#first = 0
    return items
  }
}
