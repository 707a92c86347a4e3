import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'

import { expect, onTestFinished, test, vi } from 'vitest'

/** Who may do anything, as root, is refused nothing: the system does it here. */
vi.mock('../../src/files/system.ts', async (original) => {
  const system = await original<typeof import('../../src/files/system.ts')>()
  return {
    ...system,
    openDescriptor: (path: string, flags: number) => {
      const [, code] = /-(E[A-Z]+)\./.exec(path) ?? []
      if (code === undefined || (path.includes('beside') && !path.endsWith('.br'))) {
        return system.openDescriptor(path, flags)
      }
      return Promise.reject(Object.assign(new Error(`${code}: ${path}`), { code }))
    },
  }
})

const { serveFiles } = await import('../../src/files/index.ts')

test.each(['EACCES', 'EPERM', 'EMFILE', 'EIO'])(
  'what stands beside a file and cannot be opened (%s) is as if it were not there',
  async (code) => {
    const root = mkdtempSync(join(tmpdir(), 'fairlead-unreadable-'))
    onTestFinished(() => rmSync(root, { recursive: true }))
    const name = `beside-${code}.txt`
    const text = 'compressed '.repeat(100)
    writeFileSync(join(root, name), text)
    writeFileSync(join(root, `${name}.br`), brotliCompressSync(text))
    const ask = async (): Promise<unknown[]> => {
      const headers = { 'Accept-Encoding': 'br, gzip;q=0.5' }
      const asked = new Request(`http://localhost/${name}`, { headers })
      const answer = await serveFiles(root, { precompressed: true })(asked)
      return [answer.status, answer.headers.get('content-encoding'), (await answer.arrayBuffer()).byteLength]
    }
    expect(await ask()).toEqual([200, null, text.length])
    const gzip = gzipSync(text)
    writeFileSync(join(root, `${name}.gz`), gzip)
    expect(await ask()).toEqual([200, 'gzip', gzip.length])
  },
)

test.each([
  ['EACCES', 403],
  ['EPERM', 403],
  ['EMFILE', 503],
  ['ENFILE', 503],
])('a file that cannot be opened (%s) is answered with %i', async (code, status) => {
  const answer = await serveFiles(tmpdir())(new Request(`http://localhost/file-${code}.txt`))
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, status === 503 ? '1' : null])
})

test('a file that the disk fails to give is for the application to hear of', async () => {
  const answer = async (): Promise<Response> =>
    serveFiles(tmpdir())(new Request('http://localhost/file-EIO.txt'))
  await expect(answer()).rejects.toMatchObject({ code: 'EIO' })
})
