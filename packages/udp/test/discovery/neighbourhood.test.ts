import { ipAddress } from '@fairlead/core'
import { expect, test } from 'vitest'

import { Neighbourhood } from '../../src/discovery/neighbourhood.ts'
import { readInterfaces } from '../../src/multicast/interfaces.ts'

const info = { netmask: '', mac: '', internal: false }

const interfaces = readInterfaces(() => ({
  lo: [{ ...info, address: '127.0.0.1', family: 'IPv4', cidr: '127.0.0.1/8' }],
  eth0: [
    { ...info, address: '10.1.2.3', family: 'IPv4', cidr: '10.1.2.3/20' },
    { ...info, address: 'fe80::1', family: 'IPv6', scopeid: 2, cidr: 'fe80::1/64' },
    { ...info, address: '2001:db8::1', family: 'IPv6', scopeid: 0, cidr: '2001:db8::1/61' },
  ],
  ppp0: [{ ...info, address: '192.0.2.1', family: 'IPv4', cidr: '192.0.2.1/32' }],
}))

const addresses = [
  '127.9.9.9',
  '10.1.15.255',
  '10.1.16.0',
  '192.0.2.1',
  '192.0.2.2',
  'fe80::2%eth0',
  'fe80::2%eth1',
  'fe80:0:0:1::2%eth0',
  '2001:db8:0:7::9',
  '2001:db8:0:8::9',
  '::ffff:1.2.3.4',
]

test('knows who is on a link, in which zone, and who is beyond', () => {
  const all = new Neighbourhood(interfaces, undefined)
  const near = addresses.filter((host) => all.has(ipAddress(host, 7)))
  expect(near).toEqual(['127.9.9.9', '10.1.15.255', '192.0.2.1', 'fe80::2%eth0', '2001:db8:0:7::9'])
})

test('looks at the chosen interfaces only, and agrees with what each of them says itself', () => {
  for (const named of [['eth0'], ['127.0.0.1'], ['10.1.2.3', 'ppp0'], ['none']]) {
    const some = new Neighbourhood(interfaces, named)
    const meant = interfaces.filter(({ name, host, family }) => {
      const siblings = interfaces.filter((it) => it.name === name && it.family === family)
      return named.includes(name) || named.includes(host) || siblings.some((it) => named.includes(it.host))
    })
    for (const host of addresses) {
      const said = meant.some((it) => it.has(host))
      expect(some.has(ipAddress(host, 7)), `${host} of ${named.join()}`).toBe(said)
    }
  }
})
