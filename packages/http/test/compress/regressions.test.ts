import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { compress, type CompressOptions } from '../../src/compress/index.ts'
import { serveFiles } from '../../src/files/index.ts'
import type { FetchHandler } from '../../src/index.ts'
import { decoders, text } from './asking.ts'

const plain = { headers: { 'Content-Type': 'text/plain' } }

/** What a middleware around `compress` reads out of the stream of its answer, which takes the memory away. */
async function streamed(handler: FetchHandler, accept = '', options?: CompressOptions): Promise<Buffer> {
  const headers = { 'Accept-Encoding': accept }
  const context = {} as never
  const request = new Request('http://localhost/', { headers })
  const response = await compress(handler, options)(request, context, context)
  const pieces: Uint8Array[] = []
  for await (const piece of (response as Response).body!) pieces.push(piece)
  return Buffer.concat(pieces)
}

test.each(['gzip', 'br'])(
  'a short answer in %s takes none of the memory of all Buffers along',
  async (coding) => {
    const encoded = await streamed(() => new Response(text, plain), coding)
    expect(decoders[coding]!(encoded).toString()).toBe(text)
    expect(Buffer.from('ahoy').toString()).toBe('ahoy')
  },
)

test('a short stream that is left as it is takes none of the memory of all Buffers along', async () => {
  const pieces = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      start(controller) {
        for (const piece of ['a', 'hoy']) controller.enqueue(new TextEncoder().encode(piece))
        controller.close()
      },
    })
  expect(String(await streamed(() => new Response(pieces(), plain), 'gzip'))).toBe('ahoy')
  expect(Buffer.from('ahoy').toString()).toBe('ahoy')
})

test('bytes that a handler keeps stay its own', async () => {
  const kept = new TextEncoder().encode(text)
  const stream = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(kept)
        controller.close()
      },
    })
  const options = { threshold: text.length + 1 }
  expect(String(await streamed(() => new Response(stream(), plain), 'gzip', options))).toBe(text)
  expect(kept.byteLength).toBe(text.length)
})

test('a file that is kept in memory is there for the next one who asks', async () => {
  const root = mkdtempSync(join(tmpdir(), 'fairlead-compress-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  writeFileSync(join(root, 'index.html'), text)
  const files = serveFiles(root, { memory: { revalidate: 1_000_000 } }) as FetchHandler
  for (let time = 0; time < 3; time++) expect(String(await streamed(files))).toBe(text)
})
