import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { HostTable, hostNameOf } from '../../src/tls/host-name.ts'

describe('a host name', () => {
  test.each([
    ['a.example', 'a.example'],
    ['A.Example.', 'a.example'],
    ['localhost', 'localhost'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['_dns.a-b.example', '_dns.a-b.example'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ])('%s is %s', (text, name) => expect(hostNameOf(text)).toBe(name))

  test.each([
    '',
    '.',
    '..',
    '.example',
    'a..example',
    '../../etc/passwd',
    'a/b',
    'a\\b',
    'a b',
    'a\0b',
    '*.example',
    'bücher.example',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}toolong`,
  ])('%j is none', (text) => expect(hostNameOf(text)).toBeUndefined())

  test('stays what it is', () => {
    fc.assert(
      fc.property(fc.domain(), (text) => {
        const name = hostNameOf(text)
        expect(name).toBe(text.toLowerCase())
        expect(hostNameOf(`${text}.`)).toBe(name)
      }),
    )
  })

  test('takes linear time', () => {
    expect(hostNameOf('a-'.repeat(500_000))).toBeUndefined()
    expect(hostNameOf('a.'.repeat(500_000))).toBeUndefined()
  })
})

describe('a table by host names', () => {
  const table = new HostTable<string>()
  table.set('names', 'A.example', 'exact')
  table.set('names', '*.example', 'below example')
  table.set('names', '*.a.example', 'below a')

  test.each([
    ['a.example', 'exact'],
    ['b.example', 'below example'],
    ['x.a.example', 'below a'],
    ['x.b.example', undefined],
    ['example', undefined],
    ['x.x.a.example', undefined],
    ['__proto__', undefined],
    ['constructor', undefined],
  ])('%s is %s', (name, value) => expect(table.get(name)).toBe(value))

  test.each(['', '*', '*.', '*.*.example', 'a.*.example', 'a b', 'a*.example'])(
    '%j is refused',
    (pattern) => {
      expect(() => table.set('names', pattern, 'x')).toThrow(TypeError)
    },
  )
})
