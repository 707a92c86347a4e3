import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { pathToFileURL } from 'node:url'

import { ClosedError, LimitError } from '@fairlead/core'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { FileError } from '../../src/index.ts'
import { type SavedForm, saveForm, type SaveFormOptions, statusOf } from '../../src/uploads/index.ts'
import { bytesOf, useFolder } from '../client/download/file-server.ts'
import { failure } from '../client/raw-server.ts'
import {
  descriptors,
  field,
  file,
  formRequest,
  Pieces,
  requestWith,
  type WirePart,
  wireForm,
} from './uploads.ts'

const folder = useFolder()

afterEach(() => vi.restoreAllMocks())

const save = (list: readonly WirePart[], options: Partial<SaveFormOptions> = {}): Promise<SavedForm> =>
  saveForm(formRequest(wireForm(list), { size: 10_000 }), { folder: folder.path('.'), ...options })

test('fields and files of a form are there', async () => {
  const body = bytesOf(300_000).toString('latin1')
  await using form = await save(
    [
      field('a', '1'),
      file('f', '../x y.bin', body, 'a/b'),
      field('__proto__', 'p'),
      field('a', '2'),
      field(''),
    ],
    { digest: 'md5', mode: 0o600 },
  )
  expect(Array.from(form.fields)).toEqual([
    ['a', ['1', '2']],
    ['__proto__', ['p']],
    ['', ['']],
  ])
  expect([form.get('a'), form.get('constructor'), form.file('f'), form.file('a')]).toEqual([
    '1',
    undefined,
    form.files[0],
    undefined,
  ])
  expect(form.files).toMatchObject([
    { name: 'f', filename: 'x y.bin', sentFilename: '../x y.bin', type: 'a/b', size: 300_000 },
  ])
  const [saved] = form.files
  expect(saved!.digest).toMatch(/^[\da-f]{32}$/)
  expect(readFileSync(saved!.path, 'latin1') === body).toBe(true)
  expect(statSync(saved!.path).mode & 0o777).toBe(0o600)
})

test('what was kept stays, and all else is gone', async () => {
  const inner = async (): Promise<void> => {
    await using form = await save([file('a', 'a', 'ahoy'), file('b', 'b'), file('c', 'c')])
    expect(folder.names()).toHaveLength(3)
    const [a] = form.files
    const kept = await a!.keep(pathToFileURL(folder.path('kept')), { fsync: true })
    expect(kept).toEqual({ path: folder.path('kept'), size: 4, digest: undefined, created: true })
    expect(a!.path).toBe(folder.path('kept'))
    expect(await failure(a!.keep(folder.path('again')))).toBeInstanceOf(ClosedError)
  }
  await inner()
  expect(folder.names()).toEqual(['kept'])
  expect(readFileSync(folder.path('kept'), 'utf8')).toBe('ahoy')
})

test('a file that cannot be kept can be kept elsewhere', async () => {
  writeFileSync(folder.path('there'), 'old')
  await using form = await save([file('a', 'a', 'new')])
  const [a] = form.files
  expect(await failure(a!.keep(folder.path('there')))).toMatchObject({ code: 'ERR_FAIRLEAD_FILE_EXISTS' })
  expect(await failure(a!.keep(folder.path('no/a')))).toBeInstanceOf(FileError)
  expect(await failure(a!.keep(folder.path('a'), { mode: 1 } as never))).toBeInstanceOf(TypeError)
  expect(await a!.keep(folder.path('there'), { overwrite: true })).toMatchObject({ created: false })
  expect(readFileSync(folder.path('there'), 'utf8')).toBe('new')
})

test('a file that is removed meanwhile waits until it is kept', async () => {
  const form = await save([file('a', 'a', 'new'), file('b', 'b')])
  writeFileSync(folder.path('there'), 'old')
  const [a, b] = form.files
  const keeping = [a!.keep(folder.path('kept')), failure(b!.keep(folder.path('there')))]
  await form[Symbol.asyncDispose]()
  await Promise.all(keeping)
  expect(folder.names()).toEqual(['kept', 'there'])
  expect(await failure(b!.keep(folder.path('b')))).toBeInstanceOf(ClosedError)
})

