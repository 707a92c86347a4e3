import { describe, expect, test } from 'vitest'

import { parseProxy } from '../../../src/client/proxy/proxy.ts'

const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString('base64')}`

describe('a proxy', () => {
  test.each<[url: string, host: string, port: number, secure: boolean, authorization: string | undefined]>([
    ['http://proxy.example:3128', 'proxy.example', 3128, false, undefined],
    ['http://proxy.example:3128/', 'proxy.example', 3128, false, undefined],
    ['http://proxy.example', 'proxy.example', 80, false, undefined],
    ['https://proxy.example', 'proxy.example', 443, true, undefined],
    ['https://PROXY.example:8443', 'proxy.example', 8443, true, undefined],
    ['http://user:secret@proxy.example:3128', 'proxy.example', 3128, false, basic('user:secret')],
    ['http://us%40er:se%3Acret@proxy.example', 'proxy.example', 80, false, basic('us@er:se:cret')],
    ['http://ü:€@proxy.example', 'proxy.example', 80, false, basic('ü:€')],
    ['http://user@proxy.example', 'proxy.example', 80, false, basic('user:')],
    ['http://[::1]:3128', '::1', 3128, false, undefined],
    ['http://127.1:3128', '127.0.0.1', 3128, false, undefined],
  ])('is %s', (url, host, port, secure, authorization) => {
    for (const given of [url, new URL(url)]) {
      expect(parseProxy(given)).toMatchObject({ host, port, secure, authorization })
    }
  })

  test('has a key without credentials', () => {
    expect(parseProxy('http://user:secret@Proxy.example:80').key).toBe('http://proxy.example')
  })

  const others = 'it is neither http: nor https:; the option connect reaches others'
  const socks = 'SOCKS proxies are reached by a function of your own, the option connect'
  test.each([
    ['', 'it is not a URL'],
    ['proxy.example', 'it is not a URL'],
    ['http://', 'it is not a URL'],
    ['http://user:secret@', 'it is not a URL'],
    ['http://user:secret@proxy.example:99999', 'it is not a URL'],
    ['//user:secret@proxy.example', 'it is not a URL'],
    ['proxy.example:3128', others],
    ['ftp://user:secret@proxy.example', others],
    ['file:///secret', others],
    ['socks5://user:secret@proxy.example', socks],
    ['socks5h://proxy.example', socks],
    ['socks://proxy.example', socks],
    ['SOCKS4a://proxy.example', socks],
    ['http://proxy.example/secret.pac', 'a proxy has no path'],
    ['http://proxy.example/?secret', 'a proxy has no path'],
    ['http://proxy.example:0', 'nobody can be asked on port 0'],
    ['http://a"b', 'the host holds a character that no name has'],
    ['http://us%3Aer:secret@proxy.example', 'a user name cannot hold a colon'],
    ['http://user:secret%0a@proxy.example', 'the user information holds a control character'],
  ])('is not %j', (url, why) => {
    expect(() => parseProxy(url)).toThrow(new TypeError(`Invalid option proxy: ${why}`))
    expect(() => parseProxy(url, 'name')).toThrow(new TypeError(`Invalid name: ${why}`))
  })
})
