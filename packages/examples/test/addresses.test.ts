import { expect, test } from 'vitest'

import { ownNames, placesOf } from '../src/addresses.ts'

test('a server on loopback is called from here', () => {
  expect(placesOf('http', '127.0.0.1', 8080)).toEqual({ here: 'http://127.0.0.1:8080/', network: [] })
  expect(placesOf('https', '::1', 443)).toEqual({ here: 'https://[::1]/', network: [] })
})

test('one on an address of the network is called by that', () => {
  const url = 'http://192.168.1.2/'
  expect(placesOf('http', '192.168.1.2', 80)).toEqual({ here: url, network: [url] })
})

test('one on all addresses is called by loopback, and by each', () => {
  const { here, network } = placesOf('https', '0.0.0.0', 8443)
  expect(here).toBe('https://127.0.0.1:8443/')
  for (const url of network) expect(url).toMatch(/^https:\/\/\d+\.\d+\.\d+\.\d+:8443\/$/)
})

test('a certificate is for every name and address of the machine', () => {
  const { names, addresses } = ownNames('0.0.0.0')
  expect(names).toContain('localhost')
  expect(addresses).toEqual(expect.arrayContaining(['127.0.0.1', '::1']))
  expect(ownNames('files.example').names).toContain('files.example')
  expect(ownNames('203.0.113.9').addresses).toContain('203.0.113.9')
})
