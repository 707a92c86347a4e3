import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type ByteConnection, ConnectError, TimeoutError } from '@fairlead/core'
import * as memory from '@fairlead/core/memory'
import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'

import { connect, type ConnectOptions, type ConnectTarget, HttpProtocolError } from '../../src/index.ts'
import { a, ca } from '../server/tls-certificates.ts'
import { until } from '../server/ways.ts'
import { failure, response } from './raw-server.ts'
import { tunnelling } from './tunnelling.ts'

const folder = mkdtempSync(join(tmpdir(), 'fairlead-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

const clock = useManualClock()

/** The port that the system chose. */
const portOf = ({ address }: tcp.StreamListener): number => (address as { port: number }).port

/** A server that greets, and then says everything back. */
function parrot(options: Partial<tcp.ListenOptions> = {}) {
  return tcp.listen({ ...(options.path === undefined && { port: 0 }), ...options }, (connection) => {
    connection.write('ahoy ')
    return { onData: (chunk) => void connection.write(chunk) }
  })
}

/** What is said back on a connection that nobody has used before. */
async function talk(connection: ByteConnection): Promise<string> {
  connection.write('there')
  let said = ''
  for await (const chunk of connection) {
    said += Buffer.from(chunk).toString('latin1')
    if (said.endsWith('there')) break
  }
  await connection.close()
  return said
}

describe('connect', () => {
  test('opens a connection to whom the URL names, and says nothing on it', async () => {
    await using server = await parrot()
    const url = `http://me:secret@127.0.0.1:${portOf(server)}/path?query#fragment`
    for (const one of [url, new URL(url)]) {
      const connection = await connect(one)
      expect([connection.state, connection.remoteAddress, connection.tls]).toEqual([
        'open',
        server.address,
        undefined,
      ])
      expect(await talk(connection)).toBe('ahoy there')
    }
  })

  test('speaks TLS for https, for HTTP/1.1 and the name of the URL', async () => {
    await using server = await parrot({ tls: { ...a, alpn: ['http/1.1'] } })
    const url = `https://localhost:${portOf(server)}`
    const connection = await connect(url, { tls: { ca } })
    expect(connection.tls).toMatchObject({ alpn: 'http/1.1', serverName: 'localhost', authorized: true })
    expect(await talk(connection)).toBe('ahoy there')
    const error = await failure(connect(url))
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ phase: 'tls' })
  })

  test('gives what is said of TLS on, the same object each time', async () => {
    const seen: ConnectTarget[] = []
    const hook = (target: ConnectTarget): Promise<ByteConnection> => {
      seen.push(target)
      return Promise.resolve(memory.pair()[0])
    }
    const tls = { alpn: ['shout'] }
    for (const given of [tls, tls, { ca }, undefined, undefined]) {
      await connect('https://a.example', { connect: hook, ...(given && { tls: given }) })
    }
    expect(seen.map(({ tls }) => tls?.alpn)).toEqual([
      ['shout'],
      ['shout'],
      ['http/1.1'],
      ['http/1.1'],
      ['http/1.1'],
    ])
    expect(seen[0]!.tls).toBe(seen[1]!.tls)
    expect(seen[3]!.tls).toBe(seen[4]!.tls)
    expect(seen[2]!.tls).toMatchObject({ ca })
  })

  test('goes to a Unix socket in the place of host, port and proxy', async () => {
    const unix = join(folder, 'one')
    await using server = await parrot({ path: unix })
    const connection = await connect('http://name.example', { unix, proxy: 'http://127.0.0.1:1' })
    expect(connection.remoteAddress).toEqual(server.address)
    expect(await talk(connection)).toBe('ahoy there')
  })

  test('speaks TLS on a Unix socket with whom the URL names', async () => {
    const unix = join(folder, 'two')
    await using server = await parrot({ path: unix, tls: a })
    expect(server.accepting).toBe(true)
    const connection = await connect('https://a.example', { unix, tls: { ca } })
    expect(connection.tls?.serverName).toBe('a.example')
    expect(await talk(connection)).toBe('ahoy there')
  })

  test('takes what a hook connects, which is told what a client’s is', async () => {
    const [here, there] = memory.pair()
    const gone = new AbortController()
    let told: ConnectTarget | undefined
    const connection = await connect('https://a.example:8443/path', {
      connect: (target) => {
        told = target
        return Promise.resolve(here)
      },
      timeouts: { connect: 70 },
      signal: gone.signal,
    })
    expect(connection).toBe(here)
    expect(told).toMatchObject({
      origin: 'https://a.example:8443',
      host: 'a.example',
      port: 8443,
      unix: undefined,
      timeouts: { dns: 5_000, connect: 70, tls: 10_000, write: 60_000 },
    })
    there.destroy()
  })

  test('has the connection cut when it takes nothing for as long as it was told', async () => {
    // It is never read.
    await using server = await tcp.listen({ port: 0 }, () => new Promise(() => {}))
    const url = `http://127.0.0.1:${portOf(server)}`
    const [patient, hasty] = [await connect(url), await connect(url, { timeouts: { write: 500 } })]
    for (const connection of [patient, hasty]) connection.write(Buffer.alloc(8 * 1024 * 1024))
    for (let turns = 0; turns < 60; turns++) await new Promise(setImmediate)
    clock.advance(1_000)
    expect(await hasty.closed).toEqual({ kind: 'timeout', phase: 'write' })
    expect(patient.state).toBe('open')
    clock.advance(60_000)
    expect(await patient.closed).toEqual({ kind: 'timeout', phase: 'write' })
    await server.close({ grace: 0 })
  })
})

