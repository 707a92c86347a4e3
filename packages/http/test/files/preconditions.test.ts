import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { evaluate, rangeApplies, type Validators, type Verdict } from '../../src/files/preconditions.ts'

const date = 'Tue, 15 Nov 1994 12:45:26 GMT'
const earlier = 'Tue, 15 Nov 1994 12:45:25 GMT'
const later = 'Tue, 15 Nov 1994 12:45:27 GMT'
const lastModified = new Date(date)
const etag = '"xyzzy"'
const both: Validators = { etag, lastModified }

function asked(method: string, fields: Record<string, string>, validators = both): Verdict {
  return evaluate(method, new Headers(fields), validators)
}

describe('If-Match', () => {
  test.each([
    ['"xyzzy"', etag, 'go'],
    ['"xyzzy", "r2d2xxxx", "c3piozzzz"', etag, 'go'],
    ['"r2d2xxxx" ,\t"xyzzy"', etag, 'go'],
    [',, "xyzzy",', etag, 'go'],
    ['*', etag, 'go'],
    ['*', undefined, 'go'],
    ['"r2d2xxxx"', etag, 412],
    ['"XYZZY"', etag, 412],
    ['"xyzzy"', undefined, 412],
    // The strong comparison.
    ['W/"xyzzy"', etag, 412],
    ['"xyzzy"', 'W/"xyzzy"', 412],
    ['W/"xyzzy"', 'W/"xyzzy"', 412],
    // What cannot be read matches nothing.
    ['xyzzy', etag, 412],
    ['"xyzzy', etag, 412],
    ['"xyzzy" "r2d2xxxx"', etag, 412],
    ['"xyzzy", *', etag, 412],
    ['"xyzzy", r2d2xxxx', etag, 412],
    ['', etag, 412],
    [',', etag, 412],
  ] as const)('%s of %s: %s', (value, etag, verdict) => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      expect(asked(method, { 'if-match': value }, { etag, lastModified })).toBe(verdict)
    }
  })

  test('goes before If-Unmodified-Since', () => {
    expect(asked('PUT', { 'if-match': etag, 'if-unmodified-since': earlier })).toBe('go')
    expect(asked('PUT', { 'if-match': '"other"', 'if-unmodified-since': later })).toBe(412)
  })

  test('leaves If-None-Match and If-Modified-Since to be looked at', () => {
    expect(asked('GET', { 'if-match': etag, 'if-none-match': etag })).toBe(304)
    expect(asked('PUT', { 'if-match': etag, 'if-none-match': '*' })).toBe(412)
    expect(asked('GET', { 'if-match': etag, 'if-modified-since': date })).toBe(304)
  })
})

describe('If-None-Match', () => {
  test.each([
    ['"xyzzy"', etag, true],
    ['W/"xyzzy"', etag, true],
    ['"xyzzy"', 'W/"xyzzy"', true],
    ['W/"xyzzy"', 'W/"xyzzy"', true],
    ['"xyzzy", "r2d2xxxx", "c3piozzzz"', etag, true],
    ['W/"c3piozzzz", W/"xyzzy"', etag, true],
    ['"a,b"', '"a,b"', true],
    ['"é"', '"é"', true],
    ['""', '""', true],
    ['*', etag, true],
    ['*', undefined, true],
    ['"r2d2xxxx"', etag, false],
    ['"a", "b"', '"a,b"', false],
    ['w/"xyzzy"', etag, undefined],
    ['"xyzzy"', undefined, false],
    ['', etag, false],
    ['xyzzy', etag, undefined],
    ['"xyzzy";q=1', etag, undefined],
    ['*, "xyzzy"', etag, undefined],
    ['"xyzzy", "', etag, undefined],
    ['"xy zzy", "xyzzy"', etag, undefined],
    ['W/ "xyzzy"', etag, undefined],
  ] as const)('%s of %s matches: %s', (value, etag, matches) => {
    const validators = { etag, lastModified }
    const fields = { 'if-none-match': value }
    expect(asked('GET', fields, validators)).toBe(matches === true ? 304 : 'go')
    expect(asked('HEAD', fields, validators)).toBe(matches === true ? 304 : 'go')
    // A method that changes something is not carried out by chance.
    expect(asked('PUT', fields, validators)).toBe(matches === false ? 'go' : 412)
    expect(asked('DELETE', fields, validators)).toBe(matches === false ? 'go' : 412)
  })

  test('goes before If-Modified-Since, whatever it says', () => {
    expect(asked('GET', { 'if-none-match': '"other"', 'if-modified-since': later })).toBe('go')
    expect(asked('GET', { 'if-none-match': 'broken', 'if-modified-since': later })).toBe('go')
    expect(asked('GET', { 'if-none-match': etag, 'if-modified-since': earlier })).toBe(304)
  })
})

