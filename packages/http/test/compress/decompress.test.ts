import { LimitError, SocketError } from '@fairlead/core'
import { H3 } from 'h3'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'

import { compress, decompress } from '../../src/compress/index.ts'
import { type FetchHandler, Response as OurResponse } from '../../src/index.ts'
import { bytewise, encodings, noise } from '../coding/decode.ts'
import { watchStrays } from '../faults/harness.ts'
import { quiet, until } from '../server/ways.ts'
import { ask, call, decoded, Engines, serveInMemory, Source, text } from './asking.ts'

watchStrays()

const echo: FetchHandler = async (request) => new OurResponse(await request.arrayBuffer())
const gzip = encodings[0]!.encode

const post = (
  coding: string,
  body: string | Uint8Array | ReadableStream<Uint8Array>,
  fields: Readonly<Record<string, string>> = {},
): RequestInit => ({
  method: 'POST',
  body,
  duplex: 'half',
  headers: { 'Content-Encoding': coding, ...fields },
})

const piecesOf = (pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece)
      controller.close()
    },
  })

describe.each(encodings)('$title', ({ coding, encode }) => {
  test('is taken off', async () => {
    for (const body of [text, '', 'ü', text.repeat(100)]) {
      const got = await ask(decompress(echo), post(coding, encode(body)))
      expect([got.status, await got.text()]).toEqual([200, body])
    }
  })

  test('is taken off wherever it is cut', async () => {
    const encoded = encode('split anywhere, be it twice')
    for (let at = 0; at <= encoded.byteLength; at++) {
      const pieces = [encoded.subarray(0, at), encoded.subarray(at)].filter(
        ({ byteLength }) => byteLength > 0,
      )
      const request = new Request('http://localhost/', post(coding, piecesOf(pieces)))
      expect(await (await call(decompress(echo), request)).text()).toBe('split anywhere, be it twice')
    }
    const request = new Request('http://localhost/', post(coding, piecesOf(bytewise(encoded))))
    expect(await (await call(decompress(echo), request)).text()).toBe('split anywhere, be it twice')
  })

  test('that is cut off is 400, at whatever byte', async () => {
    const encoded = encode('a body that is cut off')
    for (let at = 1; at < encoded.byteLength; at++) {
      const request = new Request('http://localhost/', post(coding, encoded.subarray(0, at)))
      expect((await call(decompress(echo), request)).status).toBe(400)
    }
  })
})

test('codings on top of each other are taken off in their order', async () => {
  let body: Uint8Array = Buffer.from(text)
  const names: string[] = []
  for (const { coding, encode } of [encodings[0]!, encodings[3]!, encodings[1]!]) {
    body = encode(body)
    names.push(coding)
  }
  const got = await ask(decompress(echo), post(names.join(', '), body))
  expect(await got.text()).toBe(text)
})

test('the handler gets a request without what tells of the encoded bytes, and with all else', async () => {
  let seen: Request | undefined
  let contexts: unknown[] = []
  const handler: FetchHandler = async (request, ...rest) => {
    seen = request
    contexts = rest
    return new OurResponse(await request.text())
  }
  const fields = {
    'Content-Type': 'application/x',
    'Content-Digest': 'sha-256=:AA==:',
    'Repr-Digest': 'sha-256=:AA==:',
    'X-Other': 'yes',
  }
  const got = await ask(decompress(handler), {
    ...post('gzip', gzip(text), fields),
    path: '/path?a=b',
    method: 'PUT',
  })
  expect(await got.text()).toBe(text)
  const { headers, method, url, signal } = seen!
  expect([method, url, signal.aborted]).toEqual(['PUT', 'http://localhost/path?a=b', false])
  expect(seen).toBeInstanceOf(Request)
  const names = ['content-encoding', 'content-length', 'content-digest', 'repr-digest']
  expect(names.map((name) => headers.get(name))).toEqual([null, null, null, null])
  expect([headers.get('content-type'), headers.get('x-other')]).toEqual(['application/x', 'yes'])
  expect(contexts).toHaveLength(2)
  expect(contexts[0]).toHaveProperty('exchange')
})

test('its signal is that of the request', async () => {
  let signal: AbortSignal | undefined
  const source = new Source()
  const handler: FetchHandler = async (request) => {
    signal = request.signal
    await request.text()
  }
  await using server = await serveInMemory(decompress(handler))
  const controller = new AbortController()
  const asked = server.inject('/', { ...post('gzip', source.stream), signal: controller.signal })
  await until(() => signal !== undefined)
  controller.abort()
  await expect(asked).rejects.toThrow()
  await until(() => signal!.aborted)
  expect((signal!.reason as Error).name).toBe('AbortError')
})

