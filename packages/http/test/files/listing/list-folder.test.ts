import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'

import { beforeEach, describe, expect, test } from 'vitest'

import { listFolder } from '../../../src/files/listing/list-folder.ts'
import { useFolder } from '../../client/download/file-server.ts'
import { namesIn } from './folders.ts'

const place = useFolder()
let root: string

beforeEach(() => {
  root = place.path('root')
  mkdirSync(root)
})

function write(...names: string[]): void {
  for (const name of names) writeFileSync(place.path(name), name)
}

test('a folder is listed in the order that the query asks for', async () => {
  write('root/b10', 'root/b9')
  mkdirSync(place.path('root/z'))
  const request = new Request('http://localhost/?sort=name&order=desc')
  expect(await namesIn(root)).toEqual(['z/', 'b9', 'b10'])
  expect(await namesIn(root, '/', { request })).toEqual(['z/', 'b10', 'b9'])
})

test('a listing knows where it is, and whether there is something above', async () => {
  mkdirSync(place.path('root/sub'))
  const list = (path: string, prefix: string, folder: string) =>
    listFolder({
      folder,
      path,
      prefix,
      root,
      request: new Request('http://localhost/'),
      dotfiles: 'ignore',
      symlinks: 'inside',
    })
  expect(await list('/', '/', root)).toMatchObject({ path: '/', prefix: '/', parent: false })
  expect(await list('/sub/', '/', place.path('root/sub'))).toMatchObject({ path: '/sub/', parent: true })
  const under = await list('/static/', '/static/', root)
  expect(under).toMatchObject({ path: '/static/', prefix: '/static/', parent: false })
  expect(under.entries.map(({ name }) => name)).toEqual(['sub'])
  expect(await list('/static/sub/', '/static/', place.path('root/sub'))).toMatchObject({ parent: true })
})

test('names that no URL reaches are left out', async () => {
  write('root/fine name', 'root/100%', 'root/%2e%2e', 'root/a?b#c', 'root/javascript:alert(1)', 'root/é')
  write('root/a\\b', 'root/line\nbreak', 'root/tab\t', 'root/\x7f', 'root/c1\u0085')
  expect(await namesIn(root)).toEqual(
    expect.arrayContaining(['fine name', '100%', '%2e%2e', 'a?b#c', 'javascript:alert(1)', 'é']),
  )
  expect(await namesIn(root)).toHaveLength(6)
})

describe('dotfiles', () => {
  beforeEach(() => {
    mkdirSync(place.path('root/.well-known'))
    mkdirSync(place.path('root/sub/.well-known'), { recursive: true })
    write('root/.env', 'root/\u200b.env', 'root/a.env', 'root/sub/.env')
  })

  test.each(['ignore', 'deny'] as const)('are left out where they are not served: %s', async (dotfiles) => {
    expect(await namesIn(root, '/', { dotfiles })).toEqual(['.well-known/', 'sub/', 'a.env'])
    expect(await namesIn(root, '/sub/', { dotfiles })).toEqual([])
  })

  test('are listed where they are served', async () => {
    const names = await namesIn(root, '/', { dotfiles: 'allow' })
    expect(names).toEqual(expect.arrayContaining(['.env', '\u200b.env', 'a.env']))
    expect(await namesIn(root, '/sub/', { dotfiles: 'allow' })).toEqual(['.well-known/', '.env'])
  })
})

describe('symbolic links', () => {
  beforeEach(() => {
    mkdirSync(place.path('root/folder'))
    mkdirSync(place.path('root-beside'))
    write('root/file', 'outside', 'root-beside/secret')
    symlinkSync('file', place.path('root/to-file'))
    symlinkSync('folder', place.path('root/to-folder'))
    symlinkSync('.', place.path('root/to-root'))
    symlinkSync('to-file', place.path('root/to-link'))
    symlinkSync('../outside', place.path('root/to-outside'))
    symlinkSync('../root-beside', place.path('root/to-beside'))
    symlinkSync('folder/../../outside', place.path('root/to-around'))
    symlinkSync('nothing', place.path('root/to-nothing'))
    symlinkSync('to-itself', place.path('root/to-itself'))
    symlinkSync('/dev/null', place.path('root/to-device'))
    symlinkSync('../file', place.path('root/folder/up'))
    symlinkSync('../../outside', place.path('root/folder/out'))
  })

  test('are left out where none is followed', async () => {
    expect(await namesIn(root, '/', { symlinks: 'never' })).toEqual(['folder/', 'file'])
  })

  test('are what they lead to, inside', async () => {
    const names = await namesIn(root)
    expect(names).toEqual(['folder/', 'to-folder/', 'to-root/', 'file', 'to-file', 'to-link'])
    expect(await namesIn(root, '/folder/')).toEqual(['up'])
  })

  test('are what they lead to, anywhere', async () => {
    expect(await namesIn(root, '/', { symlinks: 'anywhere' })).toEqual([
      'folder/',
      'to-beside/',
      'to-folder/',
      'to-root/',
      'file',
      'to-around',
      'to-file',
      'to-link',
      'to-outside',
    ])
  })

  test('have the size of what they lead to', async () => {
    for (const symlinks of ['inside', 'anywhere'] as const) {
      const { entries } = await listFolder({
        folder: root,
        path: '/',
        root,
        request: new Request('http://localhost/'),
        dotfiles: 'ignore',
        symlinks,
      })
      const link = entries.find(({ name }) => name === 'to-link')
      expect(link).toMatchObject({ kind: 'file', size: 'root/file'.length })
      expect(link?.modified).toEqual(entries.find(({ name }) => name === 'file')?.modified)
    }
  })
})
