import { posix, win32 } from 'node:path'

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { canonicalPath, isHidden, type RequestPath } from '../../src/files/request-path.ts'

const on = { windows: true }
const off = { windows: false }

function pathOf(pathname: string, options = off): string | undefined {
  return canonicalPath(pathname, options)?.path
}

test('segments are decoded, and a slash at the end means a folder', () => {
  expect(canonicalPath('/', off)).toEqual({ segments: [], folder: true, path: '/' })
  expect(canonicalPath('/a', off)).toEqual({ segments: ['a'], folder: false, path: '/a' })
  expect(canonicalPath('/a/b%20c/', off)).toEqual({ segments: ['a', 'b c'], folder: true, path: '/a/b c/' })
})

test.each([
  ['/%61', '/a'],
  ['/a%2Eb', '/a.b'],
  ['/...', '/...'],
  ['/..a', '/..a'],
  ['/a..', '/a..'],
  ['/.hidden', '/.hidden'],
  ['/%E4%B8%AD%E6%96%87', '/中文'],
  ['/%F0%9F%90%B3', '/🐳'],
  ['/100%25', '/100%'],
  ['/a%3Fb%23c', '/a?b#c'],
  ['/a+b', '/a+b'],
  ["/!$&'()*,;=:@-._~", "/!$&'()*,;=:@-._~"],
  ['/__proto__/constructor', '/__proto__/constructor'],
])('%s is %s', (pathname, path) => {
  expect(pathOf(pathname)).toBe(path)
})

test('escapes are decoded once', () => {
  expect(pathOf('/%2561')).toBe('/%61')
  expect(pathOf('/%252e%252e/a')).toBe('/%2e%2e/a')
  expect(pathOf('/%252Fa')).toBe('/%2Fa')
})

test('names are not normalized', () => {
  expect(pathOf('/%C3%A9')).toBe('/\u00e9')
  expect(pathOf('/e%CC%81')).toBe('/e\u0301')
  expect(pathOf('/%EF%BD%81')).toBe('/\uff41')
})

describe('14 paths that lead nowhere', () => {
  test.each([
    ['nothing', ''],
    ['no slash in front', 'a'],
    ['an asterisk', '*'],
    ['an absolute form', 'http://a/b'],
    ['dots', '/..'],
    ['dots below', '/a/../b'],
    ['dots at the end', '/a/..'],
    ['a dot', '/./a'],
    ['encoded dots', '/%2e%2e/a'],
    ['half encoded dots', '/.%2e/a'],
    ['half encoded dots, the other way', '/%2E./a'],
    ['an encoded dot', '/%2e/a'],
    ['an encoded slash', '/a%2Fb'],
    ['an encoded slash in lower case', '/..%2f..%2fetc'],
    ['an encoded backslash', '/..%5C..%5cetc'],
    ['a backslash', '/..\\etc'],
    ['two slashes', '//a'],
    ['two slashes between', '/a//b'],
    ['two slashes at the end', '/a//'],
    ['slashes only', '//'],
    ['a query', '/a?b'],
    ['a fragment', '/a#b'],
    ['a blank', '/a b'],
    ['NUL', '/a%00.html'],
    ['NUL as it is', '/a\0'],
    ['a line feed', '/a%0a'],
    ['DEL', '/a%7f'],
    ['a control character of latin1', '/a%C2%85'],
    ['a character that is not ASCII', '/é'],
    ['an overlong dot', '/%c0%ae%c0%ae/a'],
    ['an overlong slash', '/a%c0%afb'],
    ['an overlong slash of three octets', '/a%e0%80%afb'],
    ['latin1', '/%e9'],
    ['half of a surrogate pair', '/%ED%A0%80'],
    ['a pair of surrogates', '/%ED%A0%BD%ED%B0%B3'],
    ['what is beyond Unicode', '/%F4%90%80%80'],
    ['UTF-8 that stops short', '/%E4%B8'],
    ['an escape without digits', '/100%'],
    ['an escape of one digit', '/%a'],
    ['an escape that is none', '/%zz'],
    ['an escape as scripts had it', '/%u002e'],
  ])('%s', (_, pathname) => {
    expect(canonicalPath(pathname, off)).toBeUndefined()
    expect(canonicalPath(pathname, on)).toBeUndefined()
  })
})

