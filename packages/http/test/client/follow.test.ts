import { describe, expect, test } from 'vitest'

import type { Interceptor, RequestError, RequestOptions } from '../../src/index.ts'
import { ways } from '../server/ways.ts'
import { clientOf } from './own-server.ts'
import { answer, type Asked, failure, nothing, raw, response, standing } from './raw-server.ts'

/** Sends on to where the query says, with the status that the path says. */
function redirecting({ target, method, body, fields }: Asked): string {
  const { pathname, searchParams } = new URL(target, 'http://raw.example')
  const status = Number(pathname.slice(1))
  const to = searchParams.get('to')
  if (!(status >= 300) || to === null) return answer(`${method} ${target} ${body} ${fields.get('host')}`)
  return response(`${status} Elsewhere`, 'elsewhere', `Location: ${to}`)
}

/** Each time that a form is sent, it has another. */
function boundaryOf({ fields }: Asked): string {
  return /boundary=(\S+)/.exec(fields.get('content-type') ?? '')?.[1] ?? 'none'
}

describe('a redirect', () => {
  test.each([
    [301, 'GET', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [303, 'HEAD', 'HEAD', ''],
    [307, 'POST', 'POST', 'x'],
    [308, 'PUT', 'PUT', 'x'],
    [301, 'PUT', 'PUT', 'x'],
  ])('by %d of %s is followed with %s', async (status, method, then, body) => {
    await using server = await raw.open((asked) =>
      asked.method === 'HEAD' ? redirecting(asked).replace(/\r\n\r\n.*/s, '\r\n\r\n') : redirecting(asked),
    )
    await using client = server.client()
    const asked =
      method === 'GET' || method === 'HEAD'
        ? { method }
        : { method, body: 'x', headers: { 'Content-Language': 'en' } }
    const got = await client.request(`/${status}?to=/there%3Fa`, asked)
    expect([got.status, got.url, got.redirects]).toEqual([
      200,
      'http://raw.example/there?a',
      [`http://raw.example/${status}?to=/there%3Fa`],
    ])
    expect(() => ((got as { redirects: unknown }).redirects = [])).toThrow(TypeError)
    await got.text()
    const [, second] = server.peers[0]!.asked
    expect([
      second!.method,
      second!.body,
      second!.fields.has('content-language'),
      server.peers.length,
    ]).toEqual([then, body, body !== '', 1])
    expect(client.stats()).toMatchObject({ requests: 2, active: 0 })
  })

  test('that is not to be followed is the answer', async () => {
    await using server = await raw.open(redirecting)
    await using client = server.client()
    const got = await client.request('/302?to=/there', { redirects: 0 })
    expect([got.status, got.headers.get('location'), await got.text(), got.redirects]).toEqual([
      302,
      '/there',
      'elsewhere',
      [],
    ])
    const none = await client.request('/300?to=/there')
    expect([none.status, await none.text()]).toEqual([300, 'elsewhere'])
  })

  test('to another origin drops what is secret, and comes back without it', async () => {
    await using server = await raw.open(redirecting)
    await using client = server.client()
    const to = encodeURIComponent('http://other.example/302?to=http%3A%2F%2Fraw.example%2Fback')
    const headers = { Authorization: 'Bearer t', Cookie: 'a=b', 'X-Own': 'kept' }
    const got = await client.request(`/302?to=${to}`, { headers })
    expect(await got.text()).toBe('GET /back  raw.example')
    const all = server.peers.flatMap(({ asked }) => asked)
    const byHost = all.map(({ fields }) =>
      ['host', 'authorization', 'cookie', 'x-own'].map((name) => fields.get(name)),
    )
    // The first and the last share a connection.
    expect(byHost).toEqual([
      ['raw.example', 'Bearer t', 'a=b', 'kept'],
      ['raw.example', undefined, undefined, 'kept'],
      ['other.example', undefined, undefined, 'kept'],
    ])
    expect(got.redirects).toHaveLength(2)
  })

  test('keeps user information within the origin', async () => {
    await using server = await raw.open(redirecting)
    await using client = server.client()
    const to = encodeURIComponent('http://other.example/')
    for (const where of ['/there', to]) {
      const got = await client.request(`http://u:p@raw.example/302?to=${where}`)
      expect([got.url.includes('u:p'), got.redirects.join().includes('u:p')]).toEqual([false, false])
    }
    const all = server.peers
      .flatMap(({ asked }) => asked)
      .map(({ fields }) => [fields.get('host'), fields.has('authorization')])
    expect(all).toContainEqual(['raw.example', true])
    expect(all).toContainEqual(['other.example', false])
    expect(all).not.toContainEqual(['raw.example', false])
  })

  test.each<[string, string, RequestOptions, RegExp]>([
    ['too many of them', '/302?to=/302%3Fto=/302%253Fto=/end', { redirects: 2 }, /TOO_MANY_REDIRECTS$/],
    ['nowhere', '/302?to=http%3A%2F%2F', {}, /REDIRECT$/],
    ['another scheme', '/302?to=ftp%3A%2F%2Fa.example', {}, /REDIRECT$/],
    ['user information', '/302?to=http%3A%2F%2Fu%3Ap%40a.example', {}, /REDIRECT$/],
  ])('to %s is an error of its request', async (_what, url, options, code) => {
    await using server = await raw.open((asked) =>
      asked.target.startsWith('/302?to=/302') || asked.target === '/302'
        ? response('302 Found', '', `Location: ${asked.target}x`)
        : redirecting(asked),
    )
    await using client = server.client()
    const error = await failure<RequestError>(client.request(url, options))
    expect(error).toMatchObject({
      name: 'RequestError',
      method: 'GET',
      retryable: false,
      attempts: 1,
      phase: 'headers',
    })
    expect(error.code).toMatch(code)
    expect(error.message).not.toContain('?')
    expect(client.stats().active).toBe(0)
  })

  test('in circles is an error', async () => {
    await using server = await raw.open((asked) =>
      response('302 Found', '', `Location: ${asked.target === '/a' ? '/b' : '/a'}`),
    )
    await using client = server.client()
    expect(await failure(client.request('/a'))).toMatchObject({
      name: 'RequestError',
      code: 'ERR_FAIRLEAD_HTTP_REDIRECT_LOOP',
    })
    expect(server.peers[0]!.asked.length).toBeLessThan(6)
    expect(standing(client)).toEqual({ ...nothing, connections: 1, idle: 1 })
  })

  test('that wants a stream again is an error, and one that does not is followed', async () => {
    await using server = await raw.open(redirecting)
    await using client = server.client()
    const options = (): RequestOptions => ({ body: new Blob(['x']).stream() })
    expect(await failure(client.request('/307?to=/there', options()))).toMatchObject({
      name: 'RequestError',
      code: 'ERR_FAIRLEAD_HTTP_REDIRECT',
    })
    expect(await (await client.request('/303?to=/there', options())).text()).toBe('GET /there  raw.example')
  })

  test('sends a body of a Blob, a form or a file again', async () => {
    await using server = await raw.open(redirecting)
    await using client = server.client()
    const form = new FormData()
    form.append('a', 'b')
    for (const body of [new Blob(['blob']), form, { file: new URL(import.meta.url) }]) {
      const got = await client.request('/308?to=/there', { body })
      expect(got.status).toBe(200)
      const { asked } = server.peers[0]!
      const sent = asked.slice(-2).map((one) => one.body.replaceAll(boundaryOf(one), 'boundary'))
      expect([sent[0] === sent[1], sent[1]!.length > 3]).toEqual([true, true])
      await got.text()
    }
  })

  test('with a long body of its own is not read to its end', async () => {
    await using server = await raw.open((asked, peer) => {
      if (asked.target === '/there') return answer('there')
      peer.write('HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 1000000000\r\n\r\nx')
      return undefined
    })
    await using client = server.client({ maxConnections: 1 })
    const got = await client.request('/')
    expect([await got.text(), got.reused, server.peers[0]!.gone]).toEqual(['there', false, true])
  })
})

describe.each(ways)('our own server over $name', (way) => {
  test('sets cookies on each hop, which an interceptor keeps', async () => {
    const jar = new Map<string, string>()
    const cookies: Interceptor = async (request, next) => {
      const cookie = Array.from(jar, ([name, value]) => `${name}=${value}`).join('; ')
      const got = await next(
        cookie === '' ? request : { ...request, headers: request.headers.with('Cookie', cookie) },
      )
      for (const line of got.headers.all('set-cookie')) {
        const [name = '', value = ''] = line.split(';')[0]!.split('=')
        jar.set(name, value)
      }
      return got
    }
    await using server = await way.listen((exchange) => {
      const { target, headers } = exchange.request
      if (target === '/3') return exchange.respond(200, {}, headers.get('cookie') ?? 'none')
      const next = Number(target.slice(1)) + 1
      return exchange.respond(302, { Location: `/${next}`, 'Set-Cookie': [`a${next}=b`, `last=${next}`] })
    })
    const client = clientOf(server, { interceptors: [cookies] })
    const got = await client.request('/0')
    expect([await got.text(), got.redirects.length]).toEqual(['a1=b; last=3; a2=b; a3=b', 3])
    await client.close()
  })
})
