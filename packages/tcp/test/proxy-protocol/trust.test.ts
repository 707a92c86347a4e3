import { BlockList } from 'node:net'

import { ipAddress } from '@fairlead/core'
import { expect, test } from 'vitest'

import { trustIn } from '../../src/proxy-protocol/trust.ts'

test.each<[string[], string[], string[]]>([
  [['192.0.2.1'], ['192.0.2.1', '::ffff:192.0.2.1'], ['192.0.2.2', '::1', '::192.0.2.1']],
  [
    ['10.0.0.0/8', '192.0.2.0/25'],
    ['10.255.0.1', '192.0.2.127'],
    ['11.0.0.1', '192.0.2.128'],
  ],
  [['10.1.2.3/8'], ['10.9.9.9'], ['11.1.2.3']],
  [
    ['2001:db8::/32', '::1'],
    ['2001:db8:1::1', '::1'],
    ['2001:db9::1', '127.0.0.1'],
  ],
  [['fe80::/10'], ['fe80::1%eth0', 'fe80::1'], ['fec0::1']],
  [['::ffff:10.0.0.0/104'], ['10.1.2.3'], ['11.0.0.1', '::a00:1']],
  [['0.0.0.0/0'], ['1.2.3.4'], ['::1']],
  [['192.0.2.1-192.0.2.9', 'unix'], ['192.0.2.1', '192.0.2.9'], ['192.0.2.10']],
  [['192.0.2.1/32'], ['192.0.2.1'], ['192.0.2.2']],
])('%j', (trust, trusted, others) => {
  const trusts = trustIn(trust)
  expect(trusted.map((host) => trusts(ipAddress(host, 1)))).toEqual(trusted.map(() => true))
  expect(others.map((host) => trusts(ipAddress(host, 1)))).toEqual(others.map(() => false))
})

test('a Unix socket is trusted by its name only', () => {
  const peer = { kind: 'unix', path: '/run/a' } as const
  expect(trustIn(['unix'])(peer)).toBe(true)
  expect(trustIn(['unix'])(ipAddress('127.0.0.1', 1))).toBe(false)
  expect(trustIn(['127.0.0.1'])(peer)).toBe(false)
})

test('a BlockList goes on being asked', () => {
  const list = new BlockList()
  const trusts = trustIn(list)
  expect(trusts(ipAddress('192.0.2.1', 1))).toBe(false)
  list.addAddress('192.0.2.1')
  expect(trusts(ipAddress('192.0.2.1', 1))).toBe(true)
  expect(trusts({ kind: 'unix', path: '/a' })).toBe(false)
})

test.each<[unknown]>([
  [[]],
  ['127.0.0.1'],
  [undefined],
  [[1]],
  [['localhost']],
  [['']],
  [['127.0.0.1/']],
  [['127.0.0.1/33']],
  [['127.0.0.1/-1']],
  [['127.0.0.1/8/8']],
  [['127.0.0.1/1e1']],
  [['::1/129']],
  [['::ffff:10.0.0.0/95']],
  [['127.0.0.1:80']],
])('%j is refused', (trust) => {
  expect(() => trustIn(trust as string[])).toThrow('Invalid option trust')
})
