import { ListenError } from '@fairlead/core'

/** A socket that this process was started with. */
export interface InheritedDescriptor {
  /** For `listen({ fd })`. */
  readonly fd: number
  /** What systemd's `FileDescriptorName=` says: by default the name of the socket unit; `unknown` without any. */
  readonly name: string
}

/** The first descriptor behind stdin, stdout and stderr: SD_LISTEN_FDS_START. */
const first = 3

/** Descriptors that a process could have; what claims more is no environment of systemd. */
const most = 65_536

/**
 * The sockets that systemd, or who speaks like it (`LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES`, as
 * sd_listen_fds(3) has them), opened before it started this process; none when it did not, or meant another
 * process. The variables are deleted from `env`, so that no child takes them for its own, and a second call
 * gives nothing.
 *
 * @throws ListenError when the variables contradict themselves.
 * @example
 * ```ts
 * const [inherited] = listenFds()
 * const listener = await listen(inherited ? { fd: inherited.fd } : { port: 7000 })
 * ```
 */
export function listenFds(env: Record<string, string | undefined> = process.env): InheritedDescriptor[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names } = env
  if (pid === undefined || count === undefined) return []
  // What is meant for another process stays for it to find.
  if (pid !== String(process.pid)) return []
  delete env['LISTEN_PID']
  delete env['LISTEN_FDS']
  delete env['LISTEN_FDNAMES']
  if (!/^\d{1,5}$/.test(count) || Number(count) > most - first) {
    throw new ListenError(`Cannot take over sockets: LISTEN_FDS is ${JSON.stringify(count)}, not a count`)
  }
  const called = names?.split(':')
  if (called && called.length !== Number(count)) {
    throw new ListenError(`Cannot take over sockets: ${called.length} names in LISTEN_FDNAMES for ${count}`)
  }
  return Array.from({ length: Number(count) }, (_, index) => ({
    fd: first + index,
    name: called?.[index] ?? 'unknown',
  }))
}
