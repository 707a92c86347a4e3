import { equalsFolded } from './tokens.ts'

/** What `console.log` asks an object for; another runtime has no use for it. */
const inspect = Symbol.for('nodejs.util.inspect.custom')

/**
 * The field lines of one head or trailer section as they came: `raw` holds name and value in turn, names in
 * their own letter case, values without the white space around them, one character a byte (latin1).
 *
 * Nothing is indexed until asked: a look-up walks the list, which for a dozen fields is cheaper than a map.
 */
export class Fields {
  readonly raw: readonly string[]

  constructor(raw: readonly string[]) {
    this.raw = raw
  }

  /** How many field lines there are. */
  get count(): number {
    return this.raw.length / 2
  }

  has(name: string): boolean {
    return indexOfName(this.raw, name.toLowerCase(), 0) >= 0
  }

  /** The value, whatever the letter case of the name; repeated lines are joined by `, ` (RFC 9110 section 5.3). */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase()
    let at = indexOfName(this.raw, wanted, 0)
    if (at < 0) return undefined
    let value = this.raw[at + 1]!
    while ((at = indexOfName(this.raw, wanted, at + 2)) >= 0) value += ', ' + this.raw[at + 1]!
    return value
  }

  /** Each line's value apart, for the fields that cannot be joined, such as Set-Cookie. */
  all(name: string): string[] {
    const wanted = name.toLowerCase()
    const values: string[] = []
    let at = -2
    while ((at = indexOfName(this.raw, wanted, at + 2)) >= 0) values.push(this.raw[at + 1]!)
    return values
  }

  /**
   * These fields with `name` said once, as `value`: in the place of the first line of that name, whatever its letter
   * case, or behind all others. Not checked here: whatever cannot be sent is refused when it is written.
   */
  with(name: string, value: string): Fields {
    const wanted = name.toLowerCase()
    const raw: string[] = []
    let placed = false
    for (let at = 0; at < this.raw.length; at += 2) {
      if (!equalsFolded(this.raw[at]!, wanted)) raw.push(this.raw[at]!, this.raw[at + 1]!)
      else if (!placed) placed = raw.push(name, value) > 0
    }
    if (!placed) raw.push(name, value)
    return new Fields(raw)
  }

  /** These fields without any line of these names, whatever their letter case; themselves, where there is none. */
  without(...names: readonly string[]): Fields {
    const unwanted = names.map((name) => name.toLowerCase())
    const raw: string[] = []
    for (let at = 0; at < this.raw.length; at += 2) {
      const name = this.raw[at]!
      if (!unwanted.some((lower) => equalsFolded(name, lower))) raw.push(name, this.raw[at + 1]!)
    }
    return raw.length === this.raw.length ? this : new Fields(raw)
  }

  *[Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    for (let at = 0; at < this.raw.length; at += 2) yield [this.raw[at]!, this.raw[at + 1]!]
  }

  /** Repeated lines as a list. */
  [inspect](_depth: number, options: object, print: (value: unknown, options: object) => string): string {
    const lines = new Map<string, string[]>()
    for (const [name, value] of this) {
      const values = lines.get(name)
      if (values) values.push(value)
      else lines.set(name, [value])
    }
    const shown = Array.from(lines, ([name, values]) => [name, values.length === 1 ? values[0] : values])
    return `Fields ${print(Object.fromEntries(shown), options)}`
  }
}

// Who builds this package may rename a class that names itself.
Object.defineProperty(Fields, 'name', { value: 'Fields', configurable: true })

/** The index of the next name equal to `wanted` (in lower case) from `at` on, or -1. */
function indexOfName(raw: readonly string[], wanted: string, at: number): number {
  for (; at < raw.length; at += 2) {
    if (equalsFolded(raw[at]!, wanted)) return at
  }
  return -1
}
