import { ipAddress } from '@fairlead/core'
import { expect, test } from 'vitest'

import { addressOf, isSame, type Peer } from '../../src/request/peer.ts'

const sent = (to: Peer, from: Peer): boolean => isSame(addressOf(to), addressOf(from))

test.each<[Peer, Peer]>([
  [{ host: '127.0.0.1', port: 7 }, ipAddress('127.0.0.1', 7)],
  [{ host: '::ffff:127.0.0.1', port: 7 }, ipAddress('127.0.0.1', 7)],
  [{ host: '::FFFF:7f00:1', port: 7 }, ipAddress('127.0.0.1', 7)],
  [{ host: '0:0:0:0:0:0:0:1', port: 7 }, ipAddress('::1', 7)],
  [{ host: 'FE80::1', port: 7, zone: 'eth0' }, ipAddress('fe80::1%eth0', 7)],
  [{ host: 'fe80::1%eth0', port: 7 }, ipAddress('fe80::1%eth0', 7)],
  // The system names the interface, or numbers it, as it likes.
  [{ host: 'fe80::1%2', port: 7 }, ipAddress('fe80::1%eth0', 7)],
  [{ host: 'fe80::1', port: 7 }, ipAddress('fe80::1%eth0', 7)],
  ['here', { kind: 'memory', name: 'here' }],
  [
    { kind: 'unix', path: '/a' },
    { kind: 'unix', path: '/a' },
  ],
])('what was sent to %j may come from %j', (to, from) => {
  expect(sent(to, from)).toBe(true)
})

test.each<[Peer, Peer]>([
  [{ host: '127.0.0.1', port: 7 }, ipAddress('127.0.0.1', 8)],
  [{ host: '127.0.0.1', port: 7 }, ipAddress('127.0.0.2', 7)],
  [{ host: '::1', port: 7 }, ipAddress('::2', 7)],
  [{ host: 'fe80::1%eth0', port: 7 }, ipAddress('fe80::1%eth1', 7)],
  [{ host: 'fe80::1%1', port: 7 }, ipAddress('fe80::1%2', 7)],
  ['here', 'there'],
  ['127.0.0.1:7', ipAddress('127.0.0.1', 7)],
  [ipAddress('127.0.0.1', 7), '127.0.0.1:7'],
  [{ kind: 'unix', path: '/a' }, '/a'],
])('what was sent to %j may not come from %j', (to, from) => {
  expect(sent(to, from)).toBe(false)
})
