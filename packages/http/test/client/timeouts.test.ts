import type { ByteConnection } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import { describe, expect, test } from 'vitest'

import { Client, type ClientOptions, type RequestError } from '../../src/index.ts'
import { quiet, until } from '../server/ways.ts'
import { answer, failure, nothing, raw, type RawServer, rawWays, standing, watch } from './raw-server.ts'

const clock = useManualClock()

const facts = { name: 'RequestError', code: 'ERR_FAIRLEAD_TIMEOUT', cause: { name: 'TimeoutError' } }

/** Nothing is left of a request that ran out of time. */
async function freed(client: Client, server: RawServer): Promise<void> {
  await until(() => server.peers.every((peer) => peer.gone))
  expect([standing(client), client.stats().active]).toEqual([nothing, 0])
}

describe('there is a time for the answer to begin', () => {
  test.each(rawWays)('from the end of the request on, over $name', async (way) => {
    await using server = await way.open()
    await using client = server.client({ timeouts: { headers: 2_000 } })
    const request = client.request('/a?secret')
    const seen = watch(request)
    await until(() => server.peers[0]?.asked.length === 1)
    clock.advance(1_750)
    await quiet()
    expect(seen).toEqual({})
    clock.advance(250)
    const error = await failure<RequestError>(request)
    expect(error).toMatchObject({
      ...facts,
      phase: 'headers',
      retryable: true,
      attempts: 1,
      reused: false,
      peer: { kind: way.name === 'tcp' ? 'ip' : 'memory' },
      bytesWritten: server.peers[0]!.text.length,
    })
    expect(error.message).toBe(
      `Cannot GET ${server.url}/a: no answer came for 2000 ms (headers; ${error.bytesWritten} bytes were sent; safe to retry)`,
    )
    await freed(client, server)
  })

  test('which a POST must not be sent again behind', async () => {
    await using server = await raw.open()
    await using client = server.client({ timeouts: { headers: 1_000 } })
    const error = failure(client.request('/', { body: 'x' }))
    await until(() => server.peers[0]?.asked.length === 1)
    clock.advance(1_250)
    expect(await error).toMatchObject({ ...facts, phase: 'headers', retryable: false })
  })

  test('which is not tried again by itself, on a reused connection neither', async () => {
    await using server = await raw.open((asked) => (asked.target === '/first' ? answer() : undefined))
    await using client = server.client({ timeouts: { headers: 1_000 } })
    await client.request('/first')
    const error = failure(client.request('/'))
    await until(() => server.peers[0]!.asked.length === 2)
    clock.advance(1_250)
    expect(await error).toMatchObject({
      ...facts,
      phase: 'headers',
      reused: true,
      retryable: true,
      attempts: 1,
    })
    expect([client.stats().retries, server.peers.length]).toEqual([0, 1])
  })

  test('which an interim answer winds up, and half a head does not', async () => {
    await using server = await raw.open()
    await using client = server.client({ timeouts: { headers: 1_000 } })
    const request = client.request('/')
    const seen = watch(request)
    await until(() => server.peers[0]?.asked.length === 1)
    for (let times = 0; times < 3; times++) {
      clock.advance(750)
      server.peers[0]!.write('HTTP/1.1 102 Processing\r\n\r\n')
      await quiet()
    }
    expect(seen).toEqual({})
    clock.advance(750)
    server.peers[0]!.write('HTTP/1.1 200 OK\r\n')
    await quiet()
    clock.advance(500)
    expect(await failure(request)).toMatchObject({ ...facts, phase: 'headers', retryable: false })
  })

  test('which begins behind a body that takes long', async () => {
    let more!: (done: boolean) => void
    async function* body(): AsyncGenerator<string> {
      for (;;) {
        yield 'x'
        if (await new Promise<boolean>((resolve) => (more = resolve))) return
      }
    }
    await using server = await raw.open()
    await using client = server.client({ timeouts: { headers: 1_000 } })
    const request = client.request('/', { body: body() })
    const seen = watch(request)
    await until(() => server.peers[0]?.text.includes('x') === true)
    for (let times = 0; times < 4; times++) {
      clock.advance(900)
      more(false)
      await quiet()
    }
    more(true)
    await until(() => server.peers[0]!.asked.length === 1)
    clock.advance(750)
    await quiet()
    expect(seen).toEqual({})
    clock.advance(500)
    expect(await failure(request)).toMatchObject({ ...facts, phase: 'headers' })
  })

  test('of one that waits behind others on its connection, too', async () => {
    await using server = await raw.open((asked) => (asked.target === '/warm' ? answer() : undefined))
    await using client = server.client({ maxConnections: 1, pipelining: 2, timeouts: { headers: 1_000 } })
    await client.request('/warm')
    const all = [client.request('/1', { retry: false }), client.request('/2', { retry: false })]
    const errors = all.map((it) => failure(it))
    await until(() => server.peers[0]!.asked.length === 3)
    clock.advance(1_250)
    expect(await errors[0]).toMatchObject({ ...facts, phase: 'headers' })
    expect(await errors[1]).toMatchObject({ name: 'RequestError', retryable: true })
  })
})

