import { ConnectError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { Client, type HttpListener, listen, type RequestError } from '../../src/index.ts'
import { a, ca } from '../server/tls-certificates.ts'
import { portOf, until } from '../server/ways.ts'
import { answer, failure, type RawServer, rawWays, response } from './raw-server.ts'
import { tunnelling } from './tunnelling.ts'

const tcpWay = rawWays[1]!

const basic = `Basic ${Buffer.from('u:p').toString('base64')}`

describe('a proxy of plain http', () => {
  const proxying = async (): Promise<{ server: RawServer; proxy: string }> => {
    const server = await tcpWay.open((asked) => answer(asked.target))
    return { server, proxy: server.url.replace('//', '//u:p@') }
  }

  test('is asked with the whole URL, and told who asks', async () => {
    const { server, proxy } = await proxying()
    const client = new Client({ proxy })
    const got = await client.request('http://me:secret@name.example:81/a?b#c')
    expect([await got.text(), got.url]).toEqual(['http://name.example:81/a?b', 'http://name.example:81/a?b'])
    const [asked] = server.peers[0]!.asked
    expect([
      asked!.fields.get('host'),
      asked!.fields.get('proxy-authorization'),
      asked!.fields.get('authorization'),
    ]).toEqual(['name.example:81', basic, `Basic ${Buffer.from('me:secret').toString('base64')}`])
    await client.close()
    await server[Symbol.asyncDispose]()
  })

  test('has one connection for all origins', async () => {
    const { server, proxy } = await proxying()
    const client = new Client({ proxy: new URL(proxy) })
    await client.request('http://one.example/')
    expect((await client.request('http://two.example/')).reused).toBe(true)
    expect(server.peers).toHaveLength(1)
    await client.close()
    await server[Symbol.asyncDispose]()
  })

  test('may be another one for each URL, or none', async () => {
    const { server, proxy } = await proxying()
    await using direct = await tcpWay.open(() => answer('direct'))
    const client = new Client({ proxy: (url) => (url.hostname === '127.0.0.1' ? undefined : proxy) })
    expect(await (await client.request(direct.url)).text()).toBe('direct')
    expect(await (await client.request('http://name.example/')).text()).toBe('http://name.example/')
    expect(direct.peers[0]!.asked[0]!.fields.has('proxy-authorization')).toBe(false)
    await client.close()
    await server[Symbol.asyncDispose]()
  })

  test('that wants to know who asks gives its answer', async () => {
    await using server = await tcpWay.open(() => response('407 Proxy Authentication Required', 'who?'))
    const client = new Client({ proxy: server.url })
    const got = await client.request('http://name.example/')
    expect([got.status, await got.text()]).toEqual([407, 'who?'])
    await client.close()
  })

  test('may be told by the caller who asks, once', async () => {
    const { server, proxy } = await proxying()
    const client = new Client({ proxy: server.url })
    const headers = { 'Proxy-Authorization': 'Basic mine' }
    await client.request('http://name.example/', { headers })
    expect(server.peers[0]!.text.match(/Proxy-Authorization: .*/gi)).toEqual([
      'Proxy-Authorization: Basic mine',
    ])
    await client.close()
    const knowing = new Client({ proxy })
    expect(await failure(knowing.request('http://name.example/', { headers }))).toBeInstanceOf(TypeError)
    await knowing.close()
    await server[Symbol.asyncDispose]()
  })

  test('is told nothing of a request over a unix socket', async () => {
    const { server, proxy } = await proxying()
    const client = new Client({ proxy })
    expect(await failure(client.request('http://name.example/', { unix: '/nowhere/at/all' }))).toMatchObject({
      code: 'ERR_FAIRLEAD_CONNECT',
    })
    expect(server.peers).toHaveLength(0)
    await client.close()
    await server[Symbol.asyncDispose]()
  })

  test('that is a function which throws, or names none, costs the request', async () => {
    await using server = await tcpWay.open(() => answer())
    let wrong: unknown
    const client = new Client({
      proxy: () => {
        if (wrong === undefined) throw new Error('by the function')
        return wrong as string
      },
    })
    expect((await failure(client.request(server.url))).message).toBe('by the function')
    wrong = 'gopher://a.example'
    expect(await failure(client.request(server.url))).toBeInstanceOf(TypeError)
    expect(client.stats()).toMatchObject({ active: 0, origins: {} })
    await client.close()
  })
})

describe('a tunnel through a proxy', () => {
  const start = (): Promise<HttpListener> =>
    listen({ port: 0, idleGrace: 0, tls: a }, (exchange) =>
      exchange.respond(
        200,
        {},
        `${exchange.request.target} ${exchange.request.headers.get('proxy-authorization')}`,
      ),
    )

  test('carries https, and the proxy hears nothing but where to', async () => {
    await using server = await start()
    const proxy = await tunnelling()
    const client = new Client({ proxy: proxy.url, tls: { ca } })
    const got = await client.request(`https://localhost:${portOf(server)}/a?secret`)
    expect([await got.text(), got.tls === undefined]).toEqual([
      expect.stringMatching(/^\/a\?secret (null|undefined)$/),
      false,
    ])
    expect((await client.request(`https://localhost:${portOf(server)}/b`)).reused).toBe(true)
    expect(proxy.asked).toHaveLength(1)
    expect(proxy.asked[0]).toMatch(new RegExp(`^CONNECT localhost:${portOf(server)} HTTP/1.1\\r\\n`))
    expect(proxy.asked[0]).toContain(`Proxy-Authorization: ${basic}\r\n`)
    expect(proxy.asked[0]).not.toContain('secret')
    await client.close()
    await proxy.stop()
  })

  test('carries another protocol, of plain http, too', async () => {
    const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n'
    await using server = await tcpWay.open(() => switching)
    const proxy = await tunnelling()
    const client = new Client({ proxy: proxy.url })
    const { response, connection } = await client.upgrade(`http://127.0.0.1:${server.port}/a`, {
      protocol: 'shout',
    })
    expect([response.status, server.peers[0]!.asked[0]!.target]).toEqual([101, '/a'])
    expect(proxy.asked[0]).toMatch(new RegExp(`^CONNECT 127\\.0\\.0\\.1:${server.port} HTTP/1.1\\r\\n`))
    expect(server.peers[0]!.text).not.toContain(basic)
    connection!.destroy()
    await client.close()
    await proxy.stop()
  })

  test('that the proxy refuses is an error of the phase handshake', async () => {
    const proxy = await tunnelling(response('403 Forbidden', 'no'))
    const client = new Client({ proxy: proxy.url, tls: { ca } })
    const error = await failure<RequestError>(client.request('https://name.example/', { body: 'x' }))
    expect(error).toMatchObject({ name: 'RequestError', phase: 'handshake', bytesWritten: 0, attempts: 0 })
    expect(error.message).toMatch(/403/)
    expect(error.message).not.toContain('u:p')
    expect(client.stats()).toMatchObject({ active: 0, origins: {} })
    await client.close()
    await proxy.stop()
  })

  test('can be given up while it is made', async () => {
    const gone = new AbortController()
    await using proxy = await tcpWay.open()
    const client = new Client({ proxy: proxy.url, tls: { ca } })
    const waiting = failure(client.request('https://name.example/', { signal: gone.signal }))
    await until(() => proxy.peers[0]?.text.startsWith('CONNECT') === true)
    const why = new Error('enough')
    gone.abort(why)
    expect(await waiting).toBe(why)
    await until(() => proxy.peers[0]!.gone)
    expect(client.stats()).toMatchObject({ active: 0, origins: {} })
    await client.close()
  })

  test('to a proxy that nobody is at is an error that says to whom', async () => {
    const proxy = await tunnelling()
    await proxy.stop()
    const client = new Client({ proxy: proxy.url })
    const error = await failure<RequestError>(client.request('https://name.example/'))
    expect(error).toMatchObject({
      code: 'ERR_FAIRLEAD_CONNECT',
      phase: 'connect',
      peer: { kind: 'ip', host: '127.0.0.1' },
      retryable: true,
    })
    expect(error.cause).toBeInstanceOf(ConnectError)
    const { port } = new URL(proxy.url)
    expect(error.message).toContain(`: Cannot connect to the proxy 127.0.0.1:${port}: `)
    expect((error.cause as ConnectError).attempts).toMatchObject([{ phase: 'connect', code: 'ECONNREFUSED' }])
    expect((error.cause as ConnectError).cause).toBeInstanceOf(Error)
    const plain = await failure<RequestError>(client.request('http://name.example/'))
    expect(plain.message).toContain(`: Cannot connect to the proxy 127.0.0.1:${port}: `)
    await client.close()
  })

  test('to a server whose certificate is not taken is an error that names both', async () => {
    await using server = await start()
    const proxy = await tunnelling()
    const client = new Client({ proxy: proxy.url })
    const error = await failure<RequestError>(client.request(`https://localhost:${portOf(server)}/`))
    expect(error.message).toContain(
      `: Cannot connect to localhost:${portOf(server)} through the proxy 127.0.0.1:${new URL(proxy.url).port}: `,
    )
    expect(error).toMatchObject({ phase: 'tls', code: 'ERR_FAIRLEAD_CONNECT' })
    await client.close()
    await proxy.stop()
  })

  test('to a proxy whose name does not resolve is an error that says whose name', async () => {
    const client = new Client({ proxy: 'http://proxy.invalid:3128' })
    const error = await failure<RequestError>(client.request('https://name.example/'))
    expect(error.message).toContain('Cannot connect to the proxy proxy.invalid:3128: ')
    expect(error).toMatchObject({ phase: 'dns', code: 'ERR_FAIRLEAD_CONNECT' })
    await client.close()
  })

  test('to a proxy that does not answer in time is an error that says so', async () => {
    await using proxy = await tcpWay.open()
    const client = new Client({ proxy: proxy.url, timeouts: { connect: 20 } })
    const error = await failure<RequestError>(client.request('https://name.example/'))
    expect(error.message).toContain(`Cannot connect to the proxy 127.0.0.1:${new URL(proxy.url).port}: `)
    expect(error).toMatchObject({ phase: 'handshake', code: 'ERR_FAIRLEAD_TIMEOUT' })
    expect(error.cause).toMatchObject({ name: 'TimeoutError', retryable: true })
    await client.close()
  })

  test('refused by a proxy of several addresses is an error that says what it answered', async () => {
    const proxy = await tunnelling(response('407 Who', 'no'))
    // Where that is ::1 as well, nobody is there.
    const client = new Client({ proxy: proxy.url.replace('127.0.0.1', 'localhost') })
    const error = await failure<RequestError>(client.request('https://name.example/'))
    expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_HTTP_PROXY', phase: 'handshake' })
    await client.close()
    await proxy.stop()
  })

  test('is made without credentials of the caller, which the server would be told', async () => {
    const proxy = await tunnelling()
    const client = new Client({ proxy: proxy.url.replace('u:p@', '') })
    const headers = { 'Proxy-Authorization': 'Basic x' }
    const error = await failure(client.request('https://name.example/', { headers }))
    expect([error.constructor, error.message]).toEqual([
      TypeError,
      'Invalid option headers: Proxy-Authorization is made of the user information of the option proxy',
    ])
    expect(proxy.asked).toEqual([])
    await client.close()
    await proxy.stop()
  })
})
