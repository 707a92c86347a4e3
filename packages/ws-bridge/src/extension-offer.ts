const token = "[!#$%&'*+.^_`|~\\w-]+"
/** RFC 6455 section 9.1: a name, and parameters with a value or without, which is a token though it may stand in quotes. */
const parameter = new RegExp(`\\s*;\\s*(${token})(?:\\s*=\\s*(?:(${token})|"(${token})"))?`, 'y')
const name = new RegExp(`\\s*(${token})`, 'y')
const separator = /\s*(?:,|$)/y

/** One extension that a client offers, with its parameters: without a value they are true. */
interface ExtensionOffer {
  readonly name: string
  readonly parameters: readonly (readonly [name: string, value: string | true])[]
}

/** How many a client may offer; one is known. */
const mostOffered = 32

/** What a client offers in Sec-WebSocket-Extensions; undefined when that is malformed, or too much. */
export function extensionOffers(field: string): readonly ExtensionOffer[] | undefined {
  const offers: ExtensionOffer[] = []
  for (let at = 0; at < field.length; at = separator.lastIndex) {
    const named = matchAt(name, field, at)
    if (!named || offers.length === mostOffered) return undefined
    const parameters: [string, string | true][] = []
    let end = name.lastIndex
    for (let one = matchAt(parameter, field, end); one; one = matchAt(parameter, field, end)) {
      end = parameter.lastIndex
      parameters.push([one[1] as string, one[2] ?? one[3] ?? true])
    }
    if (!matchAt(separator, field, end)) return undefined
    offers.push({ name: named[1] as string, parameters })
    if (separator.lastIndex === field.length && field.endsWith(',')) return undefined
  }
  return offers
}

/**
 * The first permessage-deflate that can be accepted (RFC 7692 section 5.1), as a field of its own; undefined for none. One
 * with a parameter that is unknown, said twice or has a wrong value is declined, and the next one may do.
 */
export function acceptableDeflate(field: string): string | undefined {
  const acceptable = extensionOffers(field)?.find(isAcceptable)
  if (!acceptable) return undefined
  const parameters = acceptable.parameters.map(([key, value]) => (value === true ? key : `${key}=${value}`))
  return [acceptable.name, ...parameters].join('; ')
}

/** RFC 7692 section 7.1. */
const values: Readonly<Record<string, (value: string | true) => boolean>> = {
  server_no_context_takeover: (value) => value === true,
  client_no_context_takeover: (value) => value === true,
  server_max_window_bits: isWindow,
  client_max_window_bits: (value) => value === true || isWindow(value),
}

function isAcceptable({ name: extension, parameters }: ExtensionOffer): boolean {
  if (extension !== 'permessage-deflate') return false
  const names = new Set(parameters.map(([key]) => key))
  return (
    names.size === parameters.length &&
    parameters.every(([key, value]) => Object.hasOwn(values, key) && values[key]?.(value))
  )
}

function isWindow(value: string | true): boolean {
  return /^(?:[89]|1[0-5])$/.test(String(value))
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}
