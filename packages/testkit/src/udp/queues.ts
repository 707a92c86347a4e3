import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'

import { feature, type Feature } from '../check.ts'
import { soon, turn, until } from '../wait.ts'
import { collect, listenIn, open, texts } from './meeting.ts'

/** What a socket can hold on the way in and out, what it counts of that, and what becomes of it in the end. */
export const queueFeatures: readonly Feature[] = [
  feature('65,507 bytes go to IPv4, and one more does not', async (broom) => {
    const { socket: server, heard } = await listenIn(broom)
    const client = await open(broom)
    await client.send('x'.repeat(65_507), server.address)
    await until(() => heard.texts.length === 1, 'it is heard')
    assert.equal(heard.texts[0]?.length, 65_507)
    const refused = { name: 'LimitError', limit: 'maxDatagramSize', value: 65_508 }
    await assert.rejects(client.send('x'.repeat(65_508), server.address), refused)
    assert.equal(client.stats().oversized, 1)
  }),

  feature('a burst is accounted for to the last byte', async (broom) => {
    const [server, client] = [await open(broom), await open(broom)]
    // No more than may wait, where the runtime does not say how much of it left already.
    const burst = texts(1_000).map((text, index) => text.repeat(1 + (index % 5)))
    await soon(Promise.all(burst.map((text) => client.send(text, server.address))), 'there is room for all')
    await until(() => client.buffered === 0, 'nothing is under way')
    const bytes = burst.join('').length
    const { sent, sentBytes, sendErrors, sendDropped } = client.stats()
    assert.deepEqual([sent, sentBytes, sendErrors, sendDropped], [1_000, bytes, 0, 0])
  }),

  feature('what waits for a reader has its limits', async (broom) => {
    const server = await open(broom, { receiveQueue: { datagrams: 4 } })
    const client = await open(broom)
    for (const text of texts(10)) await client.send(text, server.address)
    await until(() => server.stats().received === 10, 'all have come')
    assert.equal(server.stats().receiveDropped, 6)
    assert.equal((await collect(server, 4)).length, 4)
  }),

  feature('Linux tells how large its buffers are, and what did not fit', async (broom) => {
    const server = await open(broom, { recvBufferSize: 2_304 })
    const client = await open(broom)
    const usual = server.stats().recvBufferSize
    assert.ok(usual >= 2_304 && usual < client.stats().recvBufferSize, `${usual}`)
    if (!existsSync('/proc/net/udp')) return assert.equal(server.stats().kernelDropped, undefined)
    assert.equal(server.stats().kernelDropped, 0)
    // Nobody can read while these are sent: they leave in one turn.
    for (let count = 0; count < 200; count++) client.write(new Uint8Array(1_000), server.address)
    await until(() => client.stats().sent === 200, 'all are sent')
    const known = (): number => server.stats().received + (server.stats().kernelDropped ?? 0)
    await until(() => known() === 200, 'each is read, or known to be dropped')
    assert.ok((server.stats().kernelDropped ?? 0) > 0)
  }),

  feature('close sends what was written', async (broom) => {
    const { heard, socket: server } = await listenIn(broom)
    const client = await open(broom)
    for (const text of texts(200)) client.write(text, server.address)
    await soon(client.close(), 'it is closed')
    assert.deepEqual(await client.closed, { kind: 'local' })
    assert.equal(client.stats().sent, 200)
    await until(() => heard.texts.length === 200, 'everything arrives')
    assert.deepEqual(heard.texts.toSorted(), texts(200))
  }),

  feature('destroy leaves nobody waiting', async (broom) => {
    const server = await open(broom)
    const client = await open(broom, { lookup: () => new Promise(() => {}) })
    const reading = client[Symbol.asyncIterator]().next()
    const sends = texts(600).map((text) => client.send(text, server.address))
    sends.push(client.send('x', { host: 'never.example', port: 9 }), client.drained())
    client.destroy(new Error('enough'))
    await soon(Promise.allSettled(sends), 'each send is settled')
    await assert.rejects(soon(reading, 'the reader hears of it'), /enough/)
    await soon(client.close(), 'it is closed')
    await turn(2)
    assert.equal(client.buffered, 0)
  }),
]