const notDates = ['', '0', 'yesterday', `${date}, ${date}`, `${later}; length=5`, '1994-11-15T12:45:26Z']

describe('If-Modified-Since', () => {
  test('is a 304 when the file is not younger', () => {
    expect(asked('GET', { 'if-modified-since': date })).toBe(304)
    expect(asked('HEAD', { 'if-modified-since': later })).toBe(304)
    expect(asked('GET', { 'if-modified-since': earlier })).toBe('go')
  })

  test('knows no parts of a second', () => {
    const validators = { lastModified: new Date(lastModified.getTime() + 999) }
    expect(asked('GET', { 'if-modified-since': date }, validators)).toBe(304)
  })

  test('is read in every form of a date', () => {
    expect(asked('GET', { 'if-modified-since': 'Tuesday, 15-Nov-94 12:45:26 GMT' })).toBe(304)
    expect(asked('GET', { 'if-modified-since': 'Tue Nov 15 12:45:26 1994' })).toBe(304)
  })

  test('is ignored for other methods, without a date of the file, and where it is no date', () => {
    expect(asked('PUT', { 'if-modified-since': date })).toBe('go')
    expect(asked('GET', { 'if-modified-since': date }, { etag })).toBe('go')
    for (const value of notDates) expect(asked('GET', { 'if-modified-since': value })).toBe('go')
  })
})

describe('If-Unmodified-Since', () => {
  test('is a 412 when the file is younger', () => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      expect(asked(method, { 'if-unmodified-since': earlier })).toBe(412)
      expect(asked(method, { 'if-unmodified-since': date })).toBe('go')
      expect(asked(method, { 'if-unmodified-since': later })).toBe('go')
    }
  })

  test('is ignored without a date of the file, and where it is no date', () => {
    expect(asked('PUT', { 'if-unmodified-since': earlier }, { etag })).toBe('go')
    for (const value of notDates) expect(asked('PUT', { 'if-unmodified-since': value })).toBe('go')
  })

  test('leaves If-None-Match to be looked at', () => {
    expect(asked('GET', { 'if-unmodified-since': date, 'if-none-match': etag })).toBe(304)
    expect(asked('GET', { 'if-unmodified-since': earlier, 'if-none-match': etag })).toBe(412)
    expect(asked('GET', { 'if-unmodified-since': date, 'if-modified-since': date })).toBe(304)
  })
})

test('nothing is asked without a condition', () => {
  expect(asked('GET', {})).toBe('go')
  expect(asked('GET', {}, {})).toBe('go')
})

test.each(['OPTIONS', 'TRACE', 'CONNECT'])('%s has no conditions', (method) => {
  expect(asked(method, { 'if-match': '"other"', 'if-none-match': '*' })).toBe('go')
})

test('lines that were repeated are one list', () => {
  const headers = new Headers([
    ['If-None-Match', '"a"'],
    ['If-None-Match', 'W/"xyzzy"'],
    ['If-Modified-Since', date],
  ])
  expect(evaluate('GET', headers, both)).toBe(304)
  headers.append('If-Match', etag)
  headers.append('If-Match', '*')
  expect(evaluate('GET', headers, both)).toBe(412)
})

describe('If-Range', () => {
  const now = lastModified.getTime() + 1_000
  const applies = (value: string, validators = both, at = now): boolean =>
    rangeApplies(new Headers({ 'if-range': value }), validators, at)

  test('that is not there lets the range be', () => {
    expect(rangeApplies(new Headers(), both)).toBe(true)
    expect(rangeApplies(new Headers(), {})).toBe(true)
  })

  test.each([
    ['"xyzzy"', etag, true],
    ['"other"', etag, false],
    ['W/"xyzzy"', etag, false],
    ['W/"xyzzy"', 'W/"xyzzy"', false],
    ['"xyzzy"', 'W/"xyzzy"', false],
    ['"xyzzy"', undefined, false],
    ['"xyzzy", "other"', etag, false],
    ['*', etag, false],
    ['xyzzy', etag, false],
    ['', etag, false],
  ])('%s of %s: %s', (value, etag, applied) => {
    expect(applies(value, { etag, lastModified })).toBe(applied)
  })

  test('with a date has to be exact', () => {
    expect(applies(date)).toBe(true)
    expect(applies(earlier)).toBe(false)
    expect(applies(later)).toBe(false)
    expect(applies('Tue, 15 Nov 1994 12:45:26 UTC')).toBe(false)
    expect(applies(`${date}, ${date}`)).toBe(false)
    expect(applies(date, { etag })).toBe(false)
  })

  test('with a date of a second that is not over is no proof', () => {
    expect(applies(date, both, now - 1)).toBe(false)
    const young = { lastModified: new Date(lastModified.getTime() + 999) }
    expect(applies(date, young, now - 1)).toBe(false)
    expect(applies(date, young, now)).toBe(true)
    expect(applies(later, { lastModified: new Date(later) }, lastModified.getTime())).toBe(false)
  })
})

