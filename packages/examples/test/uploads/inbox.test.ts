import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { type Destination, expiration, Inbox, TakenError } from '../../src/uploads/inbox.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-inbox-'))
})
afterEach(() => rm(folder, { recursive: true }))

const at = (name: string): string => join(folder, name)

async function arrived(inbox: Inbox, text: string): Promise<string> {
  const file = inbox.temporary()
  await writeFile(file, text)
  return file
}

async function keep(inbox: Inbox, name: string, text: string, options: Partial<Destination> = {}) {
  return inbox.keep(await arrived(inbox, text), { folder, name, exact: false, ...options })
}

test('a file gets a safe name, and never that of another one', async () => {
  const inbox = await Inbox.open(folder, { overwrite: false })
  expect(await keep(inbox, '../../etc/notes.txt', 'one')).toEqual({
    name: 'notes.txt',
    size: 3,
    replaced: false,
  })
  expect(await keep(inbox, 'notes.txt', 'two')).toMatchObject({ name: 'notes (2).txt' })
  expect(await keep(inbox, '.bashrc', '')).toMatchObject({ name: 'bashrc' })
  expect(await keep(inbox, '.fairlead', '')).toMatchObject({ name: 'fairlead' })
  expect(await readFile(at('notes.txt'), 'utf8')).toBe('one')
  expect(await readdir(inbox.workshop)).toEqual(['resumable'])
})

test('an exact name that is taken is refused, before and behind the body', async () => {
  const inbox = await Inbox.open(folder, { overwrite: false })
  await writeFile(at('notes.txt'), 'precious')
  const destination = { folder, name: 'notes.txt', exact: true }
  await expect(inbox.check(destination)).rejects.toThrow(TakenError)
  await expect(keep(inbox, 'notes.txt', 'two', { exact: true })).rejects.toThrow(/without --overwrite/)
  expect(await readFile(at('notes.txt'), 'utf8')).toBe('precious')
  await inbox.check({ ...destination, exact: false })
  await inbox.check({ ...destination, name: 'free' })
})

test('with overwrite a file is replaced, and a folder is not', async () => {
  const inbox = await Inbox.open(folder, { overwrite: true })
  await writeFile(at('notes.txt'), 'old')
  await mkdir(at('folder'))
  expect(await keep(inbox, 'notes.txt', 'new!')).toEqual({ name: 'notes.txt', size: 4, replaced: true })
  expect(await keep(inbox, 'other', '', { exact: true })).toMatchObject({ replaced: false })
  await expect(keep(inbox, 'folder', '')).rejects.toThrow('there is a folder of that name')
  await expect(inbox.check({ folder, name: 'folder', exact: true })).rejects.toThrow(TakenError)
  expect(await readFile(at('notes.txt'), 'utf8')).toBe('new!')
})

test('with overwrite, no file is replaced by one of another name', async () => {
  const inbox = await Inbox.open(folder, { overwrite: true })
  await keep(inbox, 'env', 'mine', { exact: true })
  await expect(keep(inbox, '.env', 'theirs', { exact: true })).rejects.toThrow('there is a file of that name')
  expect((await keep(inbox, '.env', 'theirs', { exact: false })).name).toBe('env (2)')
})

test('what nobody has touched for a day is taken away', async () => {
  const inbox = await Inbox.open(folder, { overwrite: false })
  const old = new Date(Date.now() - expiration - 1_000)
  for (const name of ['arriving-x', 'finished-x', 'resumable/x', 'resumable/x.json', 'resumable/y.json']) {
    await writeFile(join(inbox.workshop, name), '')
    await utimes(join(inbox.workshop, name), old, old)
  }
  await writeFile(join(inbox.resumable, 'y'), '')
  await Inbox.open(folder, { overwrite: false })
  expect(await readdir(inbox.workshop)).toEqual(['resumable'])
  expect(await readdir(inbox.resumable)).toEqual(['y', 'y.json'])
})

test('a body is taken away as soon as its process is gone, since nobody can go on with it', async () => {
  const inbox = await Inbox.open(folder, { overwrite: false })
  const ours = (await arrived(inbox, 'x')).slice(inbox.workshop.length + 1)
  const before = ours.replace(/-[\da-f]{8}-/, '-00000000-')
  const of = (pid: number) => `.arriving-${pid}-00000000-x.part`
  // One more than Linux can have, and the parent, which lives.
  for (const name of [before, of(4_194_305), of(process.ppid)])
    await writeFile(join(inbox.workshop, name), '')
  await Inbox.open(folder, { overwrite: false })
  expect((await readdir(inbox.workshop)).toSorted()).toEqual([of(process.ppid), ours, 'resumable'])
})

test('what others keep there stays, however old it is', async () => {
  const inbox = await Inbox.open(folder, { overwrite: false })
  const part = join(inbox.workshop, `${'a1'.repeat(32)}.part`)
  await writeFile(part, 'half of what fairlead receive waits for')
  await utimes(part, 1e9, 1e9)
  await inbox.sweep()
  expect(await readdir(inbox.workshop)).toHaveLength(2)
})

test('it tells how much room there is, and refuses a folder that cannot be written', async () => {
  const inbox = await Inbox.open(folder, { overwrite: false })
  expect(await inbox.room()).toBeGreaterThan(0)
  expect((await stat(inbox.resumable)).isDirectory()).toBe(true)
  await expect(Inbox.open('/proc/self/net', { overwrite: false })).rejects.toThrow(/^Cannot use folder /)
})
