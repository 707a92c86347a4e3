import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Client } from '@fairlead/http'
import { describe, expect, test } from 'vitest'

import { bytesOf, dice } from '../client/download/file-server.ts'
import { findProgram, run, tellsOfProcesses } from './files-programs.ts'
import { FilesServer, sha256, useStage } from './files-server.ts'

const stage = useStage()
const { served, fetched } = stage
const hasProc = tellsOfProcesses()
const film = bytesOf(3_000_000, 9)

/** What stands in a folder, path by path. */
function tree(folder: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) found[path.slice(folder.length)] = sha256(readFileSync(path))
  }
  return found
}

describe.skipIf(!findProgram('wget'))('wget', () => {
  const wget = (...args: string[]) => run('wget', ['-nv', '--tries=1', '--timeout=30', ...args])

  test('-c makes a file whole that was cut, and leaves one that is', async () => {
    writeFileSync(served('film.bin'), film)
    const { url } = stage
    const random = dice(5)
    for (const cut of [1, random(film.length), film.length - 1, film.length]) {
      writeFileSync(fetched('film.bin'), film.subarray(0, cut))
      const { code, stderr } = await wget('-c', '-O', fetched('film.bin'), `${url}/film.bin`)
      expect([cut, code, stderr]).toEqual([cut, 0, expect.not.stringContaining('ERROR')])
      expect(readFileSync(fetched('film.bin')).equals(film)).toBe(true)
    }
  })

  test('-r fetches a folder over its listings, whatever its files are called', async () => {
    mkdirSync(served('sub dir/deep & deeper'), { recursive: true })
    mkdirSync(served('empty'))
    mkdirSync(served('.hidden'))
    const names = [
      'a b.txt',
      'über#1.txt',
      '100%.txt',
      '<i>"x"\'.txt',
      'semi;colon=1.txt',
      '日本.bin',
      '-r',
      'a+b',
    ]
    for (const name of names) writeFileSync(served(name), `this is ${name}`)
    writeFileSync(served('sub dir/film.bin'), film)
    writeFileSync(served('sub dir/deep & deeper/x:y@z'), 'deep')
    cpSync(served(), fetched('expected'), { recursive: true })
    writeFileSync(served('.hidden/secret'), 'secret')
    const { server } = stage
    const names8 = '--restrict-file-names=nocontrol'
    const { code } = await wget(
      '-r',
      '-np',
      '-nH',
      names8,
      '-R',
      'index.html*',
      '-P',
      fetched('got'),
      server.url,
    )
    expect(code).toBe(0)
    expect(tree(fetched('got'))).toEqual(tree(fetched('expected')))
    if (hasProc) await expect.poll(() => server.openFiles(), { interval: 5 }).toBe(0)
  })

  test('-N fetches what is newer, and nothing else', async () => {
    writeFileSync(served('film.bin'), film)
    utimesSync(served('film.bin'), 1_700_000_000, 1_700_000_000)
    const { url } = stage
    const newer = () => wget('-N', '-P', fetched(), `${url}/film.bin`)
    expect((await newer()).stderr).toContain('film.bin')
    expect(statSync(fetched('film.bin')).mtimeMs).toBe(1_700_000_000_000)
    expect((await newer()).stderr).not.toContain('->')
    writeFileSync(served('film.bin'), 'newer')
    expect((await newer()).code).toBe(0)
    expect(readFileSync(fetched('film.bin'), 'utf8')).toBe('newer')
  })
})

describe.skipIf(!findProgram('ab'))('ab', () => {
  test.each([
    ['file by file', {}],
    ['out of memory', { memory: true }],
  ])('5,000 requests over 50 connections that are kept, none of which fails: %s', async (_, files) => {
    writeFileSync(served('small'), film.subarray(0, 1_024))
    const server = await FilesServer.start(served(), { files })
    const { stdout } = await run('ab', ['-q', '-n', '5000', '-c', '50', '-k', `${server.url}/small`])
    const said = stdout.toString()
    const count = (name: string): number => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(said)?.[1] ?? 0)
    expect(['Complete requests', 'Keep-Alive requests', 'Document Length'].map(count)).toEqual([
      5_000, 5_000, 1_024,
    ])
    expect(['Failed requests', 'Write errors', 'Non-2xx responses'].map(count)).toEqual([0, 0, 0])
    if (hasProc) await expect.poll(() => server.openFiles(), { interval: 5 }).toBe(0)
    expect(server.program.output).not.toContain('failed')
  })
})

describe('our client', () => {
  test('puts a file together out of ranges that come at the same time', async () => {
    writeFileSync(served('film.bin'), film)
    const { server } = stage
    await using client = new Client({ base: server.url, maxConnections: 8 })
    const random = dice(3)
    const marks = Array.from({ length: 39 }, () => 1 + random(film.length - 1)).toSorted((a, b) => a - b)
    const bounds = [0, ...new Set(marks), film.length]
    const head = await client.request('/film.bin', { method: 'HEAD' })
    expect(head.headers.get('accept-ranges')).toBe('bytes')
    const whole = Buffer.alloc(Number(head.headers.get('content-length')))
    const fetchRange = async (start: number, end: number): Promise<number> => {
      const headers = {
        Range: `bytes=${start}-${end - 1}`,
        'If-Unmodified-Since': head.headers.get('last-modified')!,
      }
      const response = await client.request('/film.bin', { headers })
      expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${film.length}`)
      whole.set(await response.bytes(), start)
      return response.status
    }
    const statuses = await Promise.all(bounds.slice(1).map((end, at) => fetchRange(bounds[at]!, end)))
    expect(new Set(statuses)).toEqual(new Set([206]))
    expect(sha256(whole)).toBe(sha256(film))
    if (hasProc) await expect.poll(() => server.openFiles(), { interval: 5 }).toBe(0)
  })
})
