import type { Target } from './target.ts'

/** Where a proxy offers its service unless somebody says otherwise (RFC 9298 section 2). */
export const defaultPath = '/.well-known/masque/udp/{target_host}/{target_port}/'

/** The variables that a template must have. */
const variables = ['target_host', 'target_port'] as const

/** Text as it stands, or an expression of RFC 6570, of level 3 at most: `{a}`, `{?a,b}`, `{&a,b}`. */
type Part = string | { readonly operator: '' | '?' | '&'; readonly names: readonly string[] }

/** Bytes of a value as it is sent: a name of 253 of which every one is encoded. */
const longestValue = 3 * 253

/** The variables as they stood in a request, not decoded. */
export type Variables = Readonly<Record<(typeof variables)[number], string>>

/** Path and query of a URI template for UDP proxies (RFC 9298 section 2, RFC 6570). */
export class TargetTemplate {
  readonly #parts: readonly Part[]
  #pattern: RegExp | undefined

  /** @throws TypeError for what is none; `option` is what messages call it. */
  constructor(template: string, option: string) {
    const refuse = (why: string): never => {
      throw new TypeError(`Invalid option ${option}: ${why}`)
    }
    if (typeof template !== 'string') refuse('must be a URI template')
    if (!template.startsWith('/')) refuse('its path does not begin with a slash')
    if (!/^[!-~]+$/.test(template) || template.includes('#')) refuse('it has characters that no URI has')
    const parts = template.split(/(\{[^{}]*\})/).filter((part) => part !== '')
    this.#parts = parts.map((part) => {
      if (!/[{}]/.test(part)) return part
      const [, operator = '', names] = /^\{([?&]?)(\w+(?:,\w+)*)\}$/.exec(part) ?? []
      // Among what is refused are the operators that RFC 9298 section 2 forbids, and all of level 4.
      if (names === undefined) return refuse(`${part} is no expression that may stand in it`)
      return { operator: operator as '' | '?' | '&', names: names.split(',') }
    })
    const found = this.#names
    for (const name of variables) {
      if (found.filter((one) => one === name).length !== 1) refuse(`it must have {${name}}, once`)
    }
  }

  /** Whether the two variables that there must be are all that it has. */
  get plain(): boolean {
    return this.#names.length === variables.length
  }

  /** Path and query for a target; other variables are undefined, and so leave nothing (RFC 6570 section 3.2.1). */
  expand({ host, port }: Target): string {
    const values = new Map([
      ['target_host', encodeURIComponent(host)],
      ['target_port', String(port)],
    ])
    const expand = (part: Part): string => {
      if (typeof part === 'string') return part
      const { operator, names } = part
      const known = names.filter((name) => values.has(name))
      if (operator === '') return known.map((name) => values.get(name)).join(',')
      if (known.length === 0) return ''
      return operator + known.map((name) => `${name}=${values.get(name)}`).join('&')
    }
    return this.#parts.map(expand).join('')
  }

  /** The variables of a path and query that this template makes; undefined when it makes no such one. */
  match(target: string): Variables | undefined {
    this.#pattern ??= new RegExp(`^${this.#parts.map(patternOf).join('')}$`)
    return this.#pattern.exec(target)?.groups as Variables | undefined
  }

  get #names(): string[] {
    return this.#parts.flatMap((part) => (typeof part === 'string' ? [] : part.names))
  }
}

/** Values end at the next delimiter: what is in them is encoded. The limit bounds what can be tried. */
function patternOf(part: Part): string {
  if (typeof part === 'string') return part.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
  const { operator, names } = part
  const value = (name: string): string => `(?<${name}>[^#&,/?]{0,${longestValue}})`
  if (operator === '') return names.map(value).join(',')
  const pairs = names.map((name) => `${name}=${value(name)}`).join('&')
  return (operator === '?' ? String.raw`\?` : '&') + pairs
}

/** What stands for itself: a value that is encoded wrongly stands for nothing. */
export function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}