test('an input that no file was chosen for is none', async () => {
  await using form = await save([file('a', ''), file('b', '', 'x'), file('c', '..', 'x')])
  expect(form.files.map(({ name, filename }) => [name, filename])).toEqual([
    ['b', ''],
    ['c', ''],
  ])
  expect(folder.names()).toHaveLength(2)
})

describe('nothing is left, and no descriptor,', () => {
  const settle = async (saving: Promise<unknown>): Promise<Error> => {
    const before = descriptors()
    const error = await failure(saving)
    expect(folder.names()).toEqual([])
    expect(descriptors()).toBeLessThanOrEqual(before)
    return error
  }
  const large = [file('a', 'a', 'x'), file('b', 'b', 'x'.repeat(900_000))]

  test('of a form that meets a limit', async () => {
    expect(await settle(save(large, { fileSize: 800_000 }))).toBeInstanceOf(LimitError)
    expect(await settle(save(large, { files: 1 }))).toBeInstanceOf(LimitError)
  })

  test('of one that is aborted', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const pieces = new Pieces(wireForm(large), 10_000)
    const type = { 'Content-Type': 'multipart/form-data; boundary=b0undary' }
    const saving = saveForm(requestWith(pieces.stream, type), {
      folder: folder.path('.'),
      signal: controller.signal,
    })
    await vi.waitFor(() => expect(folder.names()).toHaveLength(2), { interval: 0 })
    controller.abort(reason)
    expect(await settle(saving)).toBe(reason)
    expect(pieces.cancelled).toBe(reason)
    expect(await settle(save(large, { signal: controller.signal }))).toBe(reason)
  })

  test('on a disk that is full', async () => {
    const handle = await fs.open('/dev/null', 'r')
    await handle.close()
    const system = Object.assign(new Error('ENOSPC: of the test'), { code: 'ENOSPC' })
    const proto = Object.getPrototypeOf(handle) as fs.FileHandle
    const { write } = proto
    let writes = 0
    vi.spyOn(proto, 'write').mockImplementation(function (this: fs.FileHandle, ...given) {
      if (++writes === 3) return Promise.reject(system)
      return write.apply(this, given as never) as never
    })
    const error = await settle(save(large))
    expect(error).toBeInstanceOf(FileError)
    expect(statusOf(error)).toBe(507)
  })

  test('where the folder is missing, or is none', async () => {
    const pieces = new Pieces(wireForm(large))
    const request = requestWith(pieces.stream, { 'Content-Type': 'multipart/form-data; boundary=b0undary' })
    await settle(saveForm(request, { folder: folder.path('no') }))
    await settle(saveForm(request, { folder: '/dev/null' }))
    expect(pieces.given).toBe(0)
    expect(request.bodyUsed).toBe(false)
  })

  test.each([
    [{ folder: '' }, 'folder'],
    [{ folder: 5 as unknown as string }, 'folder'],
    [{ into: 'x' } as never, 'into'],
    [{ parts: 0.5 }, 'parts'],
    [{ digest: 'crc' as never }, 'digest'],
  ])('for wrong arguments: %o', async (options, name) => {
    expect((await settle(save(large, options))).message).toContain(`Invalid option ${name}`)
  })
})

test('a folder of another file system is no hindrance', async () => {
  // As far as anybody can tell without one.
  mkdirSync(folder.path('in'))
  const form = await save([file('a', 'a', 'ahoy'), file('b', 'b', 'bye')], { folder: folder.path('in') })
  const spied = await import('../../src/disk/file-target.ts')
  const { place } = spied.FileTarget.prototype
  vi.spyOn(spied.FileTarget.prototype, 'place').mockImplementation(function (
    this: InstanceType<typeof spied.FileTarget>,
    from,
    fsync,
  ) {
    const cause = Object.assign(new Error('EXDEV'), { code: 'EXDEV' })
    if (from.startsWith(folder.path('in'))) {
      return Promise.reject(new FileError(this.path, 'other device', 'ERR_FAIRLEAD_FILE', cause))
    }
    return place.call(this, from, fsync)
  })
  await form.files[0]!.keep(folder.path('kept'))
  writeFileSync(folder.path('there'), 'old')
  expect(await failure(form.files[1]!.keep(folder.path('there')))).toBeInstanceOf(FileError)
  await form[Symbol.asyncDispose]()
  expect(readFileSync(folder.path('kept'), 'utf8')).toBe('ahoy')
  expect(folder.names()).toEqual(['in', 'kept', 'there'])
})
