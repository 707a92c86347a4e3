import { useManualClock } from '@fairlead/harness'
import { describe, expect, test } from 'vitest'

import type { Progress, RequestError, RequestOptions } from '../../src/index.ts'
import { quiet, Signal, until } from '../server/ways.ts'
import { answer, failure, nothing, raw, rawWays, response, standing, watch } from './raw-server.ts'

const clock = useManualClock()

const goOn = 'HTTP/1.1 100 Continue\r\n\r\n'

/** The bytes behind the first head. */
function bodyOf(text: string): string {
  return text.slice(text.indexOf('\r\n\r\n') + 4)
}

/** A body of a stream that has so many pieces of 16 KiB, and tells how many were taken, and whether it was let go. */
function counted(count: number): { body: AsyncIterable<Uint8Array>; taken: number; ended: boolean } {
  const seen = { body: pieces(), taken: 0, ended: false }
  async function* pieces(): AsyncGenerator<Uint8Array> {
    try {
      while (seen.taken < count) {
        seen.taken++
        yield Buffer.alloc(16 * 1024, 'x')
      }
    } finally {
      seen.ended = true
    }
  }
  return seen
}

describe.each(rawWays)('a body that waits to be wanted, over $name,', (way) => {
  const bodies: [string, () => RequestOptions, string][] = [
    ['of text', () => ({ body: 'ahoy' }), 'ahoy'],
    ['of a stream', () => ({ body: new Blob(['ahoy']).stream() }), '4\r\nahoy\r\n0\r\n\r\n'],
  ]
  test.each(bodies)('%s goes out behind 100', async (_what, options, bytes) => {
    await using server = await way.open((asked) => answer(asked.body))
    await using client = server.client()
    const request = client.request('/', { ...options(), expectContinue: true })
    await until(() => server.peers[0]?.text.endsWith('\r\n\r\n') === true)
    await quiet()
    const [peer] = server.peers
    expect([peer!.text.includes('Expect: 100-continue\r\n'), bodyOf(peer!.text)]).toEqual([true, ''])
    peer!.write(goOn)
    const got = await request
    expect([await got.text(), bodyOf(peer!.text), got.informational.length]).toEqual(['ahoy', bytes, 1])
    expect((await client.request('/')).reused).toBe(true)
  })

  test('is not sent when the answer comes first, and the connection is not used again', async () => {
    await using server = await way.open()
    await using client = server.client()
    const request = client.request('/', { body: 'ahoy', expectContinue: true })
    await until(() => server.peers[0]?.text.endsWith('\r\n\r\n') === true)
    server.peers[0]!.write(response('403 Forbidden', 'no'))
    const got = await request
    expect([got.status, await got.text()]).toEqual([403, 'no'])
    await until(() => server.peers[0]!.gone)
    expect([bodyOf(server.peers[0]!.text), standing(client), client.stats().active]).toEqual(['', nothing, 0])
  })

  test('is sent anyway when the server knows of no expectations', async () => {
    await using server = await way.open((asked) => answer(asked.body))
    await using client = server.client()
    const request = client.request('/', { body: 'ahoy', expectContinue: 500 })
    await until(() => server.peers[0]?.text.endsWith('\r\n\r\n') === true)
    clock.advance(250)
    await quiet()
    expect(bodyOf(server.peers[0]!.text)).toBe('')
    clock.advance(500)
    expect(await (await request).text()).toBe('ahoy')
  })

  test('is asked for once more without a word of it behind 417', async () => {
    await using server = await way.open((asked) => answer(`${asked.fields.has('expect')} ${asked.body}`))
    await using client = server.client()
    const request = client.request('/', { body: 'ahoy', expectContinue: true })
    await until(() => server.peers[0]?.text.endsWith('\r\n\r\n') === true)
    server.peers[0]!.write(response('417 Expectation Failed'))
    expect(await (await request).text()).toBe('false ahoy')
    expect(bodyOf(server.peers[0]!.text)).toBe('')
  })
})

test('a stream is not asked for twice: 417 is its answer', async () => {
  await using server = await raw.open()
  await using client = server.client()
  const stream = counted(1)
  const request = client.request('/', { body: stream.body, expectContinue: true })
  await until(() => server.peers[0]?.text.endsWith('\r\n\r\n') === true)
  server.peers[0]!.write(response('417 Expectation Failed'))
  expect([(await request).status, stream.taken]).toEqual([417, 0])
})