describe('14 names that Windows takes for something else', () => {
  test.each([
    'C:',
    'c:a',
    'a.txt::$DATA',
    'a.txt:stream',
    'a.',
    'a..',
    'a%20',
    'a.%20.',
    '...',
    'CON',
    'con.txt',
    'nul',
    'NUL%20.txt',
    'aux.tar.gz',
    'prn',
    'COM1',
    'lpt9.log',
    'com%C2%B9',
    'CONIN$',
    'clock$',
    'PROGRA~1',
    'web~1.con',
    'a*',
    'a%3f',
    '<a>',
    'a|b',
    '%22a%22',
  ])('%s', (name) => {
    expect(canonicalPath(`/${name}`, on)).toBeUndefined()
    expect(canonicalPath(`/a/${name}/b`, on)).toBeUndefined()
    expect(canonicalPath(`/${name}`, off)).toBeDefined()
  })

  test.each(['console', 'com', 'com10', 'nullable.txt', 'a.con', 'a~1.html', 'backup~', 'a.b', '.a', 'lpt'])(
    '%s is a name like any other',
    (name) => {
      expect(pathOf(`/${name}`, on)).toBe(`/${name}`)
    },
  )

  test('the rules of Windows hold where it runs', () => {
    expect(canonicalPath('/con') === undefined).toBe(process.platform === 'win32')
  })
})

test('a name has 255 octets at most, however they are written', () => {
  expect(pathOf(`/${'a'.repeat(255)}`)).toBeDefined()
  expect(pathOf(`/${'a'.repeat(256)}`)).toBeUndefined()
  expect(pathOf(`/${'%61'.repeat(255)}`)).toBeDefined()
  expect(pathOf(`/${'%C3%A9'.repeat(127)}`)).toBeDefined()
  expect(pathOf(`/${'%C3%A9'.repeat(128)}`)).toBeUndefined()
  expect(pathOf(`/${'%F0%9F%90%B3'.repeat(64)}`)).toBeUndefined()
})

test('a path has 4096 octets at most', () => {
  expect(pathOf('/a'.repeat(2048))).toBeDefined()
  expect(pathOf('/a'.repeat(2048) + '/')).toBeUndefined()
  expect(pathOf('/%61'.repeat(2048))).toBeDefined()
  expect(pathOf('/%C3%A9'.repeat(1400))).toBeUndefined()
  expect(pathOf('/'.repeat(1e6))).toBeUndefined()
})

describe('a prefix', () => {
  test.each(['/static', '/static/'])('%s is no part of the path', (prefix) => {
    const below = (pathname: string): RequestPath | undefined => canonicalPath(pathname, { prefix, ...off })
    expect(below('/static/a/b')?.path).toBe('/a/b')
    expect(below('/%73tatic/a')?.path).toBe('/a')
    expect(below('/static/')).toEqual({ segments: [], folder: true, path: '/' })
    expect(below('/static')).toEqual({ segments: [], folder: false, path: '' })
    expect(below('/')).toBeUndefined()
    expect(below('/staticky/a')).toBeUndefined()
    expect(below('/Static/a')).toBeUndefined()
    expect(below('/static/../a')).toBeUndefined()
    expect(below('/a/static/b')).toBeUndefined()
  })

  test('may have several names, in every alphabet', () => {
    expect(canonicalPath('/a/%C3%BC/b', { prefix: '/a/ü/', ...off })?.segments).toEqual(['b'])
    expect(canonicalPath('/a', { prefix: '/a/ü/', ...off })).toBeUndefined()
  })
})

