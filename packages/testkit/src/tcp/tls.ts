import assert from 'node:assert/strict'

import { ConnectError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'

import { feature, type Feature } from '../check.ts'
import { loopbackIdentity, makeIdentity } from '../fixtures/identity.ts'
import { failureOf, soon, until } from '../wait.ts'
import { converse, dial, meet, open, read, turnedAway } from './meeting.ts'

export const tlsFeatures: readonly Feature[] = [
  feature(
    'both ends know what the handshake agreed on: name, protocol, cipher, certificate',
    async (broom) => {
      const [own, other] = await Promise.all([loopbackIdentity(), makeIdentity('b.example')])
      const { client, server } = await meet(
        broom,
        { tls: { ...own, servers: { 'b.example': other }, alpn: ['chat', 'echo'] } },
        { tls: { ca: [own.cert, other.cert], serverName: 'b.example', alpn: ['other', 'chat'] } },
      )
      await converse(client, server)
      for (const facts of [client.tls, server.tls]) {
        assert.equal(facts?.protocol, 'TLSv1.3')
        assert.equal(facts?.alpn, 'chat')
        assert.equal(facts?.serverName, 'b.example')
        assert.equal(facts?.resumed, false)
        assert.match(facts?.cipher ?? '', /^TLS_[A-Z0-9_]+$/)
      }
      assert.equal(client.tls?.cipher, server.tls?.cipher)
      assert.deepEqual([client.tls?.authorized, server.tls?.authorized], [true, false])
      assert.match(client.tls?.peerCertificate?.subject ?? '', /CN=b\.example/)
    },
  ),

  feature('two lists of protocols with nothing in common are no connection', async (broom) => {
    const own = await loopbackIdentity()
    const { listener, accepted, port } = await open(broom, { tls: { ...own, alpn: ['chat'] } })
    const dialing = tcp.connect({ port, tls: { ca: own.cert, alpn: ['echo'] } })
    assert.ok((await failureOf(dialing, 'the handshake')) instanceof ConnectError)
    await until(() => listener.stats().refused.handshake === 1, 'the refusal is counted')
    assert.equal(accepted.length, 0)
  }),

  feature('a server that nobody vouches for, or under another name, is refused', async (broom) => {
    const own = await loopbackIdentity()
    const { port } = await open(broom, { tls: own })
    const refused: tcp.TlsClientOptions[] = [{}, { ca: own.cert, serverName: 'c.example' }]
    for (const tls of refused) {
      const error = await failureOf(tcp.connect({ port, tls }), 'the certificate')
      assert.ok(error instanceof ConnectError && error.phase === 'tls', String(error))
    }
    const believing = await dial(broom, { port, tls: { verify: false } })
    assert.equal(believing.tls?.authorized, false)
  }),

  feature('a certificate of the client is asked for, verified, and known to the server', async (broom) => {
    const [own, alice, mallory] = await Promise.all([
      loopbackIdentity(),
      makeIdentity('alice'),
      makeIdentity('mallory'),
    ])
    const serving = { tls: { ...own, clientCertificate: 'require', ca: alice.cert } } as const
    const { listener, client, server, port } = await meet(broom, serving, { tls: { ca: own.cert, ...alice } })
    await converse(client, server)
    assert.equal(server.tls?.authorized, true)
    assert.match(server.tls?.peerCertificate?.subject ?? '', /CN=alice/)
    for (const strange of [{}, mallory]) await turnedAway(broom, { port, tls: { ca: own.cert, ...strange } })
    await until(() => listener.stats().refused.handshake === 2, 'both refusals are counted')
    assert.equal(listener.stats().accepted, 1)
  }),

  feature('a session is taken up again', async (broom) => {
    const own = await loopbackIdentity()
    const { accepted, port } = await open(broom, { tls: own })
    const tls = { ca: own.cert, sessions: new tcp.TlsSessions() }
    for (const [index, resumed] of [false, true].entries()) {
      const client = await dial(broom, { port, tls })
      await until(() => accepted.length > index, 'it is accepted')
      // Sessions of TLS 1.3 come behind the handshake: data that was read shows that they have come.
      await converse(client, accepted[index] as tcp.StreamConnection)
      assert.deepEqual([client.tls?.resumed, client.tls?.authorized], [resumed, true])
      client.destroy()
    }
  }),

  feature('startTls goes on with TLS where a conversation began plain', async (broom) => {
    const own = await loopbackIdentity()
    const { client, server } = await meet(broom)
    await converse(client, server)
    assert.deepEqual([client.tls, server.tls], [undefined, undefined])
    const tls = { ca: own.cert, serverName: 'localhost' }
    await soon(Promise.all([tcp.startTls(server, own), tcp.startTls(client, tls)]), 'TLS begins')
    await converse(client, server)
    assert.equal(client.tls?.authorized, true)
    assert.equal(server.tls?.serverName, 'localhost')
    client.end()
    server.write('last words')
    server.end()
    assert.equal(await read(client), 'last words')
  }),

  feature('startTls that is answered with something else costs the connection', async (broom) => {
    const own = await loopbackIdentity()
    const { client, server } = await meet(broom)
    server.write('this is no TLS at all\n')
    const error = await failureOf(tcp.startTls(client, { ca: own.cert }), 'the handshake')
    const reason = await soon(client.closed, 'it is closed')
    assert.ok(reason.kind === 'error' && reason.error === error)
    assert.equal(reason.error.phase, 'tls')
  }),

  feature('setTls changes the certificate for newcomers, or nothing at all', async (broom) => {
    const [own, next] = await Promise.all([loopbackIdentity(), makeIdentity('localhost')])
    const { listener, client, server, port } = await meet(broom, { tls: own }, { tls: { ca: own.cert } })
    await assert.rejects(listener.setTls({ cert: own.cert, key: next.key }), TypeError)
    await dial(broom, { port, tls: { ca: own.cert } })
    await listener.setTls(next)
    await dial(broom, { port, tls: { ca: next.cert } })
    assert.ok((await failureOf(tcp.connect({ port, tls: { ca: own.cert } }), 'it')) instanceof ConnectError)
    await converse(client, server)
  }),
]