test('a connection that is lost while a body waits is none that has the body', async () => {
  await using server = await raw.open()
  await using client = server.client()
  const error = failure<RequestError>(client.request('/', { body: 'ahoy', expectContinue: true }))
  await until(() => server.peers[0]?.text.endsWith('\r\n\r\n') === true)
  server.peers[0]!.end()
  expect(await error).toMatchObject({ name: 'RequestError', attempts: 1, retryable: false })
})

test('without a body nothing is expected', async () => {
  await using server = await raw.open((asked) => answer(String(asked.fields.has('expect'))))
  await using client = server.client()
  for (const options of [
    { expectContinue: true },
    { expectContinue: true, method: 'POST' },
    { expectContinue: false, body: 'x' },
  ])
    expect(await (await client.request('/', options)).text()).toBe('false')
})

describe.each(rawWays)('an answer that comes before its request was sent, over $name,', (way) => {
  test.each(['413 Content Too Large', '401 Unauthorized', '500 Internal Server Error'])(
    'as %s, stops the body',
    async (status) => {
      const stream = counted(Infinity)
      await using server = await way.open()
      await using client = server.client()
      const request = client.request('/', { body: stream.body })
      await until(() => server.peers[0]?.text.includes('xxx') === true)
      server.peers[0]!.write(response(status, 'enough'))
      const got = await request
      expect([`${got.status} ${got.reason}`, await got.text()]).toEqual([status, 'enough'])
      await until(() => stream.ended && server.peers[0]!.gone)
      expect([standing(client), client.stats().active]).toEqual([nothing, 0])
      server.script = () => answer('next')
      expect(await (await client.request('/next')).text()).toBe('next')
    },
  )

  test('of success lets the body go on, and the connection free behind it', async () => {
    const held = new Signal()
    async function* body(): AsyncGenerator<string> {
      yield 'first '
      await held.fired
      yield 'last'
    }
    await using server = await way.open((asked) => (asked.target === '/next' ? answer('next') : undefined))
    await using client = server.client({ maxConnections: 1 })
    const request = client.request('/', { body: body() })
    await until(() => server.peers[0]?.text.includes('first') === true)
    server.peers[0]!.write(answer('early'))
    const got = await request
    expect(await got.text()).toBe('early')
    const next = client.request('/next')
    const seen = watch(next)
    await quiet()
    expect(seen).toEqual({})
    held.fire()
    expect([await (await next).text(), (await next).reused, server.peers[0]!.asked[0]!.body]).toEqual([
      'next',
      true,
      'first last',
    ])
  })

  test('of success can be given up with its body', async () => {
    const gone = new AbortController()
    let cancelled = 0
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from('first')),
      cancel: () => void cancelled++,
    })
    await using server = await way.open()
    await using client = server.client({ maxConnections: 1 })
    const request = client.request('/', { body, signal: gone.signal })
    await until(() => server.peers[0]?.text.includes('first') === true)
    server.peers[0]!.write(answer('early'))
    expect(await (await request).text()).toBe('early')
    gone.abort(new Error('enough'))
    await until(() => server.peers[0]!.gone && cancelled === 1)
    expect([standing(client), client.stats().active]).toEqual([nothing, 0])
  })
})

describe('back-pressure of what is sent', () => {
  test.each(rawWays)('makes a stream wait that the server does not read, over $name', async (way) => {
    const stream = counted(2_000)
    await using server = await way.open((asked) => answer(String(asked.body.length)))
    server.paused = true
    await using client = server.client()
    const request = client.request('/', { body: stream.body })
    await server.peer()
    let taken = -1
    while (stream.taken !== taken) {
      taken = stream.taken
      await quiet()
      await quiet()
    }
    expect(taken).toBeLessThan(1_000)
    server.peers[0]!.connection.resume()
    expect(await (await request).text()).toBe(String(2_000 * 16 * 1024))
    expect(stream.taken).toBe(2_000)
  })

  test('slices what is large', async () => {
    const body = Buffer.alloc(3_000_000)
    for (let at = 0; at < body.length; at++) body[at] = (at * 31) & 127
    await using server = await rawWays[1]!.open((asked) =>
      answer(String(Buffer.compare(Buffer.from(asked.body, 'latin1'), body))),
    )
    await using client = server.client()
    expect(await (await client.request('/', { body })).text()).toBe('0')
    expect(await (await client.request('/', { body: new Blob([body]) })).text()).toBe('0')
  })
})

