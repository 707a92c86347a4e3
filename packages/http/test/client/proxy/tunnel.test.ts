import { BrokenError, type ByteConnection, ClosedError, splice, TimeoutError } from '@fairlead/core'
import { pair } from '@fairlead/core/memory'
import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import { tunnel, type TunnelOptions } from '../../../src/client/proxy/tunnel.ts'
import { HttpProtocolError } from '../../../src/errors.ts'
import { a, ca } from '../../server/tls-certificates.ts'
import { quiet } from '../../server/ways.ts'

const clock = useManualClock()

const granted = 'HTTP/1.1 200 Connection established\r\n\r\n'
const attempt = 'Cannot open tunnel to example.com:443'

interface Opening {
  readonly here: ByteConnection
  readonly proxy: ByteConnection
  /** True once the tunnel is there, or why it is not. */
  readonly outcome: Promise<unknown>
  /** What the proxy was asked. */
  readonly asked: string
}

/** A tunnel asked for, and a proxy that has heard of it. */
async function open(options: Partial<TunnelOptions> = {}): Promise<Opening> {
  const [here, proxy] = pair()
  const outcome = tunnel({ host: 'example.com', port: 443, timeout: 10_000, ...options })(here).then(
    () => true,
    (error: unknown) => error,
  )
  let asked = ''
  for await (const chunk of proxy) {
    asked += Buffer.from(chunk).toString('latin1')
    if (asked.endsWith('\r\n\r\n')) break
  }
  return { here, proxy, outcome, asked }
}

/** Everything up to the peer's end. */
async function readAll(connection: ByteConnection): Promise<string> {
  let text = ''
  for await (const chunk of connection) text += Buffer.from(chunk).toString('latin1')
  return text
}

/** What comes of an answer, written whole. */
async function outcomeOf(answer: string, options?: Partial<TunnelOptions>): Promise<unknown> {
  const { proxy, outcome } = await open(options)
  proxy.write(answer, 'latin1')
  return outcome
}

