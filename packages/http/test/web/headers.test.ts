import { describe, expect, test } from 'vitest'

import { Headers as Ours } from '../../src/web/headers.ts'
import { told } from './told.ts'

type Class = typeof Headers
type Case = readonly [name: string, run: (Headers: Class) => unknown]

const any = (value: unknown): never => value as never

const cases: readonly Case[] = [
  ['nothing', (Headers) => new Headers()],
  ['a record', (Headers) => new Headers({ 'X-B': '1', 'x-a': '2', 'X-b': '3' })],
  ['a record with numbers', (Headers) => new Headers(any({ a: 1, b: true, c: null, d: undefined }))],
  [
    'pairs',
    (Headers) =>
      new Headers([
        ['b', '1'],
        ['a', '2'],
        ['B', '3'],
      ]),
  ],
  ['a map', (Headers) => new Headers(any(new Map([['b', '1']])))],
  [
    'other headers',
    (Headers) =>
      new Headers(
        new Headers([
          ['a', '1'],
          ['Set-Cookie', 'x'],
          ['set-cookie', 'y'],
        ]),
      ),
  ],
  ['null', (Headers) => new Headers(any(null))],
  ['text', (Headers) => new Headers(any('a'))],
  ['a number', (Headers) => new Headers(any(5))],
  ['a list of text', (Headers) => new Headers(any(['ab']))],
  ['a pair of one', (Headers) => new Headers(any([['a']]))],
  ['a pair of three', (Headers) => new Headers(any([['a', 'b', 'c']]))],
  ['a pair of undefined', (Headers) => new Headers(any([['a', undefined]]))],
  ['an empty name', (Headers) => new Headers({ '': 'x' })],
  ['a name with a space', (Headers) => new Headers({ 'a b': 'x' })],
  ['a name that no byte stands for', (Headers) => new Headers({ 'é€': 'x' })],
  [
    '__proto__',
    (Headers) =>
      new Headers([
        ['__proto__', 'x'],
        ['constructor', 'y'],
      ]),
  ],
  ['get __proto__', (Headers) => new Headers([['__proto__', 'x']]).get('__proto__')],
  ...[
    'a\nb',
    'a\rb',
    'a\0b',
    '€',
    '\u00ff',
    '\x01',
    '\x7f',
    ' a\t',
    '\r\n a \n',
    '',
    '  ',
    'a  b',
    '\u00a0x',
  ].map((value): Case => [
    `the value ${JSON.stringify(value)}`,
    (Headers) => new Headers({ a: value }).get('a'),
  ]),
  ['a symbol as value', (Headers) => new Headers().append('a', any(Symbol('x')))],
  ['an object as value', (Headers) => new Headers(any({ a: { toString: () => 'told' } })).get('a')],
  ['get, any case', (Headers) => new Headers({ 'Content-Type': 'x' }).get('cONTENT-tYPE')],
  ['get of what is not there', (Headers) => new Headers().get('a')],
  ['get of what is no name', (Headers) => new Headers().get('a b')],
  ['has of what is no name', (Headers) => new Headers().has('')],
  ['delete of what is no name', (Headers) => new Headers().delete('a:b')],
  ['set of what is no name', (Headers) => new Headers().set('ä', '1')],
  [
    'append',
    (Headers) => {
      const headers = new Headers({ A: '1' })
      headers.append('a', ' 2 ')
      return [headers.get('A'), ...headers]
    },
  ],
  [
    'set of one that is there twice',
    (Headers) => {
      const headers = new Headers([
        ['a', '1'],
        ['b', '2'],
        ['A', '3'],
      ])
      headers.set('a', '4')
      return headers
    },
  ],
  [
    'delete of one that is there twice',
    (Headers) => {
      const headers = new Headers([
        ['a', '1'],
        ['b', '2'],
        ['A', '3'],
      ])
      headers.delete('a')
      return headers
    },
  ],
  [
    'cookies',
    (Headers) => {
      const headers = new Headers([
        ['set-cookie', 'a'],
        ['x', '1'],
        ['Set-Cookie', 'b'],
      ])
      return [headers.getSetCookie(), headers.get('set-cookie'), [...headers]]
    },
  ],
  ['no cookies', (Headers) => new Headers().getSetCookie()],
  [
    'set of a cookie',
    (Headers) => {
      const headers = new Headers([
        ['set-cookie', 'a'],
        ['set-cookie', 'b'],
      ])
      headers.set('set-cookie', 'c')
      return headers.getSetCookie()
    },
  ],
  [
    'lines of Cookie',
    (Headers) => {
      const headers = new Headers([
        ['cookie', 'a=1'],
        ['Cookie', 'b=2'],
      ])
      return [headers.get('cookie'), [...headers]]
    },
  ],
  [
    'empty values',
    (Headers) => {
      const headers = new Headers([
        ['a', ''],
        ['a', ''],
      ])
      return [headers.get('a'), headers.has('a')]
    },
  ],
  [
    'keys and values',
    (Headers) => {
      const headers = new Headers({ b: '1', A: '2' })
      return [[...headers.keys()], [...headers.values()], [...headers.entries()]]
    },
  ],
  [
    'forEach',
    (Headers) => {
      const seen: unknown[] = []
      new Headers({ b: '1', A: '2' }).forEach(function (this: unknown, ...args) {
        seen.push(this, args[0], args[1])
      }, 'that')
      return seen
    },
  ],
  ['forEach without a function', (Headers) => new Headers().forEach(any(undefined))],
  [
    'changing while iterating',
    (Headers) => {
      const headers = new Headers({ b: '1', c: '2' })
      const seen: string[] = []
      for (const [name] of headers) {
        seen.push(name)
        if (seen.length === 1) headers.append('a', '0')
      }
      return seen
    },
  ],
  [
    'an iterator',
    (Headers) => {
      const entries = new Headers({ a: '1' }).entries()
      return [
        Object.prototype.toString.call(entries),
        entries[Symbol.iterator]() === entries,
        entries.next(),
        entries.next(),
      ].map((step) => JSON.stringify(step))
    },
  ],
  ['too few arguments', (Headers) => (new Headers().get as () => unknown)()],
  ['too few arguments to set', (Headers) => (new Headers().set as (name: string) => unknown)('a')],
  ['its tag', (Headers) => Object.prototype.toString.call(new Headers())],
  [
    'its members',
    (Headers) => {
      const seen: string[] = []
      for (const name in new Headers()) seen.push(name)
      return seen.toSorted()
    },
  ],
  [
    'a subclass',
    (Headers) => {
      class Mine extends Headers {
        readonly mine = 'mine'
      }
      const mine = new Mine({ a: '1' })
      return [
        mine.mine,
        mine instanceof Mine,
        mine instanceof Headers,
        new Headers() instanceof Mine,
        [...new Headers(mine)],
      ]
    },
  ],
  ['JSON', (Headers) => JSON.stringify(new Headers({ a: '1' }))],
  ['Object.fromEntries', (Headers) => JSON.stringify(Object.fromEntries(new Headers({ b: '1', A: '2' })))],
]

describe('Headers answer as the runtime does', () => {
  test.each(cases)('%s', async (_, run) => {
    expect(await told(() => run(Ours as unknown as Class))).toEqual(await told(() => run(Headers)))
  })
})

test('each takes the other', () => {
  const pairs: [string, string][] = [
    ['x', '1'],
    ['Set-Cookie', 'a'],
    ['Set-Cookie', 'b'],
  ]
  const ours = new Ours(pairs)
  expect(ours).toBeInstanceOf(Headers)
  expect(new Headers()).toBeInstanceOf(Ours)
  expect([...new Headers(ours)]).toEqual([...ours])
  expect([...new Ours(new Headers(pairs))]).toEqual([...ours])
  expect(new Response(null, { headers: ours }).headers.getSetCookie()).toEqual(['a', 'b'])
  expect(new Request('http://a/', { headers: ours }).headers.get('x')).toBe('1')
})

test('a name of 50,000 lines is combined in linear time', () => {
  const headers = new Ours()
  for (let at = 0; at < 50_000; at++) headers.append('a', 'b')
  expect(headers.get('a')).toHaveLength(50_000 * 3 - 2)
  headers.delete('A')
  expect([...headers]).toEqual([])
})