describe('connect through a proxy', () => {
  const schemes = [
    ['http', undefined],
    ['https', a],
  ] as const

  test.each(schemes)('is a tunnel for %s, and its first bytes are the server’s', async (scheme, tls) => {
    await using server = await parrot(tls && { tls })
    const proxy = await tunnelling()
    const url = `${scheme}://me:secret@localhost:${portOf(server)}/path`
    const connection = await connect(url, { proxy: proxy.url, tls: { ca } })
    expect(await talk(connection)).toBe('ahoy there')
    expect(connection.tls?.serverName).toBe(tls && 'localhost')
    expect(proxy.asked).toEqual([
      `CONNECT localhost:${portOf(server)} HTTP/1.1\r\nHost: localhost:${portOf(server)}\r\n` +
        `Proxy-Authorization: Basic ${btoa('u:p')}\r\n\r\n`,
    ])
    await proxy.stop()
  })

  test('asks the function, and the environment as it is now', async () => {
    await using server = await parrot()
    const proxy = await tunnelling()
    const url = `http://127.0.0.1:${portOf(server)}/path`
    const asked: string[] = []
    const proxyOf = ({ href }: URL): string | undefined => {
      asked.push(href)
      return asked.length === 1 ? proxy.url : undefined
    }
    expect(await talk(await connect(url, { proxy: proxyOf }))).toBe('ahoy there')
    expect(await talk(await connect(url, { proxy: proxyOf }))).toBe('ahoy there')
    expect([asked, proxy.asked.length]).toEqual([[url, url], 1])
    for (const name of ['http_proxy', 'no_proxy', 'NO_PROXY', 'REQUEST_METHOD']) vi.stubEnv(name, '')
    vi.stubEnv('http_proxy', proxy.url)
    expect(await talk(await connect(url, { proxy: 'environment' }))).toBe('ahoy there')
    expect(proxy.asked).toHaveLength(2)
    vi.stubEnv('no_proxy', '127.0.0.1')
    expect(await talk(await connect(url, { proxy: 'environment' }))).toBe('ahoy there')
    expect(proxy.asked).toHaveLength(2)
    await proxy.stop()
  })

  test.each(['http', 'https'])('fails for %s with what the proxy answered', async (scheme) => {
    const proxy = await tunnelling(response('407 Who', 'no'))
    const error = await failure(connect(`${scheme}://name.example`, { proxy: proxy.url }))
    expect(error).toBeInstanceOf(HttpProtocolError)
    expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_HTTP_PROXY', phase: 'handshake' })
    expect(error.message).toContain('407')
    expect(error.message).not.toContain('u:p')
    await proxy.stop()
  })

  test.each([
    [407, false],
    [403, false],
    [408, true],
    [429, true],
    [502, true],
    [503, true],
  ])('says of %i whether to try again: %j', async (status, retryable) => {
    const proxy = await tunnelling(response(`${status} No`, 'no'))
    expect(await failure(connect('https://name.example', { proxy: proxy.url }))).toMatchObject({ retryable })
    await proxy.stop()
  })
})

