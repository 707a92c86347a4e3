import { type Address, ipAddress } from '@fairlead/core'
import { expect, test } from 'vitest'

import { addressOf, isSame, type RequestTarget } from '../../src/request/target.ts'

const kindOf = (target: RequestTarget): Address['kind'] =>
  typeof target === 'string' ? 'memory' : 'kind' in target ? target.kind : 'ip'
const canonical = (target: RequestTarget): Address => addressOf(target, kindOf(target))
const sent = (to: RequestTarget, from: RequestTarget): boolean => isSame(canonical(to), canonical(from))

test.each<[RequestTarget, RequestTarget]>([
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

test.each<[RequestTarget, RequestTarget]>([
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

test.each<[RequestTarget, Address['kind'], string]>([
  [
    'here',
    'ip',
    'Invalid option to: "here" is no address of this socket; it takes a literal address and a port',
  ],
  [{ kind: 'unix', path: '/a' }, 'ip', 'Invalid option to: {"kind":"unix","path":"/a"} is no address'],
  [{ kind: 'unix', path: '/a' }, 'memory', 'it takes a name'],
  [{ host: '127.0.0.1', port: 7 }, 'memory', 'it takes a name'],
])('%j is no target on a socket of kind %s', (to, kind, message) => {
  expect(() => addressOf(to, kind)).toThrow(TypeError)
  expect(() => addressOf(to, kind)).toThrow(message)
})
