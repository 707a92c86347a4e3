import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request, type RequestOptions } from 'node:https'
import { connect as open, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as secure, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'

import * as tcp from '@fairlead/tcp'
import { afterAll, afterEach, describe, expect, test } from 'vitest'

import {
  type FetchHandler,
  type HttpListener,
  type HttpListenOptions,
  listen,
  type OnExchange,
  serve,
} from '../../src/index.ts'
import { RawClient } from './client.ts'
import { a, alice, b, ca, fingerprintOf, mallory, newA } from './tls-certificates.ts'
import { emptied, head, portOf, quiet, until } from './ways.ts'

const folder = mkdtempSync(join(tmpdir(), 'fairlead-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The way of a file that curl reads. */
function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const curlFiles = ['--cacert', file('ca.pem', ca)]
const curlAlice = ['--cert', file('alice.pem', alice.cert), '--key', file('alice.key', alice.key)]

const hello: OnExchange = (exchange) => exchange.respond(200, {}, `ahoy ${exchange.request.target}`)

/** Politely, an idle connection would have its moment in every test. */
const servers = new Set<HttpListener>()
afterEach(() => {
  for (const server of servers) server.destroy()
  servers.clear()
})

async function start(
  onExchange: OnExchange = hello,
  tls: Partial<tcp.TlsServerOptions> = {},
  options: Partial<HttpListenOptions> = {},
): Promise<HttpListener> {
  return left(await listen({ port: 0, ...options, tls: { ...a, ...tls } }, onExchange))
}

/** A server that the test leaves behind. */
function left(server: HttpListener): HttpListener {
  servers.add(server)
  return server
}

/** A connection of a client that writes bytes as they stand. */
async function dial(server: HttpListener, tls: Partial<tcp.TlsClientOptions> = {}): Promise<RawClient> {
  return new RawClient(
    await tcp.connect({ port: portOf(server), tls: { ca, serverName: 'a.example', ...tls } }),
  )
}

interface Got {
  status: number | undefined
  body: string
  socket: TLSSocket
}

/** Asks with the runtime's own client. */
async function get(server: HttpListener, options: RequestOptions & { body?: string } = {}): Promise<Got> {
  const asked = request({ host: '127.0.0.1', port: portOf(server), ca, agent: false, ...options })
  asked.end(options.body)
  const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer> & { statusCode?: number }]
  const socket = asked.socket as TLSSocket
  let body = ''
  for await (const chunk of response) body += chunk.toString()
  return { status: response.statusCode, body, socket }
}

async function curl(server: HttpListener, ...options: string[]): Promise<string> {
  const at = `https://a.example:${portOf(server)}/`
  const resolve = [`a.example:${portOf(server)}:127.0.0.1`, `b.example:${portOf(server)}:127.0.0.1`]
  const all = [
    '-sS',
    '--max-time',
    '10',
    ...curlFiles,
    ...resolve.flatMap((it) => ['--resolve', it]),
    ...options,
  ]
  const { stdout } = await promisify(execFile)(
    'curl',
    options.some((it) => it.startsWith('https:')) ? all : [...all, at],
  )
  return stdout
}

/** A bare socket to a TLS port. */
async function raw(server: HttpListener): Promise<Socket> {
  const socket = open({ port: portOf(server), host: '127.0.0.1' })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

describe('https', () => {
  test('greets curl and the runtime’s own client', async () => {
    const server = await start()
    expect(await curl(server)).toBe('ahoy /')
    expect(await get(server, { path: '/b' })).toMatchObject({ status: 200, body: 'ahoy /b' })
    expect(await curl(server, '--http1.0')).toBe('ahoy /')
    expect(await curl(server, '-d', 'x'.repeat(100_000), '-o', '/dev/null', '-w', '%{http_code}')).toBe('200')
  })

  test('tells the exchange of it', async () => {
    const server = await start((exchange) => {
      const { protocol, cipher, alpn, serverName, authorized, peerCertificate } = exchange.tls ?? {}
      const { client } = exchange
      const facts = {
        protocol,
        cipher,
        alpn,
        serverName,
        authorized,
        peerCertificate,
        client: client.protocol,
      }
      return exchange.respond(200, {}, JSON.stringify(facts))
    })
    const peer = await dial(server, { alpn: ['http/1.1'] })
    peer.write(head('GET / HTTP/1.1'))
    const [reply] = await peer.replies(1)
    expect(JSON.parse(reply?.body ?? '')).toEqual({
      protocol: 'TLSv1.3',
      cipher: expect.stringMatching(/^TLS_/),
      alpn: 'http/1.1',
      serverName: 'a.example',
      authorized: false,
      client: 'https',
    })
  })

  test('serve makes https URLs', async () => {
    const handler: FetchHandler = (asked, { tls }) => Response.json({ url: asked.url, tls: tls?.protocol })
    const server = left(await serve({ port: 0, tls: a }, handler))
    const { body } = await get(server, {
      path: '/x?y',
      servername: 'a.example',
      headers: { host: 'shop.example' },
    })
    expect(JSON.parse(body)).toEqual({ url: 'https://shop.example/x?y', tls: 'TLSv1.3' })
    expect(JSON.parse(await curl(server))).toMatchObject({ url: `https://a.example:${portOf(server)}/` })
  })

  test('keeps connections alive, and answers pipelined requests', async () => {
    const server = await start()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const sockets = new Set<TLSSocket>()
    for (let count = 0; count < 5; count++) {
      const { body, socket } = await get(server, { agent, path: `/${count}` })
      expect(body).toBe(`ahoy /${count}`)
      sockets.add(socket)
    }
    expect(sockets.size).toBe(1)
    agent.destroy()
    const peer = await dial(server)
    peer.write([1, 2, 3].map((at) => head(`GET /${at} HTTP/1.1`)).join(''))
    const replies = await peer.replies(3)
    expect(replies.map(({ body }) => body)).toEqual(['ahoy /1', 'ahoy /2', 'ahoy /3'])
    const at = `https://a.example:${portOf(server)}`
    const made = await curl(
      server,
      '-w',
      '%{num_connects}',
      '-o',
      '/dev/null',
      '-o',
      '/dev/null',
      `${at}/1`,
      `${at}/2`,
    )
    expect(made).toBe('10')
  })

  test('streams both ways', async () => {
    const size = 5_000_000
    const server = await start((exchange) => exchange.respond(200, {}, exchange.request.body))
    const sent = Buffer.alloc(size, 'fairlead').toString()
    expect((await get(server, { method: 'POST', body: sent })).body === sent).toBe(true)
  })

  test('closes politely', async () => {
    const server = await start()
    const peer = await dial(server)
    peer.write(head('GET / HTTP/1.1'))
    await peer.replies(1)
    await server.close({ grace: 5_000 })
    expect(await peer.allReplies()).toHaveLength(1)
    expect((await peer.connection.closed).kind).not.toBe('error')
  })
})

describe('names', () => {
  test('each has its own certificate, and whoever asks for another gets the first', async () => {
    const server = await start(
      (exchange) => exchange.respond(200, {}, exchange.tls?.serverName ?? 'nobody'),
      { servers: { 'b.example': b } },
    )
    for (const [servername, identity] of [
      ['a.example', a],
      ['b.example', b],
    ] as const) {
      const { body, socket } = await get(server, { servername })
      expect(body).toBe(servername)
      expect(socket.getPeerCertificate().fingerprint256).toBe(fingerprintOf(identity.cert))
    }
    expect(await curl(server)).toBe('a.example')
    expect(await curl(server, `https://b.example:${portOf(server)}/`)).toBe('b.example')
  })

  test('a select that is a method, throws, or never settles, costs one connection', async () => {
    class Certificates implements tcp.TlsServerOptions {
      readonly #known = b
      readonly cert = a.cert
      readonly key = a.key
      select(name: string): tcp.TlsIdentity | Promise<never> {
        if (name === 'throws.example') throw new Error('secret')
        if (name === 'hangs.example') return new Promise(() => {})
        return this.#known
      }
    }
    const server = left(await listen({ port: 0, tls: new Certificates(), handshakeTimeout: 100 }, hello))
    const verdicts = ['throws.example', 'hangs.example'].map((serverName) => dial(server, { serverName }))
    for (const verdict of verdicts) await expect(verdict).rejects.toThrow('Cannot connect')
    const peer = await dial(server, { serverName: 'b.example' })
    expect(peer.connection.tls?.peerCertificate?.fingerprint256).toBe(fingerprintOf(b.cert))
  })
})

test('certificates are replaced without dropping anybody', async () => {
  const server = await start()
  const peer = await dial(server)
  peer.write(head('GET /before HTTP/1.1'))
  await peer.replies(1)
  await expect(server.setTls({ ...newA, key: b.key })).rejects.toThrow('Invalid option tls.key')
  await server.setTls(newA)
  peer.write(head('GET /after HTTP/1.1'))
  expect((await peer.replies(2)).map(({ body }) => body)).toEqual(['ahoy /before', 'ahoy /after'])
  const late = await dial(server, { alpn: ['http/1.1'] })
  expect(late.connection.tls?.peerCertificate?.fingerprint256).toBe(fingerprintOf(newA.cert))
  expect(late.connection.tls?.alpn).toBe('http/1.1')
  expect(await curl(server)).toBe('ahoy /')
})

test('a plain listener has no certificates to replace', async () => {
  await using server = await listen({ port: 0 }, hello)
  await expect(server.setTls(a)).rejects.toThrow('Cannot set TLS')
})

describe('certificates of clients', () => {
  const whoIsIt: OnExchange = (exchange) => {
    const { authorized, peerCertificate } = exchange.tls ?? {}
    return exchange.respond(200, {}, JSON.stringify({ authorized, subject: peerCertificate?.subject }))
  }

  test('are seen', async () => {
    const server = await start(whoIsIt, { clientCertificate: 'require', ca })
    const expected = { authorized: true, subject: 'CN=alice' }
    expect(JSON.parse((await get(server, alice)).body)).toEqual(expected)
    expect(JSON.parse(await curl(server, ...curlAlice))).toEqual(expected)
  })

  test.each([
    ['none', {}],
    ['one that nobody vouches for', mallory],
  ])('%s is refused, and no exchange begins', async (_, identity) => {
    let exchanges = 0
    const server = await start(
      (exchange) => {
        exchanges++
        return whoIsIt(exchange)
      },
      { clientCertificate: 'require', ca },
    )
    await expect(get(server, identity)).rejects.toThrow()
    if (identity !== mallory) await expect(curl(server)).rejects.toThrow('curl')
    expect((await get(server, alice)).status).toBe(200)
    expect(exchanges).toBe(1)
  })

  test('may be asked for only', async () => {
    const server = await start(whoIsIt, { clientCertificate: 'request', ca })
    expect(JSON.parse((await get(server)).body)).toEqual({ authorized: false })
    expect(JSON.parse((await get(server, mallory)).body)).toMatchObject({ authorized: false })
    expect(JSON.parse((await get(server, alice)).body)).toMatchObject({ authorized: true })
  })
})

describe('ALPN', () => {
  test.each<[string, string[] | undefined, string | undefined]>([
    ['is chosen', ['http/1.1'], 'http/1.1'],
    ['is chosen among others', ['h2', 'http/1.0', 'http/1.1'], 'http/1.1'],
    ['gives way to http/1.0', ['http/1.0'], 'http/1.0'],
    ['need not be offered', undefined, undefined],
  ])('http/1.1 %s', async (_, offered, chosen) => {
    const server = await start()
    const peer = await dial(server, offered ? { alpn: offered } : {})
    expect(peer.connection.tls?.alpn).toBe(chosen)
    peer.write(head('GET / HTTP/1.1'))
    expect((await peer.replies(1))[0]?.status).toBe(200)
  })

  test('a client that speaks only HTTP/2 hears so in the handshake', async () => {
    const server = await start()
    const socket = secure({ port: portOf(server), host: '127.0.0.1', ca, ALPNProtocols: ['h2'] })
    const [error] = (await once(socket, 'error')) as [Error & { code?: string }]
    expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL')
    expect((await get(server)).status).toBe(200)
  })

  test('curl, which offers both, comes to an agreement', async () => {
    const server = await start((exchange) => exchange.respond(200, {}, exchange.tls?.alpn ?? ''))
    expect(await curl(server, '--http2', '-w', ' %{http_version}')).toBe('http/1.1 1.1')
  })

  test('is what the caller says, if he does', async () => {
    const server = await start(hello, { alpn: ['acme-tls/1', 'http/1.1'] })
    const peer = await dial(server, { alpn: ['acme-tls/1'] })
    expect(peer.connection.tls?.alpn).toBe('acme-tls/1')
    await expect(start(hello, { alpn: [] })).rejects.toThrow('Invalid option tls.alpn')
  })
})

describe('what is no TLS, or no more', () => {
  test('plain HTTP to a TLS port costs its connection', async () => {
    const server = await start()
    const socket = await raw(server)
    socket.write(head('GET / HTTP/1.1'))
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
    await new Promise((resolve) => socket.on('close', resolve))
    expect(text).not.toContain('HTTP/1.1')
    expect((await get(server)).status).toBe(200)
    await emptied(server)
  })

  test('a reset at any time of the handshake costs its connection', async () => {
    const server = await start()
    const hello = await clientHello()
    for (const bytes of [0, 1, 5, 40, hello.length - 1, hello.length]) {
      const socket = await raw(server)
      if (bytes > 0) socket.write(hello.subarray(0, bytes))
      await quiet()
      socket.resetAndDestroy()
    }
    expect((await get(server)).status).toBe(200)
    await emptied(server)
    await until(() => server.stats().connections?.pending === 0)
  })

  test('an application that fails does so inside TLS', async () => {
    const server = await start(() => {
      throw new Error('secret')
    })
    const { status, body } = await get(server)
    expect([status, body]).toEqual([500, expect.not.stringContaining('secret')])
  })

  test.each([
    ['no certificate', {}, 'Invalid option tls.cert'],
    ['no object', true, 'Invalid option tls'],
    ['null', null, 'Invalid option tls'],
  ])('%s is refused at the call', async (_, tls, message) => {
    await expect(listen({ port: 0, tls: tls as tcp.TlsServerOptions }, hello)).rejects.toThrow(message)
  })
})

/** What a client of TLS says first. */
async function clientHello(): Promise<Buffer> {
  await using listener = await tcp.listen({ port: 0 })
  const { address } = listener
  if (address.kind !== 'ip') throw new Error('not on a port')
  const attempt = tcp.connect({ port: address.port, tls: { ca, serverName: 'a.example' } })
  attempt.catch(() => {})
  for await (const connection of listener) {
    for await (const chunk of connection) {
      connection.destroy()
      return Buffer.from(chunk)
    }
  }
  throw new Error('nothing was said')
}
