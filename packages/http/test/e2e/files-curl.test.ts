import { spawn } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { brotliCompressSync, gunzipSync, gzipSync } from 'node:zlib'

import { describe, expect, test } from 'vitest'

import { bytesOf, dice } from '../client/download/file-server.ts'
import { findProgram, run, tellsOfProcesses } from './files-programs.ts'
import { FilesServer, sha256, useStage } from './files-server.ts'

const stage = useStage()
const { served, fetched } = stage
const program = findProgram('curl')
const hasProc = tellsOfProcesses()
const film = bytesOf(3_000_000, 7)

async function curl(...args: string[]): Promise<{ code: number; stdout: Buffer }> {
  const { code, stdout, stderr } = await run('curl', ['-sS', '--max-time', '30', ...args])
  return { code, stdout: stderr === '' ? stdout : Buffer.from(stderr) }
}

/** What curl tells of an answer, beside what it saves. */
const told = (what: string): string[] => ['-o', '/dev/null', '-w', what]

describe.skipIf(!program)('curl', () => {
  test('-r: the first, the last and the middle bytes, several ranges, and none that is there', async () => {
    writeFileSync(served('film.bin'), film)
    const { url } = stage
    const film0 = `${url}/film.bin`
    for (const [range, start, end] of [
      ['0-0', 0, 1],
      ['0-99999', 0, 100_000],
      ['1234567-', 1_234_567, film.length],
      ['-1', film.length - 1, film.length],
      ['2999990-4000000', 2_999_990, film.length],
    ] as const) {
      const { code, stdout } = await curl('-r', range, film0)
      expect([range, code, stdout.equals(film.subarray(start, end))]).toEqual([range, 0, true])
    }
    const ranges = [
      [0, 9],
      [1_000_000, 1_199_999],
      [film.length - 5, film.length - 1],
    ] as const
    const several = await curl('-i', '-r', '0-9,1000000-1199999,-5', film0)
    expect(rangesIn(several.stdout)).toEqual(
      ranges.map(([from, to]) => [`bytes ${from}-${to}/${film.length}`, sha256(film.subarray(from, to + 1))]),
    )
    const none = await curl('-r', '3000000-', ...told('%{http_code} %header{content-range}'), film0)
    expect(none.stdout.toString()).toBe('416 bytes */3000000')
  })

  test('-C -: a file that was cut anywhere is made whole, and one that is whole stays as it is', async () => {
    writeFileSync(served('film.bin'), film)
    const { server } = stage
    const random = dice(11)
    for (const cut of [1, random(film.length), random(film.length), film.length - 1, film.length]) {
      writeFileSync(fetched('film.bin'), film.subarray(0, cut))
      const sent = await curl(
        '-C',
        '-',
        '-o',
        fetched('film.bin'),
        '-w',
        '%{size_download}',
        `${server.url}/film.bin`,
      )
      expect([cut, sent.code, readFileSync(fetched('film.bin')).equals(film)]).toEqual([cut, 0, true])
      if (cut < film.length) expect(sent.stdout.toString()).toBe(String(film.length - cut))
    }
    if (hasProc) await expect.poll(() => server.openFiles(), { interval: 5 }).toBe(0)
  })

  test('-z and --etag-compare: nothing comes twice that is still the same', async () => {
    writeFileSync(served('film.bin'), film)
    utimesSync(served('film.bin'), 1_700_000_000, 1_700_000_000)
    const { url } = await FilesServer.start(served(), { files: { etag: 'content' } })
    const what = '%{http_code} %{size_download}'
    const get = async (...args: string[]): Promise<string> => {
      const { stdout } = await curl('-o', fetched('film.bin'), '-w', what, ...args, `${url}/film.bin`)
      return stdout.toString()
    }
    expect(await get('-R', '--etag-save', fetched('tag'))).toBe('200 3000000')
    expect(statSync(fetched('film.bin')).mtimeMs).toBe(1_700_000_000_000)
    expect(await get('-z', fetched('film.bin'))).toBe('304 0')
    expect(await get('-z', 'Tue, 14 Nov 2023 22:13:19 GMT')).toBe('200 3000000')
    expect(await get('-z', '-Tue, 14 Nov 2023 22:13:19 GMT')).toBe('412 0')
    const tag = readFileSync(fetched('tag'), 'utf8').trim()
    expect(tag).toMatch(/^"[^"]+"$/)
    expect(await get('--etag-compare', fetched('tag'))).toBe('304 0')
    expect(await get('-H', `If-Match: "other"`)).toBe('412 0')
    writeFileSync(served('film.bin'), film.subarray(1))
    expect(await get('--etag-compare', fetched('tag'), '--etag-save', fetched('tag'))).toBe('200 2999999')
    expect(readFileSync(fetched('tag'), 'utf8').trim()).not.toBe(tag)
    // A part of what is no longer there would be the wrong one: If-Range brings all of it.
    expect(await get('-r', '0-9', '-H', `If-Range: ${tag}`)).toBe('200 2999999')
  })

  test('-I tells what a GET brings, of every kind of answer', async () => {
    writeFileSync(served('film.bin'), film)
    writeFileSync(served('page.html'), '<p>')
    mkdirSync(served('folder'))
    const { url } = stage
    const paths = ['film.bin', 'page.html', 'folder', 'folder/', 'none', 'film.bin?a=b', '%2e%2e/x']
    const asked = paths.flatMap((path) => ['-o', '/dev/null', `${url}/${path}`])
    const fields = async (...args: string[]): Promise<string[]> => {
      const { code, stdout } = await curl('--path-as-is', '-D', '-', ...args, ...asked)
      expect(code).toBe(0)
      const lines = stdout.toString().split('\r\n')
      // That there is nothing need not be said where nothing could be (RFC 9110 section 8.6).
      return lines.filter((line) => !/^(?:date|etag: W|content-length: 0)/i.test(line))
    }
    const whole = await fields()
    expect(whole.filter((line) => line.startsWith('HTTP/'))).toHaveLength(paths.length)
    expect(await fields('-I')).toEqual(whole)
  })

  test('-T: a file goes up with a length, from a pipe without, and not over another', async () => {
    writeFileSync(fetched('film.bin'), film)
    const { server } = stage
    const { url } = server
    const up = await curl('-T', fetched('film.bin'), `${url}/upload/`)
    expect(JSON.parse(up.stdout.toString())).toEqual({ size: film.length, digest: sha256(film) })
    expect(readFileSync(served('film.bin')).equals(film)).toBe(true)
    const piped = await run('curl', ['-sS', '-T', '-', `${url}/upload/a%20b%20%C3%BC`], film)
    expect(JSON.parse(piped.stdout.toString())).toEqual({ size: film.length, digest: sha256(film) })
    expect(readFileSync(served('a b ü')).equals(film)).toBe(true)
    const again = await curl(
      '-T',
      fetched('film.bin'),
      ...told('%{http_code} %{size_upload}'),
      `${url}/upload/`,
    )
    expect(again.stdout.toString()).toMatch(/^409 /)
    // Killed in the middle: nothing is left of it.
    const cut = await run('curl', [
      '-sS',
      '-m',
      '0.3',
      '--limit-rate',
      '1M',
      '-T',
      fetched('film.bin'),
      `${url}/upload/cut`,
    ])
    expect(cut.code).toBe(28)
    await expect.poll(() => readdirSync(served()), { interval: 5 }).toEqual(['a b ü', 'film.bin'])
    if (hasProc) await expect.poll(() => server.openFiles(), { interval: 5 }).toBe(0)
  })

  test('--compressed: what stands beside, what is compressed on the way, and what is not', async () => {
    const page = '<p>The quick brown fox jumps over the lazy dog.</p>\n'.repeat(2_000)
    writeFileSync(served('page.html'), page)
    writeFileSync(served('page.html.br'), brotliCompressSync(page))
    writeFileSync(served('page.html.gz'), gzipSync(page))
    writeFileSync(served('film.bin'), film)
    const { url } = stage
    const what = '%{http_code} %header{content-encoding} %{size_download}'
    const get = async (path: string, ...args: string[]): Promise<string> => {
      const { stdout } = await curl('-o', fetched('got'), '-w', what, ...args, url + path)
      return stdout.toString()
    }
    const got = (): string => readFileSync(fetched('got'), 'utf8')
    expect(await get('/beside/page.html', '--compressed')).toBe(`200 br ${brotliCompressSync(page).length}`)
    expect(got()).toBe(page)
    expect(await get('/beside/page.html', '-H', 'Accept-Encoding: gzip')).toBe(
      `200 gzip ${gzipSync(page).length}`,
    )
    expect(gunzipSync(readFileSync(fetched('got'))).toString()).toBe(page)
    expect(await get('/beside/page.html')).toBe(`200  ${page.length}`)
    expect(await get('/packed/page.html', '--compressed')).toMatch(/^200 br \d{1,4}$/)
    expect(got()).toBe(page)
    expect(await get('/packed/page.html', '-H', 'Accept-Encoding: gzip')).toMatch(/^200 gzip \d{1,4}$/)
    expect(gunzipSync(readFileSync(fetched('got'))).toString()).toBe(page)
    for (const path of ['/beside/film.bin', '/packed/film.bin']) {
      expect(await get(path, '--compressed')).toBe('200  3000000')
      expect(readFileSync(fetched('got')).equals(film)).toBe(true)
    }
    // A part is a part of the file as it is.
    expect(await get('/packed/page.html', '--compressed', '-r', '0-9')).toBe('206  10')
    expect(got()).toBe(page.slice(0, 10))
  })

  test('many files come over one connection, HEAD and 304 between them', async () => {
    for (let at = 0; at < 20; at++) writeFileSync(served(`${at}`), film.subarray(0, at * 20_000))
    const { url } = stage
    const urls = Array.from({ length: 20 }, (_, at) => ['-o', fetched(`${at}`), `${url}/${at}`]).flat()
    const { stdout } = await curl(
      '-w',
      '%{num_connects} ',
      ...urls,
      '--next',
      '-sI',
      ...told('%{num_connects}'),
      `${url}/7`,
    )
    expect(stdout.toString()).toBe(`1 ${'0 '.repeat(19)}0`)
    for (let at = 0; at < 20; at++) expect(statSync(fetched(`${at}`)).size).toBe(at * 20_000)
  })

  test('paths of 8 KB: served where there is one, refused in words where there is none', async () => {
    const name = 'ü'.repeat(120)
    const deep = Array.from({ length: 11 }, () => name)
    mkdirSync(served(deep.join('/')), { recursive: true })
    writeFileSync(served([...deep, 'file'].join('/')), 'deep')
    const { url } = stage
    const encoded = deep.map((part) => encodeURIComponent(part)).join('/')
    expect(encoded.length).toBeGreaterThan(7_900)
    expect((await curl(`${url}/${encoded}/file`)).stdout.toString()).toBe('deep')
    const long = [
      `${encoded}/none`,
      'a/'.repeat(4_095),
      'x'.repeat(8_190),
      '%ff'.repeat(2_730),
      'x'.repeat(100_000),
    ]
    const asked = long.flatMap((path) => ['-o', '/dev/null', `${url}/${path}`])
    const { stdout } = await curl('-w', '%{http_code} ', ...asked)
    expect(stdout.toString()).toBe('404 404 404 404 414 ')
  })

  test('who reads slowly holds up nobody, and leaves no open file behind', async () => {
    const large = Buffer.concat(Array.from({ length: 5 }, () => film))
    writeFileSync(served('film.bin'), large)
    writeFileSync(served('huge'), '')
    truncateSync(served('huge'), 1_000_000_000)
    writeFileSync(served('small'), 'small')
    const { server } = stage
    const slowly = (rate: string, name: string): string[] => [
      '-sS',
      '--limit-rate',
      rate,
      `${server.url}/${name}`,
    ]
    const slow = Array.from({ length: 5 }, () => spawn('curl', slowly('200K', 'huge'), { stdio: 'ignore' }))
    if (hasProc) await expect.poll(() => server.openFiles(), { interval: 5 }).toBe(5)
    const steady = Array.from({ length: 3 }, () => run('curl', slowly('12M', 'film.bin')))
    for (let round = 0; round < 5; round++) {
      expect((await curl(`${server.url}/small`)).stdout.toString()).toBe('small')
      const whole = await curl(...told('%{size_download}'), `${server.url}/film.bin`)
      expect(whole.stdout.toString()).toBe(String(large.length))
    }
    for (const { stdout } of await Promise.all(steady)) expect(sha256(stdout)).toBe(sha256(large))
    if (hasProc) await expect.poll(() => server.openFiles(), { interval: 5 }).toBe(5)
    for (const child of slow) child.kill('SIGKILL')
    if (hasProc) await expect.poll(() => server.openFiles(), { interval: 5 }).toBe(0)
    expect(server.program.output).not.toContain('failed')
  })

  test('a file that becomes shorter while it is fetched is not taken for whole', async () => {
    writeFileSync(served('film.bin'), '')
    truncateSync(served('film.bin'), 1_000_000_000)
    const { server } = stage
    const slowly = ['-sS', '--limit-rate', '10M', '-o', fetched('got')]
    const fetching = run('curl', [...slowly, `${server.url}/film.bin`])
    const came = (): number => statSync(fetched('got'), { throwIfNoEntry: false })?.size ?? 0
    await expect.poll(came, { interval: 1 }).toBeGreaterThan(0)
    truncateSync(served('film.bin'), 1_000)
    // 18: a part of it; 56: reset.
    expect([18, 56]).toContain((await fetching).code)
    expect(server.program.output).toContain('it became shorter while it was read')
    if (hasProc) await expect.poll(() => server.openFiles(), { interval: 5 }).toBe(0)
    expect((await curl(...told('%{size_download}'), `${server.url}/film.bin`)).stdout.toString()).toBe('1000')
  })
})

/** What an answer with several ranges holds: of which bytes, and their digest. */
function rangesIn(answer: Buffer): [range: string, digest: string][] {
  const head = answer.toString('latin1', 0, answer.indexOf('\r\n\r\n'))
  const [, boundary = ''] = /^Content-Type: multipart\/byteranges; boundary=(\S+)$/im.exec(head) ?? []
  const text = answer.toString('latin1', head.length + 4)
  expect(head).toMatch(new RegExp(`^HTTP/1.1 206 [^]*\r\nContent-Length: ${text.length}(?:\r|$)`, 'i'))
  const parts = text.split(`--${boundary}`)
  expect([parts[0], parts.at(-1)]).toEqual(['', '--\r\n'])
  return parts.slice(1, -1).map((part) => {
    const end = part.indexOf('\r\n\r\n')
    const [, range = ''] = /^Content-Range: (.+)$/im.exec(part.slice(0, end)) ?? []
    return [range.trim(), sha256(Buffer.from(part.slice(end + 4, -2), 'latin1'))]
  })
}
