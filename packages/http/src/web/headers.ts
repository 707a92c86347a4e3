import {
  checkName,
  combined,
  type HeaderList,
  indexOf,
  listOf,
  normalValue,
  remove,
  set,
  sorted,
  toText,
} from './header-list.ts'
import {
  findRuntime,
  type HeadersInit,
  inspect,
  isInstance,
  onceFound,
  runtime,
  type RuntimeHeaders,
  shareState,
  standBefore,
} from './runtime.ts'

/** Marks the one call of the constructor that takes a list as it stands. */
const adopted = Symbol('adopted')

/** Headers over a list that somebody else may write as well, before they are seen by anyone. */
export let adoptList: (list: HeaderList, immutable?: boolean) => Headers

/** The lines of anything that may be given as headers, checked, in a list of its own. @throws TypeError */
export let copyList: (init: unknown) => HeaderList

/**
 * `Headers` of the Fetch standard (section 5.1) over the lines themselves: nothing is indexed or sorted before
 * somebody iterates. The runtime's own is behind it, so `instanceof Headers` holds.
 */
export class Headers implements RuntimeHeaders {
  #list: HeaderList
  /** What iteration gives, until something changes. */
  #sorted: [string, string][] | undefined
  #immutable = false

  /** @throws TypeError for a name or value that cannot be one. */
  constructor(init?: HeadersInit)
  constructor(init: HeadersInit | undefined, own?: typeof adopted) {
    findRuntime()
    if (own === adopted) this.#list = init as unknown as HeaderList
    else this.#list = init === undefined ? [] : Headers.#copy(init)
  }

  /** A list that belongs to the new object from now on, or is shared with who made it. */
  static #adopt(list: HeaderList, immutable = false): Headers {
    const Adopting = Headers as unknown as new (list: HeaderList, own: typeof adopted) => Headers
    const headers = new Adopting(list, adopted)
    headers.#immutable = immutable
    return headers
  }

  static #copy(init: unknown): HeaderList {
    return typeof init === 'object' && init !== null && #list in init && own(init)
      ? init.#list.slice()
      : listOf(init)
  }

  static {
    adoptList = Headers.#adopt
    copyList = Headers.#copy
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(Headers, runtime.Headers, this, value)
  }

  append(name: string, value: string): void {
    need(arguments.length, 2)
    const checked = checkName(name)
    const normal = normalValue(value)
    this.#change()
    this.#list.push(checked, normal)
  }

  set(name: string, value: string): void {
    need(arguments.length, 2)
    const checked = checkName(name)
    const normal = normalValue(value)
    this.#change()
    set(this.#list, checked, normal)
  }

  delete(name: string): void {
    need(arguments.length, 1)
    const checked = checkName(name)
    this.#change()
    remove(this.#list, checked)
  }

  get(name: string): string | null {
    need(arguments.length, 1)
    const value = combined(this.#list, toText(name))
    // A name that is in the list is a name.
    if (value === null) checkName(name)
    return value
  }

  has(name: string): boolean {
    need(arguments.length, 1)
    return indexOf(this.#list, checkName(name)) >= 0
  }

  getSetCookie(): string[] {
    const cookies: string[] = []
    const list = this.#list
    for (let at = 0; (at = indexOf(list, 'set-cookie', at)) >= 0; at += 2) cookies.push(list[at + 1]!)
    return cookies
  }

  forEach(callback: (value: string, name: string, headers: RuntimeHeaders) => void, thisArg?: unknown): void {
    if (typeof callback !== 'function') throw new TypeError('Cannot iterate: the callback is no function')
    for (const [name, value] of this) callback.call(thisArg, value, name, this)
  }

  keys(): HeadersIterator<string> {
    return new HeadersIterator(
      () => this.#entries,
      ([name]) => name,
    )
  }

  values(): HeadersIterator<string> {
    return new HeadersIterator(
      () => this.#entries,
      ([, value]) => value,
    )
  }

  entries(): HeadersIterator<[string, string]> {
    return new HeadersIterator(
      () => this.#entries,
      ([name, value]) => [name, value],
    )
  }

  declare [Symbol.iterator]: () => HeadersIterator<[string, string]>;

  [inspect](_depth: number, options: object, print: (value: unknown, options: object) => string): string {
    return `Headers ${print(Object.fromEntries(this), options)}`
  }

  get #entries(): readonly [string, string][] {
    return (this.#sorted ??= sorted(this.#list))
  }

  #change(): void {
    if (this.#immutable) throw new TypeError('Cannot change headers: they are immutable')
    this.#sorted = undefined
  }
}

/**
 * Goes by place in the list that there is at the time, as Web IDL has it (section 3.7.10): who changes headers
 * while iterating sees it.
 */
class HeadersIterator<T> implements IterableIterator<T, undefined> {
  readonly #entries: () => readonly [string, string][]
  readonly #pick: (entry: [string, string]) => T
  #at = 0

  constructor(entries: () => readonly [string, string][], pick: (entry: [string, string]) => T) {
    this.#entries = entries
    this.#pick = pick
  }

  next(): IteratorResult<T, undefined> {
    const entry = this.#entries()[this.#at]
    if (!entry) return { value: undefined, done: true }
    this.#at++
    return { value: this.#pick(entry), done: false }
  }

  declare [Symbol.iterator]: () => this
  declare [Symbol.dispose]: () => void
}

const iterators = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object
Object.setPrototypeOf(HeadersIterator.prototype, iterators)
Object.defineProperty(HeadersIterator.prototype, Symbol.toStringTag, {
  value: 'Headers Iterator',
  configurable: true,
})

standBefore(Headers, 'Headers')
// Deno looks into what passes for one of its own; Node and Bun iterate it.
onceFound(() => {
  if (!isTaken()) shareState(Headers, new runtime.Headers(), (one) => new runtime.Headers(Array.from(one)))
})
// The same function under both names, by which the runtime tells a plain one.
Object.defineProperty(Headers.prototype, Symbol.iterator, {
  value: Headers.prototype.entries,
  writable: true,
  configurable: true,
})

/** Whether the runtime takes one of ours for one of its own. */
function isTaken(): boolean {
  try {
    const headers = new Headers({ 'X-Probe': 'yes' })
    return new runtime.Response(null, { headers }).headers.get('x-probe') === 'yes'
  } catch {
    return false
  }
}

/** Whether it iterates as it was made to: a subclass that gives something else is asked. */
function own(headers: Headers): boolean {
  return headers[Symbol.iterator] === Headers.prototype.entries
}

function need(given: number, wanted: number): void {
  if (given < wanted) throw new TypeError(`Invalid call: ${wanted} arguments are needed, ${given} were given`)
}
