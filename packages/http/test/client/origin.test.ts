import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { absoluteTargetOf, authorizationOf, nameOf, originOf, targetOf } from '../../src/client/origin.ts'
import { encodeRequestHead } from '../../src/codec/index.ts'

describe('an origin', () => {
  test.each<[url: string, key: string, host: string, port: number, authority: string]>([
    ['http://example.com/', 'http://example.com', 'example.com', 80, 'example.com'],
    ['https://example.com/', 'https://example.com', 'example.com', 443, 'example.com'],
    ['https://example.com:8443/', 'https://example.com:8443', 'example.com', 8443, 'example.com:8443'],
    ['http://example.com:80/', 'http://example.com', 'example.com', 80, 'example.com'],
    ['https://example.com:80/', 'https://example.com:80', 'example.com', 80, 'example.com:80'],
    ['HTTP://EXAMPLE.com:0080/A', 'http://example.com', 'example.com', 80, 'example.com'],
    [
      'http://user:secret@example.com:65535/a?b#c',
      'http://example.com:65535',
      'example.com',
      65_535,
      'example.com:65535',
    ],
    ['http://[::1]/', 'http://[::1]', '::1', 80, '[::1]'],
    ['http://[0:0::0:1]:8080/', 'http://[::1]:8080', '::1', 8080, '[::1]:8080'],
    ['http://[::ffff:127.0.0.1]/', 'http://[::ffff:7f00:1]', '::ffff:7f00:1', 80, '[::ffff:7f00:1]'],
    ['http://127.1/', 'http://127.0.0.1', '127.0.0.1', 80, '127.0.0.1'],
    ['http://0x7f.0.0.01/', 'http://127.0.0.1', '127.0.0.1', 80, '127.0.0.1'],
    [
      'http://münchen.example/',
      'http://xn--mnchen-3ya.example',
      'xn--mnchen-3ya.example',
      80,
      'xn--mnchen-3ya.example',
    ],
    ['http://ex%61mple.com/', 'http://example.com', 'example.com', 80, 'example.com'],
    ['http://example.com./', 'http://example.com.', 'example.com.', 80, 'example.com.'],
    ['http://a_b.example/', 'http://a_b.example', 'a_b.example', 80, 'a_b.example'],
  ])('of %s', (url, key, host, port, authority) => {
    expect(originOf(new URL(url))).toEqual({ key, secure: url.startsWith('https'), host, port, authority })
  })

  test.each([
    ['ftp://example.com/', 'the scheme is neither http nor https'],
    ['ws://example.com/', 'the scheme is neither http nor https'],
    ['file:///etc/passwd', 'the scheme is neither http nor https'],
    ['data:text/plain,secret', 'the scheme is neither http nor https'],
    ['javascript:secret()', 'the scheme is neither http nor https'],
    ['httpss://example.com/', 'the scheme is neither http nor https'],
    ['http://example.com:0/', 'nobody can be asked on port 0'],
    ['http://a"b/', 'the host holds a character that no name has'],
    ['http://a`b/', 'the host holds a character that no name has'],
    ['http://{a}/', 'the host holds a character that no name has'],
  ])('is not made of %s', (url, why) => {
    const refused = new TypeError(`Invalid URL: ${why}`)
    expect(() => originOf(new URL(url))).toThrow(refused)
  })
})

