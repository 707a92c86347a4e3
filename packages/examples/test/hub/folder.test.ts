import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { Folder } from '../../src/hub/folder.ts'
import { leftovers } from './cast.ts'

let path: string
let folder: Folder

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'fairlead-'))
  folder = await Folder.open(path)
})

afterEach(async () => {
  folder.close()
  await rm(path, { recursive: true })
})

/** A request that brings these bytes. */
function bringing(content: AsyncGenerator<Uint8Array> | string): Request {
  const body = typeof content === 'string' ? content : ReadableStream.from(content)
  return new Request('http://localhost/', { method: 'PUT', body, duplex: 'half' })
}

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

const add = (name: string, body: AsyncGenerator<Uint8Array> | string) =>
  folder.add(name, bringing(body), 1_000_000)

function changed(): Promise<void> {
  return new Promise((resolve) => {
    const stop = folder.follow(() => {
      stop()
      resolve()
    })
  })
}

function openDescriptors(): Promise<string[]> {
  return readdir('/proc/self/fd')
}

test('a file that was added is listed, whole, and nothing else is there', async () => {
  const file = await add('report.pdf', pieces('a', 'b', 'c'))
  expect(file).toMatchObject({ name: 'report.pdf', size: 3 })
  expect(folder.files).toEqual([file])
  expect(await readFile(join(path, 'report.pdf'), 'utf8')).toBe('abc')
  expect(await leftovers(path)).toEqual([])
})

test('never replaces a file, however many come at once', async () => {
  const added = await Promise.all(Array.from({ length: 20 }, (_, index) => add('a.txt', `${index}`)))
  expect(new Set(added.map(({ name }) => name))).toEqual(
    new Set(['a.txt', ...Array.from({ length: 19 }, (_, index) => `a (${index + 2}).txt`)]),
  )
  const contents = await Promise.all(added.map(({ name }) => readFile(join(path, name), 'utf8')))
  expect(contents).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`))
})

test('an upload that breaks off at any piece leaves nothing', async () => {
  for (let pieces = 0; pieces < 4; pieces++) {
    async function* broken(): AsyncGenerator<Uint8Array> {
      for (let piece = 0; piece < pieces; piece++) yield Buffer.alloc(100_000)
      throw new Error('the client is gone')
    }
    const before = await openDescriptors()
    await expect(add('a.txt', broken())).rejects.toThrow('the client is gone')
    // The test runner opens files, too.
    await expect.poll(async () => (await openDescriptors()).length).toBe(before.length)
  }
  expect(await readdir(path)).toEqual(['.fairlead'])
  expect(await leftovers(path)).toEqual([])
})

test.each([
  ['../../../etc/passwd', 'passwd'],
  ['..', 'unnamed'],
  ['.fairlead', 'fairlead'],
  ['a\0b', 'ab'],
  ['C:\\a.txt', 'a.txt'],
  ['a.txt::$DATA', 'a.txt$DATA'],
  ['trailing.', 'trailing'],
  ['', 'unnamed'],
  ['__proto__', '__proto__'],
])('%j stays inside the folder, as %j', async (wanted, name) => {
  expect((await add(wanted, 'x')).name).toBe(name)
  expect(await readdir(path)).toEqual(['.fairlead', name].toSorted())
})

test('files that come and go by hand are noticed', async () => {
  const arrival = changed()
  await writeFile(join(path, 'by-hand.txt'), 'hello')
  await arrival
  await folder.refresh()
  expect(folder.files).toMatchObject([{ name: 'by-hand.txt', size: 5 }])
  const departure = changed()
  await rm(join(path, 'by-hand.txt'))
  await departure
  expect(folder.files).toEqual([])
})

test('links, folders, pipes and hidden files are not listed', async () => {
  await symlink('/etc/passwd', join(path, 'link'))
  await mkdir(join(path, 'sub'))
  await writeFile(join(path, '.hidden'), 'x')
  await writeFile(join(path, 'back\\slash'), 'x')
  await folder.refresh()
  expect(folder.files).toEqual([])
})

test('opening clears away what a killed hub left, and keeps the rest', async () => {
  await writeFile(join(path, '.fairlead/.arriving-4194304-00000000-x.part'), 'half')
  await writeFile(join(path, '.fairlead/movie.mkv.part'), 'half')
  await writeFile(join(path, 'whole.txt'), 'x')
  const again = await Folder.open(path)
  again.close()
  expect(await leftovers(path)).toEqual(['movie.mkv.part'])
  expect(again.files).toMatchObject([{ name: 'whole.txt' }])
})

test('a folder that cannot be used is an error that says why', async () => {
  await writeFile(join(path, 'file'), '')
  await expect(Folder.open(join(path, 'file'))).rejects.toThrow(/^Cannot use folder .*file: \w/)
  await expect(Folder.open('/proc/fairlead')).rejects.toThrow('Cannot use folder /proc/fairlead: ')
})
