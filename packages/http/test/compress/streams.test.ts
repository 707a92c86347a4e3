import { createGunzip, gunzipSync } from 'node:zlib'

import { describe, expect, test } from 'vitest'

import { compress } from '../../src/compress/index.ts'
import { type HttpListener, Response as OurResponse } from '../../src/index.ts'
import { watchStrays } from '../faults/harness.ts'
import { quiet, until } from '../server/ways.ts'
import { call, codings, decoded, decoders, Engines, serveInMemory, Source, streamOf, text } from './asking.ts'

watchStrays()

const events = { headers: { 'Content-Type': 'text/event-stream' } }
const plain = { headers: { 'Content-Type': 'text/plain' } }
const asking = (coding: string): Request =>
  new Request('http://localhost/', { headers: { 'Accept-Encoding': coding } })

const createDecoders = process.getBuiltinModule('node:zlib') as unknown as Record<
  string,
  () => NodeJS.ReadWriteStream
>
const decoderOf = (coding: string): NodeJS.ReadWriteStream =>
  createDecoders[{ br: 'createBrotliDecompress', zstd: 'createZstdDecompress' }[coding] ?? 'createGunzip']!()

/** Reads what an answer gives until `expected` can be decoded of it. */
async function readUntil(
  response: Response,
  expected: string[],
  next: (event: string) => void,
): Promise<void> {
  const decoder = decoderOf(response.headers.get('content-encoding')!)
  let got = ''
  decoder.on('data', (bytes: Buffer) => (got += bytes.toString()))
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let sent = ''
  for (const event of expected) {
    next(event)
    sent += event
    while (got !== sent) {
      const { value, done } = await reader.read()
      expect(done).toBe(false)
      await new Promise((resolve) => decoder.write(Buffer.from(value!), resolve))
    }
  }
  await reader.cancel()
}

describe.each(codings)('a stream in %s', (coding) => {
  test('of events gives each of them before the next one is there', async () => {
    const source = new Source()
    using engines = new Engines()
    await using server = await serveInMemory(compress(() => new Response(source.stream, events)))
    const response = await server.inject('/', { headers: { 'Accept-Encoding': coding } })
    const all = Array.from({ length: 5 }, (_, at) => `event: tick\ndata: ${at}\n\n`)
    await readUntil(response, all, (event) => source.send(event))
    await source.gone
    // The client's decoder is among them.
    expect(engines.made.length).toBe(2)
    await until(() => engines.made[0]!.closed || engines.made[1]!.closed)
  })

  test('that ends comes back as it was, and its encoder is let go of', async () => {
    using engines = new Engines()
    const pieces = Array.from({ length: 300 }, (_, at) => `piece ${at} `.repeat(at % 40))
    async function* source(): AsyncGenerator<string> {
      for (const [at, piece] of pieces.entries()) {
        if (at % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
        yield piece
      }
    }
    const handler = compress(() => new OurResponse(streamOf(source()), plain))
    const got = await call(handler, asking(coding))
    expect((await decoded(got)).toString()).toBe(pieces.join(''))
    await engines.released(1)
  })

  test('that is empty is empty', async () => {
    async function* nothing(): AsyncGenerator<string> {
      await new Promise((resolve) => setImmediate(resolve))
      yield ''
    }
    const got = await call(
      compress(() => new Response(streamOf(nothing()), plain)),
      asking(coding),
    )
    expect(await decoded(got)).toHaveLength(0)
  })
})

test('of events that never stop, each one leaves soon', async () => {
  const source = new Source()
  const got = await call(
    compress(() => new Response(source.stream, events)),
    asking('gzip'),
  )
  const reader = got.body!.getReader()
  let came = false
  const first = reader.read().then(() => (came = true))
  let sent = 0
  await until(() => {
    // Two, of which one waits whenever the encoder is done.
    for (let at = 0; at < 2; at++) source.send('data: more\n\n')
    return came || ++sent > 20_000
  })
  expect(came).toBe(true)
  await first
  await reader.cancel()
})

test('pieces that are at hand together are flushed together', async () => {
  async function* many(): AsyncGenerator<string> {
    await new Promise((resolve) => setImmediate(resolve))
    for (let at = 0; at < 5000; at++) yield `<li>${at}</li>`
  }
  const whole = Array.from({ length: 5000 }, (_, at) => `<li>${at}</li>`).join('')
  const got = await call(
    compress(() => new Response(streamOf(many()), plain)),
    asking('gzip'),
  )
  const bytes = Buffer.from(await got.arrayBuffer())
  expect(gunzipSync(bytes).toString()).toBe(whole)
  // Each flush leaves an empty block behind it.
  const flushes = bytes.toString('latin1').split('\0\0\u00ff\u00ff').length - 1
  expect(flushes).toBeLessThan(20)
})

test('nothing is read before somebody wants it, and no more than is wanted', async () => {
  using engines = new Engines()
  let given = 0
  // Neither what encodes to nothing, nor what stays as it is, is read ahead.
  for (const piece of [
    Buffer.alloc(16 * 1024),
    Buffer.from(crypto.getRandomValues(new Uint8Array(16 * 1024))),
  ]) {
    given = 0
    const stream = new ReadableStream(
      {
        pull: (controller) => {
          given++
          controller.enqueue(piece.subarray())
        },
      },
      { highWaterMark: 0 },
    )
    const headers = { ...plain.headers, 'Content-Length': String(1e12) }
    const made = engines.made.length
    const got = await call(
      compress(() => new Response(stream, { headers })),
      asking('gzip'),
    )
    await quiet()
    expect([given, engines.made.length]).toEqual([0, made])
    const reader = got.body!.getReader()
    for (const reads of [1, 1, 20]) {
      for (let at = 0; at < reads; at++) await reader.read()
      // What was read to give that, and what waits: the pool takes its time.
      const after = given
      for (let at = 0; at < 10; at++) await quiet()
      expect(given - after).toBeLessThan(10)
    }
    expect(given).toBeGreaterThan(10)
    await reader.cancel()
  }
  await engines.released(2)
})

describe('a client that leaves', () => {
  const reading = async (server: HttpListener): Promise<ReadableStreamDefaultReader<Uint8Array>> => {
    const response = await server.inject('/', { headers: { 'Accept-Encoding': 'gzip' } })
    return response.body!.getReader()
  }

  test('while the source is silent cancels it, and the encoder is let go of', async () => {
    using engines = new Engines()
    const source = new Source()
    await using server = await serveInMemory(compress(() => new Response(source.stream, events)))
    const reader = await reading(server)
    source.send('data: 1\n\n')
    await reader.read()
    await reader.cancel()
    await source.gone
    await engines.released(1)
  })

  test('before there is anything cancels the source', async () => {
    using engines = new Engines()
    const source = new Source()
    await using server = await serveInMemory(compress(() => new Response(source.stream, events)))
    const reader = await reading(server)
    await reader.cancel()
    await source.gone
    await engines.released(1)
  })

  test('before the answer is given cancels the source', async () => {
    const source = new Source()
    let answer!: () => void
    const asked = new Promise<void>((resolve) => (answer = resolve))
    let called!: () => void
    const arrived = new Promise<void>((resolve) => (called = resolve))
    const handler = compress(async () => {
      called()
      await asked
      return new Response(source.stream, events)
    })
    await using server = await serveInMemory(handler)
    const controller = new AbortController()
    const headers = { 'Accept-Encoding': 'gzip' }
    const got = server.inject('/', { headers, signal: controller.signal })
    await arrived
    controller.abort()
    await expect(got).rejects.toThrow()
    await until(() => server.stats().aborted === 1)
    answer()
    await source.gone
  })

  test('while much is under way cancels the source', async () => {
    using engines = new Engines()
    let cancelled!: () => void
    const gone = new Promise<void>((resolve) => (cancelled = resolve))
    const stream = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.from(text)),
      cancel: () => cancelled(),
    })
    await using server = await serveInMemory(compress(() => new Response(stream, plain)))
    const reader = await reading(server)
    await reader.read()
    await reader.cancel()
    await gone
    await engines.released(1)
  })
})

