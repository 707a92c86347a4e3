import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'

/** Whether this machine lets us make networks of our own: namespaces, and cables between them. */
export function canMakeNetworks(): boolean {
  if (process.platform !== 'linux') return skip('network namespaces are made on Linux only')
  const missing = ['ip', 'unshare', 'nsenter'].filter((name) => spawnSync(name, ['-V']).error)
  if (missing.length > 0) return lacks(`${missing.join(' and ')}: apt-get install iproute2 util-linux`)
  if (!existsSync('/proc/net/if_inet6')) return skip('this machine has no IPv6')
  try {
    execFileSync('unshare', ['-rn', 'ip', 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far'])
    return true
  } catch (error) {
    return skip(`network namespaces are not allowed here: ${String(error).trim()}`)
  }
}

/** What can be installed is wanted where `FAIRLEAD_REQUIRE_ALL` is set. */
function lacks(what: string): false {
  if (process.env['FAIRLEAD_REQUIRE_ALL'] === '1')
    throw new Error(`Cannot run test: this machine lacks ${what}`)
  return skip(`this machine lacks ${what}`)
}

/** Whether they are allowed is the machine's affair, and cannot be installed: not even `FAIRLEAD_REQUIRE_ALL` wants it. */
function skip(why: string): false {
  console.warn(`Skipped: ${why}`)
  return false
}
