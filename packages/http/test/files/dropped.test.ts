import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { file, serveFiles } from '../../src/files/index.ts'
import { type FetchHandler, request, Response as OwnResponse, serve } from '../../src/index.ts'

/** What tests still have when a file is to be closed: else it would be closed since it was collected. */
const kept: unknown[] = []

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
  [
    'its stream was looked at, and nobody read it',
    200,
    (path) => async (asked) => {
      const { body } = await file(path, { request: asked })
      kept.push(body)
      return new OwnResponse('other')
    },
  ],
  [
    'its answer was cloned, and nobody read either',
    200,
    (path) => async (asked) => {
      const answer = await file(path, { request: asked })
      kept.push(answer, answer.clone())
      return new OwnResponse('other')
    },
  ],
  [
    'another answer was made of its stream, and that was not given',
    500,
    (path) => async (asked) => {
      const { body, headers } = await file(path, { request: asked })
      kept.push(new Response(body, { headers }))
      throw new Error('thrown')
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

test('its stream gives the bytes, to two who read it, and into buffers of the reader’s own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-dropped-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'large.bin')
  const bytes = Buffer.alloc(300_000, 'fairlead')
  writeFileSync(path, bytes)

  const ranges = new Request('http://localhost/', { headers: { Range: 'bytes=0-9,290000-' } })
  const answer = await file(path, { request: ranges })
  const clone = answer.clone()
  const copies = await Promise.all([new Response(answer.body).arrayBuffer(), clone.arrayBuffer()])
  const [one, other] = copies.map((copy) => Buffer.from(copy)) as [Buffer, Buffer]
  expect(String(one.length)).toBe(answer.headers.get('content-length'))
  expect(one.equals(other)).toBe(true)

  const { body } = await file(path)
  const reader = body!.getReader({ mode: 'byob' })
  const read: Uint8Array[] = []
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(50_000))
    if (done) break
    read.push(value)
  }
  expect(Buffer.concat(read).equals(bytes)).toBe(true)
  await expect.poll(() => opened(path), { interval: 5 }).toBe(0)
})
