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

export const runtime: Runtime = (globalThis as Kept)[runtimeKey] ?? {
  Headers: globalThis.Headers,
  Request: globalThis.Request,
  Response: globalThis.Response,
  fetch: globalThis.fetch,
}

/** What `console.log` asks an object for; another runtime has no use for it. */
export const inspect = Symbol.for('nodejs.util.inspect.custom')

/**
 * Puts the runtime's prototype behind that of ours, so that `instanceof` holds, and shows members as the runtime's
 * own do (Web IDL section 3.7: attributes and operations are enumerable).
 */
export function standBefore(
  ours: { prototype: object },
  theirs: { prototype: object; readonly length: number },
): void {
  Object.defineProperty(ours, 'length', { value: theirs.length })
  Object.setPrototypeOf(ours.prototype, theirs.prototype)
  for (const name of Object.getOwnPropertyNames(ours.prototype)) {
    if (name !== 'constructor') Object.defineProperty(ours.prototype, name, { enumerable: true })
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
