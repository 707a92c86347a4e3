// Imported first: makes the runtime's Request and Response such that keep their state to themselves, as those of
// Node 24 do. What only looks like one is none.

const theirs = { Request, Response }

class PrivateRequest extends theirs.Request {
  // oxlint-disable-next-line no-unused-private-class-members -- whether it is there is what counts
  readonly #own = true

  constructor(input: ConstructorParameters<typeof Request>[0], init?: RequestInit) {
    if (input instanceof theirs.Request && !(#own in input)) throw new TypeError('Illegal invocation')
    super(input, init)
  }
}

class PrivateResponse {
  readonly #state: Response

  constructor(...args: ConstructorParameters<typeof Response>) {
    this.#state = new theirs.Response(...args)
  }

  static {
    for (const name of Object.getOwnPropertyNames(theirs.Response.prototype) as (keyof Response)[]) {
      if (name === ('constructor' as keyof Response)) continue
      Object.defineProperty(this.prototype, name, {
        get(this: PrivateResponse) {
          const value = this.#state[name] as unknown
          return typeof value === 'function' ? (value.bind(this.#state) as unknown) : value
        },
      })
    }
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return (
      value instanceof theirs.Response || PrivateResponse.prototype.isPrototypeOf.call(this.prototype, value!)
    )
  }
}

Object.assign(PrivateResponse, {
  json: (value: unknown, init?: ResponseInit) => theirs.Response.json(value, init),
  error: () => theirs.Response.error(),
})
Object.assign(globalThis, { Request: PrivateRequest, Response: PrivateResponse })