describe('progress', () => {
  test.each([
    ['text', () => 'x'.repeat(1_000), 1_000, 1_000],
    ['large bytes', () => Buffer.alloc(500_000), 500_000, 500_000],
    ['a stream', () => counted(10).body, 163_840, undefined],
    ['an empty text', () => '', 0, 0],
  ])('of an upload of %s is told to its end', async (_what, body, bytes, total) => {
    await using server = await raw.open(() => answer())
    await using client = server.client()
    const told: Progress[] = []
    await client.request('/', { body: body(), onUpload: (progress) => void told.push(progress) })
    if (bytes > 0) expect(told.at(-1)).toEqual({ bytes, total })
    const sizes = told.map((progress) => progress.bytes)
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b))
  })

  test('of a download is told as it comes, with its length where that is known', async () => {
    await using server = await raw.open((asked, peer) => {
      if (asked.target === '/chunked')
        return 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n'
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none')
      setImmediate(() => peer.write('two'))
      return undefined
    })
    await using client = server.client()
    const told: Progress[] = []
    const onDownload = (progress: Progress): void => void told.push(progress)
    await (await client.request('/', { onDownload })).text()
    await (await client.request('/chunked', { onDownload })).text()
    expect(told).toEqual([
      { bytes: 3, total: 6 },
      { bytes: 6, total: 6 },
      { bytes: 3, total: undefined },
    ])
  })
})

describe('a callback that throws costs its request, and nobody else', () => {
  const thrown = new Error('by the callback')
  const fail = (): never => {
    throw thrown
  }
  const callbacks: [string, RequestOptions][] = [
    ['onInform', { onInform: fail }],
    ['onUpload', { body: 'x', onUpload: fail }],
    ['onUpload of a stream', { body: new Blob(['x']).stream(), onUpload: fail }],
    ['onDownload', { onDownload: fail }],
    ['trailers', { body: 'x', trailers: fail }],
    ['trailers that are none', { body: 'x', trailers: () => ({ 'X-A': 'b\r\nc' }) }],
    ['trailers that are nothing', { body: 'x', trailers: () => undefined as never }],
    ['a stream', { body: new ReadableStream({ pull: fail }) }],
    [
      'a stream of nonsense',
      { body: new ReadableStream({ pull: (controller) => controller.enqueue(7 as never) }) },
    ],
    [
      'a stream that is longer than it says',
      { body: new Blob(['xx']).stream(), headers: { 'Content-Length': '1' } },
    ],
    [
      'a stream that is shorter than it says',
      { body: new Blob(['xx']).stream(), headers: { 'Content-Length': '3' } },
    ],
  ]
  for (const way of rawWays) {
    test.each(callbacks)(`as %s does, over ${way.name}`, async (what, options) => {
      await using server = await way.open((asked) =>
        asked.target === '/fine' ? answer('fine') : goOn + answer('ahoy'),
      )
      await using client = server.client({ maxConnections: 1 })
      const body = options.body instanceof ReadableStream ? again(what) : options.body
      const outcome = await client.request('/', { ...options, body: body ?? null }).then(
        (got) => failure(got.text()),
        (error: unknown) => error,
      )
      if (what.startsWith('on')) expect(outcome).toBe(thrown)
      else {
        expect(outcome).toMatchObject({ name: 'RequestError', phase: 'write', attempts: 1 })
        const { message } = outcome as RequestError
        expect(message).toMatch(/Cannot (send|encode|write)/)
        expect(message).not.toMatch(/Cannot send body: .*Cannot send body: /)
      }
      expect(client.stats()).toMatchObject({ active: 0, failed: 1 })
      expect(await (await client.request('/fine')).text()).toBe('fine')
    })
  }

  /** A stream is good for one test. */
  function again(what: string): ReadableStream {
    if (what === 'a stream') return new ReadableStream({ pull: fail })
    if (what === 'a stream of nonsense')
      return new ReadableStream({ pull: (controller) => controller.enqueue(7) })
    return new Blob([what.startsWith('onUpload') ? 'x' : 'xx']).stream()
  }

  test('nor does one that rejects', async () => {
    await using server = await raw.open(() => goOn + answer('ahoy'))
    await using client = server.client()
    const reject = (): void => Promise.reject(thrown) as unknown as void
    const got = await client
      .request('/', { onInform: reject, onDownload: reject, body: 'x', onUpload: reject })
      .then(
        (it) => it.text(),
        (error: unknown) => error,
      )
    // Told as the request's own failure, or not at all; never as nobody's.
    expect([thrown, 'ahoy']).toContain(got)
  })
})
