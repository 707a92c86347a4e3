import { existsSync, readFileSync, writeFileSync } from 'node:fs'

import { expect, test, vi } from 'vitest'

import { failure } from '../raw-server.ts'
import { useFolder } from './file-server.ts'

const folder = useFolder()

test('without hard links a file that is there stays as well', async () => {
  // Two names on file systems of which only the mock is without links.
  vi.doMock('node:fs/promises', async (original) => ({
    ...(await original<object>()),
    link: () => Promise.reject(Object.assign(new Error('EPERM'), { code: 'EPERM' })),
  }))
  vi.resetModules()
  const { FileTarget } = await import('../../../src/disk/file-target.ts')
  vi.doUnmock('node:fs/promises')
  writeFileSync(folder.path('a'), 'new')
  await new FileTarget(folder.path('file'), false).place(folder.path('a'), false)
  expect(folder.names()).toEqual(['file'])
  writeFileSync(folder.path('a'), 'newer')
  const error = await failure(new FileTarget(folder.path('file'), false).place(folder.path('a'), false))
  expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_FILE_EXISTS' })
  expect(readFileSync(folder.path('file'), 'utf8')).toBe('new')
  expect(existsSync(folder.path('a'))).toBe(true)
})
