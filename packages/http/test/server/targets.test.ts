import { describe, expect, test } from 'vitest'

import { ask, head, ways } from './ways.ts'

/**
 * Targets that readers have disagreed about, and the URL that an application is given: the one reading that router,
 * access rule and file system share. Undefined where a URL cannot hold it, or HTTP has no such target: 400.
 *
 * Dot segments are gone, plain or encoded, and a backslash has become the slash that browsers take it for. Beyond
 * that nothing is decoded, so that nothing is ever decoded twice.
 */
const readings: readonly (readonly [sent: string, path: string | undefined])[] = [
  // Dot segments (RFC 3986 section 5.2.4).
  ['/..', '/'],
  ['/../a', '/a'],
  ['/../../../etc/passwd', '/etc/passwd'],
  ['/a/../b', '/b'],
  ['/a/./b', '/a/b'],
  ['/a/..', '/'],
  ['/...', '/...'],
  ['/..;/a', '/..;/a'],
  ['/a?../b', '/a?../b'],
  ['/%2e', '/'],
  ['/%2e%2e/a', '/a'],
  ['/a/%2E./b', '/b'],
  ['/.%2e/a', '/a'],
  ['/%252e%252e/a', '/%252e%252e/a'],
  ['/%u002e%u002e/a', '/%u002e%u002e/a'],
  ['http://example/../b', '/b'],
  // Separators.
  ['/a%2Fb', '/a%2Fb'],
  ['/a/%2e%2e%2fb', '/a/%2e%2e%2fb'],
  ['/a/..%2f..%2fb', '/a/..%2f..%2fb'],
  ['/a%252Fb', '/a%252Fb'],
  ['/a%5Cb', '/a%5Cb'],
  ['/..%5c..%5cb', '/..%5c..%5cb'],
  ['/a\\b', '/a/b'],
  ['/..\\..\\b', '/b'],
  ['/a?b\\c', '/a?b\\c'],
  ['//', '//'],
  ['//b.example/c', '//b.example/c'],
  ['/\\b.example/c', '//b.example/c'],
  ['///a', '///a'],
  ['/a//b', '/a//b'],
  ['/@b.example/', '/@b.example/'],
  ['/:81/', '/:81/'],
  ['\\a', undefined],
  ['http://b.example\\a', undefined],
  ['http:\\\\b.example/', undefined],
  // NUL and other controls.
  ['/a\0b', undefined],
  ['/a%00.html', '/a%00.html'],
  ['/a%0d%0aX:%20b', '/a%0d%0aX:%20b'],
  ['/a\tb', undefined],
  ['/a\x7fb', undefined],
  // UTF-8, overlong and broken, and the slash and the dots of other scripts.
  ['/%c0%ae%c0%ae/a', '/%c0%ae%c0%ae/a'],
  ['/%c0%af', '/%c0%af'],
  ['/%e0%80%af', '/%e0%80%af'],
  ['/%ff', '/%ff'],
  ['/%ef%bc%8f', '/%ef%bc%8f'],
  ['/\xc0\xae', undefined],
  ['/\xc3\xa9', undefined],
  // Names that a file system reads in its own way.
  ['/C:', '/C:'],
  ['/C:/a', '/C:/a'],
  ['/c%3a/a', '/c%3a/a'],
  ['C:/a', undefined],
  ['C:\\a', undefined],
  ['/a::$DATA', '/a::$DATA'],
  ['/a%3a%3a$DATA', '/a%3a%3a$DATA'],
  ['/a.', '/a.'],
  ['/a%20', '/a%20'],
  ['/~root', '/~root'],
  ['/%7eroot', '/%7eroot'],
  ['file:///etc/passwd', undefined],
  // What is malformed, and what only looks so.
  ['/%', '/%'],
  ['/%2', '/%2'],
  ['/%zz', '/%zz'],
  ['/a b', undefined],
  ['/a#b', undefined],
  ['/<a>', undefined],
  ['/a`{b}', '/a%60%7Bb%7D'],
  ['/a|b', '/a|b'],
  ['/a;b=c', '/a;b=c'],
  ['/a+b', '/a+b'],
  ['/?a=%2e%2e%2f', '/?a=%2e%2e%2f'],
  ['/?', '/?'],
]

describe.each(ways)('targets over $name', (way) => {
  /** What stands in the answer to each, `400` for a refusal. */
  async function collect(server: Awaited<ReturnType<typeof way.listen>>): Promise<[string, string][]> {
    return Promise.all(
      readings.map(async ([sent]): Promise<[string, string]> => {
        const answer = await ask(way, server, head(`GET ${sent} HTTP/1.1`, 'Connection: close'))
        const [, status, body = ''] = /^HTTP\/1\.1 (\d+) [^]*?\r\n\r\n([^]*)$/.exec(answer) ?? []
        return [sent, status === '200' ? body : String(status)]
      }),
    )
  }

  test('listen gives them as they were sent, or refuses them', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200, {}, exchange.request.target))
    expect(await collect(server)).toEqual(
      readings.map(([sent, path]) => [sent, path === undefined ? '400' : sent]),
    )
  })

  test('serve gives their one reading as a URL, or refuses them', async () => {
    await using server = await way.serve((request) => new Response(request.url))
    const expected = readings.map(([sent, path]) => [
      sent,
      path === undefined ? '400' : `http://example${path}`,
    ])
    expect(await collect(server)).toEqual(expected)
  })

  test('who reads that URL again, or makes another request of it, reads the same', async () => {
    await using server = await way.serve((request) => {
      const { href, host } = new URL(request.url)
      const copy = new Request(request).url
      return new Response([request.url === href, request.url === copy, host].join(' '))
    })
    for (const [sent, reading] of await collect(server)) {
      if (reading !== '400') expect([sent, reading]).toEqual([sent, 'true true example'])
    }
  })

  // Who asks whether a request came securely looks at its URL (RFC 9110 section 7.4).
  test.each(['https://example/', 'ftp://example/', 'file://example/etc/passwd', 'ws://example/'])(
    'an absolute target of another scheme than the connection’s is refused: %s',
    async (sent) => {
      await using server = await way.serve((request) => new Response(request.url))
      const answer = await ask(way, server, head(`GET ${sent} HTTP/1.1`, 'Connection: close'))
      expect(answer).toMatch(/^HTTP\/1\.1 (?:400|421) /)
    },
  )
})
