import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'

import { BusyError, LimitError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { HttpProtocolError, IncomingResponse, RequestError } from '../../src/index.ts'
import { quiet, until } from '../server/ways.ts'
import { answer, failure, nothing, raw, rawWays, response, standing } from './raw-server.ts'

const KiB = 1024

describe.each(rawWays)('the body of an answer over $name', (way) => {
  test('may come in chunks, with extensions and trailers', async () => {
    await using server = await way.open(
      () =>
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\none\r\n3\r\ntwo\r\n0\r\nX-T: u\r\n\r\n',
    )
    await using client = server.client()
    const got = await client.request('/')
    expect([await got.text(), got.trailers?.get('x-t')]).toEqual(['onetwo', 'u'])
    expect((await client.request('/')).reused).toBe(true)
  })

  test('lasts until the close where nothing else tells its end', async () => {
    await using server = await way.open((_asked, peer) => {
      peer.write('HTTP/1.1 200 OK\r\n\r\nall of ')
      peer.write('it')
      peer.end()
    })
    await using client = server.client()
    const got = await client.request('/')
    expect([await got.text(), got.complete]).toEqual(['all of it', true])
    const next = await client.request('/')
    expect([await next.text(), next.reused, server.peers.length]).toEqual(['all of it', false, 2])
  })

  test.each([
    ['of a length', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n'],
    ['in a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nall'],
  ])('%s that is cut off is an error, for every kind of reader', async (_how, bytes) => {
    await using server = await way.open((_asked, peer) => {
      peer.write(bytes)
      peer.end()
    })
    await using client = server.client()
    const readers: ((got: IncomingResponse) => Promise<unknown>)[] = [
      (got) => got.text(),
      (got) => got.bytes(),
      (got) => got.json(),
      async (got) => {
        for await (const chunk of got) void chunk
      },
      (got) => got.body.text(),
    ]
    for (const read of readers) {
      const got = await client.request('/')
      const error = await failure<RequestError>(read(got))
      expect(error).toBeInstanceOf(RequestError)
      expect(error).toMatchObject({ phase: 'body', retryable: false, method: 'GET', attempts: 1 })
      expect(got.complete).toBe(false)
    }
    expect(client.stats()).toMatchObject({ active: 0, failed: 5, retries: 0 })
  })

  test('can be cut off by a reset', async () => {
    await using server = await way.open((_asked, peer) =>
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall'),
    )
    await using client = server.client()
    const got = await client.request('/')
    const text = got.text()
    server.peers[0]!.reset()
    expect(await failure(text)).toMatchObject({
      phase: 'body',
      code: expect.stringMatching(/^ERR_FAIRLEAD_/) as string,
    })
  })

  test('is one with what came behind 1xx answers, each of which is told', async () => {
    await using server = await way.open(
      () =>
        'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' +
        'HTTP/1.1 102 Processing\r\n\r\n' +
        'HTTP/1.1 100 Continue\r\n\r\n' +
        answer('ahoy'),
    )
    await using client = server.client()
    const told: number[] = []
    const got = await client.request('/', { onInform: ({ status }) => void told.push(status) })
    expect([await got.text(), told]).toEqual(['ahoy', [103, 102, 100]])
    expect(got.informational.map(({ status, headers }) => [status, headers.get('link')])).toEqual([
      [103, '</a>'],
      [102, undefined],
      [100, undefined],
    ])
    const next = await client.request('/')
    expect([next.reused, next.informational.length]).toEqual([true, 3])
  })

  test('with 1xx answers without end is an error', async () => {
    await using server = await way.open(() => 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(3) + answer())
    await using client = server.client({ limits: { interimResponses: 2 } })
    expect(await failure(client.request('/'))).toMatchObject({
      code: 'ERR_FAIRLEAD_HTTP_INTERIM_FLOOD',
      phase: 'headers',
    })
    expect(standing(client)).toEqual(nothing)
  })
})

describe('a reader of the body', () => {
  const opened = async (body = 'ahoy'): Promise<{ got: IncomingResponse; close: () => Promise<void> }> => {
    const server = await raw.open(() => answer(body))
    const client = server.client()
    const got = await client.request('/')
    return {
      got,
      close: async () => {
        await client.close()
        await server[Symbol.asyncDispose]()
      },
    }
  }

  const handled: [string, (got: IncomingResponse) => Promise<unknown>][] = [
    ['bytes', (got) => got.bytes()],
    ['text', (got) => got.text()],
    ['json', (got) => got.json()],
    ['handle', async (got) => got.body.handle({ onData() {} })],
  ]
  const ways: typeof handled = [
    ...handled,
    ['body.bytes', (got) => got.body.bytes()],
    ['body.text', (got) => got.body.text()],
    [
      'iteration',
      async (got) => {
        for await (const chunk of got) void chunk
      },
    ],
  ]
  // An iteration that ended has left its place: whoever comes then finds nothing more, which is the house's way.
  for (const [first, read] of handled) {
    test.each(ways)(`by ${first} is the only one, so that %s fails behind it`, async (_second, readAgain) => {
      const { got, close } = await opened('"ahoy"')
      expect(got.bodyUsed).toBe(false)
      await read(got)
      expect(got.bodyUsed).toBe(true)
      expect(await failure(readAgain(got))).toBeInstanceOf(BusyError)
      await close()
    })
  }

  test('fails behind discard, too', async () => {
    const { got, close } = await opened()
    got.discard()
    got.discard()
    expect(await failure(got.text())).toBeInstanceOf(BusyError)
    expect(got.bodyUsed).toBe(true)
    await close()
  })

  test('takes no more than its limit', async () => {
    for (const read of [
      (got: IncomingResponse) => got.text(3),
      (got: IncomingResponse) => got.bytes(3),
      (got: IncomingResponse) => got.json(3),
    ]) {
      const { got, close } = await opened()
      const error = await failure<LimitError>(read(got))
      expect([error instanceof LimitError, error.code, error.message]).toEqual([
        true,
        'ERR_FAIRLEAD_LIMIT',
        'Cannot read body: more than 3 bytes',
      ])
      await close()
    }
    const { got, close } = await opened()
    expect(await got.text(4)).toBe('ahoy')
    await close()
  })

  test('that stops at its limit closes the connection with the rest', async () => {
    await using server = await raw.open((_asked, peer) =>
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n' + 'x'.repeat(50)),
    )
    await using client = server.client()
    const got = await client.request('/')
    const text = failure(got.text(60))
    server.peers[0]!.write('x'.repeat(20))
    expect(await text).toBeInstanceOf(LimitError)
    await until(() => server.peers[0]!.gone)
    expect([standing(client), client.stats().active]).toEqual([nothing, 0])
  })

  test('gets text without its byte order mark, with what is no UTF-8 replaced', async () => {
    await using server = await raw.open((asked) =>
      answer(asked.target === '/bom' ? '\xef\xbb\xbfahoy' : 'a\xffb'),
    )
    await using client = server.client()
    expect(await (await client.request('/bom')).text()).toBe('ahoy')
    expect((await (await client.request('/bom')).bytes()).byteLength).toBe(7)
    expect(await (await client.request('/')).text()).toBe('a\ufffdb')
  })

  test('gets JSON without a byte order mark, and a SyntaxError for what is none', async () => {
    await using server = await raw.open((asked) => answer(asked.target === '/' ? '\xef\xbb\xbf[1]' : '{a'))
    await using client = server.client()
    expect(await (await client.request('/')).json()).toEqual([1])
    expect(await failure((await client.request('/bad')).json())).toBeInstanceOf(SyntaxError)
    expect((await client.request('/')).reused).toBe(true)
  })

  test('by handle hears the pieces, the end and the close, in this order', async () => {
    const { got, close } = await opened()
    const heard: string[] = []
    await new Promise<void>((resolve) =>
      got.body.handle({
        onData: (chunk) => void heard.push(Buffer.from(chunk).toString()),
        onEnd: () => {
          heard.push('end')
          resolve()
        },
      }),
    )
    expect(heard).toEqual(['ahoy', 'end'])
    await close()
  })

  test('may leave in the middle, and the connection goes', async () => {
    await using server = await raw.open((_asked, peer) =>
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst'),
    )
    await using client = server.client()
    const got = await client.request('/')
    for await (const chunk of got) {
      expect(Buffer.from(chunk).toString()).toBe('first')
      break
    }
    got.discard()
    await until(() => server.peers[0]!.gone)
    expect([standing(client), client.stats().active]).toEqual([nothing, 0])
  })

  test('that throws by handle costs its request alone', async () => {
    await using server = await raw.open((asked, peer) =>
      asked.target === '/'
        ? answer('fine')
        : peer.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst'),
    )
    await using client = server.client()
    const got = await client.request('/bad')
    got.body.handle({
      onData() {
        throw new Error('thrown by the reader')
      },
    })
    await until(() => server.peers[0]!.gone)
    expect(client.stats().active).toBe(0)
    expect(await (await client.request('/')).text()).toBe('fine')
  })
})

describe('discard', () => {
  test('of a body that is there keeps the connection', async () => {
    await using server = await raw.open(() => answer('x'.repeat(10 * KiB)))
    await using client = server.client()
    const got = await client.request('/')
    await until(() => got.complete)
    got.discard()
    expect((await client.request('/')).reused).toBe(true)
  })

  test.each([
    ['that is long', `HTTP/1.1 200 OK\r\nContent-Length: ${KiB * KiB}\r\n\r\nall`],
    ['that nobody knows the length of', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n'],
    ['that lasts until the close', 'HTTP/1.1 200 OK\r\n\r\nall'],
  ])('of a body still to come %s closes it', async (_what, bytes) => {
    await using server = await raw.open((_asked, peer) => peer.write(bytes))
    await using client = server.client()
    const got = await client.request('/')
    got.discard()
    got.discard()
    await until(() => server.peers[0]!.gone)
    expect([standing(client), client.stats().active]).toEqual([nothing, 0])
  })

  test('of a body still to come that is short waits for it, and keeps the connection', async () => {
    await using server = await raw.open((asked, peer) =>
      asked.target === '/' ? answer('next') : peer.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall'),
    )
    await using client = server.client({ maxConnections: 1 })
    const got = await client.request('/short')
    got.discard()
    got.discard()
    const next = client.request('/')
    await quiet()
    expect([standing(client).queued, client.stats().active]).toEqual([1, 2])
    server.peers[0]!.write(' of it')
    expect([await (await next).text(), (await next).reused, client.stats().active]).toEqual(['next', true, 0])
  })
})

describe.each(rawWays)('read ahead over $name', (way) => {
  test('a body of 64 KiB that nobody reads does not hold its connection', async () => {
    await using server = await way.open(() => answer('x'.repeat(64 * KiB)))
    await using client = server.client({ maxConnections: 1 })
    const all = [await client.request('/'), await client.request('/'), await client.request('/')]
    expect(server.peers).toHaveLength(1)
    for (const got of all) expect((await got.bytes()).byteLength).toBe(64 * KiB)
  })

  test('a larger one holds it, until it is read', async () => {
    const size = 4 * 1024 * KiB
    await using server = await way.open((asked, peer) => {
      if (asked.target === '/small') return answer('small')
      peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      for (let sent = 0; sent < size; sent += 64 * KiB) peer.write(Buffer.alloc(64 * KiB, 'x'))
      return undefined
    })
    await using client = server.client({ maxConnections: 1 })
    const large = await client.request('/large')
    const small = client.request('/small')
    await until(() => standing(client).queued === 1)
    await quiet()
    // What was taken from the connection is bounded, and what was not stands at the server.
    expect(client.stats().bytesIn).toBeLessThan(1024 * KiB)
    expect(server.peers[0]!.connection.buffered).toBeGreaterThan(0)
    expect(standing(client)).toEqual({ connections: 1, idle: 0, connecting: 0, queued: 1 })
    expect((await large.bytes()).byteLength).toBe(size)
    expect(await (await small).text()).toBe('small')
    expect((await client.request('/small')).reused).toBe(true)
  })

  test('a reader that pauses makes the server wait, and loses nothing', async () => {
    const size = 4 * 1024 * KiB
    await using server = await way.open((_asked, peer) => {
      peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      for (let at = 0; at < size / 4; at += 16 * KiB) {
        const piece = Buffer.alloc(64 * KiB)
        for (let word = 0; word < 16 * KiB; word++) piece.writeUInt32BE(at + word, word * 4)
        peer.write(piece)
      }
      return undefined
    })
    await using client = server.client()
    const got = await client.request('/')
    let next = 0
    let rest = Buffer.alloc(0)
    let stopped = false
    let ended = false
    got.body.handle({
      onData(chunk) {
        rest = Buffer.concat([rest, chunk])
        for (; rest.length >= 4; rest = rest.subarray(4), next++)
          if (rest.readUInt32BE() !== next) throw new Error('lost')
        if (!stopped && next > size / 16) {
          stopped = true
          got.body.pause()
        }
      },
      onEnd: () => void (ended = true),
    })
    await until(() => stopped)
    await quiet()
    const { bytesIn } = client.stats()
    await quiet()
    expect([client.stats().bytesIn, bytesIn < size * 0.75, ended]).toEqual([bytesIn, true, false])
    got.body.resume()
    await until(() => ended)
    expect(next).toBe(size / 4)
  })
})

describe('an answer that is none', () => {
  test.each([
    ['no HTTP at all', 'SSH-2.0-OpenSSH\r\n\r\n', 'STATUS_LINE'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n', undefined],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'STATUS_LINE'],
    [
      'both framings',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
      'AMBIGUOUS_FRAMING',
    ],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\ncontent-length: 2\r\n\r\na', 'CONTENT_LENGTH'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: 1a\r\n\r\na', 'CONTENT_LENGTH'],
    ['a chunk size that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', undefined],
    ['a folded line', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n', undefined],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 0\r\n\r\n', undefined],
    [
      '101 that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      'UNEXPECTED',
    ],
    ['a head without end', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(5_000)}`, undefined],
  ])('as with %s is an error, and the connection goes', async (_what, bytes, code) => {
    await using server = await raw.open((_asked, _peer, count) => (count === 1 ? bytes : answer()))
    await using client = server.client()
    const outcome = await client.request('/').then(
      (got) => failure(got.bytes()),
      (error: unknown) => error,
    )
    expect(outcome).toBeInstanceOf(RequestError)
    const error = outcome as RequestError
    expect(error.code).toMatch(code === undefined ? /^ERR_FAIRLEAD_HTTP_/ : `ERR_FAIRLEAD_HTTP_${code}`)
    expect(error.cause).toBeInstanceOf(HttpProtocolError)
    expect([error.retryable, client.stats().retries]).toEqual([false, 0])
    await until(() => server.peers[0]!.gone)
    expect([standing(client), client.stats().active]).toEqual([nothing, 0])
  })

  test('because it is larger than allowed is cut there', async () => {
    await using server = await raw.open((asked) =>
      asked.target === '/length'
        ? answer('x'.repeat(11))
        : 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n' + 'x'.repeat(11),
    )
    await using client = server.client({ maxBodySize: 10 })
    for (const target of ['/length', '/chunked']) {
      const got = await client.request(target)
      const error = await failure(got.text())
      expect(error).toMatchObject({ name: 'RequestError', phase: 'body' })
    }
    expect(client.stats()).toMatchObject({ active: 0, failed: 2 })
  })
})

describe('encoded bodies', () => {
  const text = 'knots and ropes '.repeat(20_000)
  const encoded = gzipSync(text).toString('latin1')

  test.each(rawWays)('are decoded, whole or byte by byte, over $name', async (way) => {
    await using server = await way.open((asked, peer) => {
      const whole = answer(encoded, 'Content-Encoding: gzip')
      if (asked.target === '/whole') return whole
      void (async () => {
        for (let at = 0; at < whole.length; at += 97) {
          peer.write(whole.slice(at, at + 97))
          if (at % 970 === 0) await new Promise((resolve) => setImmediate(resolve))
        }
      })()
      return undefined
    })
    await using client = server.client()
    for (const target of ['/whole', '/pieces', '/whole']) {
      const got = await client.request(target)
      expect((await got.text()) === text).toBe(true)
      expect([got.headers.get('content-encoding'), got.headers.get('content-length')]).toEqual([
        'gzip',
        String(encoded.length),
      ])
    }
    const kept = await client.request('/whole', { decode: false })
    expect(Buffer.from(await kept.bytes()).toString('latin1') === encoded).toBe(true)
    expect(server.peers).toHaveLength(1)
  })

  test('that are damaged are an error, for their reader alone', async () => {
    await using server = await raw.open((asked) =>
      asked.target === '/bad'
        ? answer(encoded.slice(0, 100) + 'zzzzzzz' + encoded.slice(107), 'Content-Encoding: gzip')
        : answer('fine'),
    )
    await using client = server.client()
    const error = await failure<RequestError>(client.request('/bad').then((got) => got.text()))
    expect([error.name, error.code, error.phase]).toEqual([
      'RequestError',
      'ERR_FAIRLEAD_HTTP_CONTENT_CODING',
      'body',
    ])
    expect(await (await client.request('/')).text()).toBe('fine')
    expect(client.stats().active).toBe(0)
  })

  test('that are cut off are an error', async () => {
    await using server = await raw.open(() => answer(encoded.slice(0, -20), 'Content-Encoding: gzip'))
    await using client = server.client()
    expect(await failure(client.request('/').then((got) => got.text()))).toMatchObject({
      name: 'RequestError',
    })
  })

  test('of more layers or more expansion than allowed are an error', async () => {
    const bomb = gzipSync(Buffer.alloc(20 * 1024 * KiB)).toString('latin1')
    await using server = await raw.open((asked) =>
      asked.target === '/bomb'
        ? answer(bomb, 'Content-Encoding: gzip')
        : answer('x', 'Content-Encoding: gzip, gzip, gzip, gzip'),
    )
    await using client = server.client()
    for (const target of ['/bomb', '/layers']) {
      const error = await failure(client.request(target).then((got) => got.bytes()))
      expect(error).toMatchObject({ name: 'RequestError', code: 'ERR_FAIRLEAD_LIMIT', phase: 'body' })
    }
    expect(client.stats().active).toBe(0)
  })

  test('with a coding that nobody knows are given as they came', async () => {
    await using server = await raw.open(() => answer('ahoy', 'Content-Encoding: x-secret'))
    await using client = server.client()
    expect(await (await client.request('/')).text()).toBe('ahoy')
  })

  test('are paused like any other when nobody reads what they hold', async () => {
    const random = Buffer.alloc(6 * 1024 * KiB)
    for (let at = 0; at < random.length; at += 4) random.writeUInt32LE((at * 2_654_435_761) >>> 0, at)
    const large = gzipSync(random, { level: 0 })
    await using server = await rawWays[1]!.open((_asked, peer) => {
      peer.write(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${large.length}\r\n\r\n`)
      for (let at = 0; at < large.length; at += 64 * KiB) peer.write(large.subarray(at, at + 64 * KiB))
      return undefined
    })
    await using client = server.client()
    const got = await client.request('/')
    for (let times = 0; times < 20; times++) await quiet()
    expect(client.stats().bytesIn).toBeLessThan(2 * 1024 * KiB)
    expect(Buffer.compare(await got.bytes(), random)).toBe(0)
  })
})

