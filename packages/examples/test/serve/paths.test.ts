import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { Folders, isOwn, segmentsOf } from '../../src/serve/paths.ts'

test.each([
  ['/', []],
  ['/a/b%20c/', ['a', 'b c']],
  ['/a/b', ['a', 'b']],
  ['/%C3%BC', ['ü']],
])('%s leads to %j', (path, names) => expect(segmentsOf(path)).toEqual(names))

test.each(['/a//b', '//', '/..', '/%2e%2e/x', '/a%2fb', '/a%5cb', '/a\\b', '/a%00', '/%ff', '/%', '/./a'])(
  '%s leads nowhere',
  (path) => expect(segmentsOf(path)).toBeUndefined(),
)

test('what is its own is so in every spelling that a file system takes for the same', () => {
  for (const name of ['.fairlead', '.FairLead', '.fairlead.', '.fairlead-copy', '.fair\u200clead']) {
    expect(isOwn(['a', name])).toBe(true)
  }
  expect(isOwn(['fairlead', '.fair', 'x.fairlead'])).toBe(false)
})

let root = ''
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'fairlead-serve-')))
  for (const folder of ['sub/deep', '.git', '.fairlead']) {
    await mkdir(join(root, folder), { recursive: true })
  }
  await writeFile(join(root, 'file'), '')
  await symlink(join(root, 'sub'), join(root, 'inside'))
  await symlink(tmpdir(), join(root, 'outside'))
  await symlink(join(root, '.fairlead'), join(root, 'own'))
})
afterEach(() => rm(root, { recursive: true }))

test('a folder that can be seen is found', async () => {
  const folders = new Folders(root, false)
  expect(await folders.find([])).toBe(root)
  expect(await folders.find(['sub', 'deep'])).toBe(join(root, 'sub/deep'))
  expect(await folders.find(['inside'])).toBe(join(root, 'sub'))
})

test('what is outside, hidden, its own or no folder is not', async () => {
  for (const names of [['outside'], ['.git'], ['.fairlead'], ['.Fairlead'], ['own'], ['file'], ['nothing']]) {
    expect(await new Folders(root, false).find(names)).toBeUndefined()
  }
  const open = new Folders(root, true)
  expect(await open.find(['.git'])).toBe(join(root, '.git'))
  expect(await open.find(['.fairlead'])).toBeUndefined()
  expect(await open.find(['own'])).toBeUndefined()
})