const dangers = [
  '/',
  '\\',
  '.',
  '..',
  '%2e',
  '%2E%2e',
  '%2f',
  '%5C',
  '%00',
  '%c0%ae',
  '%',
  '%25',
  ':',
  'C:',
  '~1',
]
const names = [
  'a',
  'b.txt',
  'CON',
  ' ',
  '%20',
  '%C3%A9',
  '%7f',
  '?',
  '#',
  'é',
  '\0',
  '\n',
  '%E4%B8%AD',
  '::$DATA',
]
/** Halves of surrogate pairs as well. */
const points = fc
  .oneof(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 0, max: 0x10ffff }))
  .map((point) => String.fromCodePoint(point))
const pieces = fc.oneof(fc.constantFrom(...dangers, ...names), points)
const pathnames = fc.array(pieces, { maxLength: 10 }).map((parts) => `/${parts.join('')}`)

describe.each([
  { name: 'POSIX', windows: false, path: posix, root: '/srv/www' },
  { name: 'Windows', windows: true, path: win32, root: 'C:\\srv\\www' },
])('for any text, on $name', ({ windows, path, root }) => {
  test('a path stays inside the root, name by name', () => {
    fc.assert(
      fc.property(pathnames, (pathname) => {
        const found = canonicalPath(pathname, { windows })
        if (found === undefined) return
        for (const way of [path.join, path.resolve]) {
          expect(path.relative(root, way(root, ...found.segments)).split(path.sep)).toEqual(
            found.segments.length === 0 ? [''] : found.segments,
          )
        }
        expect(found.path).not.toMatch(/[\0\n\\]|\/\/|(^|\/)\.\.?(\/|$)/)
      }),
      { numRuns: 2_000 },
    )
  })

  test('a path is its own only spelling', () => {
    fc.assert(
      fc.property(pathnames, (pathname) => {
        const found = canonicalPath(pathname, { windows })
        if (found === undefined) return
        const encoded = found.path.split('/').map(encodeURIComponent).join('/')
        expect(canonicalPath(encoded, { windows })).toEqual(found)
        // What a client makes of it is the same: a URL has nothing to resolve in it.
        expect(canonicalPath(new URL(encoded, 'http://a').pathname, { windows })).toEqual(found)
      }),
      { numRuns: 2_000 },
    )
  })
})

test('every name of a file can be asked for', () => {
  const names = fc
    .array(points, { maxLength: 60 })
    .map((characters) => characters.join('').replace(/\p{Surrogate}/gu, ''))
    .filter((name) => !/[\p{Cc}/\\]/u.test(name) && !['', '.', '..'].includes(name))
  fc.assert(
    fc.property(fc.array(names, { maxLength: 4 }), (segments) => {
      const found = canonicalPath(`/${segments.map(encodeURIComponent).join('/')}`, off)
      expect(found?.segments).toEqual(segments)
    }),
  )
})

describe('hidden', () => {
  test.each([
    ['/a/b', false],
    ['/a.b/c.', false],
    ['/.git/config', true],
    ['/a/.env', true],
    ['/...', true],
    ['/.well-known', false],
    ['/.well-known/acme-challenge/a', false],
    ['/.well-known/.secret', true],
    ['/.well-known/.well-known', true],
    ['/a/.well-known/b', true],
    ['/.well-knowns', true],
    ['/.WELL-KNOWN', true],
    ['/%2egit', true],
    ['/%E2%80%8C.git', true],
    ['/%EF%BB%BF.git', true],
    ['/%E2%80%8Cgit', false],
    ['/%C3%A9.git', false],
  ])('%s: %s', (pathname, hidden) => {
    expect(isHidden(canonicalPath(pathname, off)?.segments ?? [])).toBe(hidden)
  })

  test('the root is not', () => {
    expect(isHidden([])).toBe(false)
  })
})
