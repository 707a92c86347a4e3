import { type Origin, originOf } from '../client/origin.ts'
import type { Target } from '../client/target.ts'
import { basePath } from './path.ts'

/** Whom requests are passed on to: what is behind a target. */
export interface Base {
  readonly url: URL
  readonly origin: Origin
  /** What stands before the path of each request. */
  readonly path: string
}

/** Bases that are remembered; a function that names more different ones has each taken apart anew. */
const most = 256

/** The bases that a function names. */
export class Bases {
  readonly #known = new Map<string, Base>()

  /** @throws TypeError for what is no target. */
  of(given: unknown): Base {
    const name = typeof given === 'string' ? given : undefined
    const known = name === undefined ? undefined : this.#known.get(name)
    if (known) return known
    const base = baseOf(given)
    if (name === undefined) return base
    if (this.#known.size >= most) this.#known.clear()
    this.#known.set(name, base)
    return base
  }
}

/** @throws TypeError for what is no absolute URL of http or https, or says more than whom to ask. */
export function baseOf(given: unknown): Base {
  const url = parse(given)
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('Invalid option target: it has user information, which is for onRequest to say')
  }
  if (url.search !== '' || url.hash !== '') {
    throw new TypeError('Invalid option target: it has a query or a fragment')
  }
  return { url, origin: originOf(url), path: basePath(url.pathname) }
}

/** Where a request goes: without a URL of its own, since its path is sent as it came. */
export function targetAt({ url, origin }: Base, path: string): Target {
  const root = `${origin.secure ? 'https' : 'http'}://${origin.authority}`
  const query = path.indexOf('?')
  return {
    url,
    href: root + path,
    display: root + (query < 0 ? path : path.slice(0, query)),
    origin,
    path,
    authorization: undefined,
  }
}

/** Without the runtime's own error, which repeats the URL. */
function parse(given: unknown): URL {
  if (typeof given === 'string' || given instanceof URL) {
    try {
      return new URL(given)
    } catch {
      // Told below.
    }
  }
  throw new TypeError('Invalid option target: it is not an absolute URL')
}