describe('a request that needs nothing', () => {
  test.each([
    ['without a coding', {}],
    ['with identity', { 'Content-Encoding': 'identity' }],
    ['with members that are empty', { 'Content-Encoding': ' , ' }],
  ])('%s reaches the handler as it is', async (_what, headers) => {
    const request = new Request('http://localhost/', { method: 'POST', body: text, headers })
    let seen: Request | undefined
    await call(
      decompress((given) => {
        seen = given
        return new OurResponse()
      }),
      request,
    )
    expect(seen).toBe(request)
  })

  test.each(['GET', 'HEAD'])('so does %s, whatever it says: its body means nothing', async (method) => {
    const handler: FetchHandler = (request) => new OurResponse(null, { status: request.body ? 500 : 204 })
    const got = await ask(decompress(handler), { method, headers: { 'Content-Encoding': 'x-unknown' } })
    expect(got.status).toBe(204)
  })
})

describe('415', () => {
  const never: FetchHandler = () => expect.unreachable()

  test.each(['x-unknown', 'gzip, x-unknown', 'compress', 'aws-chunked', 'gzip;q=1', 'gzip '.repeat(3)])(
    'for %j, with what is known',
    async (coding) => {
      const got = await ask(decompress(never), post(coding, gzip(text)))
      expect([got.status, got.headers.get('accept-encoding'), await got.text()]).toEqual([
        415,
        expect.stringContaining('gzip, deflate, br'),
        '415 Unsupported Media Type\n',
      ])
    },
  )

  test.each([
    ['gzip, gzip, gzip, gzip', {}],
    ['gzip, br', { limits: { contentCodings: 1 } }],
    ['gzip', { limits: { contentCodings: 0 } }],
    [Array(2000).fill('gzip').join(), {}],
  ])('for too many codings', async (coding, options) => {
    const got = await ask(decompress(never, options), post(coding, gzip(text)))
    expect(got.status).toBe(415)
  })

  test('comes before the body, which nobody has to send', async () => {
    const source = new Source()
    await using server = await serveInMemory(decompress(never))
    const got = await server.inject('/', post('x-unknown', source.stream))
    expect(got.status).toBe(415)
    source.end()
  })
})

describe('a body that cannot be decoded', () => {
  const damaged = gzip(text).subarray(0, -4)
  const errors: unknown[] = []
  const onError = (error: unknown): void => void errors.push(error)

  test('is an error to whoever reads it, who may answer for it', async () => {
    let caught: unknown
    const handler: FetchHandler = async (request) => {
      try {
        await request.text()
      } catch (error) {
        caught = error
      }
      return new OurResponse('never mind', { status: 202 })
    }
    const got = await ask(decompress(handler), post('gzip', damaged))
    expect([got.status, await got.text()]).toEqual([202, 'never mind'])
    expect(SocketError.is(caught)).toBe(true)
    expect(caught).toMatchObject({ code: 'ERR_FAIRLEAD_HTTP_CONTENT_CODING' })
  })

  const uncaught: [string, FetchHandler][] = [
    ['text', async (request) => new OurResponse(await request.text())],
    ['JSON', async (request) => new OurResponse((await request.json()) as string)],
    [
      'pieces',
      async (request) => {
        for await (const piece of request.body as unknown as AsyncIterable<Uint8Array>) void piece
      },
    ],
    [
      'a clone',
      async (request) => {
        const clone = request.clone()
        await Promise.all([request.text(), clone.text()])
      },
    ],
    [
      'somebody who wraps the error',
      async (request) => {
        await request.text().catch((error: unknown) => {
          throw new Error('wrapped', { cause: error })
        })
      },
    ],
    [
      'Hono',
      new Hono().post('/', async (c) => c.text(await c.req.text())).onError((_, c) => c.text('oh', 500))
        .fetch,
    ],
    ['h3', (request) => h3.fetch(request)],
  ]
  const h3 = new H3({ silent: true })
  h3.post('/', async (event) => await event.req.text())

  test.each(uncaught)('is 400 where it is read as, or by, %s, and no news', async (_what, handler) => {
    errors.length = 0
    const got = await ask(decompress(handler), post('gzip', damaged), { onError })
    expect([got.status, await got.text(), errors]).toEqual([400, '400 Bad Request\n', []])
  })

  test('does not excuse what has nothing to do with it', async () => {
    errors.length = 0
    const handler: FetchHandler = async (request) => {
      await request.text().catch(() => {})
      throw new Error('another')
    }
    const got = await ask(decompress(handler), post('gzip', damaged), { onError })
    expect([got.status, errors.map((error) => (error as Error).message)]).toEqual([500, ['another']])
    const five = await ask(
      decompress(() => new OurResponse('own', { status: 500 })),
      post('gzip', gzip(text)),
    )
    expect([five.status, await five.text()]).toEqual([500, 'own'])
  })
})

