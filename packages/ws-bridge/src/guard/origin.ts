import { defaultPort, type NamedHost, readHost } from './host-name.ts'

/** Where a page is from: a scheme, a host and a port (RFC 6454 section 4). */
export interface Origin {
  /** In lower case. */
  readonly scheme: string
  /** As {@link NamedHost} has it; with a scheme of an application's own, as it stands. */
  readonly host: string
  /** The default one of http and https where none is named; undefined with other schemes. */
  readonly port: number | undefined
  /** The one form in which origins are compared: without a default port (RFC 6454 section 6.2). */
  readonly text: string
}

/** RFC 3986 section 3.1, and what may be an authority, with room for the longest host. */
const serialized = /^([A-Za-z][A-Za-z\d+.-]{0,63}):\/\/([^/]{0,320})$/
/** What extensions and shells of browsers have for a host: `chrome-extension://<id>`, `capacitor://localhost`, `file://`. */
const opaqueHost = /^[\w.~-]{0,253}(?::\d{1,5})?$/

/**
 * Reads an Origin field: one origin in the form of RFC 6454 section 6.2 and the Fetch standard. Undefined for all
 * else: several origins or fields, `null`, an origin with a path, credentials or white space, and whatever
 * {@link readHost} does not take for a host.
 */
export function readOrigin(text: string): Origin | undefined {
  const [, name, authority = ''] = serialized.exec(text) ?? []
  if (name === undefined) return undefined
  const scheme = name.toLowerCase()
  if (scheme === 'http' || scheme === 'https') {
    const named = readHost(authority)
    return named && webOrigin(scheme, named)
  }
  if (!opaqueHost.test(authority)) return undefined
  return { scheme, host: authority, port: undefined, text: `${scheme}://${authority}` }
}

/** The origin of what a server under this name serves. */
export function webOrigin(scheme: 'http' | 'https', { host, port }: NamedHost): Origin {
  const usual = defaultPort(scheme === 'https')
  const behind = port === undefined || port === usual ? '' : `:${port}`
  return { scheme, host, port: port ?? usual, text: `${scheme}://${host}${behind}` }
}
