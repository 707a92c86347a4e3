import { describe, expect, test } from 'vitest'

import { isPublic, proxy, type ProxyOptions } from '../../src/proxy/index.ts'

describe('options that are none', () => {
  test.each<[string, unknown]>([
    ['target', '/relative'],
    ['target', 'ftp://a.example'],
    ['target', 'http://user@a.example'],
    ['target', 'http://a.example/?q'],
    ['target', 'http://a.example/#f'],
    ['target', undefined],
    ['target', 5],
  ])('%s %s', (name, target) => {
    const error = /^(?:Invalid option target|Invalid URL): /
    expect(() => proxy(target as string)).toThrow(error)
    expect(name).toBe('target')
  })

  test.each<[string, unknown]>([
    ['allow', ['127.0.0.1']],
    ['forwarded', true],
    ['prefix', 'api'],
    ['prefix', '/a?b'],
    ['preserveHost', 'yes'],
    ['via', 'two words'],
    ['via', true],
    ['upgrade', 'websocket'],
    ['upgrade', [1]],
    ['onError', {}],
    ['onRequest', 1],
    ['onResponse', null],
    ['queueTimeout', 0],
    ['maxConnections', 0],
    ['maxQueued', -1],
    ['idleTimeout', -1],
    ['timeouts', { conect: 1 }],
    ['limits', { headBites: 1 }],
    ['unix', ''],
    ['retry', 1],
    ['connect', 'x'],
    ['tls', 1],
    ['redirects', 1],
    ['interceptors', []],
    ['frowarded', false],
  ])('%s: %j', (name, value) => {
    const options = { [name]: value } as ProxyOptions
    expect(() => proxy('http://a.example', options)).toThrow(new RegExp(`^Invalid options? (?:of )?${name}`))
  })
})

describe('isPublic', () => {
  const at = (host: string, family: 4 | 6 = host.includes(':') ? 6 : 4) =>
    ({ kind: 'ip', family, host, port: 80 }) as const

  test.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.255.255.254',
    '168.63.129.16',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.168.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '239.255.255.250',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '3fff::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fec0::1',
    'ff02::1',
  ])('%s is not', (host) => {
    expect(isPublic(at(host))).toBe(false)
  })

  test.each([
    '1.1.1.1',
    '8.8.8.8',
    '100.63.255.255',
    '128.0.0.1',
    '172.32.0.1',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00::1',
  ])('%s is', (host) => {
    expect(isPublic(at(host))).toBe(true)
  })

  test('a Unix socket, and memory, are not', () => {
    expect(isPublic({ kind: 'unix', path: '/a' })).toBe(false)
    expect(isPublic({ kind: 'memory', name: 'a' })).toBe(false)
  })
})