describe('connect fails', () => {
  test('when nobody is there', async () => {
    const server = await tcp.listen({ port: 0 })
    await server.close()
    const error = await failure(connect(`http://127.0.0.1:${portOf(server)}`))
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ phase: 'connect', attempts: [{ code: 'ECONNREFUSED' }] })
  })

  test('when a phase takes too long, and leaves no connection', async () => {
    await using silent = await tcp.listen({ port: 0 }, () => ({ onData() {} }))
    const url = `https://localhost:${portOf(silent)}`
    const error = await failure(connect(url, { timeouts: { connect: 40 } }))
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ phase: 'tls' })
    await until(() => silent.connections.size === 0)
  })

  test('when it is aborted, before, at once and on the way, and not after', async () => {
    const why = new Error('enough')
    await using silent = await tcp.listen({ port: 0 }, () => ({ onData() {} }))
    const url = `https://localhost:${portOf(silent)}`
    expect(await failure(connect(url, { signal: AbortSignal.abort(why) }))).toBe(why)
    const atOnce = new AbortController()
    const soon = failure(connect(url, { signal: atOnce.signal }))
    atOnce.abort(why)
    expect(await soon).toBe(why)
    await until(() => silent.connections.size === 0)
    const later = new AbortController()
    const waiting = failure(connect(url, { signal: later.signal }))
    await until(() => silent.connections.size === 1)
    later.abort(why)
    expect(await waiting).toBe(why)
    await until(() => silent.connections.size === 0)
    const done = new AbortController()
    const connection = await connect(url.replace('https', 'http'), { signal: done.signal })
    done.abort(why)
    expect(connection.state).toBe('open')
    connection.destroy()
    const byProxy = new AbortController()
    const proxy = (): undefined => {
      byProxy.abort(why)
    }
    expect(await failure(connect(url, { proxy, signal: byProxy.signal }))).toBe(why)
  })

  test.each<[string, ConnectOptions, string]>([
    ['nowhere?secret', {}, 'Invalid URL: it is not an absolute one'],
    ['ws://a.example', {}, 'Invalid URL: the scheme is neither http nor https'],
    ['http://a.example', { proxies: 'x' } as object, 'Invalid option proxies: there is no such option'],
    [
      'http://a.example',
      { timeouts: { body: 1 } } as object,
      'Invalid option timeouts.body: there is no such option',
    ],
    [
      'http://a.example',
      { timeouts: { dns: 0 } },
      'Invalid option timeouts.dns: 0 is not a whole number of milliseconds',
    ],
    ['http://a.example', { unix: '' }, 'Invalid option unix: must be the path of a socket'],
    ['http://a.example', { connect: 1 as never }, 'Invalid option connect: must be a function'],
    ['http://a.example', { signal: 1 as never }, 'Invalid option signal: must be an AbortSignal'],
    ['http://a.example', { tls: 1 as never }, 'Invalid options of tls: number is not an object'],
    ['http://a.example', { proxy: 7 as never }, 'Invalid option proxy: must be a URL or a function'],
    ['http://a.example', { proxy: 'http://u:secret@' }, 'Invalid option proxy: it is not a URL'],
    [
      'http://a.example',
      { proxy: 'https://127.0.0.1:1' },
      'Invalid option proxy: a tunnel through a proxy that speaks TLS itself is up to a function, the option connect',
    ],
    ['http://a.example', null as never, 'Invalid options of connect: null is not an object'],
  ])('for %s with %j', async (url, options, message) => {
    const error = await failure(connect(url, options))
    expect([error.message, SyntaxError.prototype.isPrototypeOf(error)]).toEqual([message, false])
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true)
  })
})