describe('a source that fails', () => {
  const errors: string[] = []
  const onError = (error: unknown): void => void errors.push((error as Error).message)

  test('cuts the answer: what came is no whole one', async () => {
    using engines = new Engines()
    errors.length = 0
    const source = new Source()
    await using server = await serveInMemory(
      compress(() => new Response(source.stream, plain)),
      { onError },
    )
    const response = await server.inject('/', { headers: { 'Accept-Encoding': 'gzip' } })
    const reader = response.body!.getReader()
    source.send(text)
    const { value } = await reader.read()
    source.fail(new Error('the disk is gone'))
    await expect(
      (async () => {
        while (!(await reader.read()).done);
      })(),
    ).rejects.toThrow('Cannot inject')
    expect(() => gunzipSync(value ?? '')).toThrow('unexpected end of file')
    expect(errors).toEqual(['the disk is gone'])
    await engines.released(1)
  })

  test('at once is answered with 500', async () => {
    errors.length = 0
    async function* failing(): AsyncGenerator<string> {
      yield 'something'
      throw new Error('nothing more')
    }
    await using server = await serveInMemory(
      compress(() => new Response(streamOf(failing()), plain)),
      { onError },
    )
    const response = await server.inject('/', { headers: { 'Accept-Encoding': 'gzip' } })
    expect([response.status, errors]).toEqual([500, ['nothing more']])
  })

  test('with what is neither text nor bytes is one that fails', async () => {
    const stream = new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setImmediate(resolve))
        controller.enqueue(1)
      },
    })
    const got = await call(
      compress(() => new Response(stream, plain)),
      asking('gzip'),
    )
    await expect(got.arrayBuffer()).rejects.toThrow('neither text nor bytes')
  })

  test.each([
    ['shorter', text.length + 1],
    ['longer', text.length - 1],
  ])('so is one that is %s than its Content-Length', async (how, length) => {
    const headers = { ...plain.headers, 'Content-Length': String(length) }
    const got = await call(
      compress(() => new Response(new Blob([text]).stream(), { headers })),
      asking('gzip'),
    )
    await expect(got.arrayBuffer()).rejects.toThrow(
      `Cannot compress: the body is ${how} than its Content-Length`,
    )
  })
})

test('bytes that are decoded as they come are never more than came', async () => {
  const source = new Source()
  const got = await call(
    compress(() => new Response(source.stream, events)),
    asking('gzip'),
  )
  const gunzip = createGunzip()
  const reader = got.body!.getReader()
  source.send('a')
  gunzip.write((await reader.read()).value)
  await until(() => gunzip.readableLength === 1)
  source.send('b'.repeat(1000))
  gunzip.write((await reader.read()).value)
  await until(() => gunzip.readableLength === 1001)
  source.end()
  while (!(await reader.read()).done);
  expect(Object.keys(decoders)).toContain('gzip')
})
