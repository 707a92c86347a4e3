import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { dateOf, readFolder, type ReadFolderOptions } from '../../../src/files/listing/read-folder.ts'
import { useFolder } from '../../client/download/file-server.ts'

const place = useFolder()
const accept = (): boolean => true

async function names(options: Partial<ReadFolderOptions> = {}): Promise<string[]> {
  const { entries } = await readFolder(place.path(''), { accept, ...options })
  return entries.map(({ name }) => name).toSorted()
}

function write(...names: string[]): void {
  for (const name of names) writeFileSync(place.path(name), name)
}

test('files have their size and date, folders a date', async () => {
  const date = new Date('2024-07-14T12:30:05.000Z')
  write('four')
  mkdirSync(place.path('folder'))
  for (const name of ['four', 'folder']) utimesSync(place.path(name), date, date)
  const { entries, truncated } = await readFolder(place.path(''), { accept })
  expect(entries).toHaveLength(2)
  expect(entries).toContainEqual({ name: 'four', kind: 'file', size: 4, modified: date })
  expect(entries).toContainEqual({ name: 'folder', kind: 'folder', size: undefined, modified: date })
  expect(truncated).toBe(false)
})

test('an empty folder has no entries', async () => {
  expect(await readFolder(place.path(''), { accept })).toEqual({ entries: [], truncated: false })
})

test.runIf(process.platform === 'linux')(
  'a folder is read through what is open, whatever its name leads to',
  async () => {
    mkdirSync(place.path('folder'))
    write('folder/inside')
    const handle = await open(place.path('folder'))
    try {
      renameSync(place.path('folder'), place.path('moved'))
      mkdirSync(place.path('folder'))
      write('folder/other')
      const { entries } = await readFolder(`/proc/self/fd/${handle.fd}`, { accept })
      expect(entries.map(({ name }) => name)).toEqual(['inside'])
    } finally {
      await handle.close()
    }
  },
)

test('what cannot be read, or is none, says so', async () => {
  write('file')
  await expect(readFolder(place.path('none'), { accept })).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(readFolder(place.path('file'), { accept })).rejects.toMatchObject({ code: 'ENOTDIR' })
})

test('an entry that vanishes meanwhile is left out', async () => {
  write('a', 'b', 'c')
  const vanish = (name: string): boolean => {
    if (name === 'b') unlinkSync(place.path('b'))
    return true
  }
  expect(await names({ accept: vanish })).toEqual(['a', 'c'])
})

test('a folder that vanishes meanwhile is empty', async () => {
  mkdirSync(place.path('folder'))
  write('folder/a')
  const vanish = (): boolean => {
    rmSync(place.path('folder'), { recursive: true })
    return true
  }
  const { entries } = await readFolder(place.path('folder'), { accept: vanish })
  expect(entries).toEqual([])
})

test('what is neither a file nor a folder is left out', async () => {
  write('file')
  const server = createServer().listen(place.path('socket'))
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  expect(place.names()).toEqual(['file', 'socket'])
  expect(await names()).toEqual(['file'])
})

test('no more entries are read than are allowed', async () => {
  write('a', 'b', 'c', 'd', 'e')
  const some = await readFolder(place.path(''), { accept, maxEntries: 3 })
  expect(some.entries).toHaveLength(3)
  expect(some.truncated).toBe(true)
  const all = await readFolder(place.path(''), { accept, maxEntries: 5 })
  expect(all.entries).toHaveLength(5)
  expect(all.truncated).toBe(false)
})

test('names that may not be seen take no places, but are not read without end', async () => {
  const hidden = Array.from({ length: 21 }, (_, at) => `hidden${at}`)
  write(...hidden)
  let seen = 0
  const hide = (): boolean => {
    seen++
    return false
  }
  expect(await readFolder(place.path(''), { accept: hide, maxEntries: 2 })).toEqual({
    entries: [],
    truncated: true,
  })
  expect(seen).toBe(20)
  write('seen')
  expect(await names({ accept: (name) => name === 'seen', maxEntries: 3 })).toEqual(['seen'])
})

test('only some files are looked at together', async () => {
  for (let at = 0; at < 100; at++) symlinkSync('nothing', place.path(`link${at}`))
  let together = 0
  let most = 0
  const follow = async (): Promise<undefined> => {
    most = Math.max(most, ++together)
    await new Promise(setImmediate)
    together--
  }
  expect(await names({ follow })).toEqual([])
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(32)
})

test('links that nobody follows are left out, and so are those that cannot be followed', async () => {
  write('file')
  symlinkSync('file', place.path('link'))
  expect(await names()).toEqual(['file'])
  expect(await names({ follow: () => Promise.reject(new Error('ELOOP')) })).toEqual(['file'])
})

test.runIf(process.platform === 'linux')('names that are no UTF-8 are left out', async () => {
  write('fine')
  writeFileSync(Buffer.concat([Buffer.from(join(place.path(''), 'b')), Buffer.from([0xff, 0x80])]), '')
  expect(place.names()).toHaveLength(2)
  const asked: string[] = []
  const note = (name: string): boolean => {
    asked.push(name)
    return true
  }
  expect(await names({ accept: note })).toEqual(['fine'])
  expect(asked).toEqual(['fine'])
})

test('dates that cannot be written are the nearest that can', () => {
  expect(dateOf(1e18).toISOString()).toBe('9999-12-31T23:59:59.999Z')
  expect(dateOf(-1e18).toISOString()).toBe('0001-01-01T00:00:00.000Z')
  expect(dateOf(1_000).toISOString()).toBe('1970-01-01T00:00:01.000Z')
})
