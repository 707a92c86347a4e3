import { ipAddress } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import {
  acceptProxy,
  proxyOf,
  type ProxyHeader,
  type ProxyHeaderInit,
  sendProxy,
  tlvsOf,
} from '@fairlead/tcp/proxy-protocol'
import { expect, test } from 'vitest'

import { portOf, textOf } from '../harness.ts'
import { dial, next, serve } from '../tls/harness.ts'
import { decode } from './decoding.ts'

const source = ipAddress('2001:db8::1', 1_234)
const destination = ipAddress('203.0.113.5', 443)

/** What a plain listener receives from a client with this prelude that writes `data` and ends. */
async function received(header?: ProxyHeaderInit | 'local'): Promise<{
  client: tcp.StreamConnection
  text: string
}> {
  const listener = await tcp.listen({ port: 0 })
  const client = await tcp.connect({ port: portOf(listener), prelude: sendProxy(header) })
  client.write('data')
  client.end()
  for await (const server of listener) {
    let text = ''
    for await (const chunk of server) text += Buffer.from(chunk).toString('latin1')
    server.end()
    await textOf(client)
    await listener.close()
    return { client, text }
  }
  throw new Error('nobody came')
}

test('the header comes first', async () => {
  const { text } = await received({ version: 1, source, destination })
  expect(text).toBe('PROXY TCP6 2001:db8::1 ::ffff:203.0.113.5 1234 443\r\ndata')
})

test('without addresses it has those of the connection', async () => {
  const { client, text } = await received({ tlvs: tlvsOf({ uniqueId: Buffer.from('7') }), checksum: true })
  const { header, rest } = decode([Buffer.from(text, 'latin1')]) as { header: ProxyHeader; rest: string }
  expect(header).toMatchObject({ source: client.localAddress, destination: client.remoteAddress })
  expect(header.tlvs).toHaveLength(1)
  expect(rest).toBe('data')
})

test('a connection of its own is local', async () => {
  expect((await received('local')).text).toBe('\r\n\r\n\0\r\nQUIT\n\x20\0\0\0data')
  expect((await received({ transport: 'unspecified' })).text).toBe('\r\n\r\n\0\r\nQUIT\n\x21\0\0\0data')
})

test('the header is below TLS', async () => {
  const { listener, port } = await serve({}, { prelude: acceptProxy({ trust: ['127.0.0.1'] }) })
  const client = await dial(port, {}, { prelude: sendProxy({ source, destination }) })
  client.write('secret')
  client.end()
  const server = await next(listener)
  expect(server.remoteAddress).toEqual(source)
  expect(proxyOf(server)?.remoteAddress).toEqual(client.localAddress)
  expect(server.tls?.protocol).toBe('TLSv1.3')
  expect(await textOf(server)).toBe('secret')
  await client.close({ grace: 0 })
  await listener.close({ grace: 0 })
})

test('through two proxies the client stays known', async () => {
  const prelude = acceptProxy({ trust: ['127.0.0.1'] })
  let told = ''
  const server = await tcp.listen({ prelude }, async (connection) => {
    told = `${JSON.stringify(connection.remoteAddress)} says ${await textOf(connection)}`
    connection.end()
  })
  const proxy = await tcp.listen({ prelude }, async (inbound) => {
    const { remoteAddress, localAddress } = inbound
    const outbound = await tcp.connect({
      port: portOf(server),
      prelude: sendProxy({ source: remoteAddress, destination: localAddress }),
    })
    for await (const chunk of inbound) outbound.write(chunk)
    outbound.end()
    await outbound.closed
  })
  const client = await tcp.connect({ port: portOf(proxy), prelude: sendProxy({ source, destination }) })
  client.write('ahoy')
  client.end()
  await expect.poll(() => told).toBe(`${JSON.stringify(source)} says ahoy`)
  await client.close({ grace: 0 })
  await proxy.close({ grace: 0 })
  await server.close({ grace: 0 })
})

test.each<[string, ProxyHeaderInit]>([
  ['source', { source }],
  ['version', { version: 3 as 2 }],
  ['tlvs', { version: 1, tlvs: tlvsOf({ alpn: 'h2' }) }],
  ['tlvs', { command: 'local', tlvs: tlvsOf({ alpn: 'h2' }) }],
])('a wrong %s is refused at once', (name, header) => {
  expect(() => sendProxy(header)).toThrow(`Invalid option ${name}`)
})

test("what is sent is no fact about one's own connection", async () => {
  const { client } = await received({ source, destination })
  expect(proxyOf(client)).toBeUndefined()
  expect(client.remoteAddress).toMatchObject({ host: '127.0.0.1' })
})