describe('a tunnel is asked for', () => {
  test.each<[options: Partial<TunnelOptions>, asked: string]>([
    [{}, 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n'],
    [{ host: '::1', port: 80 }, 'CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n'],
    [
      { authorization: 'Basic Og==', headers: { 'User-Agent': 'me', Via: ['a', 'b'] } },
      'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nProxy-Authorization: Basic Og==\r\n' +
        'User-Agent: me\r\nVia: a\r\nVia: b\r\n\r\n',
    ],
  ])('with %j', async (options, text) => {
    const { asked, proxy, outcome } = await open(options)
    expect(asked).toBe(text)
    proxy.write(granted)
    expect(await outcome).toBe(true)
  })

  test.each<[what: string, options: Partial<TunnelOptions>]>([
    ['a host that begins a line', { host: 'a\r\nX: y' }],
    ['a host with a space', { host: 'a b' }],
    ['no host', { host: '' }],
    ['a host with a path', { host: 'a/b' }],
    ['a host with user information', { host: 'a@b' }],
    ['a host with a zone', { host: 'fe80::1%eth0' }],
    ['port 0', { port: 0 }],
    ['a port that is none', { port: 65_536 }],
    ['a port that is no number', { port: Number.NaN }],
    ['an authorization that begins a line', { authorization: 'secret\r\nX: y' }],
    ['a field that begins a line', { headers: { X: 'secret\n' } }],
    ['another Host', { headers: { host: 'secret' } }],
    ['a body', { headers: { 'Content-Length': '6' } }],
  ])('never with %s', (_, options) => {
    const make = () => tunnel({ host: 'example.com', port: 443, timeout: 1, ...options })
    expect(make).toThrow(TypeError)
    expect(make).not.toThrow(/secret/)
  })
})

describe('a tunnel is there', () => {
  test.each([
    ['an answer of HTTP/1.1', granted],
    ['an answer of HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\n'],
    ['an answer without a reason', 'HTTP/1.1 200 \r\n\r\n'],
    ['another 2xx', 'HTTP/1.1 299 x\r\nX: y\r\n\r\n'],
    ['204', 'HTTP/1.1 204 x\r\n\r\n'],
    ['lengths, which mean nothing', 'HTTP/1.1 200 x\r\nContent-Length: 9\r\nTransfer-Encoding: gzip\r\n\r\n'],
    ['an end that is announced', 'HTTP/1.1 200 x\r\nConnection: close\r\n\r\n'],
    ['interim answers', `HTTP/1.1 100 \r\n\r\nHTTP/1.1 103 x\r\nLink: y\r\n\r\n${granted}`],
  ])('with %s', async (_, answer) => {
    const { here, proxy, outcome } = await open()
    proxy.write(answer)
    expect(await outcome).toBe(true)
    proxy.write('from afar')
    proxy.end()
    here.write('from here')
    expect(await readAll(here)).toBe('from afar')
    here.end()
    expect(await readAll(proxy)).toBe('from here')
  })

  test('for every split of the answer and of what comes behind it, in order', async () => {
    const bytes = `HTTP/1.1 102 \r\n\r\n${granted}bytes`
    const splits = Array.from({ length: bytes.length - 1 }, (_, at) => [
      bytes.slice(0, at + 1),
      bytes.slice(at + 1),
    ])
    for (const pieces of [[bytes], bytes.split(''), ...splits]) {
      const { here, proxy, outcome } = await open()
      for (const piece of pieces) proxy.write(piece)
      proxy.end()
      expect(await outcome).toBe(true)
      expect(await readAll(here)).toBe('bytes')
    }
  })

  test('with its bytes for a handler that comes late, and the end behind them', async () => {
    const { here, proxy, outcome } = await open()
    proxy.write(`${granted}one`)
    proxy.write('two')
    proxy.end()
    expect(await outcome).toBe(true)
    await quiet()
    const heard: string[] = []
    await new Promise<void>((resolve) => {
      here.handle({
        onData: (data) => void heard.push(Buffer.from(data).toString()),
        onEnd: resolve,
      })
    })
    expect(heard.join('')).toBe('onetwo')
  })

  test('and its time does not go on', async () => {
    const { here, proxy, outcome } = await open({ timeout: 1_000 })
    proxy.write(granted)
    expect(await outcome).toBe(true)
    clock.advance(5_000)
    await quiet()
    expect(here.state).toBe('open')
  })

  test('each time that one is asked for', async () => {
    const toExample = tunnel({ host: 'example.com', port: 443, timeout: 10_000 })
    for (let times = 0; times < 2; times++) {
      const [here, proxy] = pair()
      proxy.write(granted)
      await toExample(here)
    }
  })
})

describe('a tunnel is refused', () => {
  test.each<[what: string, answer: string, why: string]>([
    ['403', 'HTTP/1.1 403 x\r\n\r\n', 'the proxy answered 403'],
    ['a redirect', 'HTTP/1.1 302 x\r\nLocation: /secret\r\n\r\n', 'the proxy answered 302'],
    ['502 with a body', 'HTTP/1.1 502 x\r\nContent-Length: 6\r\n\r\nsecret', 'the proxy answered 502'],
    [
      'a body that lies',
      'HTTP/1.1 500 x\r\nContent-Length: 9007199254740991\r\n\r\n',
      'the proxy answered 500',
    ],
    [
      'a change of protocol',
      'HTTP/1.1 101 x\r\nUpgrade: y\r\nConnection: upgrade\r\n\r\n',
      'the proxy answered 101',
    ],
    ['a status beyond', 'HTTP/1.1 999 x\r\n\r\n', 'the proxy answered 999'],
    [
      '407',
      'HTTP/1.1 407 secret\r\nProxy-Authenticate: Basic realm="secret"\r\n\r\n',
      'the proxy answered 407, as it wants credentials',
    ],
  ])('with %s', async (_, answer, why) => {
    const error = await outcomeOf(answer)
    expect(error).toBeInstanceOf(HttpProtocolError)
    expect(error).toMatchObject({
      message: `${attempt}: ${why}`,
      code: 'ERR_FAIRLEAD_HTTP_PROXY',
      phase: 'handshake',
      side: 'remote',
      peer: { kind: 'memory' },
    })
  })

  test('with 407, for credentials that it does not take', async () => {
    const error = await outcomeOf('HTTP/1.1 407 x\r\n\r\n', { authorization: 'Basic secret' })
    expect(error).toMatchObject({
      message: `${attempt}: the proxy answered 407, as it does not take these credentials`,
    })
  })

  test.each<[what: string, answer: string, code: string]>([
    ['garbage', 'secret\r\n\r\n', 'STATUS_LINE'],
    ['TLS', '\x15\x03\x01\x00\x02\x02\x46\r\n', 'STATUS_LINE'],
    ['HTTP/2', 'HTTP/2.0 200 x\r\n\r\n', 'VERSION'],
    ['a line end that is half', 'HTTP/1.1 200 x\n\n', 'LINE_END'],
    ['a space before a colon', 'HTTP/1.1 200 x\r\nX : secret\r\n\r\n', 'FIELD_NAME'],
    ['a NUL', 'HTTP/1.1 200 x\r\nX: \0secret\r\n\r\n', 'FIELD_VALUE'],
    ['an empty line', `\r\n${granted}`, 'STATUS_LINE'],
    ['a status line without an end', `HTTP/1.1 200 ${'x'.repeat(20_000)}`, 'HEAD_TOO_LARGE'],
    ['a field without an end', `HTTP/1.1 200 x\r\nX: ${'x'.repeat(20_000)}`, 'HEAD_TOO_LARGE'],
    ['too many fields', `HTTP/1.1 200 x\r\n${'X: y\r\n'.repeat(101)}\r\n`, 'TOO_MANY_FIELDS'],
    ['interim answers without an end', 'HTTP/1.1 100 \r\n\r\n'.repeat(17), 'INTERIM_FLOOD'],
    [
      'a refusal in two ways',
      'HTTP/1.1 403 x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'AMBIGUOUS_FRAMING',
    ],
  ])('by a proxy that answers %s', async (_, answer, code) => {
    const { here, proxy, outcome } = await open()
    proxy.write(answer, 'latin1')
    const error = await outcome
    expect(error).toBeInstanceOf(HttpProtocolError)
    expect(error).toMatchObject({
      code: 'ERR_FAIRLEAD_HTTP_PROXY',
      phase: 'handshake',
      cause: { code: `ERR_FAIRLEAD_HTTP_${code}` },
    })
    expect((error as Error).message).toMatch(/^Cannot open tunnel to example\.com:443: the proxy's answer: /)
    expect((error as Error).message).not.toMatch(/secret/)
    expect(here.state).toBe('open')
    here.destroy()
  })

  test('by one that floods, which is held back then', async () => {
    const { here, proxy, outcome } = await open()
    proxy.write('HTTP/1.1 403 x\r\n\r\n')
    while (proxy.write('x'.repeat(65_536))) await quiet()
    expect(await outcome).toMatchObject({ message: `${attempt}: the proxy answered 403` })
    here.destroy()
  })

  test.each<[what: string, answer: string]>([
    ['without a word', ''],
    ['in the middle of its answer', granted.slice(0, -1)],
    ['behind an interim answer', 'HTTP/1.1 100 \r\n\r\n'],
  ])('by one that ends %s', async (_, answer) => {
    const { proxy, outcome } = await open()
    if (answer !== '') proxy.write(answer)
    proxy.end()
    const error = await outcome
    expect(error).toBeInstanceOf(BrokenError)
    expect(error).toMatchObject({
      message: `${attempt}: the proxy ended before it answered`,
      phase: 'handshake',
    })
  })

  test('by one that resets', async () => {
    const { proxy, outcome } = await open()
    proxy.destroy(new Error('gone'))
    const error = await outcome
    expect(error).toBeInstanceOf(BrokenError)
    expect(error).toMatchObject({ phase: 'handshake', cause: { code: 'ERR_FAIRLEAD_BROKEN' } })
    expect((error as Error).message).toMatch(/^Cannot open tunnel to example\.com:443: /)
  })

  test('where this side gives up', async () => {
    const { here, outcome } = await open()
    here.destroy()
    expect(await outcome).toMatchObject({ message: `${attempt}: connection is closed` })
  })

  test('where this side closes', async () => {
    const { here, proxy, outcome } = await open()
    void here.close()
    expect(await outcome).toMatchObject({ message: `${attempt}: connection is closed` })
    proxy.destroy()
  })

  test('on a connection that is closed already', async () => {
    const [here] = pair()
    here.destroy()
    await expect(tunnel({ host: 'a', port: 1, timeout: 1 })(here)).rejects.toThrow(ClosedError)
  })

  test('where another handler comes', async () => {
    const { here, proxy, outcome } = await open()
    proxy.write(granted.slice(0, 9))
    await quiet()
    here.handle({ onData: () => {} })
    expect(await outcome).toMatchObject({ message: `${attempt}: another handler has the connection` })
  })

  test('by one that never answers, or only a byte at a time', async () => {
    for (const answer of ['', granted]) {
      const { here, proxy, outcome } = await open({ timeout: 10_000 })
      for (let at = 0; at < 5; at++) {
        if (answer !== '') proxy.write(answer[at]!)
        await quiet()
        clock.advance(1_990)
      }
      expect(await Promise.race([outcome, quiet()])).toBeUndefined()
      clock.advance(300)
      const error = await outcome
      expect(error).toBeInstanceOf(TimeoutError)
      expect(error).toMatchObject({
        message: `${attempt}: no answer of the proxy within 10000 ms`,
        phase: 'handshake',
      })
      here.destroy()
    }
  })

  test('and whatever comes afterwards changes nothing', async () => {
    const { here, proxy, outcome } = await open()
    proxy.write('HTTP/1.1 403 x\r\n\r\n')
    const error = await outcome
    proxy.write(granted)
    proxy.end()
    here.resume()
    await quiet()
    clock.advance(60_000)
    expect(await outcome).toBe(error)
    here.destroy()
  })
})

describe('on sockets', () => {
  /** A proxy that connects to wherever it is asked to, and its port. */
  async function proxy(answer: string): Promise<tcp.StreamListener> {
    return tcp.listen({ port: 0 }, async (client) => {
      let head = ''
      for await (const chunk of client) {
        head += Buffer.from(chunk).toString('latin1')
        if (head.endsWith('\r\n\r\n')) break
      }
      if (answer !== granted) return client.send(answer)
      const [, port] = /^CONNECT 127\.0\.0\.1:(\d+) /.exec(head) ?? []
      const upstream = await tcp.connect({ port: Number(port) })
      client.write(answer)
      await splice(client, upstream)
    })
  }

  const portOf = ({ address }: tcp.StreamListener) => (address.kind === 'ip' ? address.port : 0)

  test('a tunnel is a prelude of tcp, and its far end may speak first', async () => {
    const far = await tcp.listen({ port: 0 }, async (connection) => {
      await connection.send('welcome ')
      for await (const chunk of connection) await connection.send(chunk)
    })
    const near = await proxy(granted)
    const prelude = tunnel({ host: '127.0.0.1', port: portOf(far), timeout: 10_000 })
    const connection = await tcp.connect({ port: portOf(near), prelude })
    await connection.send('ahoy')
    connection.end()
    expect(await readAll(connection)).toBe('welcome ahoy')
    await Promise.all([far.close(), near.close()])
  })

  test('TLS goes through a tunnel, to the far end and not to the proxy', async () => {
    const far = await tcp.listen({ port: 0, tls: a }, async (connection) => {
      await connection.send(connection.tls?.serverName ?? 'nobody')
    })
    const near = await proxy(granted)
    const connection = await tcp.connect({
      port: portOf(near),
      prelude: tunnel({ host: '127.0.0.1', port: portOf(far), timeout: 10_000 }),
      tls: { ca, serverName: 'a.example' },
    })
    expect(await readAll(connection)).toBe('a.example')
    await Promise.all([connection.close(), far.close(), near.close()])
  })

  test('a refusal is the reason why tcp cannot connect', async () => {
    const near = await proxy('HTTP/1.1 407 x\r\n\r\n')
    const prelude = tunnel({ host: 'example.com', port: 443, timeout: 10_000 })
    await expect(tcp.connect({ port: portOf(near), prelude })).rejects.toMatchObject({
      code: 'ERR_FAIRLEAD_CONNECT',
      phase: 'handshake',
      retryable: false,
      message: expect.stringContaining('the proxy answered 407'),
      cause: { code: 'ERR_FAIRLEAD_HTTP_PROXY' },
    })
    await near.close()
  })
})