describe('there is a time for more of the body', () => {
  const begin = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n'

  test.each(rawWays)('while it is read, which each byte winds up, over $name', async (way) => {
    await using server = await way.open((_asked, peer) => peer.write(begin))
    await using client = server.client({ timeouts: { body: 1_000 } })
    const got = await client.request('/')
    const reading = got.text()
    const seen = watch(reading)
    for (let times = 0; times < 3; times++) {
      clock.advance(750)
      const { bytesIn } = client.stats()
      server.peers[0]!.write('x')
      await until(() => client.stats().bytesIn > bytesIn)
    }
    expect(seen).toEqual({})
    clock.advance(1_250)
    const error = await failure<RequestError>(reading)
    expect(error).toMatchObject({ ...facts, phase: 'body', retryable: false })
    expect(error.message).toMatch(/: no more of the body came for 1000 ms \(body; /)
    await freed(client, server)
  })

  test('that nobody reads, though it came in part', async () => {
    await using server = await raw.open((_asked, peer) => peer.write(begin + 'some'))
    await using client = server.client({ timeouts: { body: 1_000 } })
    const got = await client.request('/')
    clock.advance(1_250)
    await freed(client, server)
    expect(await failure(got.text())).toMatchObject({ ...facts, phase: 'body' })
  })

  test('that nobody reads, and holds its connection', async () => {
    await using server = await raw.open((_asked, peer) => {
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n')
      for (let at = 0; at < 20; at++) peer.write(Buffer.alloc(50_000))
    })
    await using client = server.client({ timeouts: { body: 1_000 } })
    const got = await client.request('/')
    await quiet()
    clock.advance(1_250)
    await freed(client, server)
    const error = await failure(got.bytes())
    expect(error).toMatchObject({ ...facts, phase: 'body' })
    expect(error.message).toMatch(/: nobody read the body for 1000 ms \(/)
  })

  test('which does not pass while a reader is busy with what it has', async () => {
    await using server = await raw.open((_asked, peer) => {
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n')
      for (let at = 0; at < 20; at++) peer.write(Buffer.alloc(50_000))
    })
    await using client = server.client({ timeouts: { body: 1_000 } })
    const got = await client.request('/')
    let size = 0
    let paused = false
    let ended = false
    got.body.handle({
      onData(chunk) {
        size += chunk.byteLength
        if (!paused) {
          paused = true
          got.body.pause()
        }
      },
      onEnd: () => void (ended = true),
    })
    await until(() => paused)
    await quiet()
    clock.advance(10_000)
    await quiet()
    got.body.resume()
    await until(() => ended)
    expect(size).toBe(1_000_000)
  })
})

describe('there is a time for the server to take more of the request', () => {
  const bodies: [string, () => string | Buffer | AsyncIterable<Uint8Array>][] = [
    ['bytes', () => Buffer.alloc(8_000_000)],
    ['text', () => 'x'.repeat(8_000_000)],
    [
      'a stream',
      async function* () {
        for (;;) yield Buffer.alloc(64 * 1024)
      },
    ],
  ]
  for (const way of rawWays) {
    test.each(bodies)(`over ${way.name}, of %s`, async (_what, body) => {
      await using server = await way.open()
      server.paused = true
      await using client = server.client({ timeouts: { write: 1_000 } })
      const request = client.request('/', { body: body() })
      const seen = watch(request)
      await server.peer()
      let written = -1
      // Until the system takes no more.
      while (client.stats().bytesOut !== written) {
        written = client.stats().bytesOut
        await quiet()
        await quiet()
      }
      clock.advance(750)
      await quiet()
      expect(seen).toEqual({})
      clock.advance(500)
      const error = await failure<RequestError>(request)
      expect(error).toMatchObject({ ...facts, phase: 'write', retryable: false })
      expect(error.message).toMatch(
        /: the server took nothing for 1000 ms \(write; \d+ bytes were sent; not safe/,
      )
      expect(error.bytesWritten).toBeGreaterThan(64 * 1024)
      expect(client.stats()).toMatchObject({ active: 0, origins: {} })
    })
  }
})

describe('there is a time for connecting', () => {
  test('by a hook that never settles', async () => {
    let seen: AbortSignal | undefined
    await using client = new Client({
      base: 'http://slow.example',
      timeouts: { connect: 20 },
      connect: ({ signal }) => {
        seen = signal
        return new Promise<ByteConnection>(() => {})
      },
    })
    const request = client.request('/', { body: 'x' })
    const error = failure<RequestError>(request)
    // Whichever clock it goes by.
    const turning = setInterval(() => clock.advance(250), 10)
    expect(await error).toMatchObject({
      ...facts,
      phase: 'connect',
      retryable: true,
      bytesWritten: 0,
      attempts: 0,
    })
    clearInterval(turning)
    expect((await error).message).toBe(
      'Cannot POST http://slow.example/: Cannot connect: more than 20 ms (connect; nothing was sent; safe to retry)',
    )
    expect([seen!.aborted, client.stats().origins]).toEqual([true, {}])
  })

  test('which may be longer than a timer can be', async () => {
    await using server = await raw.open(() => answer())
    const connect: NonNullable<ClientOptions['connect']> = async (target) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return server.options.connect!(target)
    }
    await using client = server.client({ timeouts: { connect: 3_000_000_000 }, connect })
    expect((await client.request('/')).status).toBe(200)
  })

  test('over tcp, and for TLS in it', async () => {
    await using server = await rawWays[1]!.open()
    server.accept = (connection) => connection.handle({ onData() {} })
    const url = server.url.replace('http', 'https')
    await using client = server.client()
    for (const timeouts of [{ tls: 20 }, { connect: 20 }]) {
      const error = failure<RequestError>(client.request(url, { timeouts }))
      const turning = setInterval(() => clock.advance(250), 10)
      const { phase } = await error
      clearInterval(turning)
      expect(await error).toMatchObject({ name: 'RequestError', retryable: true, bytesWritten: 0 })
      expect(['tls', 'connect']).toContain(phase)
    }
    expect(client.stats()).toMatchObject({ active: 0, origins: {} })
  })
})

describe('there is a time for everything together', () => {
  test.each(rawWays)('until the head of the answer, over $name', async (way) => {
    await using server = await way.open()
    await using client = server.client({ timeouts: { total: 2_000 } })
    const request = client.request('/')
    await until(() => server.peers[0]?.asked.length === 1)
    clock.advance(2_250)
    const error = await failure<RequestError>(request)
    expect(error).toMatchObject({ ...facts, phase: 'total' })
    expect(error.message).toMatch(/: it took more than 2000 ms \(total; /)
    await freed(client, server)
  })

  test('until the last byte of it', async () => {
    await using server = await raw.open((_asked, peer) =>
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall'),
    )
    await using client = server.client({ timeouts: { total: 2_000 } })
    const got = await client.request('/')
    const reading = got.text()
    for (let times = 0; times < 3; times++) {
      clock.advance(500)
      server.peers[0]!.write('x')
      await quiet()
    }
    clock.advance(750)
    expect(await failure(reading)).toMatchObject({ ...facts, phase: 'total', retryable: false })
    await freed(client, server)
  })

  test('while it waits for a connection', async () => {
    await using server = await raw.open()
    await using client = server.client({ maxConnections: 1 })
    const busy = failure(client.request('/busy'))
    await until(() => server.peers[0]?.asked.length === 1)
    const waiting = client.request('/', { timeouts: { total: 500 } })
    const error = failure(waiting)
    clock.advance(750)
    expect(await error).toMatchObject({
      ...facts,
      phase: 'total',
      retryable: true,
      bytesWritten: 0,
      attempts: 0,
    })
    expect(standing(client)).toEqual({ ...nothing, connections: 1 })
    client.destroy()
    await busy
  })

  test('over redirects', async () => {
    await using server = await raw.open()
    await using client = server.client({ timeouts: { total: 1_000 } })
    const error = failure(client.request('/0'))
    for (let at = 0; at < 3; at++) {
      await until(() => server.peers[0]?.asked.length === at + 1)
      clock.advance(250)
      server.peers[0]!.write(`HTTP/1.1 302 Found\r\nLocation: /${at + 1}\r\nContent-Length: 0\r\n\r\n`)
    }
    await until(() => server.peers[0]!.asked.length === 4)
    clock.advance(500)
    expect(await error).toMatchObject({
      ...facts,
      phase: 'total',
      url: expect.stringMatching(/\/3$/) as string,
    })
    await freed(client, server)
  })

  test('over a second attempt', async () => {
    await using server = await raw.open((asked) => (asked.target === '/first' ? answer() : undefined))
    await using client = server.client()
    await client.request('/first')
    const error = failure(client.request('/', { timeouts: { total: 1_000 } }))
    await until(() => server.peers[0]!.asked.length === 2)
    clock.advance(750)
    server.peers[0]!.end()
    await until(() => server.peers[1]?.asked.length === 1)
    clock.advance(500)
    expect(await error).toMatchObject({ ...facts, phase: 'total', attempts: 2 })
  })

  test('of an upgrade', async () => {
    await using server = await raw.open()
    await using client = server.client()
    const error = failure(client.upgrade('/', { protocol: 'x', timeouts: { total: 500 } }))
    await until(() => server.peers[0]?.asked.length === 1)
    clock.advance(750)
    expect(await error).toMatchObject({ ...facts, phase: 'total' })
  })

  test('and none passes behind the end', async () => {
    await using server = await raw.open(() => answer('ahoy'))
    await using client = server.client({
      idleTimeout: Infinity,
      timeouts: { total: 500, headers: 500, body: 500, write: 500 },
    })
    const got = await client.request('/', { body: 'x' })
    await until(() => got.complete)
    clock.advance(10_000)
    expect(await got.text()).toBe('ahoy')
    expect(standing(client)).toEqual({ ...nothing, connections: 1, idle: 1 })
  })
})

test('Infinity lifts a limit', async () => {
  await using server = await raw.open()
  await using client = server.client({
    timeouts: { headers: Infinity, body: Infinity, total: Infinity, write: Infinity, connect: Infinity },
  })
  const request = client.request('/')
  await until(() => server.peers[0]?.asked.length === 1)
  clock.advance(10_000_000)
  server.peers[0]!.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n')
  const got = await request
  clock.advance(10_000_000)
  server.peers[0]!.write('late')
  expect(await got.text()).toBe('late')
})