describe('for any request', () => {
  /** RFC 9110 section 13.2.2 word for word, over values of which it is known what they are. */
  interface Known<T> {
    readonly text: string
    readonly means: T
  }
  type Tags = readonly string[] | '*' | 'broken'
  const opaques = ['"a"', 'W/"a"', '"b"', 'W/"b"']
  const lists = fc.oneof(
    fc.constant<Known<Tags>>({ text: '*', means: '*' }),
    fc.constantFrom<Known<Tags>>(
      ...['a', '"a", *', '"a" "b"', '"a', 'W/a'].map((text) => ({ text, means: 'broken' as const })),
    ),
    fc
      .tuple(fc.array(fc.constantFrom(...opaques), { maxLength: 4 }), fc.constantFrom(',', ', ', ' ,,\t'))
      .map(([means, separator]): Known<Tags> => ({ text: means.join(separator), means })),
  )
  const dates = fc.constantFrom<Known<number | undefined>>(
    { text: earlier, means: -1 },
    { text: date, means: 0 },
    { text: later, means: 1 },
    { text: 'never', means: undefined },
  )
  const requests = fc.record({
    method: fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'DELETE'),
    ifMatch: fc.option(lists, { nil: undefined }),
    ifNoneMatch: fc.option(lists, { nil: undefined }),
    ifModified: fc.option(dates, { nil: undefined }),
    ifUnmodified: fc.option(dates, { nil: undefined }),
    etag: fc.constantFrom(undefined, ...opaques),
    dated: fc.boolean(),
  })

  const strong = (a: string, b: string): boolean => !a.startsWith('W') && !b.startsWith('W') && a === b
  const weak = (a: string, b: string): boolean => a.replace('W/', '') === b.replace('W/', '')

  function matches(
    list: Tags,
    etag: string | undefined,
    same: (a: string, b: string) => boolean,
    broken: boolean,
  ): boolean {
    if (list === '*') return true
    if (list === 'broken') return broken
    return list.some((member) => etag !== undefined && same(member, etag))
  }

  test('the conditions are those of the steps of RFC 9110', () => {
    fc.assert(
      fc.property(requests, ({ method, ifMatch, ifNoneMatch, ifModified, ifUnmodified, etag, dated }) => {
        const fields: [string, string][] = []
        if (ifMatch) fields.push(['If-Match', ifMatch.text])
        if (ifNoneMatch) fields.push(['If-None-Match', ifNoneMatch.text])
        if (ifModified) fields.push(['If-Modified-Since', ifModified.text])
        if (ifUnmodified) fields.push(['If-Unmodified-Since', ifUnmodified.text])
        const reads = method === 'GET' || method === 'HEAD'
        const steps = (): Verdict => {
          if (ifMatch && !matches(ifMatch.means, etag, strong, false)) return 412
          if (!ifMatch && dated && ifUnmodified?.means === -1) return 412
          if (ifNoneMatch && matches(ifNoneMatch.means, etag, weak, !reads)) return reads ? 304 : 412
          if (!ifNoneMatch && reads && dated && (ifModified?.means ?? -1) >= 0) return 304
          return 'go'
        }
        const validators = { etag, lastModified: dated ? lastModified : undefined }
        expect(evaluate(method, new Headers(fields), validators)).toBe(steps())
      }),
      { numRuns: 2_000 },
    )
  })
})

test.each([
  ['entity-tags', '"0123456789", '.repeat(10_000)],
  ['entity-tags without blanks', 'W/"",'.repeat(100_000)],
  ['commas', ','.repeat(1_000_000)],
  ['blanks', `"a"${' '.repeat(1_000_000)}x`],
  ['quotes', '"'.repeat(1_000_000)],
  ['openings', 'W/'.repeat(500_000)],
  ['one long entity-tag', `"${'a'.repeat(1_000_000)}`],
  ['digits', '1'.repeat(1_000_000)],
])('a megabyte of %s takes no time', (_, value) => {
  const from = performance.now()
  const headers = { get: () => value }
  for (const method of ['GET', 'PUT']) evaluate(method, headers, both)
  evaluate('GET', { get: (name) => (name.endsWith('since') ? value : null) }, both)
  rangeApplies(headers, both)
  // What is quadratic takes minutes.
  expect(performance.now() - from).toBeLessThan(2_000)
})
