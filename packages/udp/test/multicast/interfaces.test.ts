import { BlockList } from 'node:net'
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os'

import { describe, expect, test } from 'vitest'

import { broadcastAddresses, interfaces, readInterfaces } from '../../src/multicast/interfaces.ts'
import { info } from '../table.ts'

/** What one address of `eth0` becomes. */
function only(entry: NetworkInterfaceInfo): ReturnType<typeof readInterfaces>[number] {
  const [first] = readInterfaces(() => ({ eth0: [entry] }))
  if (!first) throw new Error('Nothing was read')
  return first
}

describe('an interface', () => {
  test('is listed once for each address, as plain data', () => {
    const table = {
      lo: [info('127.0.0.1/8'), info('::1/128')],
      eth0: [info('192.168.7.9/20')],
      none: undefined,
    }
    expect(JSON.parse(JSON.stringify(readInterfaces(() => table)))).toEqual([
      {
        name: 'lo',
        family: 4,
        host: '127.0.0.1',
        netmask: '255.0.0.0',
        prefix: 8,
        internal: true,
        broadcast: '127.255.255.255',
      },
      { name: 'lo', family: 6, host: '::1', netmask: '', prefix: 128, internal: true },
      {
        name: 'eth0',
        family: 4,
        host: '192.168.7.9',
        netmask: '255.255.240.0',
        prefix: 20,
        internal: false,
        broadcast: '192.168.15.255',
      },
    ])
  })

  test.each([
    ['10.1.2.3/8', '10.255.255.255'],
    ['10.1.2.3/23', '10.1.3.255'],
    ['10.1.2.5/30', '10.1.2.7'],
    ['10.1.2.3/31', undefined],
    ['10.1.2.3/32', undefined],
    ['200.1.2.3/1', '255.255.255.255'],
    ['10.1.2.3/0', '255.255.255.255'],
    ['2001:db8::1/64', undefined],
  ])('%s is broadcast to at %s', (cidr, broadcast) => {
    expect(only(info(cidr)).broadcast).toBe(broadcast)
  })

  test.each([
    ['192.168.7.9/24', '192.168.7.200', true],
    ['192.168.7.9/24', '::ffff:192.168.7.200', true],
    ['192.168.7.9/24', '192.168.8.9', false],
    ['192.168.7.9/24', '::c0a8:7c8', false],
    ['192.168.7.9/24', 'neighbour', false],
    ['192.168.7.9/24', '', false],
    ['192.168.7.9/24', undefined as never, false],
    ['10.0.0.1/32', '10.0.0.1', true],
    ['10.0.0.1/32', '10.0.0.0', false],
    ['10.0.0.1/31', '10.0.0.0', true],
    ['2001:db8:1::1/48', '2001:DB8:1:ffff::9', true],
    ['2001:db8:1::1/48', '2001:db8:2::1', false],
    ['fe80::1/64', 'fe80::2%eth0', true],
    ['fe80::1/64', 'fe80::2%eth1', false],
    ['fe80::1/64', 'fe80::2', true],
    ['::1/128', '::1', true],
    ['::1/128', '::', false],
  ])('%s has %s on its link: %s', (cidr, host, expected) => {
    expect(only(info(cidr)).has(host)).toBe(expected)
  })

  test('agrees about its link with the runtime, for any prefix', () => {
    let state = 1
    const next = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    const four = (): string => Array.from({ length: 4 }, () => next(256)).join('.')
    const six = (): string => Array.from({ length: 8 }, () => next(65_536).toString(16)).join(':')
    const answers = new Set<boolean>()
    for (let round = 0; round < 500; round++) {
      const family = round % 2 === 0 ? 'ipv4' : 'ipv6'
      const [address, bits] = family === 'ipv4' ? [four(), 33] : [six(), 129]
      const prefix = next(bits)
      // Half of those asked for share a random beginning with the address.
      const other = family === 'ipv4' ? four() : six()
      const parts = next(9)
      const mark = family === 'ipv4' ? '.' : ':'
      const asked = [...address.split(mark).slice(0, parts), ...other.split(mark).slice(parts)].join(mark)
      const oracle = new BlockList()
      oracle.addSubnet(address, prefix, family)
      const expected = oracle.check(asked, family)
      answers.add(expected)
      const it = only(info(`${address}/${prefix}`))
      expect({ address, prefix, asked, has: it.has(asked) }).toEqual({
        address,
        prefix,
        asked,
        has: expected,
      })
    }
    expect(answers.size).toBe(2)
  })

  test('is called by its name, and not by the label of an alias', () => {
    const table = { eth0: [info('10.0.0.1/24')], 'eth0:1': [info('10.0.0.2/24')] }
    expect(readInterfaces(() => table).map(({ name }) => name)).toEqual(['eth0', 'eth0'])
  })

  test('has a zone if its address is link-local, and only then', () => {
    expect(only(info('fe80::1/64')).zone).toBe(process.platform === 'win32' ? '7' : 'eth0')
    expect(only(info('FEBF:0::1/64'))).toMatchObject({ host: 'febf::1', family: 6 })
    expect(only(info('fec0::1/64'))).not.toHaveProperty('zone')
    expect(only(info('169.254.0.1/16'))).not.toHaveProperty('zone')
  })

  test('has nobody but itself on its link when the system gives no proper netmask', () => {
    const it = only({ ...info('10.0.0.1/24'), netmask: '255.0.255.0', cidr: null })
    expect(it.prefix).toBe(32)
    expect(it).not.toHaveProperty('broadcast')
    expect(it.has('10.0.0.2')).toBe(false)
  })
})

test("this machine's interfaces are those that the runtime lists", () => {
  const listed = Object.values(networkInterfaces()).flatMap((infos = []) => infos)
  const read = interfaces()
  expect(read.map(({ netmask }) => netmask)).toEqual(listed.map(({ netmask }) => netmask))
  expect(read.every((it) => it.has(it.host))).toBe(true)
})

test('the broadcast addresses are those of links that lead out, each once', () => {
  const addresses = broadcastAddresses()
  expect(new Set(addresses).size).toBe(addresses.length)
  const leadingOut = interfaces().filter(({ internal }) => !internal)
  expect(new Set(addresses)).toEqual(new Set(leadingOut.flatMap(({ broadcast = [] }) => broadcast)))
  expect(addresses).not.toContain('127.255.255.255')
})
