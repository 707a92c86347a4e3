import assert from 'node:assert/strict'

import { ipAddress } from '@fairlead/core'
import { acceptProxy, detailsOf, proxyOf, sendProxy, tlvsOf } from '@fairlead/tcp/proxy-protocol'

import { feature, type Feature } from '../check.ts'
import { loopbackIdentity } from '../fixtures/identity.ts'
import { until } from '../wait.ts'
import { converse, meet, open, turnedAway } from './meeting.ts'

const source = ipAddress('192.0.2.7', 56_324)
const destination = ipAddress('192.0.2.11', 443)

export const proxyFeatures: readonly Feature[] = [
  ...([1, 2] as const).map((version) =>
    feature(`version ${version} tells the server who the client is`, async (broom) => {
      const { client, server } = await meet(
        broom,
        { prelude: acceptProxy({ trust: ['127.0.0.0/8'] }) },
        { prelude: sendProxy({ version, source, destination }) },
      )
      assert.deepEqual([server.remoteAddress, server.localAddress], [source, destination])
      assert.deepEqual(proxyOf(server)?.remoteAddress, client.localAddress)
      await converse(client, server)
    }),
  ),

  feature('a header comes before TLS, with what the proxy knows of the client', async (broom) => {
    const own = await loopbackIdentity()
    const tlvs = tlvsOf({ authority: 'b.example', alpn: 'h2' })
    const { client, server } = await meet(
      broom,
      { prelude: acceptProxy({ trust: ['127.0.0.1'] }), tls: own },
      { prelude: sendProxy({ source, destination, tlvs, checksum: true }), tls: { ca: own.cert } },
    )
    assert.deepEqual(server.remoteAddress, source)
    assert.deepEqual(detailsOf(proxyOf(server)?.header.tlvs ?? []), { authority: 'b.example', alpn: 'h2' })
    await converse(client, server)
  }),

  feature('whoever is not trusted is refused', async (broom) => {
    const prelude = acceptProxy({ trust: ['192.0.2.1'] })
    const { listener, accepted, port } = await open(broom, { prelude })
    await turnedAway(broom, { port, prelude: sendProxy({ source, destination }) })
    await until(() => listener.stats().refused.prelude === 1, 'the refusal is counted')
    assert.equal(accepted.length, 0)
  }),
]
