/**
 * Imported for what it does: puts the `Request`, `Response` and `Headers` of this package in the globals' place.
 * Applications that know nothing of it then make responses that `serve` sends without a stream in between.
 *
 * Import it before anything that keeps the globals for itself. A second import, or that of another install, does
 * nothing more.
 *
 * @example
 * ```ts
 * import '@fairlead/http/globals'
 * ```
 *
 * @packageDocumentation
 */
import { Headers } from './web/headers.ts'
import { Request } from './web/request.ts'
import { Response } from './web/response.ts'
import { runtime, runtimeKey } from './web/runtime.ts'
import { originalOf } from './web/served-request.ts'

if (!(runtimeKey in globalThis)) {
  replace(runtimeKey, { ...runtime })
  replace('Headers', Headers)
  replace('Request', Request)
  replace('Response', Response)
  replace('fetch', Object.assign(fetch, runtime.fetch))
}

/** The runtime's `fetch`, which takes the requests that `serve` hands out as well. */
function fetch(...[input, init]: Parameters<typeof runtime.fetch>): ReturnType<typeof runtime.fetch> {
  return runtime.fetch(originalOf(input) as typeof input, init)
}

function replace(name: string | symbol, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
}
