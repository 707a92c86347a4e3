import { describe, expect, test } from 'vitest'

import { answer, response } from '../client/raw-server.ts'
import { chunked, watchStrays } from '../faults/harness.ts'
import { head, quiet, until } from '../server/ways.ts'
import { before, lines, memory, stages } from './stage.ts'

watchStrays()

describe.each(stages)('a proxy over $name', (stage) => {
  test('passes a request on with all its lines, and its answer back', async () => {
    const fields = [
      'Server: them',
      'Date: Fri, 01 Jan 2021 00:00:00 GMT',
      'Set-Cookie: a=1',
      'Set-Cookie: b=2',
    ]
    await using server = await stage.raw.open(() => answer('ahoy', ...fields, 'Content-Encoding: zstd'))
    await using at = await before(stage, server, { proxy: { forwarded: false } })
    const client = await at.client()
    client.write(head('GET /a?b HTTP/1.1', 'Accept: */*', 'X-One: 1', 'x-one: 2', 'Cookie: a=b'))
    const [reply] = await client.replies(1)
    expect(reply).toMatchObject({ status: 200, body: 'ahoy' })
    const { host } = new URL(server.url)
    const { text } = await server.peer()
    expect(lines(text)).toEqual([
      'GET /a?b HTTP/1.1',
      `Host: ${host}`,
      'Accept: */*',
      'X-One: 1',
      'x-one: 2',
      'Cookie: a=b',
      'Via: 1.1 front',
    ])
    expect(lines(client.text)).toEqual([
      'HTTP/1.1 200 OK',
      'Content-Length: 4',
      ...fields,
      'Content-Encoding: zstd',
      'Via: 1.1 front',
    ])
    expect([at.errors, at.strays]).toEqual([[], []])
    expect(at.proxy.stats()).toMatchObject({ requests: 1, active: 0, failed: 0, retries: 0, tunnels: 0 })
  })

  test('one connection to the server is enough for requests that come one after the other', async () => {
    await using server = await stage.raw.open(({ target }) => answer(target))
    await using at = await before(stage, server)
    const client = await at.client()
    for (const target of ['/1', '/2', '/3']) client.write(head(`GET ${target} HTTP/1.1`))
    expect((await client.replies(3)).map(({ body }) => body)).toEqual(['/1', '/2', '/3'])
    expect(server.peers).toHaveLength(1)
  })

  test('bytes of the request are there before the next ones come, and those of the answer as well', async () => {
    await using server = await stage.raw.open()
    await using at = await before(stage, server)
    const client = await at.client()
    client.write(head('PUT / HTTP/1.1', 'Content-Length: 6') + 'one')
    const peer = await server.peer()
    await until(() => peer.text.endsWith('one'))
    expect(lines(peer.text)).toContain('Content-Length: 6')
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nuno')
    await client.until(() => client.text.endsWith('uno'))
    client.write('two')
    await until(() => peer.text.endsWith('onetwo'))
    peer.write('dos')
    expect((await client.replies(1))[0]).toMatchObject({ body: 'unodos', headers: { 'content-length': '6' } })
    await quiet()
    expect(at.proxy.stats()).toMatchObject({ active: 0, failed: 0 })
  })

  test('a body in chunks stays one both ways, and trailers follow where TE asks for them', async () => {
    await using server = await stage.raw.open()
    await using at = await before(stage, server)
    const client = await at.client()
    const fields = ['Transfer-Encoding: chunked', 'Trailer: X-Sum', 'TE: trailers, deflate', 'Connection: TE']
    client.write(head('POST / HTTP/1.1', ...fields) + '3\r\none\r\n')
    const peer = await server.peer()
    await until(() => peer.text.endsWith('3\r\none\r\n'))
    client.write('0\r\nX-Sum: 1\r\nContent-Length: 5\r\n\r\n')
    const asked = await peer.request()
    expect([asked.body, asked.trailers?.raw]).toEqual(['one', ['X-Sum', '1']])
    expect(lines(peer.text)).toEqual(
      expect.arrayContaining([
        'Trailer: X-Sum',
        'TE: trailers',
        'Connection: TE',
        'Transfer-Encoding: chunked',
      ]),
    )
    peer.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nuno\r\n')
    await client.until(() => client.text.endsWith('3\r\nuno\r\n'))
    peer.write('0\r\nX-Sum: 2\r\n\r\n')
    await client.until(() => client.text.endsWith('0\r\nX-Sum: 2\r\n\r\n'))
    expect(lines(client.text)).toContain('Trailer: X-Sum')
  })

  test('interim answers are passed on, but for the 100 that is the proxy’s own', async () => {
    const interim =
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: X-Own\r\nX-Own: 1\r\n\r\n'
    await using server = await stage.raw.open(
      () => `HTTP/1.1 100 Continue\r\n\r\n${interim}${interim}${answer('ok')}`,
    )
    await using at = await before(stage, server)
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    const replies = await client.replies(3)
    expect(replies.map(({ status }) => status)).toEqual([103, 103, 200])
    expect(replies[0]?.headers).toEqual({ link: '</a.css>; rel=preload' })
  })

  test('a client that waits for 100 hears it when the server says so, and not before', async () => {
    await using server = await stage.raw.open()
    await using at = await before(stage, server)
    const client = await at.client()
    client.write(head('PUT / HTTP/1.1', 'Content-Length: 4', 'Expect: 100-continue'))
    const peer = await server.peer()
    await until(() => peer.text.endsWith('\r\n\r\n'))
    expect(lines(peer.text)).toContain('Expect: 100-continue')
    await quiet()
    expect(client.text).toBe('')
    peer.write('HTTP/1.1 100 Continue\r\n\r\n')
    await client.until(() => client.text === 'HTTP/1.1 100 Continue\r\n\r\n')
    client.write('body')
    expect((await peer.request()).body).toBe('body')
    peer.write(answer('ok'))
    expect((await client.replies(2)).map(({ status }) => status)).toEqual([100, 200])
  })

  test('a client that leaves has its request aborted', async () => {
    await using server = await stage.raw.open()
    await using at = await before(stage, server)
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    const peer = await server.peer()
    await peer.request()
    client.connection.destroy(new Error('by the test'))
    await until(() => peer.gone)
    await until(() => at.proxy.stats().active === 0)
    expect(at.proxy.stats()).toMatchObject({ failed: 1, origins: {} })
    expect([at.errors, at.strays]).toEqual([[], []])
  })

  test('a client that leaves in the middle of the answer has the rest aborted', async () => {
    await using server = await stage.raw.open(
      () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n',
    )
    await using at = await before(stage, server)
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    await client.until(() => client.text.endsWith('one\r\n'))
    client.connection.destroy()
    const peer = await server.peer()
    await until(() => peer.gone)
    await until(() => at.proxy.stats().active === 0)
    expect(at.errors).toEqual([])
  })

  test.each(['Content-Length: 10', 'Transfer-Encoding: chunked'])(
    'an answer that breaks off is cut (%s)',
    async (framing) => {
      const part = framing.startsWith('T') ? '3\r\none\r\n' : 'one'
      await using server = await stage.raw.open(() => `HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${part}`)
      await using at = await before(stage, server)
      const client = await at.client({ stay: true })
      client.write(head('GET / HTTP/1.1'))
      await client.until(() => client.text.endsWith(part))
      ;(await server.peer()).reset()
      await until(() => client.reason !== undefined)
      expect(client.reason?.kind).toBe('error')
      expect(client.text.endsWith(part)).toBe(true)
      expect(at.errors).toMatchObject([{ name: 'RequestError', phase: 'body' }])
    },
  )
})

