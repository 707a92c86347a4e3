import assert from 'node:assert/strict'

import * as udp from '@fairlead/udp'

import { feature, type Feature } from '../check.ts'
import { soon, until } from '../wait.ts'
import { collect, hear, listenIn, open, texts } from './meeting.ts'

/** Datagrams in and out of a bound socket, and where they come from. */
export const socketFeatures: readonly Feature[] = [
  feature('whoever is heard can be answered, and both are where they say', async (broom) => {
    const server = await open(broom)
    server.handle({ onDatagram: (data, from) => void server.write(data, from) })
    const { socket: client, heard } = await listenIn(broom)
    await client.send('ahoy', server.address)
    await until(() => heard.texts.length === 1, 'it is answered')
    assert.deepEqual([heard.texts, heard.from], [['ahoy'], [server.address]])
    const { host, family } = server.address
    assert.deepEqual([host, family], ['127.0.0.1', 4])
  }),

  feature('datagrams are iterated, and what break left is there for the next reader', async (broom) => {
    const [server, client] = [await open(broom), await open(broom)]
    for (const text of texts(100)) await client.send(text, server.address)
    const heard = [...(await collect(server, 40)), ...(await collect(server, 60))]
    assert.deepEqual(heard.toSorted(), texts(100))
  }),

  feature('what waits comes as batches', async (broom) => {
    const [server, client] = [await open(broom), await open(broom)]
    for (const text of texts(100)) await client.send(text, server.address)
    await until(() => server.stats().received === 100, 'everything is there')
    const heard: string[] = []
    let batches = 0
    const reading = async (): Promise<void> => {
      for await (const batch of server.batches()) {
        batches++
        for (const { data } of batch) heard.push(Buffer.from(data).toString())
        if (heard.length === 100) break
      }
    }
    await soon(reading(), 'everything is read')
    assert.deepEqual(heard.toSorted(), texts(100))
    assert.ok(batches < 100, `${batches} batches`)
  }),

  feature('a name is looked up once', async (broom) => {
    const { socket: server, port, heard } = await listenIn(broom)
    const asked: string[] = []
    const lookup = async (host: string): Promise<string[]> => {
      asked.push(host)
      return ['::1', '127.0.0.1']
    }
    const client = await open(broom, { lookup })
    for (const text of texts(3)) client.write(text, { host: 'a.example', port })
    await until(() => heard.texts.length === 3, 'what waited for the name arrives')
    await client.send('again', { host: 'a.example', port })
    await until(() => server.stats().received === 4, 'so does what comes later')
    assert.deepEqual(asked, ['a.example'])
  }),

  feature('a dual-stack socket knows IPv4 by its own name, and answers it', async (broom) => {
    const { socket: server, port, heard } = await listenIn(broom, { host: '::' })
    const { socket: client, heard: answers } = await listenIn(broom)
    await client.send('ahoy', { host: '127.0.0.1', port })
    await until(() => heard.texts.length === 1, 'it is heard')
    assert.deepEqual(heard.from, [client.address])
    await server.send('yes', client.address)
    await until(() => answers.texts.length === 1, 'it is answered')
    assert.deepEqual(answers.from, [{ kind: 'ip', family: 4, host: '127.0.0.1', port }])
  }),

  feature('the zone of a link-local address comes with it', async (broom) => {
    const link = udp.interfaces().find((it) => it.host.startsWith('fe80:'))
    // Where no interface has one, nothing can come from one.
    const { host, zone = '' } = link ?? { host: '::1' }
    const near = await open(broom, { host: zone === '' ? host : `${host}%${zone}` })
    near.handle({ onDatagram: (data, from) => void near.write(data, from) })
    const { socket: far, heard } = await listenIn(broom, { host: '::', ipv6Only: true })
    await far.send('ahoy', { host, port: near.address.port, ...(link && { zone }) })
    await until(() => heard.texts.length === 1, 'it is answered')
    assert.equal(heard.from[0]?.host, host)
    assert.equal(heard.from[0]?.zone, link?.zone)
  }),

  feature('two sockets share a port when both say so, or the option is refused', async (broom) => {
    let first: udp.UdpSocket
    try {
      first = await open(broom, { reusePort: true })
    } catch (error) {
      assert.ok(error instanceof TypeError, String(error))
      assert.match(error.message, /^Invalid option reusePort: /)
      return
    }
    const { port } = first.address
    const second = await open(broom, { port, reusePort: true })
    const heard = [hear(first), hear(second)]
    for (let index = 0; index < 32; index++) await (await open(broom)).send('ahoy', first.address)
    await until(() => heard.flatMap((it) => it.texts).length === 32, 'each is heard by one of them')
    assert.ok(
      heard.every((it) => it.texts.length > 0),
      'both hear',
    )
    await assert.rejects(udp.bind({ port }), { name: 'ListenError' })
  }),
]