describe('an answer that no server gave', () => {
  test('is like any other', async () => {
    const made = IncomingResponse.of(404, { 'X-A': 'b' }, 'none')
    expect([made.status, made.reason, made.ok, made.url, made.attempts, made.reused, made.complete]).toEqual([
      404,
      'Not Found',
      false,
      '',
      0,
      false,
      true,
    ])
    expect([made.headers.get('x-a'), await made.text()]).toEqual(['b', 'none'])
    expect(await failure(made.text())).toBeInstanceOf(BusyError)
    expect((await IncomingResponse.of(204).bytes()).byteLength).toBe(0)
    IncomingResponse.of(200, {}, 'x').discard()
  })

  test.each([100, 199, 600, 200.5, Number.NaN])('has no status such as %d', (status) => {
    expect(() => IncomingResponse.of(status)).toThrow(RangeError)
  })

  test('has no fields that could not be sent', () => {
    expect(() => IncomingResponse.of(200, { 'X-A': {} as unknown as string })).toThrow(TypeError)
  })
})

test('an answer to HTTP/1.0 is read, and its connection not kept unless it says so', async () => {
  await using server = await raw.open((asked) =>
    asked.target === '/keep'
      ? 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nkept'
      : 'HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nold!',
  )
  await using client = server.client()
  expect(await (await client.request('/keep')).text()).toBe('kept')
  const old = await client.request('/')
  expect([await old.text(), old.minor, old.reused]).toEqual(['old!', 0, true])
  expect((await client.request('/')).reused).toBe(false)
})

test('an answer of an odd status is an answer', async () => {
  await using server = await raw.open((asked) => response(`${asked.target.slice(1)} Odd`, 'x'))
  await using client = server.client()
  for (const status of [200, 299, 400, 418, 499, 599, 999]) {
    const got = await client.request(`/${status}`)
    expect([got.status, got.ok, await got.text()]).toEqual([status, status < 300, 'x'])
  }
})

test('an answer shows what it is, and reads nothing for it', async () => {
  await using server = await raw.open(() => answer('ahoy', 'X-A: b'))
  await using client = server.client()
  const got = await client.request('/a')
  const shown = inspect(got)
  for (const part of [
    /^IncomingResponse \{/,
    /status: 200/,
    /url: 'http:\/\/raw\.example\/a'/,
    /headers: Fields \{[^}]*'X-A': 'b'/,
    /bodyUsed: false/,
  ]) {
    expect(shown).toMatch(part)
  }
  expect(await got.text()).toBe('ahoy')
  expect(inspect(got)).toMatch(/bodyUsed: true/)
  expect(inspect(IncomingResponse.of(204))).toMatch(/^IncomingResponse \{/)
})
