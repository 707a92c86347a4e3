import { isInstance, onceFound, runtime, type RuntimeRequest, standBefore } from './runtime.ts'
import { originalOf, ServedRequest } from './served-request.ts'

type Input = ConstructorParameters<typeof globalThis.Request>[0]

// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- its members are the runtime's
export interface Request extends RuntimeRequest {}

/**
 * The runtime's `Request`, which takes the requests that {@link serve} hands out as well. What is made with it is
 * the runtime's own in everything: requests that a server makes are few, and go to `fetch`.
 */
export class Request {
  /** @throws TypeError for what is no request, and for a body that was used. */
  constructor(input: Input, init?: RequestInit) {
    // Not by `extends`, for which the runtime's class would have to be there when this module is loaded.
    // oxlint-disable-next-line no-constructor-return -- one of the runtime's, with the prototype of this class
    return Reflect.construct(runtime.Request, [originalOf(input), init], new.target) as Request
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(Request, runtime.Request, this, value)
  }
}

standBefore(Request, 'Request')
onceFound(() => Object.setPrototypeOf(ServedRequest.prototype, Request.prototype))
