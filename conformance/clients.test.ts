import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { buffer } from 'node:stream/consumers'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { requireProgram } from '../packages/testkit/src/requires.ts'
import { programs, rich, type Running, start } from './http/suite.mjs'

/** What of Playwright is used here. */
interface Playwright {
  chromium: {
    launch(options: { executablePath: string; args: string[] }): Promise<{
      newPage(): Promise<{
        on(event: 'pageerror', callback: (error: Error) => void): void
        goto(url: string): Promise<unknown>
        evaluate(expression: string): Promise<unknown>
      }>
      close(): Promise<void>
    }>
  }
}

interface Outcome {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
}

let target: Running
let app: Running
const at = (path: string): string => `http://127.0.0.1:${target.port}${path}`
const of = (path: string): string => `http://127.0.0.1:${app.port}${path}`

beforeAll(async () => {
  ;[target, app] = await Promise.all([start(programs.fairlead), start(rich)])
})

afterAll(() => Promise.all([target.stop(), app.stop()]))

/** Runs a program to its end. */
async function run(program: string, args: readonly string[], input: string | Buffer = ''): Promise<Outcome> {
  const child = spawn(program, args, { env: { ...process.env, LC_ALL: 'C', no_proxy: '*' } })
  // Whoever has its answer before it has sent everything stops reading.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [stdout, stderr, [code]] = await Promise.all([
    buffer(child.stdout),
    buffer(child.stderr),
    once(child, 'exit') as Promise<[number]>,
  ])
  return { code, stdout, stderr: stderr.toString() }
}

const twoMegabytes = Buffer.from(Array.from({ length: 2 ** 21 }, (_, index) => (index * 7) % 251))

const curl = requireProgram('curl')
describe.skipIf(!curl)('curl', () => {
  const ask = async (args: readonly string[], input?: Buffer): Promise<Outcome> => {
    const outcome = await run(curl!, ['-sS', '--max-time', '20', ...args], input)
    expect(outcome).toMatchObject({ code: 0 })
    return outcome
  }
  const text = async (...args: string[]): Promise<string> => (await ask(args)).stdout.toString()

  test('GET, and HEAD', async () => {
    expect(await text('-w', ' %{http_code} %{http_version}', at('/?a=b'))).toBe('ahoy\n 200 1.1')
    expect(await text('-I', at('/'))).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Content-Length: 5\r\n[^]*\r\n\r\n$/)
  })

  test('two of one connection', async () => {
    const args = ['-w', '%{num_connects}\n', '-o', '/dev/null', '-o', '/dev/null', '-o', '/dev/null']
    expect(await text(...args, at('/'), at('/nowhere'), at('/'))).toBe('1\n0\n0\n')
  })

  test('HTTP/1.0', async () => {
    expect(await text('--http1.0', '-w', ' %{num_connects}', at('/'))).toBe('ahoy\n 1')
    expect(await text('--http1.0', '-d', 'hello', at('/echo'))).toBe('hello')
    expect(await text('--http1.0', of('/stream'))).toMatch(/^(?:piece \d\n){10}$/)
  })

  test('a body of known length comes back', async () => {
    const { stdout } = await ask(['-H', 'Expect:', '--data-binary', '@-', at('/echo')], twoMegabytes)
    expect(stdout.equals(twoMegabytes)).toBe(true)
  })

  test('a body of unknown length comes back', async () => {
    const { stdout } = await ask(['-H', 'Expect:', '-X', 'POST', '-T', '-', at('/echo')], twoMegabytes)
    expect(stdout.equals(twoMegabytes)).toBe(true)
  })

  test('Expect: 100-continue is answered before the body, which comes back', async () => {
    const args = ['-v', '--expect100-timeout', '8', '-H', 'Expect: 100-continue', '--data-binary', '@-']
    const { stdout, stderr } = await ask([...args, at('/echo')], twoMegabytes)
    expect(stderr).toMatch(/^< HTTP\/1\.1 100 Continue\r$/m)
    expect(stdout.equals(twoMegabytes)).toBe(true)
  })

  test('Expect: 100-continue of an application that reads, and of one that does not', async () => {
    const args = ['-v', '--expect100-timeout', '8', '-H', 'Expect: 100-continue', '--data-binary', '@-']
    const read = await ask([...args, of('/length')], twoMegabytes)
    expect(read.stderr).toMatch(/^< HTTP\/1\.1 100 Continue\r$/m)
    expect(read.stdout.toString()).toBe(String(twoMegabytes.length))
    const unread = await ask([...args, of('/nowhere')], twoMegabytes)
    expect(unread.stderr).not.toMatch(/100 Continue/)
    expect(unread.stdout.toString()).toBe('missing\n')
  })

  test.each(['Expect:', 'Expect: 100-continue'])('an early 413, with %s', async (expectation) => {
    const args = ['-w', ' %{http_code}', '-H', expectation, '--data-binary', '@-', of('/length')]
    const { stdout } = await ask(args, Buffer.alloc(40_000_000))
    expect(stdout.toString()).toMatch(/ 413$/)
  })

  test('a form with a file, a redirect, cookies and a download', async () => {
    expect(
      JSON.parse(await text('-F', 'name=x', '-F', `file=@${import.meta.filename}`, of('/form'))),
    ).toMatchObject({
      name: 'x',
      file: 'clients.test.ts',
    })
    expect(await text('-L', of('/redirect'))).toBe('GET')
    const jar = await text('-c', '-', of('/cookies'))
    expect([/\ta\t1\n/.test(jar), /\tb\t2\n/.test(jar)]).toEqual([true, true])
    expect((await ask([of('/big')])).stdout.length).toBe(8 * 1024 * 1024)
  })

  test('many at once, and an answer that asks to be compressed', async () => {
    expect(await text('-Z', '--parallel-max', '20', ...Array.from({ length: 40 }, () => at('/')))).toBe(
      'ahoy\n'.repeat(40),
    )
    expect(await text('--compressed', '--tr-encoding', at('/'))).toBe('ahoy\n')
  })

  test('a path as it is, a failure that is one, and a protocol that is not spoken', async () => {
    expect(await text('--path-as-is', '-w', '%{http_code}', '-o', '/dev/null', at('/../'))).toBe('404')
    expect(await run(curl!, ['-sf', at('/nowhere')])).toMatchObject({ code: 22 })
    expect(await text('--haproxy-protocol', '-w', '%{http_code}', '-o', '/dev/null', at('/'))).toBe('400')
    // Without an upgrade to HTTP/2 it goes on with 1.1.
    expect(await text('--http2', '-w', ' %{http_version}', at('/'))).toBe('ahoy\n 1.1')
  })
})

