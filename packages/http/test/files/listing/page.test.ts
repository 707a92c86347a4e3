import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { Listing } from '../../../src/files/listing/listing.ts'
import { listingPage } from '../../../src/files/listing/page.ts'
import { sortingOf } from '../../../src/files/listing/sorting.ts'
import { file, folder, listing } from './folders.ts'

const page = (given: Partial<Listing>, query = ''): string =>
  listingPage(listing(given), sortingOf(new URLSearchParams(query)))

/** What HTML makes of text. */
function unescaped(text: string): string {
  const of: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': `'` }
  return text.replace(/&(\w+|#39);/g, (_, name: string) => of[name] ?? '?')
}

const attribute = (tag: string, name: string): string | undefined =>
  new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1]

/** Links of the rows of entries, and the names in them. */
function rows(html: string): { href: string; text: string }[] {
  const [, body = ''] = /<tbody>(.*)<\/tbody>/s.exec(html) ?? []
  return body
    .split('</tr>')
    .filter((row) => row.includes('<bdi>'))
    .map((row) => {
      const [, name = ''] = /<bdi>(.*)<\/bdi>/s.exec(row) ?? []
      return { href: unescaped(attribute(row, 'href')!), text: unescaped(name) }
    })
}

/** Elements without content, and those that are closed in the tag. */
const without = /^<(?:!doctype|meta|[^>]*\/>$)/

/** Every element ends in the one in which it began. */
function expectNested(html: string): void {
  const open: string[] = []
  for (const [tag, end, name = ''] of html.matchAll(/<(\/?)([!a-z][a-z\d]*)[^<>]*>/g)) {
    if (without.test(tag)) continue
    if (end === '') open.push(name)
    else expect(open.pop()).toBe(name)
  }
  expect(open).toEqual([])
  expect(html.replaceAll(/<\/?[!a-z][^<>]*>/g, '').replace(/:root.*?\n\n/s, '')).not.toMatch(/</)
}

const full: Partial<Listing> = {
  path: '/photos/summer/',
  parent: true,
  entries: [folder('raw'), file('a.jpg', 2_345_678), file('b', 12)],
}

describe('structure', () => {
  test.each<[string, Partial<Listing>]>([
    ['full', full],
    ['truncated', { ...full, truncated: true }],
    ['at the top', { entries: [file('a')] }],
    ['empty', { path: '/photos/', parent: true }],
    ['empty at the top', {}],
    [
      'of names of attack',
      { path: '/<b>"\'/', parent: true, entries: [file('</td><script>alert(1)</script>')] },
    ],
  ])('every element is closed where it belongs: %s', (_, given) => {
    const html = page(given)
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/)
    expectNested(html)
    expect(html.match(/<h1>/g)).toHaveLength(1)
    expect(html.match(/<main>/g)).toHaveLength(1)
    expect(html).not.toMatch(/undefined|NaN|\[object/)
  })

  test('every row has as many cells as there are headings', () => {
    const html = page(full)
    const cells = html
      .split('<tr')
      .slice(1)
      .map((row) => row.match(/<t[dh][ >]/g)?.length)
    expect(cells).toEqual([3, 3, 3, 3, 3])
  })

  test('every icon that is used is there', () => {
    const html = page({
      ...full,
      entries: ['a.ts', 'a.JPG', 'a.mp3', 'a.mkv', 'a.tar.gz', 'a', '.constructor', 'a.__proto__'].map(
        (name) => file(name),
      ),
    })
    const used = [...html.matchAll(/<use href="#(\w+)"/g)].map(([, id]) => id)
    expect(used).toEqual(['up', 'text', 'image', 'audio', 'video', 'archive', 'file', 'file', 'file'])
    for (const id of used) expect(html).toContain(`<symbol id="${id}"`)
  })
})

describe('names', () => {
  const attacks = [
    '<img src=x onerror=alert(1)>',
    '</bdi></a><script>alert(1)</script>',
    '"><svg onload=alert(1)>',
    `' onmouseover='alert(1)`,
    'javascript:alert(1)',
    '//evil.example',
    'http:evil.example',
    '&lt;b&gt;',
    '%2e%2e%2fsecret',
    '?format=json',
    '#fragment',
    'a b+c;d=e',
    'naïve ☂ 😀',
    'x'.repeat(255),
    '   ',
  ]

  test.each(attacks)('are text, and lead to themselves: %s', (name) => {
    for (const entry of [file(name), folder(name)]) {
      const html = page({ path: '/sub/', entries: [entry] })
      expectNested(html)
      const slash = entry.kind === 'folder' ? '/' : ''
      const [row] = rows(html)
      expect(row!.text).toBe(name)
      const { origin, pathname, search, hash } = new URL(row!.href, 'http://here.example/sub/?sort=size')
      expect({ origin, search, hash }).toEqual({ origin: 'http://here.example', search: '', hash: '' })
      expect(decodeURIComponent(pathname.slice('/sub/'.length))).toBe(name + slash)
      expect(html).toContain(`</bdi>${slash}</span>`)
    }
  })

  test('of any kind are text, and lead to themselves', () => {
    const part = fc.oneof(
      fc.constantFrom(...'<>&"=;%#? '.split(''), `'`, '&lt;', '</bdi>'),
      fc.integer({ min: 0x20, max: 0xd7ff }).map((code) => String.fromCodePoint(code)),
      fc.integer({ min: 0xe000, max: 0x10ffff }).map((code) => String.fromCodePoint(code)),
    )
    const name = fc
      .array(part, { minLength: 1, maxLength: 10 })
      .map((parts) => parts.join('').replace(/[\p{Cc}/\u202a-\u202e\u2066-\u2069]/gu, '_'))
    fc.assert(
      fc.property(fc.array(name, { maxLength: 5 }), (names) => {
        const found = rows(page({ entries: names.map((name) => file(name)) }))
        expect(found.map(({ text }) => text)).toEqual(names)
        expect(found.map(({ href }) => decodeURIComponent(href))).toEqual(names.map((name) => `./${name}`))
      }),
      { numRuns: 100 },
    )
  })

  test('turn nothing around', () => {
    const html = page({
      path: '/a\u202eb/',
      parent: true,
      entries: [file('photo\u202egpj.exe'), file('\u2067x')],
    })
    expect(html).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
    expect(html).toContain('<bdi>photo<i>U+202E</i>gpj.exe</bdi>')
    expect(html).toContain('<bdi><i>U+2067</i>x</bdi>')
    expect(html).toContain('<title>Index of /a[U+202E]b/</title>')
    expect(html).toContain('href="./photo%E2%80%AEgpj.exe"')
  })

  test('of folders above are text as well', () => {
    const html = page({ path: '/<b>/"c"/', parent: true })
    expect(html).toContain('<title>Index of /&lt;b&gt;/&quot;c&quot;/</title>')
    expect(html).toContain('<a href="../"><bdi>&lt;b&gt;</bdi></a>')
    expect(html).toContain('<h1><bdi>&quot;c&quot;</bdi></h1>')
  })
})

