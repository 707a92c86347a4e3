import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { requireProgram } from '@fairlead/testkit'
import { describe, expect, test } from 'vitest'

import { certificateOf, startServer, startServerIn } from '../serve/program.ts'
import { curls } from './curl.ts'
import { hasProc } from './process.ts'
import { fairlead, Program, run } from './program.ts'
import { randomFile, sha256, useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()
const curl = requireProgram('curl')
const wget = requireProgram('wget')
const script = requireProgram('script')

const outside = (name: string) => join(folder.path, name)
const inside = (name = '') => join(folder.path, 'served', name)

/** A folder with these files, for each test. */
async function fill(files: Record<string, string> = {}): Promise<string> {
  await mkdir(inside(), { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(inside(name), text)
  return inside()
}

async function statusOf(...args: string[]): Promise<string> {
  const { code, stdout } = await run('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', ...args])
  expect(code).toBe(0)
  return stdout
}

describe('the command line', () => {
  const serve = (...args: string[]) =>
    Program.start('env', ['-u', 'FAIRLEAD_AUTH', process.execPath, fairlead, 'serve', ...args], {
      cwd: folder.path,
    }).ended

  test('--help explains, with examples', async () => {
    const { code, stdout, stderr } = await serve('--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Usage: fairlead serve \[options\] \[dir\]/)
    expect(stdout).toMatch(/Examples:\n {2}fairlead serve .*curl -T/s)
  })

  const refused: [string[], string][] = [
    [['--prot', '1'], "unknown option '--prot'"],
    [['--port', '70000'], "option '--port <port>' argument '70000' is invalid\\. .*"],
    [['--max-upload', 'much'], "option '--max-upload <size>' argument 'much' is invalid\\. .*"],
    [['--cache', '-1'], "option '--cache <seconds>' argument '-1' is invalid\\. .*"],
    [['--log', 'loud'], "option '--log <style>' argument 'loud' is invalid\\. Allowed choices are .*"],
    [['nothing'], 'Cannot serve nothing: no such file or directory'],
    [['--cert', '/dev/null', '--key', '/dev/null'], 'Invalid option tls.cert: no PEM certificate in it'],
    [['--auth', 'hunter2'], 'Cannot read the user: it takes user:password'],
    [['--host', '203.0.113.99'], 'Cannot listen on 203\\.0\\.113\\.99:\\d+: .*'],
    [['/proc/self/net', '--upload'], 'Cannot use folder /proc/.*: .*'],
  ]

  test('what cannot be is refused in one line', async () => {
    const outcomes = await Promise.all(refused.map(([args]) => serve(...args)))
    for (const [at, [args, line]] of refused.entries()) {
      const stderr = expect.stringMatching(new RegExp(`^fairlead serve: ${line}\\n$`)) as string
      expect(outcomes[at], args.join(' ')).toMatchObject({ code: 1, stdout: '', stderr })
      expect(outcomes[at]?.stderr).not.toContain('hunter2')
    }
  })

  test('a port that was asked for and is in use is one line; where nobody asked, the next one is taken', async () => {
    const { port } = await startServer(await fill())
    const { code, stderr } = await serve('--port', `${port}`)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^fairlead serve: Cannot listen on 127\.0\.0\.1:\d+: address is in use\n$/)
    const two = [Program.fairlead(['serve', inside()]), Program.fairlead(['serve', inside()])]
    const ports = await Promise.all(two.map(async (it) => (await it.prints(/127\.0\.0\.1:(\d+)/))[1]))
    expect(new Set(ports).size).toBe(2)
    for (const chosen of ports) expect(Number(chosen)).toBeGreaterThanOrEqual(8080)
  })
})

describe.skipIf(!curl)('with curl', () => {
  test('files come whole, in parts, and not again', async () => {
    await randomFile(join(await fill(), 'big file.bin'), 3_000_000)
    const { url } = await startServer(inside())
    const file = `${url}big%20file.bin`
    await curls('-o', outside('whole'), file)
    expect(await sha256(outside('whole'))).toBe(await sha256(inside('big file.bin')))

    await curls('-r', '0-999999', '-o', outside('resumed'), file)
    await curls('-C', '-', '-o', outside('resumed'), file)
    expect(await sha256(outside('resumed'))).toBe(await sha256(inside('big file.bin')))

    await curls('--etag-save', outside('etag'), '-o', '/dev/null', file)
    const again = ['--etag-compare', outside('etag'), '-o', '/dev/null', '-w', '%{http_code}', file]
    expect(await curls(...again)).toBe('304')
    expect(await curls('-I', file)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*content-length: 3000000\r\n/is)
    expect(await statusOf('-r', '4000000-', file)).toBe('416')
  })

  test.skipIf(!wget)('wget goes on with a file, and follows the listing', async () => {
    await mkdir(join(await fill({ 'ü #1.txt': 'one' }), 'sub'))
    await randomFile(inside('sub/big.bin'), 1_000_000)
    const { url } = await startServer(inside())
    await writeFile(outside('big.bin'), (await readFile(inside('sub/big.bin'))).subarray(0, 400_000))
    expect(await run('wget', ['-qc', `${url}sub/big.bin`], { cwd: folder.path })).toMatchObject({ code: 0 })
    expect(await sha256(outside('big.bin'))).toBe(await sha256(inside('sub/big.bin')))
    const mirror = ['-q', '-r', '-np', '-nH', '-R', '*sort=*', '-e', 'robots=off', '-P', 'copy', url]
    await run('wget', mirror, { cwd: folder.path })
    expect(await readFile(outside('copy/ü #1.txt'), 'utf8')).toBe('one')
    expect(await sha256(outside('copy/sub/big.bin'))).toBe(await sha256(inside('sub/big.bin')))
  })

  test('files are put and posted', async () => {
    await randomFile(outside('film.mkv'), 20_000_000)
    await writeFile(outside('a.txt'), 'one')
    const { url } = await startServer(await fill(), '--upload')
    expect(await curls('-T', outside('film.mkv'), url)).toBe('/film.mkv  20.0 MB\n')
    expect(await sha256(inside('film.mkv'))).toBe(await sha256(outside('film.mkv')))
    const form = ['-F', `file=@${outside('a.txt')}`, '-F', `file=@${outside('film.mkv')}`, url]
    expect(await curls(...form)).toBe('/a.txt  3 B\n/film (2).mkv  20.0 MB\n')
    expect(await sha256(inside('film (2).mkv'))).toBe(await sha256(outside('film.mkv')))
    expect(await curls('--data-binary', `@${outside('a.txt')}`, `${url}b.txt`)).toBe('/b.txt  3 B\n')
    expect(await statusOf('-T', outside('a.txt'), url)).toBe('409')
    expect(await statusOf('-X', 'DELETE', `${url}a.txt`)).toBe('405')
    expect((await readdir(inside())).toSorted()).toEqual([
      '.fairlead',
      'a.txt',
      'b.txt',
      'film (2).mkv',
      'film.mkv',
    ])
    expect(await readdir(inside('.fairlead'))).toEqual(['resumable'])
  })

  test('without --upload they are not, and a client that asks first sends nothing', async () => {
    await randomFile(outside('film.mkv'), 1_000_000)
    const { url } = await startServer(await fill({ 'a.txt': 'one' }))
    const asked = ['-s', '-H', 'Expect: 100-continue', '-w', '%{http_code} %{size_upload}', '-o', '/dev/null']
    const { stdout } = await run('curl', [...asked, '-T', outside('film.mkv'), url])
    expect(stdout).toBe('405 0')
    expect(await readdir(inside())).toEqual(['a.txt'])
  })

  test('a page of another site is neither served nor heard', async () => {
    const { url } = await startServer(await fill({ 'a.txt': 'one' }), '--upload')
    expect(await statusOf('-H', 'Host: evil.example', `${url}a.txt`)).toBe('403')
    expect(await statusOf('-H', 'Origin: http://evil.example', '-d', 'x', `${url}x`)).toBe('403')
    expect(await statusOf(`http://localhost:${new URL(url).port}/a.txt`)).toBe('200')
  })

  test('passwords come from the environment or a file, and stand in no list of processes', async () => {
    await writeFile(outside('users'), 'bob:other\n')
    await fill({ 'a.txt': 'one' })
    const first = await startServerIn('FAIRLEAD_AUTH=ann:secret', inside(), '--auth-file', outside('users'))
    const second = await startServer(inside(), '--auth', 'ann:secret')
    for (const { url, program } of [first, second]) {
      expect(await statusOf(`${url}a.txt`)).toBe('401')
      expect(await statusOf('-u', 'ann:wrong', `${url}a.txt`)).toBe('401')
      expect(await curls('-u', 'ann:secret', `${url}a.txt`)).toBe('one')
      expect(program.stdout).not.toContain('secret')
      if (hasProc)
        expect(await readFile(`/proc/${program.child.pid}/cmdline`, 'utf8')).not.toContain('secret')
    }
    expect(await curls('-u', 'bob:other', `${first.url}a.txt`)).toBe('one')
    await first.program.prints(/ {2}bob@127\.0\.0\.1 {2}GET {2}\/a\.txt {2}200 /)
  })

  test('every answer is told of, in one of three ways', async () => {
    await fill({ 'ü.txt': 'one' })
    const file = '%C3%BC.txt'
    const calm = await startServer(inside())
    const common = await startServer(inside(), '--log', 'common')
    const quiet = await startServer(inside(), '--log', 'none')
    for (const { url } of [calm, common, quiet]) await curls(url + file)
    await calm.program.prints(
      /^\d\d:\d\d:\d\d {2}127\.0\.0\.1 {2}GET {2}\/ü\.txt {2}200 {2}\d+ B {2}\S+ ms$/m,
    )
    await common.program.prints(/^127\.0\.0\.1 - - \[.*\] "GET \/%C3%BC\.txt HTTP\/1\.1" 200 \d+$/m)
    quiet.program.signal('SIGINT')
    expect((await quiet.program.ended).stdout).toMatch(/Press Ctrl-C to stop\.\n\n\nStopping \.\.\.\n$/)
  })

  test('everything is told in JSON, if one likes', async () => {
    const { program, url, port } = await startServer(await fill(), '--json', '--upload', '--tls')
    const { fingerprint } = await certificateOf(port)
    await curls('-k', '-T', fairlead, `${url}x`)
    await run('curl', ['-skm', '1', '--limit-rate', '1k', '-o', '/dev/null', `${url}x`])
    await program.prints(/"target":"\/x","status":201/)
    program.signal('SIGINT')
    const lines = (await program.ended).stdout.trim().split('\n')
    const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(events[0]).toMatchObject({ event: 'listen', folder: inside(), port, urls: [url], fingerprint })
    expect(events[1]).toMatchObject({
      event: 'answer',
      client: '127.0.0.1',
      method: 'PUT',
      target: '/x',
      status: 201,
      bytes: expect.any(Number) as number,
      duration: expect.any(Number) as number,
    })
    expect(events.at(-1)).toMatchObject({ event: 'stop' })
    for (const { time } of events) expect(Date.parse(String(time))).not.toBeNaN()
  })
})

describe.skipIf(!curl)('SIGTERM', () => {
  test('without a download it is over at once', async () => {
    const { program, url } = await startServer(await fill({ x: '' }))
    await curls(`${url}x`)
    const asked = performance.now()
    program.signal('SIGTERM')
    expect(await program.ended).toMatchObject({ code: 0, stderr: '' })
    expect(performance.now() - asked).toBeLessThan(1_500)
  })
})

describe.skipIf(!curl)('TLS', () => {
  test('a certificate made on the spot is for this machine, and its fingerprint is printed', async () => {
    const { program, url, port } = await startServer(await fill({ 'a.txt': 'one' }), '--tls')
    const { pem, fingerprint } = await certificateOf(port)
    expect(program.stdout.replaceAll(/\s+/g, '')).toContain(fingerprint.slice(0, 47) + fingerprint.slice(48))
    await writeFile(outside('ca.pem'), pem)
    for (const host of ['127.0.0.1', 'localhost']) {
      expect(await curls('--cacert', outside('ca.pem'), `https://${host}:${port}/a.txt`)).toBe('one')
    }
    expect(await run('curl', ['-sS', url])).toMatchObject({ code: 60 })
    expect(await run('curl', ['-sS', url.replace('https', 'http')])).not.toMatchObject({ code: 0 })
  })
})

test.skipIf(!script)(
  'who opens it to the network gets a code for the phone, and only in a terminal',
  async () => {
    await fill()
    const command = `${process.execPath} ${fairlead} serve ${inside()} --port 0`
    const inTerminal = (flags: string) =>
      Program.start('script', ['-qec', `${command} ${flags}`, '/dev/null'])
    const [shown, hidden, here] = ['--lan', '--lan --no-qr', ''].map(inTerminal)
    await shown?.prints(/█.*Press Ctrl-C to stop/s)
    for (const it of [hidden, here]) {
      await it?.prints(/Press Ctrl-C to stop/)
      expect(it?.stdout).not.toContain('█')
    }
    const piped = await startServer(inside(), '--lan')
    expect(piped.program.stdout).not.toContain('█')
    expect(piped.program.stdout).toContain('Whoever can reach this machine can read it.')
  },
)
