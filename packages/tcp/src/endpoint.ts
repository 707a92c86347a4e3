import { isIP } from 'node:net'

import { checkUnixPath } from './unix-path.ts'

/** Where a stream socket is: an IP endpoint, or a Unix socket. */
export interface StreamEndpoint {
  /** A literal address or a name. Default `127.0.0.1`: opening to the network is a decision. */
  host?: string
  port?: number
  /** A Unix socket instead of host and port. */
  path?: string
}

/** What ends in a number is an address or nothing: resolvers read `0x7f.1` and `0177.1` as `127.0.0.1`. */
const numeric = /(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/i

/** Refuses options that could only fail later, or mean something else than their author thinks. */
export function checkEndpoint(options: StreamEndpoint, lowest: 0 | 1): void {
  const { port, host, path } = options
  if (path !== undefined) {
    if (typeof path !== 'string' || path === '')
      throw new TypeError('Invalid option path: must be a file path')
    checkUnixPath(path)
    if (port !== undefined || host !== undefined) {
      throw new TypeError('Invalid option path: cannot stand beside host or port')
    }
    return
  }
  if (host !== undefined && (typeof host !== 'string' || host === '')) {
    throw new TypeError('Invalid option host: must be an address or a name')
  }
  if (host !== undefined && numeric.test(host) && isIP(host) === 0) {
    throw new TypeError(`Invalid option host: ${JSON.stringify(host)} is neither an address nor a name`)
  }
  if (port === undefined && lowest === 0) return
  if (!Number.isInteger(port) || (port as number) < lowest || (port as number) > 65_535) {
    throw new RangeError(`Invalid option port: ${String(port)} is not an integer from ${lowest} to 65535`)
  }
}
