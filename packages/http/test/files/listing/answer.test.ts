import { createHash } from 'node:crypto'

import { describe, expect, test } from 'vitest'

import { listingResponse } from '../../../src/files/listing/answer.ts'
import type { Listing } from '../../../src/files/listing/listing.ts'
import { Response } from '../../../src/index.ts'
import { file, folder, listing } from './folders.ts'

const some = listing({
  path: '/photos/',
  parent: true,
  entries: [folder('raw'), file('<b>.jpg', 2_345_678)],
})

function ask(fields: Record<string, string> = {}, query = '', of: Listing = some): Response {
  return listingResponse(new Request(`http://localhost/photos/${query}`, { headers: fields }), of)
}

const kind = (response: Response): string => response.headers.get('content-type')!.split(';')[0]!

describe('the format', () => {
  test.each([
    [undefined, 'text/html'],
    ['*/*', 'text/html'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html'],
    ['application/json', 'application/json'],
    ['application/json;charset=utf-8', 'application/json'],
    ['application/json, text/plain, */*', 'application/json'],
    ['text/html;q=0.5, application/json', 'application/json'],
    ['application/json;q=0.5, text/html', 'text/html'],
    ['text/html;q=0, */*', 'application/json'],
    ['image/png', 'text/html'],
    ['', 'text/html'],
    ['application/json;q=many, /, ";', 'text/html'],
    [`application/json, ${'a/b, '.repeat(250)}`, 'text/html'],
  ])('is that of Accept: %s', (accept, type) => {
    expect(kind(ask(accept === undefined ? {} : { accept }))).toBe(type)
  })

  test('is that of the query, whatever Accept says', () => {
    expect(kind(ask({ accept: 'text/html' }, '?format=json'))).toBe('application/json')
    expect(kind(ask({ accept: 'application/json' }, '?format=html'))).toBe('text/html')
    expect(kind(ask({ accept: 'application/json' }, '?format=xml'))).toBe('application/json')
  })
})

test('a listing in JSON has what programs ask for', async () => {
  const response = ask({ accept: 'application/json' })
  expect(await response.json()).toEqual({
    path: '/photos/',
    parent: true,
    truncated: false,
    entries: [
      { name: 'raw', type: 'folder', modified: '2024-07-14T12:30:05.000Z' },
      { name: '<b>.jpg', type: 'file', size: 2_345_678, modified: '2024-07-14T12:30:05.000Z' },
    ],
  })
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(response.headers.get('content-security-policy')).toBeNull()
})

test('a page may load nothing, and has no style but its own', async () => {
  const response = ask()
  const page = await response.text()
  const [, style = ''] = /<style>(.*?)<\/style>/s.exec(page) ?? []
  const digest = createHash('sha256').update(style).digest('base64')
  const policy = response.headers.get('content-security-policy')!.split('; ')
  expect(policy).toContain(`default-src 'none'`)
  expect(policy).toContain(`style-src 'sha256-${digest}'`)
  expect(policy.join()).not.toContain('unsafe')
  expect(page).not.toMatch(/ style=|<script|<link|<img/)
})

test.each(['text/html', 'application/json'])('%s is asked for again each time, and kept apart', (accept) => {
  const { status, headers } = ask({ accept })
  expect(status).toBe(200)
  expect(headers.get('cache-control')).toBe('no-cache')
  expect(headers.get('vary')).toBe('Accept')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('etag')).toMatch(/^W\/"[\w-]{22}"$/)
})

test('a listing that is known is not sent again', async () => {
  const etag = ask().headers.get('etag')!
  const known = ask({ 'if-none-match': `"other", ${etag}` })
  expect(known.status).toBe(304)
  expect(known.body).toBeNull()
  expect([...known.headers.keys()].toSorted()).toEqual(['cache-control', 'etag', 'vary'])
  expect(ask({ 'if-none-match': '"other"' }).status).toBe(200)
})

test('a listing has another tag where it is another one', () => {
  const tags = [
    ask(),
    ask({ accept: 'application/json' }),
    ask({}, '?sort=size'),
    ask({}, '', { ...some, truncated: true }),
    ask({}, '', { ...some, entries: some.entries.slice(1) }),
    ask({}, '', { ...some, entries: [folder('raw', new Date(0)), some.entries[1]!] }),
  ].map(({ headers }) => headers.get('etag'))
  expect(new Set(tags).size).toBe(tags.length)
  expect(ask().headers.get('etag')).toBe(tags[0])
})

test('an answer is one of ours', () => {
  expect(ask()).toBeInstanceOf(Response)
})