const wget = requireProgram('wget')
describe.skipIf(!wget)('wget', () => {
  const ask = async (...args: string[]): Promise<Outcome> => {
    const outcome = await run(wget!, ['-O', '-', '--timeout=20', '--tries=1', ...args])
    expect(outcome).toMatchObject({ code: 0 })
    return outcome
  }

  test('two of one connection', async () => {
    const { stdout, stderr } = await ask(at('/?1'), at('/?2'))
    expect(stdout.toString()).toBe('ahoy\nahoy\n')
    expect(stderr).toContain('Reusing existing connection')
  })

  test('without keep-alive, by HEAD, and by POST', async () => {
    expect((await ask('--no-http-keep-alive', at('/'))).stdout.toString()).toBe('ahoy\n')
    expect((await ask('--spider', '-S', at('/'))).stderr).toContain('200 OK')
    expect((await ask('--post-data=hello', at('/echo'))).stdout.toString()).toBe('hello')
  })

  test('a stream, and a redirect', async () => {
    expect((await ask(of('/stream'))).stdout.toString()).toMatch(/^(?:piece \d\n){10}$/)
    expect((await ask(of('/redirect'))).stdout.toString()).toBe('GET')
  })
})

const ab = requireProgram('ab')
describe.skipIf(!ab)('ab', () => {
  test.each([
    { how: 'with keep-alive', flags: ['-k'], kept: 300 },
    { how: 'without', flags: [], kept: 0 },
  ])('$how', async ({ flags, kept }) => {
    const { code, stdout } = await run(ab!, [...flags, '-q', '-n', '300', '-c', '10', at('/')])
    const report = stdout.toString()
    expect(code).toBe(0)
    expect(report).toMatch(/Complete requests: +300\n/)
    expect(report).toMatch(/Failed requests: +0\n/)
    expect(report).not.toMatch(/Non-2xx/)
    expect(Number(/Keep-Alive requests: +(\d+)/.exec(report)?.[1] ?? 0)).toBe(kept)
  })
})

const wrk = requireProgram('wrk')
test.skipIf(!wrk)('wrk', async () => {
  const { code, stdout } = await run(wrk!, ['-t', '1', '-c', '20', '-d', '1s', at('/')])
  expect(code).toBe(0)
  expect(stdout.toString()).toMatch(/[1-9]\d* requests in/)
  expect(stdout.toString()).not.toMatch(/Socket errors|Non-2xx/)
})

const h2load = requireProgram('h2load')
test.skipIf(!h2load).each([
  { how: 'one by one', flags: ['-m', '1'] },
  { how: 'pipelined', flags: ['-m', '8'] },
])('h2load --h1, $how', async ({ flags }) => {
  const { code, stdout } = await run(h2load!, ['--h1', ...flags, '-n', '800', '-c', '10', at('/')])
  expect(code).toBe(0)
  expect(stdout.toString()).toMatch(
    /requests: 800 total, 800 started, 800 done, 800 succeeded, 0 failed, 0 errored/,
  )
})

const chromium = requireProgram('chromium')
test.skipIf(!chromium)('Chromium', async () => {
  const require = createRequire(new URL('../packages/examples/package.json', import.meta.url))
  // It is a dependency of the examples, and of nothing here.
  const name = 'playwright-core'
  const playwright = require(name) as Playwright
  const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
  const browser = await playwright.chromium.launch({ executablePath: chromium!, args })
  try {
    const page = await browser.newPage()
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(String(error)))
    await page.goto(of('/page'))
    expect(await page.evaluate('globalThis.done')).toEqual({
      json: { a: [1, 'ü'] },
      blob: '3000000',
      form: { name: 'Ünïcode', file: 'zeros.bin', size: 100_000 },
      streamed: Array.from({ length: 10 }, (_, index) => `piece ${index}\n`).join(''),
      events: ['0:event 0', '1:event 1', '2:event 2'],
      aborted: 'AbortError',
      cookies: 'a=1; b=2',
      redirected: 'GET',
      head: true,
      big: 8 * 1024 * 1024,
      missing: 404,
      empty: 204,
      deleted: 'DELETE',
      many: true,
    })
    expect(errors).toEqual([])
    await page.goto(at('/'))
    expect(
      await page.evaluate("fetch('/echo', { method: 'POST', body: 'hello' }).then((it) => it.text())"),
    ).toBe('hello')
  } finally {
    await browser.close()
  }
})
