import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { requireProgram } from '@fairlead/testkit'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

import { certificateOf, startServer } from '../serve/program.ts'
import { curls } from './curl.ts'
import { Program } from './program.ts'
import { randomFile, sha256 } from './temporary.ts'

// What takes seconds, since it is seconds that it shows; all of it at the same time.

const curl = requireProgram('curl')
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-e2e-'))
})

afterAll(async () => {
  await Program.killAll()
  await rm(folder, { recursive: true })
})

/** A folder for a test of that name, and one in it to be served. */
async function place(name: string) {
  const outside = (file: string): string => join(folder, name, file)
  const inside = (file = ''): string => join(folder, name, 'served', file)
  await mkdir(inside(), { recursive: true })
  return { outside, inside }
}

describe.skipIf(!curl).concurrent('Ctrl-C', () => {
  async function withDownload(name: string) {
    const { inside } = await place(name)
    await writeFile(inside('huge'), '')
    await truncate(inside('huge'), 2_000_000_000)
    const server = await startServer(inside())
    const download = Program.start('curl', ['-sS', '--limit-rate', '1M', '-N', `${server.url}huge`])
    if (download.child.stdout) await once(download.child.stdout, 'data')
    return { ...server, download }
  }

  test('lets a download go on for three seconds, and says that it was cut', async () => {
    const { program, port, download } = await withDownload('once')
    const asked = performance.now()
    program.signal('SIGINT')
    const { code, signal, stdout, stderr } = await program.ended
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' })
    expect(performance.now() - asked).toBeGreaterThan(2_500)
    expect(performance.now() - asked).toBeLessThan(5_500)
    expect(stdout).toMatch(/Stopping \.\.\.\n.*GET {2}\/huge {2}cut off/)
    download.signal('SIGKILL')
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    server.close()
  })

  test('a second one does not', async () => {
    const { program, download } = await withDownload('twice')
    const asked = performance.now()
    const again = setInterval(() => program.signal('SIGINT'), 100)
    expect(await program.ended).toMatchObject({ code: 130 })
    clearInterval(again)
    expect(performance.now() - asked).toBeLessThan(2_500)
    download.signal('SIGKILL')
  })

  test('an upload is cut, and another server goes on with it', async () => {
    const { outside, inside } = await place('upload')
    await randomFile(outside('film.mkv'), 2_000_000)
    const { program, url, port } = await startServer(inside(), '--upload')
    const tus = ['-H', 'Tus-Resumable: 1.0.0']
    const name = `Upload-Metadata: filename ${btoa('film.mkv')}`
    const post = ['-i', '-X', 'POST', ...tus, '-H', 'Upload-Length: 2000000', '-H', name]
    const begun = await curls(...post, `${url}.fairlead/uploads`)
    const [, path = ''] = /^location: \/(\S+)/im.exec(begun) ?? []
    const patch = [...tus, '-X', 'PATCH', '-H', 'Content-Type: application/offset+octet-stream']
    const slowly = ['-sS', '--limit-rate', '100k', '-H', 'Upload-Offset: 0', '-T', outside('film.mkv')]
    const sending = Program.start('curl', [...slowly, ...patch, url + path])
    const file = inside(join('.fairlead/resumable', path.split('/').at(-1) ?? ''))
    await vi.waitUntil(async () => (await stat(file)).size > 0, { interval: 5, timeout: 30_000 })
    program.signal('SIGINT')
    expect(await program.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
    expect((await sending.ended).code).not.toBe(0)

    const { size } = await stat(file)
    await startServer(inside(), '--upload', '--port', `${port}`)
    await writeFile(outside('rest'), (await readFile(outside('film.mkv'))).subarray(size))
    await curls('-T', outside('rest'), '-H', `Upload-Offset: ${size}`, ...patch, url + path)
    expect(await sha256(inside('film.mkv'))).toBe(await sha256(outside('film.mkv')))
  })
})

describe.skipIf(!curl).concurrent('TLS', () => {
  async function issue(): Promise<{ cert: string; key: string }> {
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    })
    return { cert, key }
  }

  test('a certificate is read again when it changes, and what is no good changes nothing', async () => {
    const { outside, inside } = await place('renewed')
    const [old, renewed, other] = await Promise.all([issue(), issue(), issue()])
    const files = { cert: outside('cert.pem'), key: outside('key.pem') }
    const put = async (identity: typeof old) => {
      for (const name of ['cert', 'key'] as const) {
        await writeFile(`${files[name]}.new`, identity[name])
        await rename(`${files[name]}.new`, files[name])
      }
    }
    await put(old)
    await writeFile(inside('a.txt'), 'one')
    const flags = ['--cert', files.cert, '--key', files.key]
    const { program, url, port } = await startServer(inside(), ...flags)
    const before = await certificateOf(port)
    await put(renewed)
    const [, told] = await program.prints(/The certificate is a new one: (\S+)\n/)
    const after = await certificateOf(port)
    expect(after.fingerprint).toBe(told)
    expect(after.fingerprint).not.toBe(before.fingerprint)
    await writeFile(outside('ca.pem'), renewed.cert)
    expect(await curls('--cacert', outside('ca.pem'), `${url}a.txt`)).toBe('one')

    await put({ ...renewed, cert: other.cert })
    const refused = /^fairlead serve: certificate not renewed: Invalid option tls/
    await vi.waitUntil(() => refused.test(program.stderr), { timeout: 30_000 })
    expect((await certificateOf(port)).fingerprint).toBe(told)
    await put(other)
    await program.prints(/new one: .*new one: /s)
  })
})
