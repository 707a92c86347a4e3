import type { Address } from '@fairlead/core'

import { type AddressList, lists, parseAddressList } from '../access-list.ts'

/** Whoever reaches a Unix socket: its file's permissions say who that is. */
const anybodyOnUnix = 'unix'

/**
 * Whom `trust` names.
 *
 * @throws TypeError that names the option.
 */
export function trustIn(trust: AddressList): (peer: Address) => boolean {
  const entries: readonly string[] = Array.isArray(trust) ? trust : []
  if (entries === trust && entries.length === 0) {
    throw new TypeError('Invalid option trust: names nobody, so that every header would be refused')
  }
  const unix = entries.includes(anybodyOnUnix)
  const addresses = unix ? entries.filter((entry) => entry !== anybodyOnUnix) : trust
  const list = parseAddressList('trust', addresses)
  return (peer) => (peer.kind === 'ip' ? lists(list, peer.host) : unix && peer.kind === 'unix')
}
