import { describe, expect, test } from 'vitest'

import { type Environment, proxyFromEnvironment } from '../../../src/client/proxy/environment.ts'

/** Which proxy is asked for a URL, as text. */
function proxyOf(env: Environment, url: string): string | undefined {
  return proxyFromEnvironment(env)(new URL(url))?.href
}

describe('the proxy of the environment', () => {
  const plain = 'http://a.example/'
  const secure = 'https://a.example/'
  test.each<[what: string, env: Environment, url: string, proxy: string | undefined]>([
    ['is none when nothing is said', {}, plain, undefined],
    ['is http_proxy for http', { http_proxy: 'http://p:1' }, plain, 'http://p:1/'],
    ['is not http_proxy for https', { http_proxy: 'http://p:1' }, secure, undefined],
    ['is https_proxy for https', { https_proxy: 'http://p:1' }, secure, 'http://p:1/'],
    ['is not https_proxy for http', { https_proxy: 'http://p:1' }, plain, undefined],
    ['is HTTP_PROXY', { HTTP_PROXY: 'http://p:1' }, plain, 'http://p:1/'],
    ['is HTTPS_PROXY', { HTTPS_PROXY: 'http://p:1' }, secure, 'http://p:1/'],
    [
      'is http_proxy before HTTP_PROXY',
      { HTTP_PROXY: 'http://p:1', http_proxy: 'http://q:2' },
      plain,
      'http://q:2/',
    ],
    ['is https_proxy before HTTPS_PROXY', { HTTPS_PROXY: 'p:1', https_proxy: 'q:2' }, secure, 'http://q:2/'],
    ['is all_proxy for http', { all_proxy: 'http://p:1' }, plain, 'http://p:1/'],
    ['is all_proxy for https', { all_proxy: 'http://p:1' }, secure, 'http://p:1/'],
    ['is ALL_PROXY', { ALL_PROXY: 'http://p:1' }, secure, 'http://p:1/'],
    ['is all_proxy before ALL_PROXY', { ALL_PROXY: 'p:1', all_proxy: 'q:2' }, plain, 'http://q:2/'],
    ['is HTTP_PROXY before all_proxy', { all_proxy: 'p:1', HTTP_PROXY: 'q:2' }, plain, 'http://q:2/'],
    ['is HTTPS_PROXY before all_proxy', { all_proxy: 'p:1', HTTPS_PROXY: 'q:2' }, secure, 'http://q:2/'],
    ['may have no scheme', { http_proxy: 'p.example:3128' }, plain, 'http://p.example:3128/'],
    ['may be a mere name', { http_proxy: 'p.example' }, plain, 'http://p.example/'],
    ['may be a mere address', { http_proxy: '[::1]:3128' }, plain, 'http://[::1]:3128/'],
    ['may have credentials and no scheme', { http_proxy: 'u:s@p:1' }, plain, 'http://u:s@p:1/'],
    ['may have TLS', { http_proxy: 'HTTPS://p:1' }, plain, 'https://p:1/'],
    ['may have white space round it', { http_proxy: ' p:1\n' }, plain, 'http://p:1/'],
    ['is none where the variable is empty', { http_proxy: '' }, plain, undefined],
    [
      'is the next where the variable is empty',
      { http_proxy: '', HTTP_PROXY: ' ', all_proxy: 'p:1' },
      plain,
      'http://p:1/',
    ],
    ['is not for other schemes', { all_proxy: 'http://p:1' }, 'ftp://a.example/', undefined],
    [
      'is not what whoever asks a CGI program says',
      { REQUEST_METHOD: 'GET', HTTP_PROXY: 'p:1' },
      plain,
      undefined,
    ],
    ['is http_proxy in a CGI program', { REQUEST_METHOD: 'GET', http_proxy: 'p:1' }, plain, 'http://p:1/'],
    [
      'is ALL_PROXY in a CGI program',
      { REQUEST_METHOD: 'GET', HTTP_PROXY: 'p:1', ALL_PROXY: 'q:2' },
      plain,
      'http://q:2/',
    ],
    ['is HTTPS_PROXY in a CGI program', { REQUEST_METHOD: 'GET', HTTPS_PROXY: 'p:1' }, secure, 'http://p:1/'],
    [
      'is HTTP_PROXY where REQUEST_METHOD is empty',
      { REQUEST_METHOD: '', HTTP_PROXY: 'p:1' },
      plain,
      'http://p:1/',
    ],
    ['is none where no_proxy says so', { http_proxy: 'p:1', no_proxy: 'a.example' }, plain, undefined],
    ['is none where NO_PROXY says so', { http_proxy: 'p:1', NO_PROXY: 'a.example' }, plain, undefined],
    [
      'goes by no_proxy before NO_PROXY',
      { http_proxy: 'p:1', NO_PROXY: 'a.example', no_proxy: 'b' },
      plain,
      'http://p:1/',
    ],
    [
      'goes by NO_PROXY where no_proxy is empty',
      { http_proxy: 'p:1', NO_PROXY: 'a.example', no_proxy: '' },
      plain,
      undefined,
    ],
  ])('%s', (_, env, url, proxy) => {
    expect(proxyOf(env, url)).toBe(proxy)
  })

  test('is not HTTP_PROXY in a CGI program where names have no letter case', () => {
    // As process.env of Windows: any spelling finds it, and its keys are as they were set.
    const env = new Proxy<Environment>(
      { REQUEST_METHOD: 'GET', HTTP_PROXY: 'p:1' },
      { get: (target, name) => target[String(name).toUpperCase()] },
    )
    expect(proxyOf(env, plain)).toBeUndefined()
  })

  test('is read once, and is the same URL each time', () => {
    const env: Record<string, string> = { http_proxy: 'p:1' }
    const proxy = proxyFromEnvironment(env)
    env['http_proxy'] = 'q:2'
    expect(proxy(new URL(plain))?.href).toBe('http://p:1/')
    expect(proxy(new URL(plain))).toBe(proxy(new URL('http://b.example/')))
  })

  test('is that of this process', () => {
    const { http_proxy: before } = process.env
    process.env['http_proxy'] = 'http://p.invalid:1'
    try {
      expect(proxyFromEnvironment()(new URL('http://fairlead.invalid/'))?.href).toBe('http://p.invalid:1/')
    } finally {
      if (before === undefined) delete process.env['http_proxy']
      else process.env['http_proxy'] = before
    }
  })

  const socks = 'SOCKS proxies are reached by a function of your own, the option connect'
  test.each<[env: Environment, message: string]>([
    [{ http_proxy: 'http://user:secret@:3128' }, 'http_proxy: it is not a URL'],
    [{ HTTP_PROXY: 'user:secret@p:port' }, 'HTTP_PROXY: it is not a URL'],
    [{ https_proxy: 'http://user:secret@p:99999' }, 'https_proxy: it is not a URL'],
    [{ HTTPS_PROXY: 'http://user:secret@p/path' }, 'HTTPS_PROXY: a proxy has no path'],
    [{ all_proxy: 'socks5://user:secret@p:1080' }, `all_proxy: ${socks}`],
    [{ ALL_PROXY: 'socks5h://user:secret@p:1080' }, `ALL_PROXY: ${socks}`],
    [
      { https_proxy: 'ftp://user:secret@p:1' },
      'https_proxy: it is neither http: nor https:; the option connect reaches others',
    ],
    [
      { http_proxy: 'http://a:secret%0d%0ab@p' },
      'http_proxy: the user information holds a control character',
    ],
    [{ http_proxy: 'http://p:0' }, 'http_proxy: nobody can be asked on port 0'],
  ])('is refused when it is %j', (env, message) => {
    expect(() => proxyFromEnvironment(env)).toThrow(new TypeError(`Invalid environment variable ${message}`))
  })

  test('is not refused where nobody would use it', () => {
    const env = { all_proxy: 'socks5://p:1080', http_proxy: 'p:1', https_proxy: 'q:2', HTTP_PROXY: '::::' }
    expect(proxyOf(env, secure)).toBe('http://q:2/')
  })
})

