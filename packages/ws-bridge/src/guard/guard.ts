import { type Address, ipAddress } from '@fairlead/core'

import type { Refusal } from '../handshake.ts'
import { type HostMatcher, hostMatcher } from './host-list.ts'
import { isLoopbackHost, readHost } from './host-name.ts'
import { originMatcher } from './origin-list.ts'
import { type Origin, readOrigin, webOrigin } from './origin.ts'

/** What a guard looks at of a request. */
export interface GuardedRequest {
  /** Of whatever library: repeated fields come joined by a comma, or only the first of them. */
  readonly headers: { get(name: string): string | undefined | null }
  /** Whether the client speaks TLS: to a proxy that is trusted, if it comes through one. */
  readonly secure: boolean
  /** Host and port that the client asked for, where a trusted proxy tells them. Default: the Host field. */
  readonly host?: string | undefined
}

/**
 * Asked about each page: `origin` is in the form of RFC 6454 section 6.2 (lower case, no default port), so that
 * comparing it as a text is safe; `'null'` is the origin of sandboxed pages and files, and undefined stands for a
 * client that is no browser. A field that is no origin is refused without asking. Anything but `true` refuses, a promise
 * included; what it throws is thrown on.
 */
export type OriginFilter = (origin: string | undefined, request: GuardedRequest) => boolean

/** Whose pages may connect, and under which names. */
export interface GuardOptions {
  /**
   * Pages of which origins may open a WebSocket. Browsers let every page try, with the cookies of the user, and only
   * say where it is from (RFC 6455 section 10.2):
   * - `'own'`: pages of this very server: scheme, host and port are those of the request. Alone it is no help
   *   against DNS rebinding, by which another's name leads here; `hosts` is.
   * - a list: these origins and no other, not even the own one, unless `'own'` is in it, too. `https://*.example.com`
   *   are all names under `example.com`, and not that name.
   * - a function, {@link OriginFilter}.
   * - `'any'`: everybody's. It opens all: where `hosts` is not given, any host may be asked for, too.
   *
   * A client without an Origin field is no browser, and could have written any: it is let in, unless a function says
   * otherwise. To know who it is, use `authorize`.
   *
   * Default: `'own'` when listening on loopback or a Unix socket, `'any'` elsewhere.
   */
  origins?: 'any' | 'own' | readonly string[] | OriginFilter
  /**
   * Under which names the server may be asked for, against DNS rebinding: names and addresses, with a port or for
   * any, such as `example.com`, `example.com:8443`, `*.example.com` (all names under it) and `[::1]:80`. Others, and a
   * Host field that is missing or none, are refused, whether a browser asks or not.
   *
   * Default: the names of loopback (`localhost`, names under `.localhost`, 127.0.0.0/8 and `[::1]`, any port) when
   * listening there or on a Unix socket, unless `origins` is `'any'`; elsewhere `'any'`.
   */
  hosts?: 'any' | readonly string[]
}

/** Tells who is refused. */
export interface Guard {
  /**
   * Why a request is refused, or undefined when it may go on. Costs nothing where all is `'any'`.
   *
   * @throws what a function of `origins` throws.
   */
  refusalOf(request: GuardedRequest): Refusal | undefined
}

/** Says which option to look at, and repeats nothing that somebody sent. */
const wrongHost: Refusal = Object.freeze({
  status: 403,
  text: 'the host asked for is not one of those allowed here (see the option hosts)',
})
const wrongOrigin: Refusal = Object.freeze({
  status: 403,
  text: 'pages of this origin may not connect here (see the option origins)',
})

type OriginCheck = (request: GuardedRequest) => boolean
type BrowserCheck = (origin: Origin, request: GuardedRequest) => boolean

/**
 * Makes the guard of a listener that is bound to `bind`.
 *
 * On loopback it is shut by default, since every page that the user of the machine looks at can reach what listens
 * there. A Unix socket counts as loopback: no browser reaches it by itself, but what forwards a port of the machine to
 * it brings them all. Memory does not: nobody but this process is at its other end. On other addresses both are
 * open by default, as behind a proxy nobody can know by which names a server is called.
 *
 * @throws TypeError that names the option, and the entry of a list.
 * @example
 * ```ts
 * const guard = guardOf({ origins: ['own', 'https://*.example.com'] }, { kind: 'ip', family: 4, host: '0.0.0.0', port: 443 })
 * const headers = new Headers({ host: 'example.org', origin: 'https://example.com' })
 * guard.refusalOf({ headers, secure: true })?.status // 403
 * ```
 */
