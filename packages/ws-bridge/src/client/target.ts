/** What the URL of a WebSocket says (RFC 6455 section 3), taken apart. */
export interface ClientTarget {
  /** How errors call it: without user information and query, where secrets are. */
  readonly name: string
  /** Where the handshake goes, as a URL of HTTP: whom to connect to, and which proxy to ask. */
  readonly url: URL
  /** The Unix socket that a `ws+unix:` URL names. */
  readonly unix: string | undefined
  /** Path and query. */
  readonly path: string
  /** What Host says (RFC 9110 section 7.2). */
  readonly authority: string
  /** What the user information says, as the value of Authorization (RFC 7617). */
  readonly authorization: string | undefined
}

/**
 * Takes a URL of WebSocket apart. Its fragment is dropped, as browsers do.
 *
 * @throws TypeError that repeats nothing of the URL, where secrets may be.
 */
export function clientTarget(url: string | URL): ClientTarget {
  const parsed = parse(url)
  const { protocol, host, pathname, search } = parsed
  if (protocol === 'ws+unix:') return unixTarget(parsed)
  if (protocol !== 'ws:' && protocol !== 'wss:') {
    throw new TypeError('Invalid URL: the scheme is none of ws, wss and ws+unix')
  }
  const path = pathname + search
  return {
    name: `${protocol}//${host}${pathname}`,
    url: new URL(`${protocol === 'wss:' ? 'https' : 'http'}://${host}${path}`),
    unix: undefined,
    path,
    authority: host,
    authorization: authorizationOf(parsed),
  }
}

/** `ws+unix:/run/app.sock:/chat?room=1`: the socket, a colon, and path and query of the request. */
function unixTarget({ host, pathname, search }: URL): ClientTarget {
  if (host !== '') throw new TypeError('Invalid URL: ws+unix has the path of a socket in the place of a host')
  const colon = pathname.indexOf(':')
  const socket = colon < 0 ? pathname : pathname.slice(0, colon)
  const asked = colon < 0 ? '/' : pathname.slice(colon + 1)
  if (socket === '' || !asked.startsWith('/')) {
    throw new TypeError('Invalid URL: ws+unix has the path of a socket, a colon, and the path of the request')
  }
  const url = new URL(`http://localhost${asked}${search}`)
  return {
    name: `ws+unix:${socket}:${url.pathname}`,
    url,
    unix: decoded(socket),
    path: url.pathname + url.search,
    authority: 'localhost',
    authorization: undefined,
  }
}

/** The runtime's own error would repeat the URL. */
function parse(url: string | URL): URL {
  try {
    return new URL(url)
  } catch {
    throw new TypeError('Invalid URL: it is not an absolute one')
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new TypeError('Invalid URL: the path of the socket has escapes that are none')
  }
}

function authorizationOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined
  const name = octetsOf(username)
  const credentials = `${name}:${octetsOf(password)}`
  // A server would begin the password there.
  if (name.includes(':')) throw new TypeError('Invalid URL: a user name cannot hold a colon')
  if (/[\0-\x1f\x7f]/.test(credentials)) {
    throw new TypeError('Invalid URL: the user information holds a control character')
  }
  return `Basic ${Buffer.from(credentials, 'latin1').toString('base64')}`
}

/** One character an octet; a `%` that begins no escape stands for itself. */
function octetsOf(part: string): string {
  return part.replace(/%([\dA-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
