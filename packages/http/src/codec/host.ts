/** reg-name and IPv4address of RFC 3986 section 3.2.2 (the first contains the second), with an optional port. */
const NAMED = /^((?:[\w.~!$&'()*+,;=-]|%[\dA-Fa-f]{2})*)(?::(\d*))?$/

/** An IP-literal with an optional port; what is between the brackets is looked at apart. */
const BRACKETED = /^\[([^\]]*)\](?::(\d*))?$/

const IP_FUTURE = /^[vV][\dA-Fa-f]+\.[\w.~!$&'()*+,;=:-]+$/
const HEXTET = /^[\dA-Fa-f]{1,4}$/
const OCTET = /^(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$/

export interface HostPort {
  /** With its brackets, if it is an IP-literal; may be empty. */
  readonly host: string
  /** Digits, `''` after a colon with nothing behind it, undefined without a colon. */
  readonly port: string | undefined
}

/**
 * `uri-host [ ":" port ]` (RFC 9110 section 7.2), or undefined where `text` is no such thing: user information,
 * white space, a second port, a broken IPv6 address or a port above 65,535 among others.
 */
export function parseHost(text: string): HostPort | undefined {
  const literal = text.startsWith('[')
  const match = (literal ? BRACKETED : NAMED).exec(text)
  if (match === null) return undefined
  const [, host, port] = match as unknown as [string, string, string | undefined]
  if (literal && !isIPv6(host) && !IP_FUTURE.test(host)) return undefined
  if (port !== undefined && Number(port) > 65535) return undefined
  return { host: literal ? `[${host}]` : host, port }
}

/** IPv6address of RFC 3986 section 3.2.2; a zone is not part of it. */
function isIPv6(text: string): boolean {
  if (text.length > 45) return false
  const halves = text.split('::')
  if (halves.length > 2) return false
  let hextets = 0
  for (const [index, half] of halves.entries()) {
    if (half === '') continue
    const pieces = half.split(':')
    const last = pieces.at(-1)!
    if (index === halves.length - 1 && last.includes('.')) {
      if (!isIPv4(last)) return false
      pieces.pop()
      hextets += 2
    }
    if (!pieces.every((piece) => HEXTET.test(piece))) return false
    hextets += pieces.length
  }
  // "::" stands for at least one group of zeros.
  return halves.length === 2 ? hextets <= 7 : hextets === 8
}

function isIPv4(text: string): boolean {
  const octets = text.split('.')
  return octets.length === 4 && octets.every((octet) => OCTET.test(octet))
}