describe('no_proxy', () => {
  test.each<[list: string, url: string, direct: boolean]>([
    // Names.
    ['example.com', 'http://example.com/', true],
    ['example.com', 'https://example.com:8443/', true],
    ['example.com', 'http://www.example.com/', true],
    ['example.com', 'http://a.b.example.com/', true],
    ['example.com', 'http://notexample.com/', false],
    ['example.com', 'http://example.com.evil.example/', false],
    ['example.com', 'http://example.org/', false],
    ['example.com', 'http://com/', false],
    ['example.com', 'http://user:example.com@a.example/', false],
    ['example.com', 'http://a.example/example.com', false],
    ['www.example.com', 'http://example.com/', false],
    ['EXAMPLE.com', 'http://example.COM/', true],
    ['.example.com', 'http://www.example.com/', true],
    ['.example.com', 'http://example.com/', true],
    ['.example.com', 'http://notexample.com/', false],
    ['*.example.com', 'http://www.example.com/', true],
    ['*.example.com', 'http://example.com/', true],
    ['*.example.com', 'http://notexample.com/', false],
    ['*example.com', 'http://notexample.com/', false],
    ['www.*.com', 'http://www.example.com/', false],
    ['example.com.', 'http://example.com/', true],
    ['example.com', 'http://example.com./', true],
    ['com', 'http://example.com/', true],
    ['localhost', 'http://localhost:3000/', true],
    ['localhost', 'http://localhost.evil.example/', false],
    ['localhost', 'http://127.0.0.1/', false],
    ['127.0.0.1', 'http://localhost/', false],
    ['münchen.example', 'http://xn--mnchen-3ya.example/', true],
    ['xn--mnchen-3ya.example', 'http://www.MÜNCHEN.example/', true],
    ['a_b.example', 'http://a_b.example/', true],
    ['__proto__', 'http://constructor/', false],
    // Everybody, and nobody.
    ['*', 'http://example.com/', true],
    ['*', 'https://[::1]:1/', true],
    ['a.example, *', 'http://example.com/', true],
    ['', 'http://example.com/', false],
    [' , ,', 'http://example.com/', false],
    ['.', 'http://example.com./', false],
    ['*.', 'http://example.com/', false],
    // Lists.
    ['a.example,example.com', 'http://example.com/', true],
    ['a.example, example.com', 'http://example.com/', true],
    ['a.example example.com', 'http://example.com/', true],
    ['a.example,\n\texample.com,', 'http://example.com/', true],
    ['a.example;example.com', 'http://example.com/', false],
    // Ports.
    ['example.com:8080', 'http://example.com:8080/', true],
    ['example.com:8080', 'http://www.example.com:8080/', true],
    ['example.com:8080', 'http://example.com/', false],
    ['example.com:80', 'http://example.com/', true],
    ['example.com:80', 'https://example.com/', false],
    ['example.com:443', 'https://example.com/', true],
    ['example.com:0443', 'https://example.com/', true],
    ['.example.com:443', 'https://www.example.com/', true],
    ['*:8080', 'http://example.com:8080/', true],
    ['*:8080', 'http://example.com/', false],
    ['127.0.0.1:8080', 'http://127.0.0.1:8080/', true],
    ['127.0.0.1:8080', 'http://127.0.0.1:8081/', false],
    ['[::1]:8080', 'http://[::1]:8080/', true],
    ['[::1]:8080', 'http://[::1]/', false],
    ['example.com:', 'http://example.com/', false],
    ['example.com:http', 'http://example.com/', false],
    ['example.com:-80', 'http://example.com/', false],
    ['example.com:99999', 'http://example.com/', false],
    [':80', 'http://example.com/', false],
    // Addresses, whatever form they have.
    ['127.0.0.1', 'http://127.0.0.1/', true],
    ['127.0.0.1', 'http://127.1/', true],
    ['127.0.0.1', 'http://0x7f.1/', true],
    ['127.0.0.1', 'http://0177.0.0.01/', true],
    ['127.0.0.1', 'http://2130706433/', true],
    ['127.0.0.1', 'http://127.0.0.1./', true],
    ['127.0.0.1', 'http://[::ffff:127.0.0.1]/', true],
    ['127.0.0.1', 'http://[::FFFF:7F00:1]/', true],
    ['127.0.0.1', 'http://[0:0:0:0:0:ffff:7f00:0001]/', true],
    ['127.0.0.1', 'http://127.0.0.2/', false],
    ['127.0.0.1', 'http://1.127.0.0.1.example/', false],
    ['127.0.0.1', 'http://[::7f00:1]/', false],
    ['127.1', 'http://127.0.0.1/', true],
    ['0x7f000001', 'http://127.0.0.1/', true],
    ['0177.0.0.1', 'http://127.0.0.1/', true],
    ['::ffff:127.0.0.1', 'http://127.0.0.1/', true],
    ['[::ffff:7f00:1]:80', 'http://127.0.0.1/', true],
    ['.127.0.0.1', 'http://127.0.0.1/', false],
    ['0.0.1', 'http://127.0.0.1/', false],
    ['::1', 'http://[::1]/', true],
    ['[::1]', 'http://[::1]:8080/', true],
    ['0:0:0:0:0:0:0:1', 'http://[::1]/', true],
    ['::1', 'http://[0::0:0001]/', true],
    ['2001:DB8::a', 'http://[2001:db8:0:0::000A]/', true],
    ['2001:db8::a', 'http://[2001:db8::b]/', false],
    ['::1', 'http://127.0.0.1/', false],
    ['::', 'http://0.0.0.0/', false],
    ['::1:80', 'http://[::1]/', false],
    ['fe80::1%eth0', 'http://[fe80::1]/', false],
    ['[::1', 'http://[::1]/', false],
    ['[127.0.0.1]', 'http://127.0.0.1/', true],
    // Subnets.
    ['10.0.0.0/8', 'http://10.1.2.3/', true],
    ['10.0.0.0/8', 'http://11.1.2.3/', false],
    ['10.9.9.9/8', 'http://10.1.2.3/', true],
    ['10.0.0.0/8', 'http://[::ffff:10.1.2.3]/', true],
    ['10.0.0.0/8', 'http://10.example/', false],
    ['192.0.2.128/25', 'http://192.0.2.127/', false],
    ['192.0.2.128/25', 'http://192.0.2.255/', true],
    ['192.0.2.7/32', 'http://192.0.2.7/', true],
    ['192.0.2.7/32', 'http://192.0.2.6/', false],
    ['0.0.0.0/0', 'http://192.0.2.6/', true],
    ['0.0.0.0/0', 'http://[2001:db8::1]/', false],
    ['0.0.0.0/0', 'http://example.com/', false],
    ['::ffff:10.0.0.0/104', 'http://10.1.2.3/', true],
    ['::ffff:10.0.0.0/8', 'http://10.1.2.3/', false],
    ['2001:db8::/32', 'http://[2001:db8:1::1]/', true],
    ['2001:db8::/32', 'http://[2001:db9::1]/', false],
    ['[2001:db8::]/32', 'http://[2001:db8:1::1]/', true],
    ['2001:db8:8000::/33', 'http://[2001:db8:7fff::1]/', false],
    ['2001:db8:8000::/33', 'http://[2001:db8:8001::1]/', true],
    ['::1/128', 'http://[::1]/', true],
    ['::/0', 'http://[2001:db8::1]/', true],
    ['::/0', 'http://192.0.2.6/', false],
    ['10.0.0.0/33', 'http://10.0.0.0/', false],
    ['2001:db8::/129', 'http://[2001:db8::]/', false],
    ['10.0.0.0/', 'http://10.0.0.0/', false],
    ['10.0.0.0/-1', 'http://10.0.0.0/', false],
    ['10.0.0.0/+8', 'http://10.0.0.0/', false],
    ['10.0.0.0/0x8', 'http://10.0.0.0/', false],
    ['10.0.0.0/8/8', 'http://10.0.0.0/', false],
    ['10/8', 'http://10.0.0.0/', false],
    ['10/8', 'http://0.0.0.10/', false],
    ['example.com/8', 'http://example.com/', false],
    // What is none of these.
    ['http://example.com', 'http://example.com/', false],
    ['user@example.com', 'http://example.com/', false],
    ['ex%61mple.com', 'http://example.com/', false],
    ['example.com/path', 'http://example.com/', false],
    ['example.com?', 'http://example.com/', false],
    ['a\\example.com', 'http://a/', false],
    ['<local>', 'http://local/', false],
    ['<local>,[::1,10/8,example.com', 'http://example.com/', true],
  ])('%j: %s is asked directly: %j', (list, url, direct) => {
    const env = { all_proxy: 'http://p:1', no_proxy: list }
    expect(proxyOf(env, url)).toBe(direct ? undefined : 'http://p:1/')
  })

  test('is read in time that grows with its length', () => {
    const lists = [
      'a.example,'.repeat(20_000),
      '[::1'.repeat(20_000),
      `${'0:'.repeat(20_000)}1`,
      '*.'.repeat(20_000),
    ]
    for (const list of [...lists, '10.0.0.0/8 '.repeat(5_000), ','.repeat(100_000), 'x'.repeat(100_000)]) {
      const started = performance.now()
      expect(proxyOf({ all_proxy: 'p:1', no_proxy: list }, 'http://example.com/')).toBe('http://p:1/')
      expect(performance.now() - started).toBeLessThan(2_000)
    }
  })
})
