import { type BigIntStats, chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'

import { ListenError } from '@fairlead/core'
import { codeOf } from '@fairlead/core/transport'

/** Bytes of the longest path that fits a `sockaddr_un`, which has 108 of them on Linux and 104 elsewhere. */
const longest = process.platform === 'linux' ? 107 : 103

/** A name in Linux' own space, without a file. */
export function isAbstract(path: string): boolean {
  return path.startsWith('\0')
}

/** Refuses what the system would cut short without a word, and then listen somewhere else. */
export function checkUnixPath(path: string): void {
  if (path.includes('\0', 1)) throw new TypeError('Invalid option path: must have no NUL inside')
  // A named pipe of Windows is no sockaddr_un.
  if (process.platform === 'win32') return
  const length = Buffer.byteLength(path)
  if (length > longest) {
    throw new RangeError(`Invalid option path: ${length} bytes, and a socket's path has at most ${longest}`)
  }
  if (isAbstract(path) && process.platform !== 'linux') {
    throw new TypeError('Invalid option path: only Linux has names without a file')
  }
}

/**
 * Clears away the socket file of a listener that ended without doing so. False: somebody listens there. A file
 * of another kind is left alone.
 *
 * Two processes that do so in the same instant may still both find the file stale, and the second unlink what the
 * first has just bound: between the last look and the unlinking nothing keeps another process away.
 *
 * @throws ListenError when what is there is no socket.
 */
export async function reclaim(path: string): Promise<boolean> {
  if (isAbstract(path)) return false
  const before = look(path)
  if (!before) return true
  if (!before.isSocket()) {
    throw new ListenError(`Cannot listen on unix:${path}: a file that is no socket is there`)
  }
  if (!(await refuses(path))) return false
  const after = look(path)
  // Somebody else has cleared it away, and may listen already: the second try will tell.
  if (!after || after.ino !== before.ino || after.ctimeNs !== before.ctimeNs) return true
  unlinkSync(path)
  return true
}

/**
 * Calls `bind` with a umask under which a socket file is made with no more than `mode`; {@link setMode} does
 * the rest afterwards, so that nobody gets in before. Only ever stricter than the umask that was there: other
 * threads make files, too.
 */
export function masked(mode: number | undefined, bind: () => void): void {
  if (mode === undefined) return bind()
  let before: number
  try {
    before = process.umask(0o777)
  } catch {
    // A worker thread has no say in it.
    return bind()
  }
  process.umask(before | (0o777 & ~mode))
  try {
    bind()
  } finally {
    process.umask(before)
  }
}

/** Gives the socket file exactly these permissions. */
export function setMode(path: string, mode: number): void {
  chmodSync(path, mode)
}

function look(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })
}

/** Whether nobody answers at the socket. One whose queue is full does (EAGAIN), on Linux at least. */
function refuses(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path }, () => {
      probe.destroy()
      resolve(false)
    })
    probe.once('error', (error) => resolve(codeOf(error) === 'ECONNREFUSED'))
  })
}
