/** What the common codes of the system mean, in words that fit every transport. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'address is in use',
  EADDRNOTAVAIL: 'address is not available on this machine',
  EAI_AGAIN: 'name server did not answer',
  ECANCELED: 'socket was closed',
  ECONNABORTED: 'connection aborted',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EHOSTUNREACH: 'host is unreachable',
  EINVAL: 'the socket cannot reach that address',
  EMFILE: 'too many open files',
  EMSGSIZE: 'too large for the path',
  ENETUNREACH: 'network is unreachable',
  ENOENT: 'no such file',
  ENOTFOUND: 'no such host',
  EPERM: 'not permitted',
  EPIPE: 'the peer closed',
  ETIMEDOUT: 'timed out',
}

/** The system's code of an error of the runtime, or an empty string. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}

/** Why, in words. */
export function reasonOf(error: unknown): string {
  return reasons[codeOf(error)] ?? (error instanceof Error ? error.message : String(error))
}
