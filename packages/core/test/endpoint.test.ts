import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type Endpoint, formatEndpoint, parseEndpoint } from '../src/endpoint.ts'

const tcp = (host: string, port = 80): Endpoint => ({ scheme: 'tcp', host, port })
const ws = (host: string, port: number, path = '/'): Endpoint => ({ scheme: 'ws', host, port, path })

describe('parseEndpoint', () => {
  test.each<[string, Endpoint, string?]>([
    ['tcp://127.0.0.1:80', tcp('127.0.0.1')],
    ['tcp://127.0.0.1:0', tcp('127.0.0.1', 0)],
    ['tcp://127.0.0.1:00080', tcp('127.0.0.1'), 'tcp://127.0.0.1:80'],
    ['TCP://LocalHost:80', tcp('localhost'), 'tcp://localhost:80'],
    ['tls://example.com.:443', { scheme: 'tls', host: 'example.com.', port: 443 }],
    ['udp://_sip._udp.example.com:5060', { scheme: 'udp', host: '_sip._udp.example.com', port: 5060 }],
    ['tcp://xn--bcher-kva.example:80', tcp('xn--bcher-kva.example')],
    ['tcp://BÜCHER.example:80', tcp('xn--bcher-kva.example'), 'tcp://xn--bcher-kva.example:80'],
    ['tcp://[0:0:0::1]:80', tcp('::1'), 'tcp://[::1]:80'],
    ['tcp://[2001:DB8::0:1]:80', tcp('2001:db8::1'), 'tcp://[2001:db8::1]:80'],
    ['tcp://[::ffff:10.0.0.1]:80', tcp('10.0.0.1'), 'tcp://10.0.0.1:80'],
    ['tcp://[::ffff:a00:1]:80', tcp('10.0.0.1'), 'tcp://10.0.0.1:80'],
    ['tcp://[fe80::1%25eth0]:80', tcp('fe80::1%eth0')],
    ['tcp://[FE80::1%eth0]:80', tcp('fe80::1%eth0'), 'tcp://[fe80::1%25eth0]:80'],
    ['tcp://[fe80::1%25251]:80', tcp('fe80::1%251')],
    ['ws://example.com', ws('example.com', 80), 'ws://example.com/'],
    ['ws://example.com:80/', ws('example.com', 80), 'ws://example.com/'],
    ['ws://example.com:8080/chat?room=1', ws('example.com', 8080, '/chat?room=1')],
    ['ws://example.com?a', ws('example.com', 80, '/?a'), 'ws://example.com/?a'],
    ['ws://example.com/?', ws('example.com', 80, '/?')],
    ['ws://example.com//a@b:c', ws('example.com', 80, '//a@b:c')],
    ['ws://h/a/./b/../%7ec%2f', ws('h', 80, '/a/%7Ec%2F'), 'ws://h/a/%7Ec%2F'],
    ['ws://h/a/%2e%2e/%2E/b', ws('h', 80, '/b'), 'ws://h/b'],
    ['ws://h/ü?ü', ws('h', 80, '/%C3%BC?%C3%BC'), 'ws://h/%C3%BC?%C3%BC'],
    ['wss://[::1]', { scheme: 'wss', host: '::1', port: 443, path: '/' }, 'wss://[::1]/'],
    ['http://h:443/', { scheme: 'http', host: 'h', port: 443, path: '/' }],
    ['https://h:443/', { scheme: 'https', host: 'h', port: 443, path: '/' }, 'https://h/'],
    ['unix:/run/a b?#%zz@\\', { scheme: 'unix', path: '/run/a b?#%zz@\\' }],
    ['UNIX:relative', { scheme: 'unix', path: 'relative' }, 'unix:relative'],
    ['memory:echo', { scheme: 'memory', name: 'echo' }],
  ])('reads %s', (text, endpoint, canonical = text) => {
    expect(parseEndpoint(text)).toEqual(endpoint)
    expect(formatEndpoint(endpoint)).toBe(canonical)
  })

  test.each([
    ['', /scheme/],
    ['127.0.0.1:80', /scheme/],
    ['localhost:80', /scheme/],
    ['//localhost:80', /scheme/],
    ['ftp://localhost:80', /scheme is none of tcp, tls/],
    ['constructor://localhost:80', /scheme is none of/],
    [' tcp://localhost:80', /scheme/],
    ['unix:', /nothing follows/],
    ['memory:', /nothing follows/],
    ['tcp:localhost:80', /\/\/ has to follow/],
    ['tcp:/localhost:80', /\/\/ has to follow/],
    ['tcp://', /not host:port/],
    ['tcp://:80', /not host:port/],
    ['tcp:///x', /not host:port/],
    ['tcp://localhost', /port is missing/],
    ['tcp://localhost:', /not host:port/],
    ['ws://localhost:', /not host:port/],
    ['ws://localhost:/', /not host:port/],
    ['tcp://localhost:+5', /not host:port/],
    ['tcp://localhost:-5', /not host:port/],
    ['tcp://localhost:0x5', /not host:port/],
    ['tcp://localhost:5 ', /not host:port/],
    ['tcp://localhost:5\n', /not host:port/],
    ['tcp://localhost:５', /not host:port/],
    [`tcp://localhost:${'1'.repeat(40)}`, /not host:port/],
    ['tcp://a:b:80', /not host:port/],
    ['tcp://::1:80', /not host:port/],
    ['tcp://[]:80', /not host:port/],
    ['tcp://[[::1]]:80', /not host:port/],
    ['tcp://[::1]80', /not host:port/],
    ['tcp://[127.0.0.1]:80', /only an IPv6 address/],
    ['tcp://[localhost]:80', /only an IPv6 address/],
    ['tcp://[::g]:80', /not an IP address/],
    ['tcp://[fe80::1%]:80', /not an IP address/],
    ['tcp://[fe80::1%25]:80', /not an IP address/],
    ['tcp://[fe80::1%25a%25b]:80', /not an IP address/],
    ['tcp://[fe80::1%25a,b]:80', /zone/],
    ['tcp://0177.0.0.1:80', /four decimal/],
    ['tcp://0x7f.1:80', /four decimal/],
    ['tcp://0x7f000001:80', /four decimal/],
    ['tcp://2130706433:80', /four decimal/],
    ['tcp://127.1:80', /four decimal/],
    ['tcp://127.0.0.1.:80', /four decimal/],
    ['tcp://１27.0.0.1:80', /four decimal/],
    ['tcp://127。0。0。1:80', /four decimal/],
    ['tcp://127.0.0.256:80', /neither a name nor/],
    ['tcp://1.2.3.4.5:80', /neither a name nor/],
    ['tcp://example.0x7f:80', /neither a name nor/],
    ['tcp://a..b:80', /neither a name nor/],
    ['tcp://.a:80', /neither a name nor/],
    ['tcp://-a.b:80', /neither a name nor/],
    ['tcp://a-.b:80', /neither a name nor/],
    ['tcp://*:80', /neither a name nor/],
    ['tcp://a%41b:80', /neither a name nor/],
    ['tcp://a b:80', /neither a name nor/],
    ['tcp://a\tb:80', /neither a name nor/],
    ['tcp://a\u0000b:80', /neither a name nor/],
    ['tcp://\ud800:80', /neither a name nor/],
    [`tcp://${'a'.repeat(64)}:80`, /neither a name nor/],
    [`tcp://${'a.'.repeat(128)}:80`, /neither a name nor/],
    ['tcp://user@localhost:80', /credentials/],
    ['http://user:secret@localhost/', /credentials/],
    ['http://@localhost/', /credentials/],
    ['http://user:sec/ret@localhost/', /not host:port/],
    ['tcp://localhost:80/', /tcp has no path/],
    ['udp://localhost:80?secret', /udp has no path/],
    ['ws://localhost#', /fragment/],
    ['ws://localhost/x#secret', /fragment/],
    ['ws://localhost\\x', /to be escaped/],
    ['ws://localhost/a b', /to be escaped/],
    ['ws://localhost/a\nb', /to be escaped/],
    ['ws://localhost/a\\b', /to be escaped/],
    ['ws://localhost/a\ud800', /to be escaped/],
    ['ws://localhost/%', /hexadecimal/],
    ['ws://localhost/%zz', /hexadecimal/],
    ['ws://localhost/?%4', /hexadecimal/],
  ])('refuses %j', (text, why) => {
    expect(() => parseEndpoint(text)).toThrow(TypeError)
    expect(() => parseEndpoint(text)).toThrow(why)
    expect(() => parseEndpoint(text)).not.toThrow(/secret|ret@/)
  })

  test.each(['tcp://127.0.0.1:65536', 'ws://[::1]:99999'])('refuses %s', (text) => {
    expect(() => parseEndpoint(text)).toThrow(RangeError)
    expect(() => parseEndpoint(text)).toThrow(`Invalid endpoint: "${text}": `)
  })

  test('refuses what is no text', () => {
    expect(() => parseEndpoint(new URL('ws://localhost') as unknown as string)).toThrow(TypeError)
  })

  test('says so in one line of plain ASCII', () => {
    const text = `tcp://\u202e"\n${'x'.repeat(100_000)}`
    expect(() => parseEndpoint(text)).toThrow(
      /^Invalid endpoint: "tcp:\/\/\\u202e\\"\\nx{91}\.\.\.": [ -~]+$/,
    )
  })
})

