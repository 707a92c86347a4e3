import { authorizationOf, type Origin, originOf, targetOf } from './origin.ts'
import type { PreparedRequest } from './prepared-request.ts'

/** What a URL says, taken apart once. */
export interface Target {
  readonly url: URL
  /** Without its fragment and user information. */
  readonly href: string
  /** Without its query, too, where secrets are: for messages. */
  readonly display: string
  readonly origin: Origin
  /** Path and query. */
  readonly path: string
  /** What its user information says, as a field value. */
  readonly authorization: string | undefined
  /** A GET of it with nothing of its own, once somebody has asked for that. */
  plain?: PreparedRequest
}

/** URLs that are remembered; a client that asks for more different ones takes each apart anew. */
const most = 256

/** Taking a URL apart costs as much as half of a small request, and most clients ask for few. */
export class Targets {
  readonly #base: URL | undefined
  readonly #known = new Map<string, Target>()

  /** @throws TypeError for a base that is no URL. */
  constructor(base?: string | URL) {
    this.#base = base === undefined ? undefined : baseOf(base)
  }

  /** @throws TypeError for what is no URL of HTTP. */
  of(url: string | URL): Target {
    if (typeof url !== 'string') return targetFor(parse(url, this.#base))
    const known = this.#known.get(url)
    if (known) return known
    const target = targetFor(parse(url, this.#base))
    if (this.#known.size >= most) this.#known.clear()
    this.#known.set(url, target)
    return target
  }
}

export function targetFor(url: URL): Target {
  const origin = originOf(url)
  const path = targetOf(url)
  const root = `${origin.secure ? 'https' : 'http'}://${origin.authority}`
  return {
    url,
    href: root + path,
    display: root + url.pathname,
    origin,
    path,
    authorization: authorizationOf(url),
  }
}

/** @throws TypeError, and not by `URL.canParse`, which Node 20 gets wrong for names beyond ASCII. */
function parse(url: string | URL, base?: URL): URL {
  try {
    return new URL(url, base)
  } catch {
    // Without the runtime's own error, which repeats the URL, and what secrets are in it.
    const relative = !base && !/^\s*[a-z][a-z\d+.-]*:/i.test(String(url))
    throw new TypeError(
      `Invalid URL: ${relative ? 'it is not absolute, and the client has no base' : 'it cannot be parsed'}`,
    )
  }
}

function baseOf(base: string | URL): URL {
  try {
    return new URL(base)
  } catch {
    throw new TypeError('Invalid option base: it is not an absolute URL')
  }
}
