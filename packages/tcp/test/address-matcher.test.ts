import { BlockList } from 'node:net'

import { ipAddress } from '@fairlead/core'
import { addressMatcher } from '@fairlead/tcp'
import { expect, test } from 'vitest'

const at = (host: string) => ipAddress(host, 1)
const unix = { kind: 'unix', path: '/run/proxy.sock' } as const
const memory = { kind: 'memory', name: 'proxy' } as const

test('a matcher knows addresses, subnets, ranges, and peers that have no address', () => {
  const listed = addressMatcher('proxies', ['192.0.2.7', '10.0.0.0/8', '2001:db8::1-2001:db8::9', 'unix'])
  for (const host of ['192.0.2.7', '10.255.0.1', '2001:db8::5', '::ffff:10.0.0.1'])
    expect(listed(at(host))).toBe(true)
  for (const host of ['192.0.2.8', '11.0.0.0', '2001:db8::a', '::1']) expect(listed(at(host))).toBe(false)
  expect([listed(unix), listed(memory)]).toEqual([true, true])
})

test('peers without an address are listed only where they are named', () => {
  const listed = addressMatcher('proxies', ['127.0.0.1'])
  expect([listed(unix), listed(memory)]).toEqual([false, false])
  expect(addressMatcher('proxies', ['unix'])(at('127.0.0.1'))).toBe(false)
})

test('a list of the runtime is used live', () => {
  const list = new BlockList()
  const listed = addressMatcher('proxies', list)
  expect(listed(at('192.0.2.1'))).toBe(false)
  list.addAddress('192.0.2.1')
  expect(listed(at('192.0.2.1'))).toBe(true)
})

test.each([
  [[], 'Invalid option proxies: an empty list names nobody'],
  [['10.0.0.0/33'], 'Invalid option proxies: "10.0.0.0/33" is not an address, a subnet or a range'],
  ['10.0.0.1' as never, 'Invalid option proxies: must be an array or a BlockList'],
])('%j is no list', (list, message) => {
  expect(() => addressMatcher('proxies', list)).toThrow(new TypeError(message))
})
