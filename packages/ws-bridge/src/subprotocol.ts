/** RFC 9110 section 5.6.2. */
const token = /^[!#$%&'*+.^_`|~\w-]+$/

/** How many subprotocols a client may offer; browsers' programs offer a handful. */
const mostOffered = 64

/**
 * The subprotocols that a client offers, the preferred one first (RFC 6455 section 4.1); undefined when the field is
 * malformed, names one twice, or offers more than anybody has a use for.
 */
export function offeredProtocols(field: string | undefined): readonly string[] | undefined {
  if (field === undefined) return []
  const offered = field.split(',', mostOffered + 1).map((name) => name.trim())
  if (offered.length > mostOffered || new Set(offered).size < offered.length) return undefined
  return offered.every((name) => token.test(name)) ? offered : undefined
}

/**
 * Which of the subprotocols that a client offers is spoken: the first offered one that is on the list, or what the
 * function says. None, when nothing fits: whether it goes on without is the client's decision then, and browsers do not.
 */
export type Protocols = readonly string[] | ((offered: readonly string[]) => string | undefined)

/** Refuses what is no choice of subprotocols. */
export function checkProtocols(protocols: Protocols | undefined): void {
  if (protocols === undefined || typeof protocols === 'function') return
  if (Array.isArray(protocols) && protocols.every((name) => typeof name === 'string' && token.test(name)))
    return
  throw new TypeError('Invalid option protocols: must be an array of names, or a function')
}

/**
 * The one that is spoken. Without a rule the first that is offered, as `ws` does it.
 *
 * @throws TypeError when the function names one that is not offered; what it throws itself.
 */
export function chooseProtocol(
  offered: readonly string[],
  protocols: Protocols | undefined,
): string | undefined {
  if (typeof protocols !== 'function') {
    return protocols ? offered.find((name) => protocols.includes(name)) : offered[0]
  }
  const chosen = protocols(offered)
  if (chosen === undefined || offered.includes(chosen)) return chosen
  throw new TypeError('Cannot accept WebSocket: protocols chose one that was not offered')
}
