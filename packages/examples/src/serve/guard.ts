/** Names and addresses by which a browser calls its own machine, as the host of a URL. */
const loopback = /^((.+\.)?localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Methods that change nothing (RFC 9110 section 9.2.1). */
const safe = new Set(['GET', 'HEAD', 'OPTIONS'])

/** What of a request matters for who may. */
export interface Caller {
  readonly method: string
  readonly headers: { get(name: string): string | null }
}

export interface GuardOptions {
  /** Whether only this machine can be meant: then no other name may be used. */
  loopback: boolean
  tls: boolean
}

/** Why a request is refused that a page of some other site made in a browser here, or undefined. */
export function refusalOf({ method, headers }: Caller, options: GuardOptions): string | undefined {
  const host = headers.get('host') ?? ''
  // Another site whose name was made to point here.
  if (options.loopback && !loopback.test(hostnameOf(host)))
    return 'This server is called by a loopback name, as localhost is.'
  if (safe.has(method)) return undefined
  // Browsers say where a request comes from that is to change something, and let no page lie about it.
  const origin = headers.get('origin')
  const site = headers.get('sec-fetch-site')
  if (origin === null) {
    return site === null || site === 'same-origin' || site === 'none' ? undefined : elsewhere
  }
  return isAt(origin, `${options.tls ? 'https' : 'http'}://${host}`) ? undefined : elsewhere
}

const elsewhere = 'Only a page of this server may send something.'

function isAt(origin: string, url: string): boolean {
  try {
    return new URL(origin).origin === new URL(url).origin
  } catch {
    return false
  }
}

function hostnameOf(host: string): string {
  try {
    return new URL(`http://${host}`).hostname
  } catch {
    return ''
  }
}
