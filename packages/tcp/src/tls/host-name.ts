/** Letters, digits, hyphens and underscores between dots: what may stand in a server name (RFC 6066 section 3). */
const hostName = /^(?!.*\.\.)(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/

/** A host name as it is compared: lower case, no dot at its end. Undefined: it is none. */
export function hostNameOf(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '')
  return hostName.test(name) ? name : undefined
}

/** Something for each host name, and for `*.` and a name: whatever stands directly below it (RFC 9525 section 6.3). */
export class HostTable<T> {
  readonly #exact = new Map<string, T>()
  readonly #below = new Map<string, T>()

  /** @throws TypeError when `pattern` is no host name, with `*.` before it or not. */
  set(option: string, pattern: string, value: T): void {
    const wild = pattern.startsWith('*.')
    const name = hostNameOf(wild ? pattern.slice(2) : pattern)
    if (name === undefined) throw new TypeError(`Invalid option ${option}: ${pattern} is not a host name`)
    ;(wild ? this.#below : this.#exact).set(name, value)
  }

  /** `name` as {@link hostNameOf} gives it. */
  get(name: string): T | undefined {
    const dot = name.indexOf('.')
    return this.#exact.get(name) ?? (dot < 0 ? undefined : this.#below.get(name.slice(dot + 1)))
  }
}
