import assert from 'node:assert/strict'

import { broadcast } from '@fairlead/ws-bridge'

import { feature, type Feature } from '../check.ts'
import { quiet, until } from '../wait.ts'
import { ask, carried, dial, echo, hear, meet, open, wireUp } from './meeting.ts'

const long = 'ahoy, all of you. '.repeat(500)

export const broadcastFeatures: readonly Feature[] = [
  ...([false, true] as const).map((compression) =>
    feature(`a ${compression ? 'compressed ' : ''}broadcast reaches everybody, in order`, async (broom) => {
      const waiting = await open(broom, { compression })
      const heard: string[][] = []
      for (let count = 0; count < 5; count++) {
        const client = await dial(broom, waiting.url, { compression: compression && count !== 4 })
        assert.equal(client.compressed, compression && count !== 4)
        heard.push(hear(client))
      }
      const { listener } = waiting
      await until(() => listener.connections.size === 5, 'all are there')
      const all = [long, 'short', '', 'x'.repeat(20_000)]
      for (const text of all) {
        assert.equal(broadcast(listener.connections, text), 5)
        assert.equal(broadcast(listener.connections, Buffer.from(text)), 5)
      }
      const twice = all.flatMap((text) => [text, text])
      await until(() => heard.every(({ length }) => length === twice.length), 'all hear all')
      for (const texts of heard) assert.deepEqual(texts, twice)
    }),
  ),

  feature('a broadcast finds its place between other messages', async (broom) => {
    const { listener, client, server } = await meet(broom)
    const heard = hear(client)
    server.write('1')
    broadcast(listener.connections, '2')
    server.write('3'.repeat(20_000))
    broadcast(listener.connections, '4'.repeat(20_000))
    server.write('5')
    await until(() => heard.length === 5, 'all arrive')
    assert.deepEqual(
      heard.map(([first]) => first),
      ['1', '2', '3', '4', '5'],
    )
  }),

  feature('who reads too slowly misses a broadcast, or is closed with 1013', async (broom) => {
    const waiting = await open(broom)
    const raw = await wireUp(broom, waiting)
    hear(raw.server)
    raw.wire.connection.pause()
    for (let count = 0; count < 4_096 && raw.server.write('x'.repeat(16 * 1024)); count++) await quiet()
    const { connections } = waiting.listener
    assert.equal(broadcast(connections, 'ahoy', { whenSlow: 'skip' }), 0)
    assert.equal(broadcast(connections, 'ahoy', { whenSlow: 'queue' }), 1)
    assert.equal(broadcast(connections, 'ahoy', { whenSlow: 'close' }), 0)
    const { closed } = raw.server
    assert.equal((await closed).kind, 'error')
    assert.equal(connections.size, 0)
  }),

  feature('compression is agreed on, and makes what is sent smaller', async (broom) => {
    const { client, server } = await meet(broom, { compression: true }, { compression: true })
    assert.deepEqual([client.compressed, server.compressed], [true, true])
    void echo(server)
    const before = carried(client)
    await ask(client, long)
    const { bytesIn, bytesOut } = carried(client)
    assert.ok(bytesOut - before.bytesOut < 1_000, `${bytesOut - before.bytesOut} bytes went`)
    assert.ok(bytesIn - before.bytesIn < 1_000, `${bytesIn - before.bytesIn} bytes came`)
  }),

  feature('what was compressed too well ends the connection with 1009', async (broom) => {
    const options = { compression: { ratio: 10 }, maxPayload: 10_000_000 }
    const { client, server } = await meet(broom, options, { ...options, compression: true })
    hear(client)
    hear(server)
    client.write('x'.repeat(1_000_000))
    assert.deepEqual(await client.closed, {
      kind: 'remote',
      code: 1009,
      text: 'compressed more than 10 times',
    })
  }),
]
