import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { request } from 'node:https'

import { ConnectError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'

import { feature, type Feature } from '../check.ts'
import { loopbackIdentity, makeIdentity } from '../fixtures/identity.ts'
import { freshPath } from '../fixtures/unix.ts'
import { failureOf, soon, until } from '../wait.ts'
import { head, open, pattern, wire } from './meeting.ts'

/** Asks with the runtime's own client of HTTPS. */
function askOwn(port: number, ca: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, ca, method: 'POST', agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode, text }))
      response.on('error', reject)
    })
    asking.on('error', reject)
    asking.end('ahoy')
  })
}

export const encryptionFeatures: readonly Feature[] = [
  feature('HTTPS agrees on http/1.1, and says so', async (broom) => {
    const own = await loopbackIdentity()
    const served = await open(
      broom,
      (exchange) => exchange.respond(200, {}, `${exchange.tls?.alpn} ${exchange.client.protocol}`),
      { tls: own },
    )
    const tls = { ca: own.cert, serverName: 'localhost', alpn: ['h2', 'http/1.1'] }
    const client = await wire(broom, served, { tls })
    client.write(head('GET /'))
    assert.equal((await client.answers(1))[0]?.body, 'http/1.1 https')
    assert.equal(client.connection.tls?.alpn, 'http/1.1')
    const plain = await wire(broom, served, { tls: { ca: own.cert } })
    plain.write(head('GET /', 'Connection: close'))
    assert.match(await plain.toEnd(), /\r\n\r\n(undefined|false|) ?https$/)
  }),

  feature('a client that speaks only HTTP/2 is refused in the handshake', async (broom) => {
    const own = await loopbackIdentity()
    const served = await open(broom, (exchange) => exchange.respond(200), { tls: own })
    const dialing = tcp.connect({ port: served.port, tls: { ca: own.cert, alpn: ['h2'] } })
    assert.ok((await failureOf(dialing, 'the handshake')) instanceof ConnectError)
    await until(() => served.server.stats().connections?.refused.handshake === 1, 'the refusal is counted')
  }),

  feature('setTls changes the certificate for newcomers, and those that are there go on', async (broom) => {
    const [own, next] = await Promise.all([loopbackIdentity(), makeIdentity('localhost')])
    const served = await open(broom, (exchange) => exchange.respond(200, {}, 'ahoy'), { tls: own })
    const before = await wire(broom, served, { tls: { ca: own.cert } })
    before.write(head('GET /'))
    await before.answers(1)
    await assert.rejects(served.server.setTls({ cert: own.cert, key: next.key }), TypeError)
    await served.server.setTls(next)
    const after = await wire(broom, served, { tls: { ca: next.cert, alpn: ['h2', 'http/1.1'] } })
    assert.equal(after.connection.tls?.alpn, 'http/1.1')
    after.write(head('GET /'))
    before.write(head('GET /'))
    await Promise.all([after.answers(1), before.answers(2)])
    const old = tcp.connect({ port: served.port, tls: { ca: own.cert } })
    assert.ok((await failureOf(old, 'the old certificate')) instanceof ConnectError)
  }),

  feature('large bodies come and go over TLS', async (broom) => {
    const own = await loopbackIdentity()
    const bytes = pattern(3_000_000)
    const served = await open(
      broom,
      async (exchange) => exchange.respond(200, {}, await exchange.request.body.bytes(bytes.length)),
      { tls: own },
    )
    const client = await wire(broom, served, { tls: { ca: own.cert } })
    client.write(head('PUT /', `Content-Length: ${bytes.length}`, 'Connection: close'))
    await soon(client.connection.send(bytes), 'all is sent')
    await client.toEnd()
    const [answer] = await client.answers(1)
    assert.equal(Buffer.compare(Buffer.from(answer?.body ?? '', 'latin1'), bytes), 0)
  }),

  feature('the client of HTTPS that the runtime has is served', async (broom) => {
    const own = await loopbackIdentity()
    const served = await open(
      broom,
      async (exchange) => exchange.respond(201, {}, await exchange.request.body.text()),
      { tls: own },
    )
    assert.deepEqual(await soon(askOwn(served.port, own.cert), 'it is answered'), {
      status: 201,
      text: 'ahoy',
    })
  }),

  feature('HTTP is served on a Unix socket, whose file goes with it', async (broom) => {
    const path = freshPath()
    const served = await open(broom, (exchange) => exchange.respond(200, {}, exchange.remoteAddress.kind), {
      path,
    })
    const client = await wire(broom, served, { path })
    client.write(head('GET /'))
    assert.equal((await client.answers(1))[0]?.body, 'unix')
    await served.server.close()
    assert.equal(existsSync(path), false)
  }),
]
