import { TimeoutError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { echo, portOf, until, urlOf } from '../harness.ts'
import { startProxy } from './proxies.ts'
import { failureOf, silent, talk, urlBy, ways } from './servers.ts'

afterEach(() => vi.unstubAllEnvs())

/** The environment without what this process was given. */
function stubProxies(env: Record<string, string>): void {
  for (const name of ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy']) {
    vi.stubEnv(name, env[name] ?? '')
    vi.stubEnv(name.toUpperCase(), '')
  }
  vi.stubEnv('REQUEST_METHOD', '')
}

const basic = `Proxy-Authorization: Basic ${btoa('user:secret')}\r\n`

describe.each(ways)('a client over $name through a proxy', (way) => {
  const { scheme, listening, connecting } = way

  test('talks in a tunnel, and tells the proxy nothing but where to and who asks', async () => {
    await using server = await websocket.listen({ port: 0, path: '/echo', ...listening }, echo)
    await using proxy = await startProxy()
    const url = urlBy(way, server, '/echo?query').replace('//', '//me:mine@')
    const connection = await websocket.connect(url, { ...connecting, proxy: proxy.url })
    expect(await talk(connection)).toBe('ahoy')
    expect(connection.tls === undefined).toBe(scheme === 'ws')
    expect(connection.remoteAddress).toMatchObject({ port: Number(new URL(proxy.url).port) })
    expect(proxy.asked).toEqual([
      `CONNECT localhost:${portOf(server)} HTTP/1.1\r\nHost: localhost:${portOf(server)}\r\n${basic}\r\n`,
    ])
    await connection.close()
    await until(() => server.connections.size === 0)
  })

  test('is asked who it is, and is refused for what it does not say', async () => {
    await using server = await websocket.listen({ port: 0, ...listening }, echo)
    const refuse = (head: string) => (head.includes(basic) ? undefined : 'HTTP/1.1 407 Who\r\n\r\n')
    await using proxy = await startProxy(refuse)
    const connection = await websocket.connect(urlBy(way, server), { ...connecting, proxy: proxy.url })
    expect(await talk(connection)).toBe('ahoy')
    await connection.close()
    for (const user of ['', 'user:wrong-secret@']) {
      const options = { ...connecting, proxy: proxy.url.replace('user:secret@', user) }
      const error = await failureOf(websocket.connect(urlBy(way, server), options))
      expect(error).toMatchObject({
        name: 'HttpProtocolError',
        code: 'ERR_FAIRLEAD_HTTP_PROXY',
        retryable: false,
      })
      expect(error.message).toMatch(/407/)
      expect(`${error.message} ${JSON.stringify(error)}`).not.toContain('secret')
    }
  })

  test.each([
    ['403 No', false],
    ['502 Bad Gateway', true],
  ])('fails when it answers %s', async (status, retryable) => {
    await using proxy = await startProxy(() => `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`)
    const error = await failureOf(
      websocket.connect(`${scheme}://name.example/?secret`, { ...connecting, proxy: proxy.url }),
    )
    expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_HTTP_PROXY', phase: 'handshake', retryable })
    expect(error.message).not.toContain('secret')
  })

  test('fails when it is no proxy, is silent, or gives up', async () => {
    const proxied = { ...connecting, connectTimeout: 40 }
    await using nonsense = await startProxy(() => 'SSH-2.0-OpenSSH\r\n')
    const wrong = await failureOf(
      websocket.connect(`${scheme}://name.example`, { ...connecting, proxy: nonsense.url }),
    )
    expect(wrong).toMatchObject({ code: 'ERR_FAIRLEAD_HTTP_PROXY', retryable: false })
    await using server = await silent()
    const proxy = `http://127.0.0.1:${portOf(server)}`
    const late = await failureOf(websocket.connect(`${scheme}://name.example`, { ...proxied, proxy }))
    expect(late).toBeInstanceOf(TimeoutError)
    await until(() => server.connections.size === 0)
    await using leaving = await tcp.listen({ port: 0 }, (connection) => ({
      onData: () => connection.destroy(),
    }))
    const lost = await failureOf(
      websocket.connect(`${scheme}://name.example`, {
        ...connecting,
        proxy: `http://127.0.0.1:${portOf(leaving)}`,
      }),
    )
    expect(lost).toMatchObject({ name: 'ConnectError', phase: 'handshake', retryable: true })
  })

  test('gives up while the tunnel is made when its signal is aborted', async () => {
    const reason = new Error('changed my mind')
    await using server = await silent()
    const abort = new AbortController()
    const proxy = `http://127.0.0.1:${portOf(server)}`
    const failing = failureOf(
      websocket.connect(`${scheme}://name.example`, { ...connecting, proxy, signal: abort.signal }),
    )
    await until(() => server.connections.size === 1)
    abort.abort(reason)
    expect(await failing).toBe(reason)
    await until(() => server.connections.size === 0)
  })

  test('has the one that the environment names, unless it names the host, too', async () => {
    await using server = await websocket.listen({ port: 0, ...listening }, echo)
    await using proxy = await startProxy()
    await using other = await startProxy()
    const names = scheme === 'ws' ? ['http_proxy', 'https_proxy'] : ['https_proxy', 'http_proxy']
    stubProxies({ [names[0]!]: proxy.url, [names[1]!]: other.url })
    const options = { ...connecting, proxy: 'environment' }
    const connection = await websocket.connect(urlBy(way, server), options)
    expect(await talk(connection)).toBe('ahoy')
    expect([proxy.asked.length, other.asked.length]).toEqual([1, 0])
    await connection.close()
    stubProxies({ [names[0]!]: proxy.url, no_proxy: 'localhost' })
    const direct = await websocket.connect(urlBy(way, server), options)
    expect(await talk(direct)).toBe('ahoy')
    expect(proxy.asked).toHaveLength(1)
    await direct.close()
  })
})

describe('the function that names a proxy', () => {
  test('is given the URL of the handshake without who asks, and may name none', async () => {
    await using server = await websocket.listen({ port: 0 }, echo)
    await using proxy = await startProxy()
    const given: string[] = []
    const options = {
      proxy: ({ href }: URL) => {
        given.push(href)
        return given.length === 1 ? new URL(proxy.url) : undefined
      },
    }
    const url = urlOf(server, '/a?b#c').replace('//', '//me:mine@')
    for (const tunnels of [1, 1]) {
      const connection = await websocket.connect(url, options)
      expect(await talk(connection)).toBe('ahoy')
      expect(proxy.asked).toHaveLength(tunnels)
      await connection.close()
    }
    expect(given).toEqual(Array(2).fill(`http://127.0.0.1:${portOf(server)}/a?b`))
  })

  test.each([
    ['socks5://h', /SOCKS proxies are reached by a function/],
    ['nowhere', /it is not a URL/],
    ['http://u:secret@h/path', /a proxy has no path/],
    ['https://127.0.0.1:1', /a tunnel through a proxy that speaks TLS itself/],
  ])('cannot be %s, nor can the option', async (proxy, message) => {
    for (const option of [proxy, () => proxy]) {
      const error = await failureOf(websocket.connect('ws://name.example', { proxy: option }))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(message)
      expect(error.message).not.toContain('secret')
    }
  })
})
