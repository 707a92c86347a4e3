import { expect, test } from 'vitest'

import { isSafeName, numbered, safeName } from '../../src/files/names.ts'

test.each([
  ['report.pdf', 'report.pdf'],
  ['Übersicht – Q3 (final).pdf', 'Übersicht – Q3 (final).pdf'],
  ['写真 📷.jpg', '写真 📷.jpg'],
  ['u\u0308ber.txt', 'über.txt'],
  ['../../etc/passwd', 'passwd'],
  ['..\\..\\boot.ini', 'boot.ini'],
  ['C:\\Users\\me\\a.txt', 'a.txt'],
  ['C:', 'C'],
  ['..', 'unnamed'],
  ['.', 'unnamed'],
  ['', 'unnamed'],
  ['a/', 'unnamed'],
  ['...hidden', 'hidden'],
  ['.fairlead', 'fairlead'],
  ['. . .bashrc', 'bashrc'],
  ['a.txt::$DATA', 'a.txt$DATA'],
  ['trailing. . ', 'trailing'],
  ['nul', 'unnamed'],
  ['.con', 'unnamed'],
  ['LPT1.txt', 'unnamed'],
  ['co:n', 'unnamed'],
  ['a\0b\r\n\x1b[31mc\x7f\x85.txt', 'abc[31mc.txt'.replace('abc', 'ab')],
  ['photo\u202egpj.exe', 'photogpj.exe'],
  ['what?*<>|".txt', 'what.txt'],
  ['__proto__', '__proto__'],
  ['constructor', 'constructor'],
])('%j is kept as %j', (wanted, name) => {
  expect(safeName(wanted)).toBe(name)
  expect(safeName(name)).toBe(name)
})

test('a long name is shortened by bytes and keeps its extension', () => {
  const name = safeName(`${'ä'.repeat(300)}.tar`)
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200)
  expect(name).toMatch(/^ä+\.tar$/)
  expect(safeName(`${'a'.repeat(199)} .txt`.repeat(50))).toMatch(/^[a .tx]+\.txt$/)
})

test('any text ends as one safe name, in linear time', () => {
  const alphabet = [
    '.',
    ' ',
    '/',
    '\\',
    'con',
    'nul',
    ':',
    '\0',
    '\u202e',
    'ä',
    'a\u0308',
    '😀',
    '.txt',
    '\ud800',
  ]
  let seed = 1
  const next = () => (seed = (seed * 48_271) % 2_147_483_647)
  for (let round = 0; round < 2_000; round++) {
    const wanted = Array.from({ length: next() % 12 }, () => alphabet[next() % alphabet.length]).join('')
    const name = safeName(wanted)
    expect(isSafeName(name), JSON.stringify([wanted, name])).toBe(true)
    expect(name).not.toMatch(/^[. ]|[. ]$|[/\\:\0]/)
  }
  const started = performance.now()
  for (const mean of ['.', ' ', '. ', 'a. ']) safeName(`${mean.repeat(50_000)}x`)
  expect(performance.now() - started).toBeLessThan(500)
})

test('the second of a name gets a number before its extension', () => {
  expect(numbered('report.pdf', 1)).toBe('report.pdf')
  expect(numbered('report.pdf', 2)).toBe('report (2).pdf')
  expect(numbered('README', 3)).toBe('README (3)')
})
