import { describe, expect, test } from 'vitest'

import { type RedirectedRequest, redirectOf } from '../../src/client/redirect.ts'
import { Fields } from '../../src/codec/index.ts'
import { HttpProtocolError } from '../../src/errors.ts'

const from = 'http://a.example/dir/page?q=1'

interface Asked {
  url?: string
  method?: string
  headers?: readonly string[]
  body?: 'replayable' | 'stream'
}

function asked({ url = from, method = 'GET', headers = [], body }: Asked): RedirectedRequest {
  return {
    url: new URL(url),
    method,
    headers: new Fields(headers),
    hasBody: body !== undefined,
    replayable: body !== 'stream',
  }
}

function answered(...locations: readonly string[]): Fields {
  return new Fields(['Server', 's', ...locations.flatMap((location) => ['location', location])])
}

/** A text as it comes off the wire: one character an octet of its UTF-8. */
function octets(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** What comes of one redirect, in one line: where to, or why not. */
function outcome(request: Asked, status: number, ...locations: readonly string[]): string {
  try {
    return redirectOf(asked(request), status, answered(...locations))?.url.href ?? 'the answer'
  } catch (error) {
    expect(error).toBeInstanceOf(HttpProtocolError)
    expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_HTTP_REDIRECT', phase: 'headers', statusHint: 502 })
    const { message } = error as Error
    expect(message).not.toMatch(/secret/)
    return message
  }
}

const noUrl = 'Cannot follow redirect: the Location is not a URL'
const userInformation = 'Cannot follow redirect: the Location has user information'
const several = 'Cannot follow redirect: there is more than one Location'
const scheme = (name: string) =>
  `Cannot follow redirect: the Location is ${name}, which is neither http: nor https:`

describe('a Location', () => {
  test.each<[what: string, location: string, url: string]>([
    ['an absolute URL', 'http://b.example/x', 'http://b.example/x'],
    ['an absolute URL of another scheme', 'https://a.example/', 'https://a.example/'],
    ['a URL in capitals', 'HTTPS://B.EXAMPLE/X', 'https://b.example/X'],
    ['a path', '/x', 'http://a.example/x'],
    ['a path in the same directory', 'x', 'http://a.example/dir/x'],
    ['dots', '../../x/./y', 'http://a.example/x/y'],
    ['escaped dots', '%2e%2e/x', 'http://a.example/x'],
    ['a query', '?r=2', 'http://a.example/dir/page?r=2'],
    ['an empty query', '?', 'http://a.example/dir/page?'],
    ['nothing', '', 'http://a.example/dir/page?q=1'],
    ['a fragment', '#part', 'http://a.example/dir/page?q=1#part'],
    ['another host without a scheme', '//b.example/x', 'http://b.example/x'],
    ['another host behind backslashes', '\\\\b.example/x', 'http://b.example/x'],
    ['another host behind one of each', '/\\b.example/x', 'http://b.example/x'],
    ['another host behind three slashes', '///b.example/x', 'http://b.example/x'],
    ['a scheme without slashes', 'http:x', 'http://a.example/dir/x'],
    ['another scheme without slashes', 'https:b.example/x', 'https://b.example/x'],
    ['a port', 'http://a.example:8080/', 'http://a.example:8080/'],
    ['the port of the scheme', 'http://a.example:80/x', 'http://a.example/x'],
    ['an IPv6 address', 'http://[0:0::1]/', 'http://[::1]/'],
    ['a colon in a relative path', './a:b', 'http://a.example/dir/a:b'],
    ['white space at its ends', ' /x\t', 'http://a.example/x'],
    ['a tab in it', '/x\ty', 'http://a.example/xy'],
    ['a space in it', '/x y?z z', 'http://a.example/x%20y?z%20z'],
    ['UTF-8', octets('/ä/€?ö=😀'), 'http://a.example/%C3%A4/%E2%82%AC?%C3%B6=%F0%9F%98%80'],
    ['UTF-8 in the host', octets('http://münchen.example/'), 'http://xn--mnchen-3ya.example/'],
    ['UTF-8 that is escaped', '/%C3%A4', 'http://a.example/%C3%A4'],
    ['latin1', '/caf\xe9?\xff', 'http://a.example/caf%E9?%FF'],
    ['UTF-8 that is cut', '/\xc3', 'http://a.example/%C3'],
    ['a byte order mark', octets('/\ufeffx'), 'http://a.example/%EF%BB%BFx'],
    ['what only an interceptor can have made', '/€', 'http://a.example/%E2%82%AC'],
    ['a NUL that is escaped', '/%00', 'http://a.example/%00'],
    ['an address as a number', 'http://2130706433/', 'http://127.0.0.1/'],
    ['a user with no name', 'http://@b.example/', 'http://b.example/'],
    ['an @ in the path', '/@b.example', 'http://a.example/@b.example'],
    ['a bare %', '/100%', 'http://a.example/100%'],
  ])('may be %s', (_, location, url) => {
    expect(outcome({}, 302, location)).toBe(url)
  })

  test.each<[what: string, location: string, why: string]>([
    ['a file', 'file:///etc/passwd', scheme('file:')],
    ['data', 'data:text/plain,secret', scheme('data:')],
    ['a script', 'javascript:alert(secret)', scheme('javascript:')],
    ['a script in other letters, with a tab', 'Java\tScript:secret', scheme('javascript:')],
    ['a blob', 'blob:http://a.example/secret', scheme('blob:')],
    ['a WebSocket', 'wss://a.example/secret', scheme('wss:')],
    ['about', 'about:blank', scheme('about:')],
    ['a host and a port, which are a scheme', 'localhost:8080', scheme('localhost:')],
    ['an endless scheme', `${'x'.repeat(10_000)}:secret`, scheme('xxxxxxxxxxxxxxxxxxxx...')],
    ['a host that is missing', 'http://', noUrl],
    ['a host that is empty', 'http://:80/secret', noUrl],
    ['a host with a space', 'http://a b/secret', noUrl],
    ['a host that is no UTF-8', 'http://caf\xe9.example/secret', noUrl],
    ['a broken IPv6 address', 'http://[::1/secret', noUrl],
    ['a port that is none', 'http://a.example:99999/', noUrl],
    ['an IPv4 address that is none', 'http://256.0.0.1/', noUrl],
    [
      'port 0',
      'http://b.example:0/',
      'Cannot follow redirect: the Location is an invalid URL: nobody can be asked on port 0',
    ],
    [
      'a host that no Host can say',
      'http://a"b/',
      'Cannot follow redirect: the Location is an invalid URL: the host holds a character that no name has',
    ],
    ['a name', 'http://user@b.example/', userInformation],
    ['a name and a password', 'http://user:secret@b.example/', userInformation],
    ['a password', '//:secret@b.example/', userInformation],
    ['a name at the same origin', 'http://user@a.example/', userInformation],
    ['a host that hides behind another', 'http://a.example@b.example/', userInformation],
    ['a host that hides behind a backslash', 'http://secret:x@b.example\\@a.example/', userInformation],
  ])('must not be %s', (_, location, why) => {
    expect(outcome({}, 302, location)).toBe(why)
  })

  test.each<[what: string, locations: readonly string[], result: string]>([
    ['missing makes the redirect the answer', [], 'the answer'],
    ['said twice alike is one', ['/x', '/x'], 'http://a.example/x'],
    ['said twice is refused', ['/x', '/secret'], several],
    ['said once more, and empty, is refused', ['/x', ''], several],
    ['said three times is refused by the last', ['/x', '/x', '//b.example/secret'], several],
  ])('%s', (_, locations, result) => {
    expect(outcome({}, 307, ...locations)).toBe(result)
  })

  test.each([200, 201, 204, 300, 304, 305, 306, 309, 399, 400, 404, 500])(
    'does not make a redirect of %i',
    (status) => {
      expect(outcome({ method: 'POST', body: 'stream' }, status, 'javascript:secret')).toBe('the answer')
    },
  )
})

describe('a fragment', () => {
  test.each([
    ['http://a.example/x#one', '/y', 'http://a.example/y#one'],
    ['http://a.example/x#one', '/y#two', 'http://a.example/y#two'],
    ['http://a.example/x#one', '/y#', 'http://a.example/y#'],
    ['http://a.example/x#one', '', 'http://a.example/x#one'],
    ['http://a.example/x#one', 'https://b.example', 'https://b.example/#one'],
    ['http://a.example/x#', '/y', 'http://a.example/y'],
    ['http://a.example/x', '/y#two', 'http://a.example/y#two'],
    ['http://a.example/x?a#o%23n%C3%A9', '?b', 'http://a.example/x?b#o%23n%C3%A9'],
  ])('of %s goes on to %j', (url, location, to) => {
    expect(outcome({ url }, 302, location)).toBe(to)
  })
})

const about = ['Content-Type', 't', 'content-length', '4', 'X', 'y', 'Content-Encoding', 'gzip']

describe('method and body', () => {
  const POST = { method: 'POST', body: 'replayable' } as const
  const lost = { method: 'GET', keepBody: false, headers: ['X', 'y'] }
  const kept = (method: string) => ({ method, keepBody: true, headers: about })
  const none = (method: string) => ({ method, keepBody: false, headers: about })

  test.each<[what: string, request: Asked, statuses: number[], next: object]>([
    ['POST becomes GET', POST, [301, 302, 303], lost],
    ['POST stays', POST, [307, 308], kept('POST')],
    ['POST of a stream becomes GET', { ...POST, body: 'stream' }, [301, 302, 303], lost],
    ['POST without a body becomes GET', { method: 'POST' }, [301, 302, 303], lost],
    ['POST without a body stays', { method: 'POST' }, [307, 308], none('POST')],
    ['PUT stays', { ...POST, method: 'PUT' }, [301, 302, 307, 308], kept('PUT')],
    ['PUT becomes GET', { ...POST, method: 'PUT' }, [303], lost],
    ['DELETE stays', { method: 'DELETE' }, [301, 302, 307, 308], none('DELETE')],
    ['DELETE becomes GET', { method: 'DELETE' }, [303], lost],
    ['OPTIONS becomes GET', { method: 'OPTIONS' }, [303], lost],
    ['a method of its own becomes GET', { ...POST, method: 'post' }, [303], lost],
    ['a method of its own stays', { ...POST, method: 'post' }, [301, 302, 307, 308], kept('post')],
    ['GET stays', {}, [301, 302, 303, 307, 308], none('GET')],
    ['HEAD stays', { method: 'HEAD' }, [301, 302, 303, 307, 308], none('HEAD')],
    ['GET keeps a body', { ...POST, method: 'GET' }, [301, 302, 307, 308], kept('GET')],
    ['GET loses its body', { ...POST, method: 'GET' }, [303], lost],
    ['GET loses a stream', { method: 'GET', body: 'stream' }, [303], lost],
    ['HEAD loses its body', { ...POST, method: 'HEAD' }, [303], { ...lost, method: 'HEAD' }],
  ])('%s (%j) by %j', (_, request, statuses, next) => {
    for (const status of statuses) {
      const redirect = redirectOf(asked({ ...request, headers: about }), status, answered('/x'))
      expect({ ...redirect, url: undefined, headers: redirect?.headers.raw }).toEqual(next)
    }
  })

  test.each([
    ['POST', 307],
    ['POST', 308],
    ['PUT', 301],
    ['PATCH', 302],
    ['GET', 307],
  ])('%s of a stream is not sent again by %i', (method, status) => {
    expect(outcome({ method, body: 'stream' }, status, '/x')).toBe(
      `Cannot follow redirect: ${status} wants the body again, which was a stream and cannot be sent twice`,
    )
  })

  test('a body takes everything along that tells of it', () => {
    const names =
      'Content-Length Content-Type Content-Encoding Content-Language Content-Location Content-Range ' +
      'Content-Disposition Content-MD5 Content-Digest Repr-Digest Digest Last-Modified Transfer-Encoding Trailer Expect'
    const headers = names.split(' ').flatMap((name) => [name, '1', name.toLowerCase(), '2'])
    const others = [
      'Accept',
      '*/*',
      'Want-Content-Digest',
      'sha-256=1',
      'Content',
      '3',
      'X-Content-Type',
      '4',
    ]
    const request = asked({ ...POST, headers: [...headers, ...others] })
    expect(redirectOf(request, 302, answered('/x'))?.headers.raw).toEqual(others)
  })
})

describe('what is for one origin', () => {
  const secrets = 'Host Authorization proxy-authorization COOKIE Cookie2 Origin'
    .split(' ')
    .flatMap((name) => [name, 'secret'])
  const others = ['X', 'y', 'Referer', 'http://r.example/', 'Authorisation', 'z', 'X-Cookie', 'c']
  const headers = [...others, ...secrets]

  test.each<[from: string, to: string, same: boolean]>([
    ['http://a.example/', '/x', true],
    ['http://a.example/', 'http://a.example/x', true],
    ['http://a.example/', 'HTTP://A.EXAMPLE:80/x', true],
    ['http://a.example:8080/', '//a.example:8080/x', true],
    ['https://a.example/', 'https://a.example:443/x', true],
    ['http://127.0.0.1/', 'http://127.1/x', true],
    ['http://a.example/', 'http://b.example/', false],
    ['http://a.example/', '//b.example/', false],
    ['http://a.example/', '\\\\b.example/', false],
    ['http://a.example/', 'http://www.a.example/', false],
    ['http://www.a.example/', 'http://a.example/', false],
    ['http://a.example/', 'http://a.example.b.example/', false],
    ['http://a.example/', 'http://a.example./', false],
    ['http://a.example/', 'http://a.example:81/', false],
    ['http://a.example:8080/', 'http://a.example/', false],
    ['http://a.example/', 'https://a.example/', false],
    ['http://a.example:443/', 'https://a.example:443/', false],
    ['http://a.example:80/', 'https://a.example:80/', false],
    ['https://a.example/', 'http://a.example:443/', false],
    ['http://localhost/', 'http://127.0.0.1/', false],
    ['http://127.0.0.1/', 'http://[::ffff:127.0.0.1]/', false],
  ])('from %s to %s goes along: %j', (url, to, same) => {
    for (const status of [301, 302, 303, 307, 308]) {
      const redirect = redirectOf(asked({ url, headers }), status, answered(to))
      const kept = new Fields(same ? headers : others)
      // Where https was left, Referer was, too.
      const down = url.startsWith('https:') && to.startsWith('http:')
      expect(redirect?.headers.raw).toEqual(down ? kept.without('Referer').raw : kept.raw)
    }
  })

  test('is dropped from a POST as well, whether its body goes along or not', () => {
    for (const status of [302, 307]) {
      const request = asked({ method: 'POST', body: 'replayable', headers })
      expect(redirectOf(request, status, answered('//b.example'))?.headers.raw).toEqual(others)
    }
  })

  test('is not Referer, but from https to http', () => {
    const referred = (url: string, to: string) =>
      redirectOf(asked({ url, headers: others }), 302, answered(to))?.headers.get('Referer')
    expect(referred('https://a.example/', 'http://a.example/')).toBeUndefined()
    expect(referred('https://a.example/', 'https://b.example/')).toBe('http://r.example/')
    expect(referred('http://a.example/', 'https://a.example/')).toBe('http://r.example/')
    expect(redirectOf(asked({}), 302, answered('/x'))?.headers.has('Referer')).toBe(false)
  })

  test.each([
    ['http://user:secret@a.example/', '/x', 'http://user:secret@a.example/x'],
    ['http://user:secret@a.example/', 'http://a.example/x', 'http://user:secret@a.example/x'],
    ['http://u%3A%40:s%2F%C3%A9@a.example/', '//a.example/x', 'http://u%3A%40:s%2F%C3%A9@a.example/x'],
    ['http://:secret@a.example/', '?', 'http://:secret@a.example/?'],
    ['http://user:secret@a.example/', '//b.example/x', 'http://b.example/x'],
    ['http://user:secret@a.example/', 'https://a.example/x', 'https://a.example/x'],
    ['http://user:secret@a.example/', 'http://a.example:81/x', 'http://a.example:81/x'],
    ['http://user:secret@a.example/', 'http:/x', 'http://user:secret@a.example/x'],
  ])('is user information: from %s to %s', (url, location, to) => {
    expect(outcome({ url }, 302, location)).toBe(to)
  })

  test('leaves the request as it is', () => {
    const request = asked({ url: 'http://u:s@a.example/x#y', method: 'POST', body: 'replayable', headers })
    const before = request.url.href
    redirectOf(request, 302, answered('https://b.example/'))
    expect(request.url.href).toBe(before)
    expect(request.headers.raw).toEqual(headers)
  })
})
