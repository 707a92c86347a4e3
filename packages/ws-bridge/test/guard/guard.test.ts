import type { Address } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { type GuardedRequest, type GuardOptions, guardOf, guardsOf } from '../../src/guard/guard.ts'
import {
  asking,
  everywhere,
  letsIn,
  loopback,
  loopbackHosts,
  otherHosts,
  otherOrigins,
  ownOrigins,
} from './forms.ts'

const own = 'http://localhost:8080'
const inOut = (isIn: boolean): string => (isIn ? 'in' : 'out')

/** Which of these requests a guard lets in. */
function verdict(options: GuardOptions, bind: Address, requests: GuardedRequest[]): string {
  const guard = guardOf(options, bind)
  return requests.map((request) => inOut(guard.refusalOf(request) === undefined)).join(' ')
}

describe('the hosts of loopback', () => {
  test('have a table worth its name', () => {
    const forms = [...loopbackHosts, ...otherHosts, ...ownOrigins, ...otherOrigins]
    expect(new Set(forms.map(([form]) => form)).size).toBeGreaterThan(150)
  })

  test.each(loopbackHosts)('have %j (%s)', (host) => {
    expect(letsIn({}, asking(host))).toBe(true)
  })

  test.each(otherHosts)('do not have %j (%s)', (host) => {
    expect(letsIn({}, asking(host))).toBe(false)
    // Not even for the page that it serves.
    expect(letsIn({}, asking(host, `http://${host}`))).toBe(false)
  })

  test('are needed, once, by every client', () => {
    expect(letsIn({}, asking(undefined))).toBe(false)
    expect(letsIn({}, asking(undefined, own))).toBe(false)
    expect(letsIn({}, asking(['localhost', 'localhost']))).toBe(false)
    expect(letsIn({}, asking(['localhost', 'evil.example']))).toBe(false)
  })
})

describe('the own origin', () => {
  test.each(ownOrigins)('is %j (%s)', (origin) => {
    expect(letsIn({}, asking('localhost:8080', origin))).toBe(true)
  })

  test.each(otherOrigins)('is not %j (%s)', (origin) => {
    expect(letsIn({}, asking('localhost:8080', origin))).toBe(false)
  })

  test.each<[string, string, boolean, string]>([
    ['http://localhost', 'localhost', false, 'RFC 9110 section 4.2.1: both without a port'],
    ['http://localhost', 'localhost:80', false, 'RFC 9110 section 4.2.1: 80 is the default'],
    ['http://localhost:80', 'localhost', false, 'RFC 9110 section 4.2.1: 80 is the default'],
    ['http://localhost:', 'localhost', false, 'RFC 3986 section 6.2.3: an empty port'],
    ['https://localhost', 'localhost:443', true, 'RFC 9110 section 4.2.2: 443 is the default'],
    ['https://localhost:8443', 'LOCALHOST:8443', true, 'RFC 3986 section 3.2.2: any case'],
    ['http://app.localhost:1', 'app.localhost.:1', false, 'RFC 1034 section 3.1: the dot of the root'],
    ['http://127.0.0.1:8080', '127.0.0.1:8080', false, 'RFC 3986 section 3.2.2: four decimals'],
    ['http://[::1]:8080', '[::1]:8080', false, 'RFC 3986 section 3.2.2: IPv6'],
    ['http://[::1]:8080', '[0:0:0:0:0:0:0:1]:8080', false, 'RFC 5952 section 4: IPv6 at length'],
    ['http://[::ffff:7f00:1]', '[::ffff:127.0.0.1]', false, 'RFC 4291 section 2.2: IPv6 in its third form'],
  ])('%s is that of the Host %s (TLS: %s; %s)', (origin, host, secure) => {
    expect(letsIn({}, asking(host, origin, secure))).toBe(true)
    expect(letsIn({}, asking(host, origin, !secure))).toBe(false)
  })

  test.each<[string, string, boolean, string]>([
    ['http://localhost', 'localhost', true, 'RFC 6454 section 5: a page of plain HTTP'],
    ['https://localhost', 'localhost', false, 'RFC 6454 section 5: a page of HTTPS'],
    ['http://localhost:443', 'localhost', true, 'RFC 6454 section 5: the port of HTTPS over plain HTTP'],
    ['https://localhost:80', 'localhost', true, 'RFC 9110 section 4.2.2: 80 is no default of HTTPS'],
    ['http://localhost', '127.0.0.1', false, 'RFC 6454 section 5: a name is not its address'],
    ['http://[::1]', '127.0.0.1', false, 'RFC 6454 section 5: another address'],
    ['http://127.0.0.2', '127.0.0.1', false, 'RFC 6454 section 5: another address'],
    ['http://b.localhost', 'a.localhost', false, 'RFC 6454 section 5: a name beside it'],
    ['http://localhost', 'a.localhost', false, 'RFC 6454 section 5: the name above it'],
  ])('%s is not that of the Host %s (TLS: %s; %s)', (origin, host, secure) => {
    expect(letsIn({}, asking(host, origin, secure))).toBe(false)
  })

  test('is looked for in every field there is', () => {
    expect(letsIn({}, asking('localhost:8080', [own, own]))).toBe(false)
    expect(letsIn({}, asking('localhost:8080', ['http://evil.example', own]))).toBe(false)
    expect(letsIn({}, asking('localhost:8080', ['', own]))).toBe(false)
  })

  test('needs a Host, also where any host is let in', () => {
    for (const host of [undefined, '', 'user@localhost:8080', 'localhost:8080, localhost:8080']) {
      expect(letsIn({ hosts: 'any' }, asking(host, own))).toBe(false)
    }
    expect(letsIn({ hosts: 'any' }, asking('example.com', 'http://example.com'))).toBe(true)
  })

  test('of a rebound name is none: its hosts are what refuses it', () => {
    const rebound = asking('evil.example:8080', 'http://evil.example:8080')
    expect(letsIn({}, rebound)).toBe(false)
    expect(letsIn({ origins: 'own' }, rebound)).toBe(false)
    expect(letsIn({ hosts: 'any' }, rebound)).toBe(true)
  })
})

