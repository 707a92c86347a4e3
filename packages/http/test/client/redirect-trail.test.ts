import { describe, expect, test } from 'vitest'

import { RedirectTrail } from '../../src/client/redirect-trail.ts'
import type { RedirectedRequest } from '../../src/client/redirect.ts'
import { Fields } from '../../src/codec/index.ts'

const tooMany = 'ERR_FAIRLEAD_HTTP_TOO_MANY_REDIRECTS'
const loop = 'ERR_FAIRLEAD_HTTP_REDIRECT_LOOP'

function get(url: string, method = 'GET'): RedirectedRequest {
  return { url: new URL(url), method, headers: new Fields([]), hasBody: false, replayable: true }
}

/** Follows a row of Locations, and says what the trail was: URLs, and why it ended. */
function follow(
  limit: number,
  first: RedirectedRequest,
  answers: readonly (readonly [status: number, to: string])[],
) {
  const trail = new RedirectTrail(limit)
  let request = first
  const seen = []
  for (const [status, to] of answers) {
    try {
      const next = trail.next(request, status, new Fields(['Location', to]))
      if (next === undefined) return { seen, urls: trail.urls, end: status }
      seen.push(`${next.method} ${next.url.href}`)
      request = Object.assign({}, first, next)
    } catch (error) {
      expect(String(error)).not.toMatch(/secret/)
      return { seen, urls: trail.urls, end: (error as { code: string }).code }
    }
  }
  return { seen, urls: trail.urls, end: 'more' }
}

describe('a trail of redirects', () => {
  test('remembers where it has been', () => {
    const answers = [
      [301, '/b?c'],
      [302, 'https://b.example/'],
      [200, '/nowhere'],
    ] as const
    expect(follow(10, get('http://user:secret@a.example/#f'), answers)).toEqual({
      seen: ['GET http://user:secret@a.example/b?c#f', 'GET https://b.example/#f'],
      urls: ['http://a.example/', 'http://a.example/b?c'],
      end: 200,
    })
  })

  test('is as long as its limit allows', () => {
    const answers = Array.from({ length: 20 }, (_, at) => [302, `/${at}?secret`] as const)
    for (const limit of [1, 3, 10]) {
      const { seen, urls, end } = follow(limit, get('http://a.example/'), answers)
      expect([seen.length, urls.length, end]).toEqual([limit, limit, tooMany])
    }
    expect(follow(20, get('http://a.example/'), answers).end).toBe('more')
    expect(follow(Infinity, get('http://a.example/'), answers).end).toBe('more')
  })

  test('says what its limit was', () => {
    const trail = new RedirectTrail(1)
    const answer = new Fields(['Location', '/x'])
    const request = get('http://a.example/')
    trail.next(request, 302, answer)
    expect(() => trail.next(request, 302, answer)).toThrow(
      'Cannot follow redirect: it would be one more than redirects allows, which is 1',
    )
  })

  test('takes redirects for answers when there may be none, be they ever so wrong', () => {
    const trail = new RedirectTrail(0)
    expect(
      trail.next(get('http://a.example/'), 302, new Fields(['Location', 'javascript:x'])),
    ).toBeUndefined()
  })

  test('does not count what ends it', () => {
    expect(
      follow(1, get('http://a.example/'), [
        [302, '/x'],
        [304, '/y'],
      ]).end,
    ).toBe(304)
  })
})

describe('a loop', () => {
  test('is the same URL for the third time', () => {
    const itself = Array.from({ length: 9 }, () => [302, ''] as const)
    const { seen, end } = follow(10, get('http://a.example/?secret'), itself)
    expect([seen.length, end]).toEqual([1, loop])
  })

  test('is not the same URL for the second time: a cookie may have been set', () => {
    const { end } = follow(10, get('http://a.example/'), [
      [302, '/login'],
      [302, '/'],
      [200, ''],
    ])
    expect(end).toBe(200)
  })

  test('may have several URLs', () => {
    const round = ['/b', '/c', '/'].map((to) => [302, to] as const)
    const { seen, end } = follow(20, get('http://a.example/'), [...round, ...round, ...round])
    expect([seen.length, end]).toEqual([5, loop])
  })

  test('may begin behind the first URL', () => {
    const round = ['http://b.example/', 'http://b.example/x'].map((to) => [302, to] as const)
    const { seen, end } = follow(20, get('http://a.example/'), [...round, ...round, ...round])
    expect([seen.length, end]).toEqual([4, loop])
  })

  test('is not seen in fragments and user information', () => {
    const { end } = follow(20, get('http://u:secret@a.example/#1'), [
      [302, '#2'],
      [302, '#3'],
      [302, '#4'],
    ])
    expect(end).toBe(loop)
  })

  test('has one method', () => {
    const post = { ...get('http://a.example/', 'POST'), hasBody: true }
    expect(
      follow(10, post, [
        [303, ''],
        [302, ''],
        [200, ''],
      ]),
    ).toMatchObject({
      seen: ['GET http://a.example/', 'GET http://a.example/'],
      end: 200,
    })
  })

  test('is not a query that counts', () => {
    const answers = Array.from({ length: 9 }, (_, at) => [302, `?${at}`] as const)
    expect(follow(10, get('http://a.example/'), answers).end).toBe('more')
  })

  test('is named by its URL, without the query', () => {
    const trail = new RedirectTrail(9)
    const request = get('http://user:secret@a.example/x?secret')
    const answer = new Fields(['Location', ''])
    trail.next(request, 302, answer)
    expect(() => trail.next(request, 302, answer)).toThrow(
      'Cannot follow redirect: it leads to http://a.example/x again and again',
    )
  })
})