export function guardOf(options: GuardOptions, bind: Address): Guard {
  const local = isLocal(bind)
  const { origins = local ? 'own' : 'any', hosts } = options
  const isOriginAllowed = originCheck(origins)
  const isHostAllowed = hosts === undefined ? defaultHosts(local && origins !== 'any') : hostCheck(hosts)
  return {
    refusalOf(request) {
      if (isHostAllowed !== undefined) {
        const named = readHost(hostOf(request))
        if (named === undefined || !isHostAllowed(named, request.secure)) return wrongHost
      }
      return isOriginAllowed === undefined || isOriginAllowed(request) ? undefined : wrongOrigin
    },
  }
}

/**
 * Makes the guards of connections that come in at different addresses, where nobody knows what their listener is bound
 * to: each goes by its own end. The lists of the options are read twice at most.
 *
 * @throws TypeError that names the option; the function it returns throws none.
 */
export function guardsOf(options: GuardOptions): (local: Address) => Guard {
  const open = guardOf(options, { kind: 'memory', name: '' })
  let shut: Guard | undefined
  return (local) => (isLocal(local) ? (shut ??= guardOf(options, local)) : open)
}

/** Whether pages that the user of this machine looks at reach what is bound here, and others do not. */
function isLocal(bind: Address): boolean {
  if (bind.kind !== 'ip') return bind.kind === 'unix'
  const { host, family } = ipAddress(bind.host, bind.port)
  return isLoopbackHost(family === 4 ? host : `[${host}]`)
}

function defaultHosts(guarded: boolean): HostMatcher | undefined {
  return guarded ? ({ host }) => isLoopbackHost(host) : undefined
}

function hostCheck(hosts: unknown): HostMatcher | undefined {
  if (hosts === 'any') return undefined
  if (Array.isArray(hosts)) return hostMatcher(hosts)
  throw new TypeError("Invalid option hosts: must be 'any' or a list of hosts")
}

function originCheck(origins: unknown): OriginCheck | undefined {
  if (origins === 'any') return undefined
  if (origins === 'own') return forBrowsers(isOwn)
  if (Array.isArray(origins)) return forBrowsers(listCheck(origins))
  if (typeof origins === 'function') return byFilter(origins as OriginFilter)
  throw new TypeError("Invalid option origins: must be 'any', 'own', a list of origins or a function")
}

/** The own origin is another one for each name of the server: it is found out with each request. */
function listCheck(origins: readonly string[]): BrowserCheck {
  const isListed = originMatcher(origins.filter((entry) => entry !== 'own'))
  const own = origins.includes('own')
  return (origin, request) => isListed(origin) || (own && isOwn(origin, request))
}

/** Who is no browser can write any origin, and brings nobody's cookies. */
function forBrowsers(isAllowed: BrowserCheck): OriginCheck {
  return (request) => {
    const text = request.headers.get('origin') ?? undefined
    if (text === undefined) return true
    const origin = readOrigin(text)
    return origin !== undefined && isAllowed(origin, request)
  }
}

function byFilter(filter: OriginFilter): OriginCheck {
  return (request) => {
    const text = request.headers.get('origin') ?? undefined
    const origin = text === undefined || text === 'null' ? text : readOrigin(text)?.text
    if (text !== undefined && origin === undefined) return false
    // A promise is true, whatever it resolves with.
    return (filter(origin, request) as unknown) === true
  }
}

function isOwn(origin: Origin, request: GuardedRequest): boolean {
  const named = readHost(hostOf(request))
  if (named === undefined) return false
  return origin.text === webOrigin(request.secure ? 'https' : 'http', named).text
}

function hostOf({ host, headers }: GuardedRequest): string {
  return host ?? headers.get('host') ?? ''
}