describe('a client without an Origin', () => {
  test('is no browser, and let in under own and lists', () => {
    for (const origins of ['own', [], ['https://example.com'], 'any'] as const) {
      expect(letsIn({ origins }, asking('localhost'))).toBe(true)
    }
  })

  test('may have headers of any library', () => {
    const { refusalOf } = guardOf({}, loopback)
    const web = new Headers({ host: 'localhost' })
    expect(refusalOf({ headers: web, secure: false })).toBeUndefined()
    web.append('origin', 'http://localhost')
    expect(refusalOf({ headers: web, secure: false })).toBeUndefined()
    web.append('origin', 'http://localhost')
    expect(refusalOf({ headers: web, secure: false })?.status).toBe(403)
    const node: Record<string, string> = { host: '[::1]:8080', origin: 'http://[::1]:8080' }
    expect(refusalOf({ headers: { get: (name) => node[name] }, secure: false })).toBeUndefined()
  })
})

describe('what is on by default', () => {
  const requests = [
    asking('localhost:8080'),
    asking('localhost:8080', own),
    asking('localhost:8080', 'http://evil.example'),
    asking('example.com', 'http://example.com'),
    asking(undefined),
  ]
  const shut = 'in in out out out'
  const open = 'in in in in in'

  test.each<[string, Address, string]>([
    ['127.0.0.1', loopback, shut],
    ['127.1.2.3', { ...loopback, host: '127.1.2.3' }, shut],
    ['::1', { kind: 'ip', family: 6, host: '::1', port: 8080 }, shut],
    [
      'loopback as somebody writes it',
      { kind: 'ip', family: 6, host: '0:0:0:0:0:ffff:127.0.0.1', port: 8080 },
      shut,
    ],
    ['a Unix socket', { kind: 'unix', path: '/run/app.sock' }, shut],
    ['an abstract socket', { kind: 'unix', path: '\0app' }, shut],
    ['memory', { kind: 'memory', name: 'localhost' }, open],
    ['all addresses', everywhere, open],
    ['all addresses of IPv6', { kind: 'ip', family: 6, host: '::', port: 8080 }, open],
    ['a private address', { ...loopback, host: '192.168.0.1' }, open],
    ['a link-local address', { kind: 'ip', family: 6, host: 'fe80::1', port: 1, zone: 'lo' }, open],
  ])('on %s', (_what, bind, expected) => {
    expect(verdict({}, bind, requests)).toBe(expected)
  })

  test.each<[GuardOptions, string]>([
    [{ origins: 'any' }, open],
    [{ origins: 'any', hosts: ['localhost'] }, 'in in in out out'],
    [{ origins: 'own' }, shut],
    [{ origins: 'own', hosts: 'any' }, 'in in out in in'],
    [{ hosts: 'any' }, 'in in out in in'],
    [{ hosts: ['example.com'] }, 'out out out in out'],
    [{ origins: ['http://evil.example'] }, 'in out in out out'],
    [{ origins: ['http://evil.example', 'own'] }, 'in in in out out'],
    [{ origins: () => true }, 'in in in out out'],
    [{ origins: undefined, hosts: undefined } as unknown as GuardOptions, shut],
  ])('gives way to %j on loopback', (options, expected) => {
    expect(verdict(options, loopback, requests)).toBe(expected)
  })

  test('can be had everywhere', () => {
    expect(verdict({ origins: 'own' }, everywhere, requests)).toBe('in in out in in')
    expect(verdict({ origins: 'own', hosts: ['localhost'] }, everywhere, requests)).toBe(shut)
    expect(verdict({ hosts: ['example.com'] }, everywhere, requests)).toBe('out out out in out')
  })

  test('goes by what a trusted proxy tells', () => {
    const { refusalOf } = guardOf({ hosts: ['example.com'], origins: 'own' }, loopback)
    const through = { ...asking('127.0.0.1:8080', 'https://example.com'), secure: true, host: 'example.com' }
    expect(refusalOf(through)).toBeUndefined()
    expect(refusalOf({ ...through, host: 'evil.example' })?.status).toBe(403)
    expect(refusalOf({ ...through, secure: false })?.status).toBe(403)
    expect(refusalOf({ ...through, host: '' })?.status).toBe(403)
  })

  test('can be told of each connection apart, and reads its options at once', () => {
    const guards = guardsOf({ hosts: ['localhost'] })
    const request = asking('localhost', 'http://evil.example')
    expect(guards(loopback).refusalOf(request)?.status).toBe(403)
    expect(guards({ ...everywhere, host: '192.0.2.7' }).refusalOf(request)).toBeUndefined()
    expect(guards({ ...loopback, host: '127.0.0.9' })).toBe(guards(loopback))
    expect(() => guardsOf({ origins: ['evil.example'] })).toThrow('Invalid option origins')
  })

  test('looks at nothing where all is open', () => {
    const headers = { get: () => expect.unreachable() }
    expect(guardOf({ origins: 'any' }, loopback).refusalOf({ headers, secure: false })).toBeUndefined()
  })
})