describe('formatEndpoint', () => {
  test('canonicalises what was written by hand', () => {
    expect(formatEndpoint(tcp('LOCALHOST'))).toBe('tcp://localhost:80')
    expect(formatEndpoint(tcp('::FFFF:127.0.0.1'))).toBe('tcp://127.0.0.1:80')
    expect(formatEndpoint(ws('h', 80, ''))).toBe('ws://h/')
  })

  test.each<[Endpoint]>([
    [tcp('localhost/x')],
    [tcp('user@localhost')],
    [tcp('localhost?')],
    [tcp('localhost#')],
    [tcp('[::1]')],
    [tcp('')],
    [tcp('127.1')],
    [tcp('::1]:80/[')],
    [tcp('h', -1)],
    [tcp('h', 1.5)],
    [tcp('h', Number.NaN)],
    [ws('h', 80, 'x')],
    [ws('h', 80, '@x')],
    [ws('h', 80, '/x#')],
    [{ ...tcp('h'), path: '/x' } as Endpoint],
    [{ scheme: 'unix', path: '' }],
    [{ scheme: 'ftp' as 'tcp', host: 'h', port: 80 }],
  ])('refuses %j', (endpoint) => {
    expect(() => formatEndpoint(endpoint)).toThrow(/^Invalid endpoint: scheme /)
  })
})

