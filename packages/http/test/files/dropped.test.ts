import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { file, serveFiles } from '../../src/files/index.ts'
import { type FetchHandler, request, Response as OwnResponse, serve } from '../../src/index.ts'

/** Descriptors of that file. */
function opened(path: string): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === path
    } catch {
      return false
    }
  }).length
}

test.each<[string, number, (path: string) => FetchHandler]>([
  [
    'another answer is given',
    200,
    (path) => async (asked) => {
      await file(path, { request: asked })
      return new OwnResponse('other')
    },
  ],
  [
    'the handler throws',
    500,
    (path) => async (asked) => {
      await file(path, { request: asked })
      throw new Error('thrown')
    },
  ],
  [
    'a framework gives on a request of its own, with the context',
    200,
    (path) => async (asked, context) => {
      await serveFiles(join(path, '..'))(new Request(asked.url), context)
      return new OwnResponse('other')
    },
  ],
])('a file is closed when %s', async (_, status, handlerOf) => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-dropped-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'large.bin')
  writeFileSync(path, Buffer.alloc(300_000))
  const server = await serve({ port: 0, onError() {} }, handlerOf(path))
  onTestFinished(() => server.destroy())
  const { address } = server
  for (let round = 0; round < 5; round++) {
    const answer = await request(`http://127.0.0.1:${address.kind === 'ip' ? address.port : 0}/large.bin`)
    expect(answer.status).toBe(status)
    await answer.bytes()
  }
  await expect.poll(() => opened(path), { interval: 5 }).toBe(0)
})
