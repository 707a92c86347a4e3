/** Where to listen, and how. */
export interface ListenOptions {
  /** 0 lets the system choose. Default 0. */
  port?: number
  /** A literal address or a name of this machine. Default `127.0.0.1`: opening to the network is a decision. */
  host?: string
  /** A Unix socket instead of host and port. */
  path?: string
  /** Connections that the system may hold until they are accepted. Default 511. */
  backlog?: number
  /** Connections at a time; those beyond are refused by a reset. Default 10,000. */
  maxConnections?: number
}

/** Whom to connect to, and how. */
export interface ConnectOptions {
  /** 1 to 65535. */
  port?: number
  /** A literal address or a name. Default `127.0.0.1`. */
  host?: string
  /** A Unix socket instead of host and port. */
  path?: string
  /** Ends the attempt: `connect` rejects with `signal.reason`. Of no effect afterwards. */
  signal?: AbortSignal
  /** Milliseconds from the call to the connection. Default 10,000. */
  connectTimeout?: number
}

export const defaultBacklog = 511
export const defaultMaxConnections = 10_000
export const defaultConnectTimeout = 10_000

/** Refuses options that could only fail later, or mean something else than their author thinks. */
export function checkEndpoint(options: { port?: number; host?: string; path?: string }, lowest: 0 | 1): void {
  const { port, host, path } = options
  if (path !== undefined) {
    if (typeof path !== 'string' || path === '')
      throw new TypeError('Invalid option path: must be a file path')
    if (port !== undefined || host !== undefined) {
      throw new TypeError('Invalid option path: cannot stand beside host or port')
    }
    return
  }
  if (host !== undefined && (typeof host !== 'string' || host === '')) {
    throw new TypeError('Invalid option host: must be an address or a name')
  }
  if (port === undefined && lowest === 0) return
  if (!Number.isInteger(port) || (port as number) < lowest || (port as number) > 65_535) {
    throw new RangeError(`Invalid option port: ${String(port)} is not an integer from ${lowest} to 65535`)
  }
}

/** The longest time that a timer of the runtime can hold, in milliseconds; no count needs to be larger. */
const most = 2_147_483_647

/** Refuses a count or a time that is not one; Infinity is not either. */
export function checkPositive(name: string, value: number): void {
  if (Number.isInteger(value) && value > 0 && value <= most) return
  throw new RangeError(`Invalid option ${name}: ${String(value)} is not an integer from 1 to ${most}`)
}