const port = fc.integer({ min: 0, max: 65_535 })
const zone = fc.stringMatching(/^[a-zA-Z0-9._~-]{1,15}$/)
const host = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  fc.ipV6(),
  fc.tuple(fc.ipV6(), zone).map(([ip, scope]) => `[${ip}%25${scope}]`),
)
const path = fc
  .webPath()
  .chain((before) => fc.constantFrom('', '?', '?a=%2f&b', '?ü/@').map((q) => before + q))
const bracketed = (text: string): string => (text.includes(':') && !text.startsWith('[') ? `[${text}]` : text)
const text = fc.oneof(
  fc
    .tuple(fc.constantFrom('tcp', 'TLS', 'udp'), host, port)
    .map(([s, h, p]) => `${s}://${bracketed(h)}:${p}`),
  fc
    .tuple(fc.constantFrom('http', 'https', 'ws', 'WSS'), host, fc.option(port), path)
    .map(([s, h, p, rest]) => `${s}://${bracketed(h)}${p === null ? '' : `:${p}`}${rest}`),
  fc.string({ minLength: 1 }).map((rest) => `unix:${rest}`),
)

test('what is read is written in one form, which is read as the same', () => {
  fc.assert(
    fc.property(text, (given) => {
      const endpoint = parseEndpoint(given)
      const written = formatEndpoint(endpoint)
      expect(parseEndpoint(written)).toEqual(endpoint)
      expect(formatEndpoint(parseEndpoint(written))).toBe(written)
    }),
    { numRuns: 1_000 },
  )
})

test('whatever is given, it is read in one form or refused', () => {
  const letters = 'abx0127.:%25[]/?#@\\ ~éＡ。\u0000'.split('')
  const noise = fc.string({ unit: fc.constantFrom(...letters), maxLength: 12 })
  const start = fc.constantFrom('', 'tcp://', 'ws://', 'ws://h', 'tcp://[::1', 'ws://h/', 'unix:')
  fc.assert(
    fc.property(start, noise, fc.constantFrom('', ':80', ']:80'), (before, between, after) => {
      const given = before + between + after
      let endpoint: Endpoint
      try {
        endpoint = parseEndpoint(given)
      } catch (error) {
        expect(error instanceof TypeError || error instanceof RangeError, String(error)).toBe(true)
        expect((error as Error).message).toMatch(/^Invalid endpoint: [ -~]+$/)
        return
      }
      expect(parseEndpoint(formatEndpoint(endpoint))).toEqual(endpoint)
    }),
    { numRuns: 5_000 },
  )
})
