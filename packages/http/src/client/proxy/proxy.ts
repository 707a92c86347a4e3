import { authorizationOf, type Origin, originOf } from '../origin.ts'

/** An HTTP proxy, taken apart; `secure` where it is itself spoken to over TLS. */
export interface HttpProxy extends Origin {
  /** What Proxy-Authorization says (RFC 9110 section 11.7.1), of the user information of its URL. */
  readonly authorization: string | undefined
}

/**
 * Takes the URL of a proxy apart: `http://user:password@host:port`, or `https://` where the proxy speaks TLS. Without
 * a port it is that of the scheme.
 *
 * @param name what messages call it; they never repeat the URL, where a password may be.
 * @throws TypeError that begins with `Invalid` and the name.
 */
export function parseProxy(proxy: string | URL, name = 'option proxy'): HttpProxy {
  let url: URL
  try {
    url = new URL(proxy)
  } catch {
    throw new TypeError(`Invalid ${name}: it is not a URL`)
  }
  if (url.protocol.startsWith('socks')) {
    throw new TypeError(
      `Invalid ${name}: SOCKS proxies are reached by a function of your own, the option connect`,
    )
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TypeError(`Invalid ${name}: it is neither http: nor https:; the option connect reaches others`)
  }
  if (url.pathname !== '/' || url.search !== '') throw new TypeError(`Invalid ${name}: a proxy has no path`)
  try {
    return { ...originOf(url), authorization: authorizationOf(url) }
  } catch (error) {
    const { message } = error as Error
    throw new TypeError(message.replace('Invalid URL', `Invalid ${name}`), { cause: error })
  }
}