describe('folders above', () => {
  const crumbs = (given: Partial<Listing>): string[] => {
    const [, nav = ''] = /<nav[^>]*>(.*)<\/nav>/s.exec(page(given)) ?? []
    return [...nav.matchAll(/href="([^"]*)"><bdi>(.*?)<\/bdi>/g)].map(([, href, name]) => `${name} ${href}`)
  }

  test('are linked up to the topmost one', () => {
    expect(crumbs({ path: '/' })).toEqual([])
    expect(crumbs({ path: '/a/' })).toEqual(['Files ../'])
    expect(crumbs({ path: '/a/b/c/' })).toEqual(['Files ../../../', 'a ../../', 'b ../'])
  })

  test('begin where the files are served', () => {
    expect(crumbs({ path: '/static/pub/', prefix: '/static/pub/' })).toEqual([])
    expect(page({ path: '/static/pub/', prefix: '/static/pub/' })).toContain('<h1><bdi>pub</bdi></h1>')
    expect(crumbs({ path: '/static/pub/a/b/', prefix: '/static/pub/' })).toEqual(['pub ../../', 'a ../'])
  })

  test('are an entry where there are some', () => {
    expect(page(full)).toContain('<a href="../"')
    expect(page({ entries: [file('a')] })).not.toContain('../')
    expect(page({ path: '/a/', parent: true })).toContain('<a href="../">Parent folder</a>')
  })
})

describe('headings', () => {
  const headings = (query: string): (string | undefined)[][] =>
    [...page(full, query).matchAll(/<th[^e].*?<\/th>/g)].map(([th]) => [
      attribute(th, 'aria-sort'),
      unescaped(attribute(th, 'href')!),
    ])

  test('say how it is sorted, and ask for the other way around', () => {
    expect(headings('')).toEqual([
      ['ascending', '?sort=name&order=desc'],
      [undefined, '?sort=size&order=desc'],
      [undefined, '?sort=modified&order=desc'],
    ])
    expect(headings('sort=size&order=desc')).toEqual([
      [undefined, '?sort=name&order=asc'],
      ['descending', '?sort=size&order=asc'],
      [undefined, '?sort=modified&order=desc'],
    ])
  })
})

test('sizes and dates are for people, and exact for whoever asks', () => {
  const html = page(full)
  expect(html).toContain('<td title="2,345,678 bytes">2.3 MB</td>')
  expect(html).toContain('<td>12 B</td>')
  expect(html).toContain('<time datetime="2024-07-14T12:30:05.000Z">2024-07-14 12:30</time>')
})

test('a page says what there is', () => {
  expect(page(full)).toContain('<p>1 folder, 2 files, 2.3 MB</p>')
  expect(page({ entries: [folder('a'), folder('b')] })).toContain('<p>2 folders</p>')
  expect(page({ entries: [file('a', 0)] })).toContain('<p>1 file, 0 B</p>')
})

test('a page says when there is nothing, and when there is more', () => {
  expect(page({})).toContain('<p>This folder is empty.</p>')
  expect(page({})).not.toContain('<table>')
  expect(page(full)).not.toContain('has more')
  const more = page({ ...full, truncated: true })
  expect(more).toContain('More than 1 folder, 2 files')
  expect(more).toContain('Only 3 entries shown: this folder has more.')
  expect(page({ truncated: true })).not.toContain('is empty')
})
