import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { basePath, targetOf, withoutPrefix } from '../../src/proxy/path.ts'
import { answer } from '../client/raw-server.ts'
import { head } from '../server/ways.ts'
import { before, front, memory } from './stage.ts'

/** What goes on as it came, byte for byte. */
const kept = [
  '/',
  '//',
  '//evil.example/a',
  '/a//b/',
  '/%61%2F%5c%00%zz',
  '/a;b=c/..;/d',
  "/a'b(c)[d]{e}|f^g`h",
  "/?a='b'&c={d}|e\\f/../g",
  '/a?',
  '/a?b?c',
  '/a...b/.../.c/..d',
  '/%252e%252e/',
  '/C:/d::$DATA',
  '/\u007e',
]

/** What two readers may read differently, and how it goes on. */
const resolved: [string, string][] = [
  ['/a/../b', '/b'],
  ['/a/..', '/'],
  ['/../../etc/passwd', '/etc/passwd'],
  ['/a/./b', '/a/b'],
  ['/.', '/'],
  ['/a/%2e%2e/b', '/b'],
  ['/a/.%2E/b?c/../d', '/b?c/../d'],
  ['/a/%2e/b%2Fc', '/a/b%2Fc'],
  ['/a\\b', '/a/b'],
  ['/a/..\\..\\b', '/b'],
  ['/\\evil.example/', '//evil.example/'],
]

describe('the path of a request', () => {
  test.each(kept)('%s is passed on as it came', (target) => {
    expect(targetOf('GET', 'origin', target)).toBe(target)
  })

  test.each(resolved)('%s is passed on as %s', (target, sent) => {
    expect(targetOf('GET', 'origin', target)).toBe(sent)
  })

  test.each([
    ['GET', 'http://a.example', '/'],
    ['GET', 'http://a.example?b', '/?b'],
    ['GET', 'HTTP://a.example/c%2f/../d?b', '/d?b'],
    ['OPTIONS', 'http://a.example', '*'],
    ['OPTIONS', 'http://a.example/', '/'],
  ])('of an absolute target, what is behind the host: %s %s', (method, target, sent) => {
    expect(targetOf(method, 'absolute', target)).toBe(sent)
  })

  test('names the same segments as request.url does, whatever came', () => {
    const part = fc.constantFrom(
      '/',
      '//',
      '.',
      '..',
      '%2e',
      '%2E%2e',
      '\\',
      'a',
      '%2f',
      ';',
      '%',
      '~',
      "'",
      '{',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const target = `/${parts.join('')}`
        const sent = targetOf('GET', 'origin', target)
        const url = new URL(`http://localhost${target}`)
        // Who reads it once more, reads no more into it.
        expect(new URL(`http://localhost${sent}`).pathname).toBe(url.pathname)
        expect(sent).not.toMatch(/\\|\/(?:\.|%2e){1,2}(?:\/|$)/i)
      }),
    )
  })

  test.each([
    ['/api/a?b', '/a?b'],
    ['/api', '/'],
    ['/api/', '/'],
    ['/api?b', '/?b'],
    ['/api//a', '//a'],
    ['/apis', undefined],
    ['/', undefined],
    ['/%61pi/a', undefined],
    ['*', '*'],
  ])('behind a prefix: %s', (target, rest) => {
    expect(withoutPrefix(target, basePath('/api/'))).toBe(rest)
  })
})

describe('a proxy', () => {
  test('puts the path of the target before what it passes on', async () => {
    await using server = await memory.raw.open(({ target }) => answer(target))
    await using at = await before(memory, server, { proxy: { prefix: '/api' } })
    await using deep = await front(memory, `${server.url}/v1/`, {
      proxy: { connect: server.options.connect! },
    })
    const client = await at.client()
    client.write(head('GET /api/../api/a%2F//b?c HTTP/1.1') + head('GET /other HTTP/1.1'))
    const replies = await client.replies(2)
    expect(replies.map(({ status, body }) => [status, body])).toEqual([
      [200, '/a%2F//b?c'],
      [404, '404 Not Found\n'],
    ])
    const other = await deep.client()
    other.write(head('GET /../../a HTTP/1.1') + head('GET / HTTP/1.1') + head('OPTIONS * HTTP/1.1'))
    expect((await other.replies(3)).map(({ body }) => body)).toEqual(['/v1/a', '/v1/', '*'])
    expect([at.errors, deep.errors]).toEqual([[], []])
  })
})
