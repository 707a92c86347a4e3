/** What the common codes of the system mean, in words that fit every transport. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'address is in use',
  EADDRNOTAVAIL: 'address is not available on this machine',
  EAFNOSUPPORT: 'address family is not supported',
  EAI_ADDRFAMILY: 'no address of that family',
  EAI_AGAIN: 'name server did not answer',
  ECANCELED: 'socket was closed',
  ECONNABORTED: 'connection aborted',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EHOSTUNREACH: 'host is unreachable',
  EINVAL: 'the socket cannot reach that address',
  EMFILE: 'too many open files',
  EMSGSIZE: 'too large for the path',
  ENETDOWN: 'network is down',
  ENETUNREACH: 'network is unreachable',
  ENOENT: 'no such file',
  ENOTFOUND: 'no such host',
  EPERM: 'not permitted',
  EPIPE: 'the peer closed',
  ETIMEDOUT: 'timed out',
}

/**
 * The system's code of an error of the runtime, or an empty string. A callback may have thrown anything;
 * looking at it must not throw again.
 */
export function codeOf(error: unknown): string {
  try {
    const code = (error as { code?: unknown } | null | undefined)?.code
    return typeof code === 'string' ? code : ''
  } catch {
    return ''
  }
}

/** Why, in words. */
export function reasonOf(error: unknown): string {
  try {
    const code = codeOf(error)
    const known = Object.hasOwn(reasons, code) ? reasons[code] : undefined
    return known ?? (error instanceof Error ? error.message : String(error))
  } catch {
    return 'unknown'
  }
}
