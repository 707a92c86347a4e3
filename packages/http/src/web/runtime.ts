/** The runtime's own classes, which ours stand before: as they were before `@fairlead/http/globals` was imported. */
export interface Runtime {
  readonly Headers: typeof Headers
  readonly Request: typeof Request
  readonly Response: typeof Response
  readonly fetch: typeof fetch
}

export type RuntimeHeaders = Headers
export type RuntimeRequest = Request
export type RuntimeResponse = Response

export type HeadersInit = NonNullable<RequestInit['headers']>
export type BodyInit = NonNullable<RequestInit['body']>

/** Where they are kept once they are no globals any more; another install of this package looks there as well. */
export const runtimeKey = Symbol.for('fairlead.http.runtime')

type Kept = { [runtimeKey]?: Runtime }

let found: Runtime | undefined
const waiting: (() => void)[] = []

/**
 * The runtime's own. Node loads its client for `fetch` when one of these globals is looked at, which who only calls
 * `listen` has no use for: so they are looked for when they are first asked for, and all of them at once.
 */
export const runtime: Runtime = {
  get Headers() {
    return (found ?? find()).Headers
  },
  get Request() {
    return (found ?? find()).Request
  },
  get Response() {
    return (found ?? find()).Response
  },
  get fetch() {
    return (found ?? find()).fetch
  },
}

/** Sees to it that ours stand before the runtime's. Whatever makes one of ours calls it first. */
export function findRuntime(): void {
  if (!found) find()
}

/** Calls back once the runtime's classes are known; at once, when they are. */
export function onceFound(callback: () => void): void {
  if (found) callback()
  else waiting.push(callback)
}

function find(): Runtime {
  const { Headers, Request, Response, fetch } = (globalThis as Kept)[runtimeKey] ?? globalThis
  found = { Headers, Request, Response, fetch }
  for (const callback of waiting.splice(0)) callback()
  return found
}

/** What `console.log` asks an object for; another runtime has no use for it. */
export const inspect = Symbol.for('nodejs.util.inspect.custom')

/**
 * Puts the runtime's prototype behind that of ours as soon as it is known, so that `instanceof` holds, and shows
 * members as the runtime's own do (Web IDL section 3.7: attributes and operations are enumerable).
 */
export function standBefore(ours: { prototype: object }, name: 'Headers' | 'Request' | 'Response'): void {
  for (const member of Object.getOwnPropertyNames(ours.prototype)) {
    if (member !== 'constructor') Object.defineProperty(ours.prototype, member, { enumerable: true })
  }
  // Who builds this package may rename a class that names itself.
  Object.defineProperty(ours, 'name', { value: name, configurable: true })
  onceFound(() => {
    const theirs = runtime[name]
    Object.defineProperty(ours, 'length', { value: theirs.length })
    Object.setPrototypeOf(ours.prototype, theirs.prototype)
  })
}

/**
 * Where the runtime's classes keep their state under symbols, the runtime finds under those of `sample`, in an object
 * of ours, the state of one of its own, which `make` makes at that moment.
 */
export function shareState<T extends object>(
  ours: { prototype: T },
  sample: object,
  make: (one: T) => object,
): void {
  for (const symbol of Object.getOwnPropertySymbols(sample)) {
    Object.defineProperty(ours.prototype, symbol, {
      configurable: true,
      get(this: T) {
        return (make(this) as Record<symbol, unknown>)[symbol]
      },
    })
  }
}

/**
 * `instanceof` for a class of ours: what the runtime gave out belongs to it, too, and what a subclass made belongs
 * to the subclass alone.
 */
export function isInstance(ours: object, theirs: object, asked: object, value: unknown): boolean {
  const plain = Function.prototype[Symbol.hasInstance]
  return plain.call(asked === ours ? (theirs as () => void) : (asked as () => void), value)
}
