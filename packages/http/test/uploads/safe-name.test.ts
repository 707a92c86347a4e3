import fc from 'fast-check'
import { expect, test } from 'vitest'

import { safeName } from '../../src/uploads/safe-name.ts'

test.each([
  ['a.txt', 'a.txt'],
  ['über uns (1).PDF', 'über uns (1).PDF'],
  ['👩‍🚀.png', '👩‍🚀.png'],
  ['../../etc/passwd', 'passwd'],
  ['C:\\Users\\me\\a.txt', 'a.txt'],
  ['a/b\\c', 'c'],
  ['a/', ''],
  ['..', ''],
  ['.', ''],
  ['...', ''],
  ['', ''],
  ['.bashrc', '.bashrc'],
  ['a.txt. . ', 'a.txt'],
  ['  a', 'a'],
  ['a\0b\r\nc\x1b[31m\x7f', 'abc[31m'],
  ['photo\u202egpj.exe', 'photogpj.exe'],
  ['a:b::$DATA', 'a_b__$DATA'],
  ['<a>|"?*', '_a_____'],
  ['NUL', '_NUL'],
  ['con.tar.gz', '_con.tar.gz'],
  ['COM1', '_COM1'],
  ['com¹.txt', '_com¹.txt'],
  ['console', 'console'],
  ['nul .txt', 'nul .txt'],
])('%j is %j', (sent, safe) => {
  expect(safeName(sent)).toBe(safe)
})

test('no name leads out of its folder, and a safe one stays as it is', () => {
  const names = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('a', '/').replaceAll('b', '..'))
  fc.assert(
    fc.property(names, (sent) => {
      const safe = safeName(sent)
      expect(safe).not.toMatch(/[/\\\0]|^\.*$(?<!^)/)
      expect(['.', '..']).not.toContain(safe)
      expect(safeName(safe)).toBe(safe)
    }),
  )
})
