import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'

import { type ByteConnection, ClosedError } from '@fairlead/core'
import * as memory from '@fairlead/core/memory'
import type { RequestOptions } from '@fairlead/http'

import type { Broom } from '../broom.ts'
import { feature, type Feature } from '../check.ts'
import { loopbackIdentity, makeIdentity } from '../fixtures/identity.ts'
import { freshPath } from '../fixtures/unix.ts'
import { failureOf, quiet, settled, soon, until } from '../wait.ts'
import { client, raw, type RawPeer, requestErrorOf, said, standing, tunnels } from './client-meeting.ts'
import { Gate, open, pattern, pieces } from './meeting.ts'

const nothing = { connections: 0, idle: 0, connecting: 0, queued: 0 }

/** Answers everything with its target but the second request of the first connection, to which it does `then`. */
async function fickle(broom: Broom, then: (peer: RawPeer) => void): ReturnType<typeof raw> {
  const server = await raw(broom, (asked, peer) => {
    if (peer === server.peers[0] && peer.asked.length === 2) return then(peer)
    return said('200 OK', asked.target)
  })
  return server
}

export const clientConnectionFeatures: readonly Feature[] = [
  feature('a connection is used again, until either side says otherwise', async (broom) => {
    // A server that leaves it to the client to end what was said to be the last.
    const server = await raw(broom, ({ method, target }) =>
      said('200 OK', method === 'HEAD' ? '' : target, ...(target === '/last' ? ['Connection: close'] : [])),
    )
    const asking = client(broom, server, { idleTimeout: Infinity })
    for (const [target, options, reused] of [
      ['/1', {}, false],
      ['/2', { body: 'ahoy' }, true],
      ['/3', { method: 'HEAD' }, true],
      ['/4', { headers: { Connection: 'close' } }, true],
      ['/5', {}, false],
      ['/last', {}, true],
      ['/6', {}, false],
    ] as [string, RequestOptions, boolean][]) {
      const got = await asking.request(target, options)
      const text = options.method === 'HEAD' ? '' : target
      assert.deepEqual([target, got.reused, await got.text()], [target, reused, text])
    }
    assert.equal(server.peers.length, 3)
    await until(() => server.peers.filter(({ gone }) => gone).length === 2, 'two of them are gone')
  }),

  feature('the connection that was used last is used first', async (broom) => {
    const gate = new Gate()
    const served = await open(broom, async (exchange) => {
      await gate.opened
      const { localAddress: local, remoteAddress: remote } = exchange
      await exchange.respond(200, {}, `${local.kind} ${remote.kind === 'ip' ? remote.port : ''}`)
    })
    const asking = client(broom, served)
    const together = [asking.request('/'), asking.request('/'), asking.request('/')]
    await until(() => served.server.stats().requests === 3, 'they are asked')
    gate.open()
    for (const got of await soon(Promise.all(together), 'they are answered')) await got.text()
    assert.deepEqual(standing(asking), { ...nothing, connections: 3, idle: 3 })
    const seen = new Set<string>()
    for (let times = 0; times < 5; times++) seen.add(await (await asking.request('/')).text())
    assert.equal(seen.size, 1)
  }),

  feature('there are no more connections than allowed, and who came first is served first', async (broom) => {
    const server = await raw(broom)
    const asking = client(broom, server, { maxConnections: 2, maxQueued: 10 })
    const targets = Array.from({ length: 12 }, (_, at) => `/${at}`)
    const asked = targets.map((target) => asking.request(target).then((got) => got.text()))
    const inTime = Promise.all(asked)
    // For two of them connections are on their way; the others wait.
    assert.equal((await requestErrorOf(asking.request('/more'))).code, 'ERR_FAIRLEAD_LIMIT')
    await Promise.all([server.peer(0), server.peer(1)])
    assert.deepEqual(standing(asking), { connections: 2, idle: 0, connecting: 0, queued: 10 })
    for (const target of targets) {
      const of = (peer: RawPeer): boolean => peer.asked.at(-1)?.target === target
      await until(() => server.peers.some(of), `${target} comes`)
      server.peers.find(of)!.write(said('200 OK', target))
    }
    assert.deepEqual(await soon(inTime, 'all are answered'), targets)
    assert.equal(server.peers.length, 2)
  }),

  feature('safe requests are pipelined where that is asked for', async (broom) => {
    const server = await raw(broom, ({ target }) => (target === '/first' ? said('200 OK') : undefined))
    const asking = client(broom, server, { maxConnections: 1, pipelining: 3 })
    await (await asking.request('/first')).text()
    const asked = ['/1', '/2', '/3', '/4'].map((target) => asking.request(target).then((got) => got.text()))
    const all = Promise.all(asked)
    const peer = await server.peer(0, 4)
    await quiet()
    assert.equal(peer.asked.length, 4)
    peer.write(said('200 OK', '1') + said('200 OK', '2') + said('200 OK', '3'))
    await server.peer(0, 5)
    peer.write(said('200 OK', '4'))
    assert.deepEqual(await soon(all, 'all are answered'), ['1', '2', '3', '4'])
  }),

  feature('a connection that waits too long is closed', async (broom) => {
    const server = await raw(broom, ({ target }) =>
      said('200 OK', '', ...(target === '/brief' ? ['Keep-Alive: timeout=0'] : [])),
    )
    await (await client(broom, server, { idleTimeout: 50 }).request('/')).text()
    await (await client(broom, server).request('/brief')).text()
    await server.deserted()
    assert.equal(server.peers.length, 2)
  }),

  feature('bytes that nobody asked for end an idle connection', async (broom) => {
    const server = await raw(broom, ({ target }) => said('200 OK', target))
    const asking = client(broom, server, { idleTimeout: Infinity })
    await (await asking.request('/1')).text()
    server.peers[0]!.write(said('200 OK', 'poison'))
    await server.deserted()
    const got = await asking.request('/2')
    assert.deepEqual([got.reused, await got.text()], [false, '/2'])
    // They may also stand right behind the answer before them.
    const other = await raw(broom, ({ target }) => said('200 OK', target) + said('200 OK', 'poison'))
    const careful = client(broom, other)
    for (const target of ['/1', '/2']) {
      assert.equal(await (await careful.request(target)).text(), target)
    }
  }),

  feature('what is lost on a reused connection is sent again, where that does no harm', async (broom) => {
    for (const close of [
      ({ connection }: RawPeer) => connection.end(),
      ({ connection }: RawPeer) => connection.destroy(),
    ]) {
      const server = await fickle(broom, close)
      const asking = client(broom, server)
      await (await asking.request('/1')).text()
      const got = await soon(asking.request('/2', { method: 'PUT', body: 'ahoy' }), 'it is answered')
      assert.deepEqual([await got.text(), got.attempts, got.reused], ['/2', 2, false])
      assert.equal(server.peers[1]?.asked[0]?.body, 'ahoy')
      assert.deepEqual([asking.stats().retries, asking.stats().failed], [1, 0])
    }
  }),

  feature('a POST is not sent again, nor what may have been answered', async (broom) => {
    const cases: [RequestOptions, boolean, (peer: RawPeer) => void][] = [
      [{ body: 'ahoy' }, false, ({ connection }) => connection.end()],
      [{ body: 'ahoy' }, false, ({ connection }) => connection.destroy()],
      [{ retry: false }, true, ({ connection }) => connection.end()],
      [
        {},
        false,
        ({ connection }) => {
          connection.write('HTTP/1.1 2')
          connection.end()
        },
      ],
    ]
    for (const [options, retryable, close] of cases) {
      const server = await fickle(broom, close)
      const asking = client(broom, server)
      await (await asking.request('/1')).text()
      const error = await requestErrorOf(asking.request('/2?secret', options))
      const { method, url, phase, reused, attempts, bytesWritten } = error
      assert.deepEqual([url, phase, reused, attempts], [`${server.origin}/2`, 'headers', true, 1])
      assert.deepEqual([method, error.retryable], [options.body ? 'POST' : 'GET', retryable])
      assert.equal(
        bytesWritten,
        server.peers[0]!.text.slice(server.peers[0]!.text.indexOf(`${method} /2`)).length,
      )
      assert.deepEqual([asking.stats().retries, server.peers.length], [0, 1])
    }
  }),

  feature('HTTPS is asked, with a certificate that is known', async (broom) => {
    const own = await loopbackIdentity()
    const bytes = pattern(3_000_000)
    const served = await open(
      broom,
      async (exchange) => exchange.respond(200, {}, await exchange.request.body.bytes(bytes.length)),
      { tls: own },
    )
    const origin = { origin: `https://127.0.0.1:${served.port}` }
    const asking = client(broom, origin, { tls: { ca: own.cert } })
    for (const reused of [false, true]) {
      const got = await asking.request('/', { method: 'PUT', body: bytes })
      assert.deepEqual([got.reused, got.tls?.alpn], [reused, 'http/1.1'])
      assert.equal(Buffer.compare(await got.bytes(), bytes), 0)
    }
    const error = await requestErrorOf(client(broom, origin).request('/'))
    const { code, phase, retryable, bytesWritten } = error
    assert.deepEqual([code, phase, retryable, bytesWritten], ['ERR_FAIRLEAD_CONNECT', 'tls', true, 0])
    const other = await makeIdentity('a.example')
    assert.equal(
      (await requestErrorOf(client(broom, origin, { tls: { ca: other.cert } }).request('/'))).phase,
      'tls',
    )
  }),

  feature('a Unix socket is asked', async (broom) => {
    const path = freshPath()
    await open(broom, (exchange) => exchange.respond(200, {}, exchange.request.authority), { path })
    assert.ok(existsSync(path))
    const got = await client(broom, { origin: 'http://a.example' }).request('/', { unix: path })
    assert.deepEqual([await got.text(), got.remoteAddress], ['a.example', { kind: 'unix', path }])
    const error = await requestErrorOf(
      client(broom, { origin: 'http://a.example' }, { unix: `${path}-` }).request('/'),
    )
    assert.deepEqual([error.code, error.phase, error.retryable], ['ERR_FAIRLEAD_CONNECT', 'connect', true])
  }),

  feature('a proxy makes tunnels to HTTPS', async (broom) => {
    const own = await loopbackIdentity()
    const served = await open(broom, (exchange) => exchange.respond(200, {}, exchange.request.target), {
      tls: own,
    })
    const proxy = await tunnels(broom, 'Basic YTpi')
    const origin = { origin: `https://127.0.0.1:${served.port}` }
    const tls = { ca: own.cert }
    const asking = client(broom, origin, { tls, proxy: `http://a:b@127.0.0.1:${proxy.port}` })
    for (const target of ['/1', '/2']) assert.equal(await (await asking.request(target)).text(), target)
    assert.equal(proxy.asked.length, 1)
    assert.ok(!proxy.asked[0]!.includes('GET'))
    const stranger = client(broom, origin, { tls, proxy: () => `http://127.0.0.1:${proxy.port}` })
    const error = await requestErrorOf(stranger.request('/'))
    assert.deepEqual([error.code, error.bytesWritten], ['ERR_FAIRLEAD_HTTP_PROXY', 0])
    assert.match(error.message, /407/)
  }),

  feature('a proxy is asked for plain HTTP by its whole URL', async (broom) => {
    const proxy = await open(broom, (exchange) => {
      const { target, headers } = exchange.request
      return exchange.respond(200, {}, `${target} ${headers.get('proxy-authorization')}`)
    })
    const { port } = proxy
    const asking = client(broom, { origin: 'http://a.example' }, { proxy: `http://a:b@127.0.0.1:${port}` })
    assert.equal(await (await asking.request('/b?c')).text(), 'http://a.example/b?c Basic YTpi')
  }),

  feature('an upgrade hands the connection over, with what came behind', async (broom) => {
    const served = await open(broom, (exchange) => exchange.respond(426, { Upgrade: 'shout' }, 'no'))
    served.server.onUpgrade((exchange) => {
      if (!exchange.request.upgrade?.includes('shout')) return false
      const { connection, head } = exchange.takeOver()
      connection.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\nwelcome ',
      )
      connection.handle(
        { onData: (chunk) => void connection.write(Buffer.from(chunk).toString().toUpperCase()) },
        head,
      )
      return true
    })
    const asking = client(broom, served)
    const { response, connection, head } = await asking.upgrade('/', { protocol: 'shout' })
    assert.ok(connection)
    assert.equal(response.status, 101)
    let text = ''
    const taken: ByteConnection = broom.keep(connection)
    taken.handle({ onData: (chunk) => void (text += Buffer.from(chunk).toString()) }, head)
    taken.write('ahoy')
    await until(() => text === 'welcome AHOY', 'it is answered')
    assert.deepEqual(standing(asking), nothing)
    const declined = await asking.upgrade('/', { protocol: 'whisper' })
    assert.deepEqual(
      [declined.connection, declined.response.status, await declined.response.text()],
      [undefined, 426, 'no'],
    )
  }),

  feature('connections are made by whoever says how: to a server in memory', async (broom) => {
    const name = 'client-features'
    const transport = {
      listen: (accept?: Parameters<typeof memory.listenBytes>[1]) => memory.listenBytes(name, accept),
    }
    await open(broom, (exchange) => exchange.respond(200, {}, pieces('a', 'hoy')), { transport })
    const connect = (): Promise<ByteConnection> => memory.connectBytes(name)
    const asking = client(broom, { origin: 'http://a.example' }, { connect })
    for (const reused of [false, true]) {
      const got = await asking.request('/')
      assert.deepEqual([await got.text(), got.reused, got.remoteAddress?.kind], ['ahoy', reused, 'memory'])
    }
    const refusing = client(
      broom,
      { origin: 'http://a.example' },
      {
        connect: () => Promise.reject(new Error('nobody is at home')),
      },
    )
    assert.match((await requestErrorOf(refusing.request('/'))).message, /nobody is at home/)
  }),

  feature('a client that closes answers what is under way, and takes nothing more', async (broom) => {
    const gate = new Gate()
    const served = await open(broom, async (exchange) => {
      if (exchange.request.target === '/slow') await gate.opened
      await exchange.respond(200, {}, exchange.request.target)
    })
    const asking = client(broom, served, { maxConnections: 2 })
    await (await asking.request('/')).text()
    const slow = asking.request('/slow').then((got) => got.text())
    await until(() => served.server.stats().requests === 2, 'it is asked')
    const closing = asking.close({ grace: 10_000 })
    assert.ok((await failureOf(asking.request('/'), 'the request')) instanceof ClosedError)
    assert.deepEqual([await settled(closing), asking.state], [false, 'closing'])
    gate.open()
    assert.equal(await soon(slow, 'it is answered'), '/slow')
    await soon(closing, 'it is closed')
    assert.deepEqual(await asking.closed, { kind: 'local' })
    await until(() => served.server.connections.size === 0, 'the connections are gone')
  }),

  feature('a client that is destroyed ends everything at once', async (broom) => {
    const server = await raw(broom)
    const asking = client(broom, server, { maxConnections: 1 })
    const asked = [asking.request('/1'), asking.request('/2')].map((each) => failureOf(each, 'the request'))
    await server.peer(0)
    asking.destroy(new ClosedError('enough'))
    for (const error of await Promise.all(asked)) assert.match(String(error), /enough/)
    await server.deserted()
    assert.deepEqual([asking.state, asking.stats().active, standing(asking)], ['closed', 0, nothing])
  }),
]
