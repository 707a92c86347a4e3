import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { IdentityFiles } from '../../src/certificate.ts'
import { type ServeFlags, settingsOf } from '../../src/serve/settings.ts'

const usual: ServeFlags = { maxUpload: 1_000, listing: true, log: 'line', qr: true }
const settings = (flags: Partial<ServeFlags> = {}) => settingsOf('.', { ...usual, ...flags })

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-serve-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('nobody but this machine can call it, unless somebody says so', async () => {
  expect(await settings()).toMatchObject({ host: '127.0.0.1', loopback: true, port: undefined })
  expect(await settings({ lan: true })).toMatchObject({ host: '0.0.0.0', loopback: false })
  for (const host of ['localhost', '127.0.0.2', '::1']) {
    expect(await settings({ host })).toMatchObject({ host, loopback: true })
  }
  for (const host of ['::', '192.168.1.2'])
    expect(await settings({ host })).toMatchObject({ loopback: false })
})

test('users come from the command line and from a file', async () => {
  expect((await settings()).users).toBeUndefined()
  const authFile = join(folder, 'users')
  await writeFile(authFile, 'bob:other\n')
  const { users } = await settings({ auth: 'ann:secret', authFile })
  expect(users?.names).toEqual(['ann', 'bob'])
  expect(users?.knows('bob', 'other')).toBe(true)
})

test('certificates are made, or read from files', async () => {
  expect((await settings()).tls).toBeUndefined()
  expect((await settings({ tls: true })).tls).toBe('made')
  expect((await settings({ cert: 'a', key: 'b' })).tls).toEqual(new IdentityFiles('a', 'b'))
})

test('an application of one page has no listings', async () => {
  expect(await settings({ spa: true })).toMatchObject({ spa: true, listing: false })
  expect(await settings({ listing: false })).toMatchObject({ listing: false })
})

test('what does not go together is refused, and no password is said', async () => {
  await expect(settings({ lan: true, host: '::' })).rejects.toThrow('--lan and --host say two things')
  await expect(settings({ overwrite: true })).rejects.toThrow('--overwrite means nothing without --upload')
  await expect(settings({ cert: 'a' })).rejects.toThrow('--cert and --key go together')
  await expect(settings({ key: 'a' })).rejects.toThrow('--cert and --key go together')
  await expect(settings({ auth: 'hunter2' })).rejects.toThrow(
    /^Cannot read the user: it takes user:password$/,
  )
  await expect(settings({ authFile: join(folder, 'none') })).rejects.toThrow(
    `Cannot read ${join(folder, 'none')}: no such file or directory`,
  )
  await writeFile(join(folder, 'empty'), '# nobody\n')
  await expect(settings({ authFile: join(folder, 'empty') })).rejects.toThrow('There is no user in ')
})
