import assert from 'node:assert/strict'

import { LimitError } from '@fairlead/core'
import * as http from '@fairlead/http'
import * as udp from '@fairlead/udp'
import {
  connectUdp,
  type ConnectUdpOptions,
  type ProxiedUdpConnection,
  proxyUdp,
  RefusedError,
  type UdpProxy,
  type UdpProxyOptions,
} from '@fairlead/ws-bridge/connect-udp'

import type { Broom } from '../broom.ts'
import { feature, type Feature } from '../check.ts'
import { loopbackIdentity } from '../fixtures/identity.ts'
import { portOf } from '../tcp/meeting.ts'
import { failureOf, soon, until } from '../wait.ts'
import { hear } from './meeting.ts'

/** A UDP proxy, and an echo behind it. */
async function open(
  broom: Broom,
  options: UdpProxyOptions = { allow: 'any' },
  tls?: http.HttpListenOptions['tls'],
) {
  const server = broom.keep(await http.listen(tls ? { tls } : {}, (exchange) => exchange.respond(404)))
  const proxy: UdpProxy = proxyUdp(server, options)
  const sessions: udp.UdpSession<Uint8Array>[] = []
  const target = broom.keep(
    await udp.listen({ maxAmplification: Infinity }, (session) => {
      sessions.push(session)
      session.handle({ onData: (datagram) => void session.write(datagram) })
    }),
  )
  const origin = `${tls ? 'https' : 'http'}://127.0.0.1:${portOf(server)}`
  const to = { host: '127.0.0.1', port: target.address.port }
  const dial = async (also: Partial<ConnectUdpOptions> = {}): Promise<ProxiedUdpConnection> =>
    broom.keep(await soon(connectUdp(origin, { ...to, ...also }), 'the tunnel is open'))
  return { server, proxy, target, sessions, origin, to, dial }
}

export const tunnelFeatures: readonly Feature[] = [
  feature('datagrams go through a UDP proxy in HTTP, and come back', async (broom) => {
    const { dial, proxy, to } = await open(broom)
    const tunnel = await dial()
    assert.deepEqual([tunnel.reliable, tunnel.target], [false, to])
    const heard = hear(tunnel)
    for (const [at, text] of ['ahoy', '', 'x'.repeat(1_200)].entries()) {
      tunnel.write(Buffer.from(text))
      await until(() => heard.length === at + 1, 'it comes back')
      assert.equal(heard[at], text)
    }
    assert.throws(() => tunnel.write(Buffer.alloc(1_201)), LimitError)
    const { sent, received, oversized } = tunnel.stats()
    assert.deepEqual([sent, received, oversized], [3, 3, 1])
    assert.equal(proxy.stats().tunnels, 1)
    await soon(tunnel.close(), 'it is closed')
    await until(() => proxy.stats().tunnels === 0, 'the tunnel is gone')
  }),

  feature('the proxy may be reached over TLS', async (broom) => {
    const tls = await loopbackIdentity()
    const { dial } = await open(broom, { allow: 'any' }, tls)
    const tunnel = await dial({ tls: { ca: tls.cert } })
    const heard = hear(tunnel)
    tunnel.write(Buffer.from('ahoy'))
    await until(() => heard.includes('ahoy'), 'it comes back')
  }),

  feature('a UDP proxy leads to nobody in its own network, and to nobody for strangers', async (broom) => {
    const shut = await open(broom, {})
    const policy = await failureOf(shut.dial(), 'this machine')
    assert.ok(policy instanceof RefusedError, String(policy))
    assert.equal(policy.status, 403)
    const { dial } = await open(broom, {
      allow: 'any',
      authorize: ({ headers }) => (headers.has('authorization') ? undefined : { status: 401 }),
    })
    const stranger = await failureOf(dial(), 'a stranger')
    assert.ok(stranger instanceof RefusedError, String(stranger))
    assert.equal(stranger.status, 401)
    await dial({ headers: { Authorization: 'Bearer s3cret' } })
  }),

  feature('a server that closes ends its tunnels', async (broom) => {
    const { dial, server } = await open(broom)
    const tunnel = await dial()
    hear(tunnel)
    await soon(server.close({ grace: 1_000 }), 'it closes')
    assert.equal((await soon(tunnel.closed, 'the tunnel is over')).kind, 'remote')
  }),
]