describe('what is passed on as it is', () => {
  test.each([
    ['GET', '404 Not Found'],
    ['DELETE', '200 OK'],
    ['PURGE', '207 Multi-Status'],
    ['M-SEARCH', '299 Other'],
    ['GET', '302 Found'],
    ['GET', '599 Other'],
  ])('%s and %s', async (method, status) => {
    await using server = await memory.raw.open(() =>
      response(status, 'body', 'Location: http://other.example/'),
    )
    await using at = await before(memory, server)
    const client = await at.client()
    client.write(head(`${method} / HTTP/1.1`))
    const [reply] = await client.replies(1, method)
    expect(reply).toMatchObject({
      status: Number(status.slice(0, 3)),
      body: 'body',
      headers: { location: 'http://other.example/' },
    })
    expect((await server.peer()).asked[0]?.method).toBe(method)
  })

  test.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n', { 'content-length': '1234' }],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', {}],
    [
      'GET',
      'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 9\r\n\r\n',
      { etag: '"a"', 'content-length': '9' },
    ],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', {}],
    ['GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n', {}],
    ['GET', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 3\r\n\r\nabc', { 'content-length': '0' }],
    ['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', { 'content-length': '0' }],
  ])('an answer without a body: %s %j', async (method, text, fields) => {
    await using server = await memory.raw.open(() => text)
    await using at = await before(memory, server, { proxy: { via: false } })
    const client = await at.client()
    client.write(head(`${method} / HTTP/1.1`))
    const [reply] = await client.replies(1, method)
    const { date: _, ...headers } = reply!.headers
    expect([headers, reply!.body]).toEqual([fields, ''])
    client.write(head('HEAD / HTTP/1.1'))
    expect(await client.replies(2, method, 'HEAD')).toHaveLength(2)
    expect(at.strays).toEqual([])
  })

  test('a body that lasts until the server ends goes on in chunks', async () => {
    await using server = await memory.raw.open((_, peer) => {
      peer.write('HTTP/1.0 200 OK\r\n\r\nold and ')
      setImmediate(() => {
        peer.write('long')
        peer.end()
      })
    })
    await using at = await before(memory, server)
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    const [reply] = await client.replies(1)
    expect(reply).toMatchObject({ body: 'old and long', headers: { via: '1.0 front' } })
  })

  test('a client of HTTP/1.0 is served, and its version told', async () => {
    await using server = await memory.raw.open(
      () => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked('ahoy')}`,
    )
    await using at = await before(memory, server)
    const client = await at.client()
    client.write('GET / HTTP/1.0\r\n\r\n')
    const [reply] = await client.allReplies()
    expect(reply?.body).toBe('ahoy')
    const { fields } = (await server.peer()).asked[0]!
    expect([fields.get('via'), fields.get('host')]).toEqual(['1.0 front', 'raw.example'])
  })

  test('a request has what came with it, and no more', async () => {
    await using server = await memory.raw.open(() => answer())
    await using at = await before(memory, server, { proxy: { forwarded: false, via: false } })
    const client = await at.client()
    client.write(
      head('GET / HTTP/1.1') + head('POST / HTTP/1.1') + head('GET / HTTP/1.1', 'Content-Length: 3') + 'abc',
    )
    await client.replies(3)
    const { asked } = await server.peer()
    expect(asked.map(({ fields, body }) => [fields.raw, body])).toEqual([
      [['Host', 'raw.example'], ''],
      [['Host', 'raw.example', 'Content-Length', '0'], ''],
      [['Host', 'raw.example', 'Content-Length', '3'], 'abc'],
    ])
  })
})
