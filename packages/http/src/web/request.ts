import { isInstance, runtime } from './runtime.ts'
import { originalOf, ServedRequest } from './served-request.ts'

type Input = ConstructorParameters<typeof runtime.Request>[0]

/**
 * The runtime's `Request`, which takes the requests that {@link serve} hands out as well. What is made with it is
 * the runtime's own in everything: requests that a server makes are few, and go to `fetch`.
 */
export class Request extends runtime.Request {
  /** @throws TypeError for what is no request, and for a body that was used. */
  constructor(input: Input, init?: RequestInit) {
    super(originalOf(input) as Input, init)
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(Request, runtime.Request, this, value)
  }
}

Object.setPrototypeOf(ServedRequest.prototype, Request.prototype)
