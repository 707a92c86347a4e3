import { describe, expect, test } from 'vitest'

import { fetchWith } from '../../src/client/fetch.ts'
import { IncomingResponse } from '../../src/client/response.ts'
import { Response as OurResponse } from '../../src/web/response.ts'

/** Whoever is asked has been asked too much. */
const nobody = {
  asked: 0,
  request(): Promise<IncomingResponse> {
    this.asked++
    return Promise.resolve(IncomingResponse.of(200))
  },
}

const used = (): Request => {
  const request = new Request('http://a/', { method: 'POST', body: 'x' })
  void request.text()
  return request
}
const locked = (): ReadableStream => {
  const stream = new ReadableStream()
  stream.getReader()
  return stream
}
const post = (body: unknown, more = {}): object => ({ method: 'POST', body, ...more })

type Case = readonly [name: string, input: unknown, init?: unknown]

/** What of `fetch(input, init)` must be a TypeError, and of which member. */
const refused: readonly Case[] = [
  ['URL', 'http://user@a/'],
  ['URL', 'http://user:word@a/'],
  ['URL', ' http://:word@a/'],
  ['URL', '//user:word@a/'],
  ['URL', new URL('http://user@a/')],
  ['URL', 'ftp://a/'],
  ['URL', 'about:blank'],
  ['URL', 'file:///etc/passwd'],
  ['URL', 'javascript:1'],
  ...['GET', 'HEAD', 'get', undefined].map((method): Case => ['body', 'http://a/', { method, body: '' }]),
  ['body', new Request('http://a/', { method: 'POST', body: 'x' }), { method: 'GET' }],
  ...['', 'a b', 'G\u00c9T', 'CONNECT', 'trace', 'TraCK'].map((method): Case => [
    'method',
    'http://a/',
    { method },
  ]),
  ['body', 'http://a/', post({ a: 1 })],
  ['body', 'http://a/', post(new Map())],
  ['body', 'http://a/', post({ file: '/etc/passwd' })],
  ['body', 'http://a/', post(new Uint8Array(new SharedArrayBuffer(3)))],
  ['body', 'http://a/', post(new SharedArrayBuffer(3))],
  ['body', 'http://a/', post(locked(), { duplex: 'half' })],
  ['duplex', 'http://a/', post(new ReadableStream())],
  ['duplex', 'http://a/', post((async function* () {})())],
  ['duplex', 'http://a/', { duplex: 'full' }],
  ['request', used()],
  ['request', 'http://a/', used()],
  ['redirect', 'http://a/', { redirect: 'never' }],
  ['redirect', 'http://a/', { redirect: null }],
  ['mode', 'http://a/', { mode: 'navigate' }],
  ['mode', 'http://a/', { mode: 'websocket' }],
  ['credentials', 'http://a/', { credentials: 'some' }],
  ['cache', 'http://a/', { cache: 'some' }],
  ['cache', 'http://a/', { cache: 'only-if-cached', mode: 'same-origin' }],
  ['referrer', 'http://a/', { referrer: 'http://b/' }],
  ['referrerPolicy', 'http://a/', { referrerPolicy: 'some' }],
  ['priority', 'http://a/', { priority: 'most' }],
  ['integrity', 'http://a/', { integrity: 'md5-abc' }],
  ['signal', 'http://a/', { signal: {} }],
  ['signal', 'http://a/', { signal: 'x' }],
  ['window', 'http://a/', { window: {} }],
  ['dispatcher', 'http://a/', { dispatcher: {} }],
  ['headers', 'http://a/', { headers: null }],
  ['headers', 'http://a/', { headers: 'a: b' }],
  ['header', 'http://a/', { headers: { 'a b': 'c' } }],
  ['header', 'http://a/', { headers: { a: 'b\nc' } }],
  ['init', 'http://a/', 5],
  ['init', 'http://a/', 'x'],
]

describe('a TypeError names', () => {
  test.each(refused)('%s, for %o and %o', async (name, input, init) => {
    const before = nobody.asked
    const error = await fetchWith(nobody, input as string, init as RequestInit).catch(
      (error: unknown) => error,
    )
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toMatch(new RegExp(`^Invalid (option )?${name as string}\\b`))
    expect(nobody.asked).toBe(before)
  })

  test('the symbol that is no text', async () => {
    await expect(fetchWith(nobody, Symbol('a') as never)).rejects.toThrow(TypeError)
    await expect(fetchWith(nobody, 'http://a/', post(Symbol('a')) as never)).rejects.toThrow(TypeError)
  })

  test('a used body of a response of ours', async () => {
    const response = new OurResponse('x')
    const { body } = response
    await response.text()
    await expect(fetchWith(nobody, 'http://a/', post(body, { duplex: 'half' }) as never)).rejects.toThrow(
      /^Invalid option body: the stream has a reader, or was used/,
    )
  })
})

test('what means nothing here is taken', async () => {
  for (const init of [
    { mode: 'cors', credentials: 'include', referrerPolicy: 'no-referrer', keepalive: true, priority: 'low' },
    { mode: 'same-origin', window: null, referrer: 'about:client', duplex: 'half' },
    { mode: 'no-cors', referrer: '', integrity: '', signal: null, body: null, cache: 'force-cache' },
    {
      unknown: 1,
      method: undefined,
      headers: undefined,
      body: undefined,
      signal: undefined,
      redirect: undefined,
    },
    null,
    undefined,
    [],
  ]) {
    expect((await fetchWith(nobody, 'http://a/', init as RequestInit)).status).toBe(200)
  }
})

test('a relative URL is the affair of the client', async () => {
  const asked: string[] = []
  const client = {
    request: (url: string): Promise<IncomingResponse> => {
      asked.push(url)
      return Promise.resolve(IncomingResponse.of(200))
    },
  }
  for (const url of ['/a', '?b', '', '//c/d']) await fetchWith(client, url)
  expect(asked).toEqual(['/a', '?b', '', '//c/d'])
})
