import assert from 'node:assert/strict'
import { BlockList } from 'node:net'

import { ConnectError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import { reconnect } from '@fairlead/tcp/reconnect'

import { feature, type Feature } from '../check.ts'
import { failureOf, soon, until } from '../wait.ts'
import { converse, dial, meet, open, turnedAway } from './meeting.ts'

export const connectingFeatures: readonly Feature[] = [
  feature('the address that answers wins the race', async (broom) => {
    const lookup = async (): Promise<string[]> => ['::1', '127.0.0.1']
    const { client, server } = await meet(broom, {}, { host: 'a.example', lookup })
    assert.equal(client.remoteAddress.kind === 'ip' && client.remoteAddress.host, '127.0.0.1')
    await converse(client, server)
  }),

  feature('when no address answers, each is on record', async (broom) => {
    const { listener, port } = await open(broom)
    await soon(listener.close(), 'it closes')
    const lookup = async (): Promise<string[]> => ['::1', '127.0.0.1']
    const error = await failureOf(tcp.connect({ host: 'a.example', port, lookup }), 'connecting')
    assert.ok(error instanceof ConnectError, String(error))
    const hosts = error.attempts.map(({ address }) => address.kind === 'ip' && address.host)
    assert.deepEqual(hosts, ['::1', '127.0.0.1'])
    for (const { code } of error.attempts) assert.match(code, /^E[A-Z]+$/)
  }),

  feature('a name that the system knows is resolved, and one that nobody knows is not', async (broom) => {
    const { client, server } = await meet(broom, {}, { host: 'localhost', family: 4 })
    await converse(client, server)
    const error = await failureOf(tcp.connect({ host: 'nobody.invalid', port: 7 }), 'the name')
    assert.ok(error instanceof ConnectError && error.phase === 'dns', String(error))
  }),

  feature('a connection comes from the address that it is told to', async (broom) => {
    const { client, server } = await meet(broom, {}, { localAddress: '127.0.0.1' })
    assert.equal(client.localAddress.kind === 'ip' && client.localAddress.host, '127.0.0.1')
    assert.deepEqual(server.remoteAddress, client.localAddress)
  }),

  feature('a lost connection comes back', async (broom) => {
    const { accepted, port } = await open(broom)
    const heard: string[] = []
    const client = broom.keep(
      reconnect({ port, backoff: { base: 1, cap: 2 } }, (connection) => {
        connection.write('ahoy')
        return { onData: (chunk) => void heard.push(Buffer.from(chunk).toString()) }
      }),
    )
    for (let count = 1; count <= 3; count++) {
      await until(() => accepted.length === count, 'it is there again')
      const server = accepted[count - 1] as tcp.StreamConnection
      server.write(`${count}`)
      await until(() => heard.length === count, 'it is heard')
      server.destroy()
    }
    await soon(client.close(), 'it closes')
    assert.deepEqual(heard, ['1', '2', '3'])
  }),

  feature('nobody on `deny` is let in, nor anybody who is not on `allow`', async (broom) => {
    const denied = new BlockList()
    denied.addSubnet('127.0.0.0', 8, 'ipv4')
    const rules: tcp.ListenOptions[] = [
      { deny: ['127.0.0.0/8'] },
      { deny: denied },
      { allow: ['192.0.2.0/24'] },
    ]
    for (const rule of rules) {
      const { listener, accepted, port } = await open(broom, rule)
      await turnedAway(broom, { port })
      await until(() => listener.stats().refused.denied === 1, 'the refusal is counted')
      assert.equal(accepted.length, 0)
    }
    const { client, server } = await meet(broom, { allow: ['127.0.0.1', '::1'], deny: ['192.0.2.0/24'] })
    await converse(client, server)
  }),

  feature('no more are let in than may be, and there is room again', async (broom) => {
    const { listener, accepted, port } = await open(broom, { maxConnectionsPerAddress: 1 })
    await dial(broom, { port })
    await until(() => accepted.length === 1, 'the first is accepted')
    await turnedAway(broom, { port })
    await until(() => listener.stats().refused.address === 1, 'the refusal is counted')
    accepted[0]?.destroy()
    await dial(broom, { port })
    await until(() => accepted.length === 2, 'there is room again')
  }),

  feature('a peer that reads nothing costs its connection in time', async (broom) => {
    const { server } = await meet(broom, { writeTimeout: 150 })
    await failureOf(server.send(new Uint8Array(16 * 1024 * 1024)), 'waiting for room')
    assert.deepEqual(await soon(server.closed, 'it is closed'), { kind: 'timeout', phase: 'write' })
  }),

  feature('what passed is counted', async (broom) => {
    const { client, server } = await meet(broom)
    await converse(client, server)
    assert.deepEqual(client.stats(), { bytesIn: 4, bytesOut: 4 })
    assert.deepEqual(server.stats(), { bytesIn: 4, bytesOut: 4 })
  }),
]