describe('a function of origins', () => {
  function heard(origin?: string | string[]): { origins: unknown[]; isIn: boolean } {
    const origins: unknown[] = []
    const isIn = letsIn({ origins: (one) => origins.push(one) > 0 }, asking('localhost', origin))
    return { origins, isIn }
  }

  test('decides itself, about null and none, too', () => {
    expect(heard()).toEqual({ origins: [undefined], isIn: true })
    expect(heard('null')).toEqual({ origins: ['null'], isIn: true })
    expect(letsIn({ origins: () => false }, asking('localhost'))).toBe(false)
  })

  test('is given one form of each origin', () => {
    for (const origin of ['https://a.example', 'HTTPS://A.EXAMPLE.:443']) {
      expect(heard(origin).origins).toEqual(['https://a.example'])
    }
    expect(heard('http://[0:0:0:0:0:0:0:1]:8080').origins).toEqual(['http://[::1]:8080'])
    expect(heard('moz-extension://7C0e').origins).toEqual(['moz-extension://7C0e'])
  })

  test('is not asked about what is no origin, or several', () => {
    for (const origin of ['', ' null', 'https://a.example/', 'https://u:p@a.example', 'https://2130706433']) {
      expect(heard(origin)).toEqual({ origins: [], isIn: false })
    }
    expect(heard(['https://a.example', 'https://evil.example'])).toEqual({ origins: [], isIn: false })
    expect(heard(['null', 'null'])).toEqual({ origins: [], isIn: false })
  })

  test('is given the request, and asked after the host', () => {
    const request = asking('localhost', 'https://a.example')
    const given: unknown[] = []
    const { refusalOf } = guardOf({ origins: (_origin, of) => given.push(of) > 0 }, loopback)
    refusalOf(request)
    refusalOf(asking('evil.example', 'https://a.example'))
    expect(given).toEqual([request])
  })

  test('lets in by true, and by nothing else', () => {
    for (const answer of [undefined, 1, 'yes', {}, Promise.resolve(true)]) {
      const origins = (() => answer) as () => boolean
      expect(letsIn({ origins }, asking('localhost', own))).toBe(false)
    }
  })

  test('may throw, which is for whoever asks', () => {
    const error = new Error('no opinion')
    const origins = (): boolean => {
      throw error
    }
    expect(() => letsIn({ origins }, asking('localhost', own))).toThrow(error)
  })
})

describe('a refusal', () => {
  test('says which option to look at, and repeats nothing', () => {
    const { refusalOf } = guardOf({ origins: ['https://listed.example'], hosts: ['here.example'] }, loopback)
    const refusals = [
      refusalOf(asking('user:secret@evil.example', 'https://secret.example')),
      refusalOf(asking('here.example', 'https://user:secret@evil.example')),
    ]
    expect(refusals).toEqual([
      { status: 403, text: 'the host asked for is not one of those allowed here (see the option hosts)' },
      { status: 403, text: 'pages of this origin may not connect here (see the option origins)' },
    ])
  })

  test('belongs to nobody, and cannot be changed', () => {
    expect(Object.isFrozen(guardOf({}, loopback).refusalOf(asking('evil.example')))).toBe(true)
  })
})
