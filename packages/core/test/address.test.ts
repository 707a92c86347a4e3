import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type Address, formatAddress, ipAddress, parseAddress } from '../src/address.ts'

const v4 = (host: string, port = 80): Address => ({ kind: 'ip', family: 4, host, port })
const v6 = (host: string, port = 80): Address => ({ kind: 'ip', family: 6, host, port })

describe('ipAddress', () => {
  test.each([
    ['127.0.0.1', v4('127.0.0.1')],
    ['255.255.255.255', v4('255.255.255.255')],
    ['::1', v6('::1')],
    ['0:0:0:0:0:0:0:1', v6('::1')],
    ['2001:DB8::0:1', v6('2001:db8::1')],
    ['2001:0db8:0000:0000:0001:0000:0000:0001', v6('2001:db8::1:0:0:1')],
    ['2001:db8:0:1:1:1:1:1', v6('2001:db8:0:1:1:1:1:1')],
    ['::', v6('::')],
    ['fe80::1%eth0', { ...v6('fe80::1'), zone: 'eth0' }],
    ['FE80::1%12', { ...v6('fe80::1'), zone: '12' }],
    ['64:ff9b::192.0.2.33', v6('64:ff9b::c000:221')],
  ])('writes %s in its canonical form', (host, address) => {
    expect(ipAddress(host, 80)).toEqual(address)
  })

  test.each([
    '::ffff:127.0.0.1',
    '::FFFF:127.0.0.1',
    '::ffff:7f00:1',
    '0:0:0:0:0:FFFF:127.0.0.1',
    '::ffff:7F00:0001',
  ])('folds %s to IPv4', (host) => expect(ipAddress(host, 1)).toEqual(v4('127.0.0.1', 1)))

  test.each(['::7f00:1', '::fffe:7f00:1', '1::ffff:7f00:1', '::ffff:0:7f00:1'])(
    'does not fold %s',
    (host) => {
      expect(ipAddress(host, 1)).toMatchObject({ family: 6, host })
    },
  )

  test.each([
    '',
    'localhost',
    'example.com',
    '127.0.0.256',
    '127.0.0',
    '127.1',
    '0127.0.0.1',
    '0x7f.0.0.1',
    '2130706433',
    '127.0.0.1 ',
    ' 127.0.0.1',
    '127.0.0.1\n',
    '[::1]',
    ':',
    ':::',
    '1::2::3',
    '12345::',
    '::g',
    '::1 ',
    '::1\n',
    '1:2:3:4:5:6:7:8:9',
    '::ffff:256.0.0.1',
    '::ffff:127.0.0.01',
    'fe80::1%',
    'fe80::1%eth0%eth1',
    'fe80::1%a]b',
    '127.0.0.1%lo',
    '%eth0',
    '::1]',
    '::1/64',
    '::1#',
    '１27.0.0.1',
  ])('refuses %j', (host) => {
    expect(() => ipAddress(host, 80)).toThrow(TypeError)
  })

  test.each([-1, 65_536, 1.5, Number.NaN, Infinity, '80' as unknown as number])('refuses port %s', (port) => {
    expect(() => ipAddress('127.0.0.1', port)).toThrow(RangeError)
  })
})

describe('parseAddress', () => {
  test.each([
    ['127.0.0.1:80', v4('127.0.0.1')],
    ['[::1]:80', v6('::1')],
    ['[fe80::1%eth0]:80', { ...v6('fe80::1'), zone: 'eth0' }],
    ['[::ffff:10.0.0.1]:80', v4('10.0.0.1')],
    ['unix:/run/a b:80', { kind: 'unix', path: '/run/a b:80' }],
    ['memory:echo', { kind: 'memory', name: 'echo' }],
    ['tcp://127.0.0.1:80', v4('127.0.0.1')],
    ['TLS://[0:0::1]:80', v6('::1')],
    ['udp://[fe80::1%25eth0]:80', { ...v6('fe80::1'), zone: 'eth0' }],
    ['udp://[::ffff:10.0.0.1]:80', v4('10.0.0.1')],
    ['http://127.0.0.1', v4('127.0.0.1')],
    ['http://127.0.0.1/', v4('127.0.0.1')],
    ['ws://127.0.0.1:8080', v4('127.0.0.1', 8080)],
    ['https://[::1]', v6('::1', 443)],
    ['wss://[::1]/', v6('::1', 443)],
    ['unix:///run/echo', { kind: 'unix', path: '///run/echo' }],
  ])('reads %s', (text, address) => expect(parseAddress(text)).toEqual(address))

  test.each([
    '',
    '80',
    ':80',
    '::1:80',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:-1',
    '127.0.0.1:0x50',
    '[::1]',
    '[::1]80',
    '[]:80',
    '[[::1]]:80',
    '[127.0.0.1]:80',
    'localhost:80',
    'tcp://localhost:80',
    'ws://example.com',
    'tcp://127.0.0.1',
    'http://127.0.0.1/x',
    'ws://127.0.0.1/?x',
    'http://user@127.0.0.1',
    'ftp://127.0.0.1:80',
    'tcp:127.0.0.1:80',
    'unix:',
    'memory:',
    '127.0.0.1:80\n',
    '127.0.0.1:8 0',
  ])('refuses %j', (text) => expect(() => parseAddress(text)).toThrow(TypeError))

  test.each(['127.0.0.1:65536', '[::1]:99999'])('refuses %s', (text) => {
    expect(() => parseAddress(text)).toThrow(RangeError)
  })
})

const port = fc.integer({ min: 0, max: 65_535 })
const zone = fc.stringMatching(/^[a-z0-9._-]{1,15}$/)

test('what is formatted is read back the same, and any spelling gives one form', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), port, fc.option(zone), (host, at, scope) => {
      const scoped = scope !== null && host.includes(':') ? `${host}%${scope}` : host
      const address = ipAddress(scoped, at)
      expect(parseAddress(formatAddress(address))).toEqual(address)
      expect(ipAddress(scoped.toUpperCase().replace(/%.*/, scoped.match(/%.*/)?.[0] ?? ''), at)).toEqual(
        address,
      )
      expect(ipAddress(address.host, at)).toMatchObject({ host: address.host, family: address.family })
    }),
  )
})

test('paths and names are read back the same', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (text) => {
      for (const address of [
        { kind: 'unix', path: text },
        { kind: 'memory', name: text },
      ] as const) {
        expect(parseAddress(formatAddress(address))).toEqual(address)
      }
    }),
  )
})

test('whatever is read, it ends with an address or a TypeError or RangeError', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef:.%[]/xunixmemory'.split('')) }),
      (text) => {
        try {
          const address = parseAddress(text)
          expect(parseAddress(formatAddress(address))).toEqual(address)
        } catch (error) {
          expect(error instanceof TypeError || error instanceof RangeError, String(error)).toBe(true)
        }
      },
    ),
    { numRuns: 2_000 },
  )
})
