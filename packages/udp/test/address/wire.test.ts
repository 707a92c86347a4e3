import { expect, test } from 'vitest'

import { addressFrom } from '../../src/address/datagram.ts'
import { largestTo } from '../../src/address/size.ts'
import { Wire } from '../../src/address/wire.ts'

test('destinations become what a socket of the family takes', () => {
  const four = new Wire([4])
  const six = new Wire([6, 4])
  expect(four.hostOf({ host: '192.0.2.7', port: 9 })).toBe('192.0.2.7')
  expect(four.hostOf({ host: '::ffff:192.0.2.8', port: 9 })).toBe('192.0.2.8')
  expect(six.hostOf({ host: '192.0.2.7', port: 9 })).toBe('::ffff:192.0.2.7')
  expect(six.hostOf({ host: '2001:DB8::0:1', port: 9 })).toBe('2001:db8::1')
  expect(six.hostOf({ host: 'fe80::1', zone: 'eth0', port: 9 })).toBe('fe80::1%eth0')
  expect(six.hostOf({ host: 'fe80::1', zone: 'eth1', port: 9 })).toBe('fe80::1%eth1')
  expect(six.hostOf({ host: 'fe80::1%eth2', port: 9 })).toBe('fe80::1%eth2')
})

test('a name is what it is known for, and nothing until then', () => {
  const known = new Map<string, string>()
  const wire = new Wire([4], (name) => known.get(name))
  expect(wire.hostOf({ host: 'example.org', port: 9 })).toBeUndefined()
  known.set('example.org', '192.0.2.7')
  expect(wire.hostOf({ host: 'example.org', port: 9 })).toBe('192.0.2.7')
  known.clear()
  expect(wire.hostOf({ host: 'example.org', port: 10 })).toBe('192.0.2.7')
  expect(wire.hostOf({ host: 'example.com', port: 9 })).toBeUndefined()
})

test('a refused destination is not remembered', () => {
  const wire = new Wire([4])
  expect(wire.hostOf({ host: '192.0.2.7', port: 9 })).toBe('192.0.2.7')
  for (const host of [
    '',
    '192.0.2',
    '0x7f.1',
    '192.0.2.256',
    'a b',
    'a\u0000',
    'a/b',
    '[::1]',
    5,
    undefined,
  ]) {
    expect(() => wire.hostOf({ host: host as string, port: 9 })).toThrow(TypeError)
  }
  expect(() => wire.hostOf({ host: '192.0.2.7', port: 1.5 })).toThrow(RangeError)
  expect(wire.hostOf({ host: '192.0.2.7', port: 9 })).toBe('192.0.2.7')
})

test('senders are named canonically', () => {
  const from = (address: string, family: 'IPv4' | 'IPv6') => addressFrom({ address, family, port: 9 })
  expect(from('192.0.2.7', 'IPv4')).toEqual({ kind: 'ip', family: 4, host: '192.0.2.7', port: 9 })
  expect(from('2001:db8::1', 'IPv6')).toEqual({ kind: 'ip', family: 6, host: '2001:db8::1', port: 9 })
  expect(from('::ffff:192.0.2.7', 'IPv6')).toEqual({ kind: 'ip', family: 4, host: '192.0.2.7', port: 9 })
  expect(from('fe80::1%eth0', 'IPv6')).toMatchObject({ family: 6, host: 'fe80::1', zone: 'eth0' })
})

test('how much fits depends on the family that carries it', () => {
  expect(['127.0.0.1', '::ffff:127.0.0.1', '::1'].map(largestTo)).toEqual([65_507, 65_507, 65_527])
})