describe('a target', () => {
  test.each([
    ['http://a', '/'],
    ['https://a', '/'],
    ['http://a?', '/?'],
    ['http://a/?', '/?'],
    ['http://a/b?c=d', '/b?c=d'],
    ['http://a/b?c#d', '/b?c'],
    ['http://a/#d?e', '/'],
    ['http://u%2Fv:p%2Fw@a:81/b', '/b'],
    ['http://u/v@a', '/v@a'],
    ['http://a//b', '//b'],
    ['http://a/b/../c/./d', '/c/d'],
    ['http://a/%2e%2E/b', '/b'],
    ['http://a/b c', '/b%20c'],
    ['http://a/ä?ö', '/%C3%A4?%C3%B6'],
    ['http://a/\\b', '//b'],
    ['http://a/b?c\\d|e^f`g{h}', '/b?c\\d|e^f`g{h}'],
    ['http://a/b?"<>\'', '/b?%22%3C%3E%27'],
    ['http://a/\ud800?\udfff', '/%EF%BF%BD?%EF%BF%BD'],
    ['http://a/b\r\nc?d\te', '/bc?de'],
    ['http://a/\0?\0x', '/%00?%00x'],
  ])('of %s is path and query', (url, target) => {
    expect(targetOf(new URL(url))).toBe(target)
  })

  test('of any URL can be sent, in either form', () => {
    const parts = { path: fc.string({ unit: 'binary' }), query: fc.string({ unit: 'binary' }) }
    fc.assert(
      fc.property(
        fc.record({ ...parts, fragment: fc.string({ unit: 'binary' }) }),
        ({ path, query, fragment }) => {
          const url = new URL('http://a.example')
          url.pathname = path
          url.search = query
          url.hash = fragment
          encodeRequestHead('GET', targetOf(url), ['Host', originOf(url).authority])
          encodeRequestHead('GET', absoluteTargetOf(url), ['Host', originOf(url).authority])
          // An empty query and an empty fragment are in no other property.
          const hash = url.hash || (url.href.endsWith('#') ? '#' : '')
          expect(`http://a.example${targetOf(url)}${hash}`).toBe(url.href)
        },
      ),
    )
    const every = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code)).join('')
    const url = new URL(`http://a.example/${every.replace(/[?#]/g, '')}?${every.replace('#', '')}`)
    encodeRequestHead('GET', targetOf(url), ['Host', 'a.example'])
  })

  test('of any authority that is not refused can be sent', () => {
    for (let code = 0; code < 0x3000; code++) {
      const text = `http://x${String.fromCharCode(code)}y/`
      if (!URL.canParse(text)) continue
      const url = new URL(text)
      let authority
      try {
        authority = originOf(url).authority
      } catch (error) {
        expect(String(error)).toMatch(/^TypeError: Invalid URL: the host/)
        continue
      }
      encodeRequestHead('GET', absoluteTargetOf(url), ['Host', authority])
    }
  })

  test.each([
    ['http://user:secret@example.com/a?b#c', 'http://example.com/a?b', 'http://example.com/a'],
    ['https://[::1]:8443', 'https://[::1]:8443/', 'https://[::1]:8443/'],
    ['http://example.com:80/?', 'http://example.com/?', 'http://example.com/'],
  ])('of %s has an absolute form, and a name for messages', (url, absolute, name) => {
    expect(absoluteTargetOf(new URL(url))).toBe(absolute)
    expect(nameOf(new URL(url))).toBe(name)
  })
})

describe('user information', () => {
  test.each<[url: string, credentials: string | undefined]>([
    ['http://a/', undefined],
    ['http://@a/', undefined],
    ['http://:@a/', undefined],
    ['http://user@a/', 'user:'],
    ['http://:password@a/', ':password'],
    ['http://user:password@a/', 'user:password'],
    ['http://user:pass:word@a/', 'user:pass:word'],
    ['http://us%65r:p%40ss%2Fw%3Aord@a/', 'user:p@ss/w:ord'],
    ['http://u@ser:p@a/', 'u@ser:p'],
    ['http://ü:€@a/', 'ü:€'],
    ['http://%C3%BC:%E2%82%AC@a/', 'ü:€'],
    ['http://user:100%@a/', 'user:100%'],
    ['http://user:%zz@a/', 'user:%zz'],
    ['http://user:%2541@a/', 'user:%41'],
  ])('of %s is said by Authorization', (url, credentials) => {
    const value =
      credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`
    expect(authorizationOf(new URL(url))).toBe(value)
  })

  test('has its octets as they are escaped, UTF-8 or not', () => {
    expect(authorizationOf(new URL('http://a:%FF%E9@a/'))).toBe(
      `Basic ${Buffer.from('a:\xff\xe9', 'latin1').toString('base64')}`,
    )
  })

  test.each([
    ['a colon in the name', 'us%3Aer:secret', 'a user name cannot hold a colon'],
    ['a line end', 'user:secret%0d%0a', 'the user information holds a control character'],
    ['a NUL in the name', 'user%00:secret', 'the user information holds a control character'],
    ['a DEL', 'user:secret%7f', 'the user information holds a control character'],
  ])('with %s is refused', (_, information, why) => {
    expect(() => authorizationOf(new URL(`http://${information}@a/`))).toThrow(
      new TypeError(`Invalid URL: ${why}`),
    )
  })
})
