import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'

import { contentTag } from '../../src/files/content-tag.ts'
import { file, serveFiles } from '../../src/files/index.ts'

let root: string

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'fairlead-files-regressions-'))
  writeFileSync(join(root, 'a.txt'), 'ahoy'.repeat(500))
})

afterAll(() => rmSync(root, { recursive: true }))

const asked = (): Request => new Request('http://localhost/a.txt')

test.each([{ memory: false }, { memory: true }])(
  'a clone shares no memory with its original: %o',
  async (options) => {
    const handler = serveFiles(root, options)
    // The second one of them is out of memory, where there is one.
    for (let time = 0; time < 2; time++) {
      const response = await handler(asked())
      // The stream of bytes takes their memory away from whoever else has it.
      const reader = response.clone().body!.getReader()
      const { value } = await reader.read()
      value!.fill(0)
      expect(await response.text()).toBe('ahoy'.repeat(500))
    }
  },
)

test('a type that cannot be sent is refused at once', async () => {
  const attempt = file(join(root, 'a.txt'), { type: 'text/plain\r\nX-Injected: yes' })
  await expect(attempt).rejects.toThrow(TypeError)
})

/** A file with `content` of which nobody can see by its facts that it was changed. */
function fileWith(content: string, changed: number) {
  const bytes = Buffer.from(content)
  const at = BigInt(changed) * 1_000_000n
  const stats = { dev: 1n, ino: BigInt(changed), size: BigInt(bytes.length), mtimeNs: at, ctimeNs: at }
  let reads = 0
  return {
    size: bytes.length,
    stats: stats as never,
    fill: async (buffer: Uint8Array) => {
      reads++
      buffer.set(bytes)
    },
    get reads() {
      return reads
    },
  }
}

test('a tag of the content is of this content, also where it changed twice in one tick of the clock', async () => {
  const changed = 1_700_000_000_000
  const before = await contentTag(fileWith('one', changed), changed + 1)
  const after = await contentTag(fileWith('two', changed), changed + 1)
  expect(after).not.toBe(before)
})

test('a tag of the content is computed once for a file that has settled', async () => {
  const changed = 1_700_000_000_001
  const first = fileWith('one', changed)
  const tag = await contentTag(first, changed + 10_000)
  const again = fileWith('one', changed)
  expect(await contentTag(again, changed + 10_000)).toBe(tag)
  expect([first.reads, again.reads]).toEqual([1, 0])
})

test('a root that is a link is listed, whatever links are inside', async () => {
  const link = `${root}-link`
  symlinkSync(root, link)
  onTestFinished(() => rmSync(link))
  const handler = serveFiles(link, { symlinks: 'never', listing: true })
  const { status } = await handler(new Request('http://localhost/'))
  expect(status).toBe(200)
})