describe('what is too much', () => {
  test.each([
    [99, 413],
    [100, 200],
  ])('100 decoded bytes with a maxBodySize of %d: %d', async (maxBodySize, status) => {
    const got = await ask(decompress(echo, { maxBodySize }), post('gzip', gzip('x'.repeat(100))))
    expect(got.status).toBe(status)
  })

  test('is 16 MiB unless told otherwise', async () => {
    const handler = decompress(async (request) => {
      let size = 0
      for await (const piece of request.body as unknown as AsyncIterable<Uint8Array>) size += piece.byteLength
      return new OurResponse(String(size))
    })
    // As small as it may be for its size.
    const some = noise(4096)
    const body = (times: number): Uint8Array => gzip(Buffer.concat(Array<Buffer>(times).fill(some)))
    const whole = await ask(handler, post('gzip', body(4096)))
    expect(await whole.text()).toBe(String(16 * 1024 * 1024))
    const more = await ask(handler, post('gzip', Buffer.concat([body(4096), gzip('x')])))
    expect([more.status, await more.text()]).toEqual([413, '413 Content Too Large\n'])
  })

  test('is a LimitError to whoever reads it', async () => {
    let caught: unknown
    const handler = decompress(
      async (request) => {
        caught = await request.text().catch((error: unknown) => error)
        return new OurResponse()
      },
      { maxBodySize: 10 },
    )
    expect((await ask(handler, post('gzip', gzip(text)))).status).toBe(200)
    expect(caught).toBeInstanceOf(LimitError)
    expect(caught).toMatchObject({ limit: 'maxBodySize' })
  })
})

describe('a reader', () => {
  test('that does not read is sent no more than it holds', async () => {
    const encoded = gzip(noise(2 * 1024 * 1024))
    let given = 0
    const stream = new ReadableStream(
      {
        pull: (controller) => {
          controller.enqueue(encoded.subarray(given, given + 16 * 1024))
          given += 16 * 1024
          if (given >= encoded.byteLength) controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
    const request = new Request('http://localhost/', post('gzip', stream))
    await call(
      decompress((asked) => {
        reader = asked.body!.getReader()
        return new OurResponse()
      }),
      request,
    )
    await quiet()
    expect(given).toBe(0)
    let size = (await reader!.read()).value!.byteLength
    for (let at = 0; at < 10; at++) await quiet()
    expect(given).toBeLessThan(1024 * 1024)
    for (;;) {
      const { done, value } = await reader!.read()
      if (done) break
      size += value.byteLength
    }
    expect(size).toBe(2 * 1024 * 1024)
  })

  test('that leaves cancels the body, and the decoder is let go of', async () => {
    using engines = new Engines()
    const source = new Source()
    const request = new Request('http://localhost/', post('gzip', source.stream))
    let body: ReadableStream<Uint8Array> | undefined
    await call(
      decompress((asked) => {
        body = asked.body!
        return new OurResponse()
      }),
      request,
    )
    const reader = body!.getReader()
    const first = reader.read()
    source.send(gzip(noise(64 * 1024)).subarray(0, 40 * 1024))
    await first
    await reader.cancel()
    await source.gone
    await engines.released(1)
  })

  test('that never began has no decoder', async () => {
    using engines = new Engines()
    const got = await ask(
      decompress(() => new OurResponse('early')),
      post('gzip', gzip(text)),
    )
    expect([await got.text(), engines.made.length]).toEqual(['early', 0])
  })

  test('hears of a client that leaves, and the decoder is let go of', async () => {
    using engines = new Engines()
    const source = new Source()
    let failed: unknown
    const handler = decompress(async (request) => {
      failed = await request.text().catch((error: unknown) => error)
      return new OurResponse()
    })
    await using server = await serveInMemory(handler)
    const controller = new AbortController()
    const asked = server.inject('/', { ...post('gzip', source.stream), signal: controller.signal })
    source.send(gzip(text).subarray(0, 40))
    await until(() => engines.made.length === 1)
    controller.abort()
    await expect(asked).rejects.toThrow()
    await until(() => failed !== undefined)
    expect(SocketError.is(failed)).toBe(true)
    await engines.released(1)
  })
})

test('a body that is passed on as it comes goes through both ways', async () => {
  const handler = compress(
    decompress((request) => new OurResponse(request.body, { headers: { 'Content-Type': 'text/plain' } })),
  )
  const large = text.repeat(200)
  const got = await ask(handler, post('br', encodings[3]!.encode(large), { 'Accept-Encoding': 'gzip' }))
  expect([got.status, got.headers.get('content-encoding')]).toEqual([200, 'gzip'])
  expect((await decoded(got)).toString()).toBe(large)
})
