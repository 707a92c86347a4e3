import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, expect, test } from 'vitest'

import { TokenFile } from '../../src/bridge/token-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'bridge-token-file-'))

afterAll(() => rmSync(folder, { recursive: true }))

test('a change is seen, though it leaves size and time as they were', async () => {
  const path = join(folder, 'tokens')
  writeFileSync(path, 'one: host:1000\n')
  const file = new TokenFile(path)
  for (let turn = 1_000; turn < 1_200; turn++) {
    writeFileSync(path, `one: host:${turn}\n`)
    expect(await file.lookup('one')).toBe(`host:${turn}`)
  }
})

test('those who ask while it is read see what stood there when they asked', async () => {
  const at = mkdtempSync(join(folder, 'many-'))
  writeFileSync(join(at, 'b'), 'x: y:1\n'.repeat(50_000))
  const file = new TokenFile(at)
  for (let turns = 0; turns < 40; turns += 2) {
    writeFileSync(join(at, 'a'), 'one: a:1\n')
    writeFileSync(join(at, 'b'), 'x: y:1\n'.repeat(50_000))
    const first = file.lookup('one')
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
    writeFileSync(join(at, 'a'), 'one: b:1\n')
    const later = [file.lookup('one'), file.lookup('one'), file.lookup('one')]
    // It may meet the file while it is written, and empty.
    expect(['a:1', 'b:1', undefined]).toContain(await first)
    expect(await Promise.all(later)).toEqual(['b:1', 'b:1', 'b:1'])
  }
})

test('a file that cannot be read forgets what stood there, and comes back', async () => {
  const path = join(folder, 'gone')
  const file = new TokenFile(path)
  await expect(file.lookup('one')).rejects.toThrow('Cannot read tokens: no such file')
  writeFileSync(path, 'one: a:1\n')
  expect(await file.lookup('one')).toBe('a:1')
  rmSync(path)
  await expect(Promise.all([file.lookup('one'), file.lookup('one')])).rejects.toThrow('no such file')
  writeFileSync(path, 'two: b:1\n')
  expect([await file.lookup('one'), await file.lookup('two')]).toEqual([undefined, 'b:1'])
})

test('fifty thousand tokens, and lines that are hard to read, take no time to speak of', async () => {
  const path = join(folder, 'large')
  const lines = Array.from({ length: 50_000 }, (_, index) => `token-${index}: host:${(index % 60_000) + 1}`)
  writeFileSync(
    path,
    [...lines, ':'.repeat(200_000), ' '.repeat(200_000), `${'a: '.repeat(50_000)}b`].join('\n'),
  )
  const file = new TokenFile(path)
  const since = performance.now()
  expect(await file.lookup('token-49999')).toBe('host:50000')
  expect(await file.lookup('__proto__')).toBe(undefined)
  expect(performance.now() - since).toBeLessThan(2_000)
})
