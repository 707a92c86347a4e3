import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'

import { requireProgram } from '../../../testkit/src/requires.ts'

/** Whether this machine lets us make networks of our own: namespaces, and cables between them. */
export function canMakeNetworks(): boolean {
  if (process.platform !== 'linux') return skip('network namespaces are made on Linux only')
  const programs = ['ip', 'unshare', 'nsenter'].map((name) => requireProgram(name))
  if (programs.includes(undefined)) return false
  if (!existsSync('/proc/net/if_inet6')) return skip('this machine has no IPv6')
  try {
    execFileSync('unshare', ['-rn', 'ip', 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far'])
    return true
  } catch (error) {
    return skip(`network namespaces are not allowed here: ${String(error).trim()}`)
  }
}

/** Whether they are allowed is the machine's affair, and cannot be installed: not even `FAIRLEAD_REQUIRE_ALL` wants it. */
function skip(why: string): false {
  console.warn(`Skipped: ${why}`)
  return false
}
