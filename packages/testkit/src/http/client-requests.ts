import assert from 'node:assert/strict'

import { clientChannels, IncomingResponse } from '@fairlead/http'

import { feature, type Feature } from '../check.ts'
import { failureOf, quiet, soon, turn, until } from '../wait.ts'
import { client, raw, requestErrorOf, said } from './client-meeting.ts'
import { Gate, open, pieces } from './meeting.ts'

export const clientRequestFeatures: readonly Feature[] = [
  feature('a request is sent as it was said, and its answer told', async (broom) => {
    const served = await open(broom, async (exchange) => {
      const { method, target, authority, headers, body } = exchange.request
      const told = [method, target, authority, headers.get('x-a'), headers.get('x-b')]
      await exchange.respond(201, { 'X-C': ['1', '2'] }, JSON.stringify([...told, await body.text()]))
    })
    const asking = client(broom, served, { headers: { 'X-A': 'of all' } })
    const query = { b: 'c d', e: 5 }
    const headers = { 'X-B': 'its own' }
    const got = await asking.request('/a?x=y#fragment', { headers, query, json: { ahoy: true } })
    assert.deepEqual(
      [got.status, got.reason, got.minor, got.ok, got.attempts, got.reused],
      [201, 'Created', 1, true, 1, false],
    )
    assert.deepEqual([got.url, got.redirects], [`${served.origin}/a?x=y&b=c+d&e=5`, []])
    assert.deepEqual(got.headers.all('x-c'), ['1', '2'])
    const { remoteAddress: remote, localAddress: local } = got
    assert.ok(remote?.kind === 'ip' && remote.host === '127.0.0.1' && remote.port === served.port)
    assert.ok(local?.kind === 'ip' && local.port !== served.port)
    const authority = `127.0.0.1:${served.port}`
    const told = ['POST', '/a?x=y&b=c+d&e=5', authority, 'of all', 'its own', '{"ahoy":true}']
    assert.deepEqual(await got.json(), told)
  }),

  feature('an answer may come byte by byte, behind others that are not final', async (broom) => {
    const server = await raw(broom)
    const informed: number[] = []
    const onInform = ({ status }: { status: number }): void => void informed.push(status)
    const asked = client(broom, server).request('/', { onInform })
    const peer = await server.peer(0)
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n'
    const final =
      'HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\naho\r\n1\r\ny\r\n0\r\nX-Sum: 4\r\n\r\n'
    for (const byte of early + final) {
      peer.write(byte)
      await turn()
    }
    const got = await soon(asked, 'it is answered')
    assert.deepEqual([got.reason, await got.text(), got.trailers?.get('x-sum')], ['', 'ahoy', '4'])
    assert.deepEqual(informed, [103, 102])
    assert.equal(got.informational[0]?.headers.get('link'), '</a>')
  }),

  feature('what has no body has none, whatever its head says: HEAD, 204, 304', async (broom) => {
    const served = await open(broom, (exchange) => {
      const status = Number(exchange.request.target.slice(1))
      return status === 200 ? exchange.respond(200, {}, 'ahoy') : exchange.respond(status, { ETag: '"1"' })
    })
    const asking = client(broom, served, { maxConnections: 1 })
    for (const [method, status, text] of [
      ['HEAD', 200, ''],
      ['GET', 204, ''],
      ['GET', 304, ''],
      ['GET', 200, 'ahoy'],
    ] as const) {
      const got = await asking.request(`/${status}`, { method })
      assert.deepEqual([got.status, await got.text()], [status, text])
    }
    assert.equal(served.server.stats().connections?.accepted, 1)
  }),

  feature('an answer without a length is whole when the connection ends', async (broom) => {
    const server = await raw(broom, (_asked, { connection }) => {
      connection.write('HTTP/1.0 200 OK\r\n\r\nahoy')
      connection.end()
    })
    const got = await client(broom, server).request('/')
    assert.deepEqual([got.minor, await got.text()], [0, 'ahoy'])
  }),

  feature('trailers are sent behind a body, and read', async (broom) => {
    const served = await open(broom, async (exchange) => {
      const { body, headers } = exchange.request
      const text = await body.text()
      const trailers = (): Record<string, string> => ({ 'X-Sum': `${body.trailers?.get('x-sum')}!` })
      await exchange.respond(200, {}, pieces(text, ` ${headers.get('transfer-encoding')}`), { trailers })
    })
    const headers = { TE: 'trailers' }
    const trailers = (): Record<string, string> => ({ 'X-Sum': '4' })
    const got = await client(broom, served).request('/', { body: 'ahoy', headers, trailers })
    assert.deepEqual([await got.text(), got.trailers?.get('x-sum')], ['ahoy chunked', '4!'])
  }),

  feature('a body waits until it is wanted, and is not sent where it is not', async (broom) => {
    const gate = new Gate()
    const served = await open(broom, async (exchange) => {
      if (exchange.request.target === '/no') return exchange.respond(403)
      await gate.opened
      await exchange.respond(200, {}, await exchange.request.body.text())
    })
    const asking = client(broom, served)
    const options = { body: 'ahoy', expectContinue: 60_000 }
    const asked = asking.request('/', options)
    await until(() => served.server.stats().requests === 1, 'it is asked')
    await quiet()
    const { bytesOut } = asking.stats()
    gate.open()
    const got = await soon(asked, 'it is answered')
    assert.deepEqual([await got.text(), asking.stats().bytesOut - bytesOut], ['ahoy', 4])
    assert.deepEqual(
      got.informational.map(({ status }) => status),
      [100],
    )
    const refused = await asking.request('/no', options)
    assert.equal(refused.status, 403)
    assert.equal(asking.stats().bytesOut - bytesOut - 4, refused.bytesWritten)
  }),

  feature('a server that knows of no expectations is asked once more without', async (broom) => {
    const server = await raw(broom, ({ fields, body }) =>
      fields.has('expect') ? said('417 No') : said('200 OK', body),
    )
    // It reads no body that was not sent.
    const asked = client(broom, server).request('/', { body: 'ahoy', expectContinue: 60_000 })
    await until(() => server.peers[0]?.text.endsWith('\r\n\r\n') ?? false, 'the head comes')
    server.peers[0]!.write(said('417 Expectation Failed'))
    const got = await soon(asked, 'it is answered')
    assert.deepEqual([got.status, await got.text()], [200, 'ahoy'])
  }),

  feature('redirects are followed, with what may go along', async (broom) => {
    const elsewhere = await open(broom, (exchange) =>
      exchange.respond(200, {}, `${exchange.request.headers.has('authorization')}`),
    )
    const served = await open(broom, async (exchange) => {
      const { method, target, headers, body } = exchange.request
      const [, status, to = ''] = target.split('/')
      if (to === 'away') return exchange.respond(307, { Location: `${elsewhere.origin}/` })
      if (target.startsWith('/3')) return exchange.respond(Number(status), { Location: `/?${status}` })
      await exchange.respond(200, {}, `${method} ${await body.text()} ${headers.get('authorization')}`)
    })
    const asking = client(broom, served, { headers: { Authorization: 'Basic YTpi' } })
    for (const [status, text] of [
      [301, 'GET  Basic YTpi'],
      [302, 'GET  Basic YTpi'],
      [303, 'GET  Basic YTpi'],
      [307, 'POST ahoy Basic YTpi'],
      [308, 'POST ahoy Basic YTpi'],
    ] as const) {
      const got = await asking.request(`/${status}`, { method: 'POST', body: 'ahoy' })
      assert.deepEqual(
        [got.status, await got.text(), got.url, got.redirects],
        [200, text, `${served.origin}/?${status}`, [`${served.origin}/${status}`]],
      )
    }
    assert.equal((await asking.request('/301', { redirects: 0 })).status, 301)
    const stream = new Blob(['ahoy']).stream()
    const error = await requestErrorOf(asking.request('/307', { method: 'POST', body: stream }))
    assert.equal(error.code, 'ERR_FAIRLEAD_HTTP_REDIRECT')
    assert.equal(await (await asking.request('/307/away')).text(), 'false')
  }),

  feature('redirects end somewhere', async (broom) => {
    const served = await open(broom, (exchange) => {
      const { target } = exchange.request
      return exchange.respond(302, { Location: target === '/loop' ? '/loop' : `${target}x` })
    })
    const asking = client(broom, served, { redirects: 5 })
    const many = await requestErrorOf(asking.request('/'))
    assert.equal(many.code, 'ERR_FAIRLEAD_HTTP_TOO_MANY_REDIRECTS')
    const loop = await requestErrorOf(asking.request('/loop'))
    assert.equal(loop.code, 'ERR_FAIRLEAD_HTTP_REDIRECT_LOOP')
    assert.equal(asking.stats().active, 0)
  }),

  feature('interceptors change requests, answer themselves and ask again', async (broom) => {
    const served = await open(broom, (exchange) => {
      const token = exchange.request.headers.get('x-token')
      return exchange.respond(token === '2' ? 200 : 401, {}, token ?? '')
    })
    const seen: string[] = []
    const asking = client(broom, served, {
      interceptors: [
        (request, next) => {
          seen.push(`${request.method} ${request.url.pathname}`)
          return request.url.pathname === '/made'
            ? Promise.resolve(IncomingResponse.of(200, {}, 'made'))
            : next(request)
        },
        async (request, next) => {
          const first = await next({ ...request, headers: request.headers.with('X-Token', '1') })
          if (first.status !== 401) return first
          first.discard()
          return next({ ...request, headers: request.headers.with('X-Token', '2') })
        },
      ],
    })
    assert.equal(await (await asking.request('/')).text(), '2')
    assert.equal(await (await asking.request('/made')).text(), 'made')
    assert.deepEqual([seen, served.server.stats().requests], [['GET /', 'GET /made'], 2])
  }),

  feature('everything is counted, as the server counts it', async (broom) => {
    const served = await open(broom, (exchange) => exchange.respond(200, {}, pieces('a', 'hoy')))
    const asking = client(broom, served)
    const got = await asking.request('/')
    assert.equal(await got.text(), 'ahoy')
    await (await asking.request('/', { body: 'ahoy' })).text()
    await until(() => served.server.stats().active === 0, 'it is answered')
    const { requests, active, failed, retries, bytesIn, bytesOut, origins } = asking.stats()
    const { bytesIn: heard, bytesOut: sent } = served.server.stats()
    assert.deepEqual([requests, active, failed, retries], [2, 0, 0, 0])
    assert.deepEqual([bytesIn, bytesOut], [sent, heard])
    assert.deepEqual(origins, { [served.origin]: { connections: 1, idle: 1, connecting: 0, queued: 0 } })
  }),

  feature('everything is told on the channels', async (broom) => {
    const told: string[] = []
    const names = ['request', 'connect', 'refuse', 'send', 'response', 'end', 'error', 'retry'] as const
    const hears = names.map((name) => {
      const hear = (): void => void told.push(name)
      clientChannels[name].subscribe(hear)
      return () => clientChannels[name].unsubscribe(hear)
    })
    try {
      const server = await raw(broom, (asked) => said('200 OK', asked.target))
      const asking = client(broom, server)
      await (await asking.request('/')).text()
      server.peers[0]!.connection.destroy()
      await server.deserted()
      const { port } = await raw(broom)
      await requestErrorOf(asking.request(`http://127.0.0.1:${port}/`, { timeouts: { headers: 100 } }))
    } finally {
      for (const undo of hears) undo()
    }
    assert.deepEqual(told, [
      'request',
      'connect',
      'send',
      'response',
      'end',
      'request',
      'connect',
      'send',
      'error',
    ])
  }),

  feature('what is no request is refused before anything is sent', async (broom) => {
    const served = await open(broom, (exchange) => exchange.respond(200))
    const asking = client(broom, served)
    for (const wrong of [
      () => asking.request('ftp://a.example/'),
      () => asking.request('/', { method: 'GE T' }),
      () => asking.request('/', { headers: { 'X A': 'b' } }),
      () => asking.request('/', { headers: { 'X-A': 'b\r\nX-C: d' } }),
      () =>
        asking.request('/', {
          headers: [
            ['content-length', '1'],
            ['Content-Length', '2'],
          ],
          body: 'ab',
        }),
      () => asking.request('/', { body: 5 as unknown as string }),
      () => asking.request('/', { timeouts: { headers: -1 } }),
    ]) {
      const error = await failureOf(wrong(), 'the request')
      assert.ok(error instanceof TypeError || error instanceof RangeError, String(error))
    }
    assert.deepEqual([asking.stats().bytesOut, served.server.stats().requests], [0, 0])
  }),
]
