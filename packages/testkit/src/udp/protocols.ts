import assert from 'node:assert/strict'

import { DatagramNetwork } from '@fairlead/core/memory'
import * as udp from '@fairlead/udp'
import { type BundleConnection, bundle } from '@fairlead/udp/bundle'
import { announce, discover } from '@fairlead/udp/discovery'
import { requests } from '@fairlead/udp/request'

import type { Broom } from '../broom.ts'
import { feature, type Feature } from '../check.ts'
import { soon, until } from '../wait.ts'
import { open, texts } from './meeting.ts'

/** Passes on what comes, back and forth between the port and whoever sends to it, but loses every third. */
async function forwarder(broom: Broom, port: number): Promise<udp.IpAddress> {
  const [front, back] = [await open(broom), await open(broom)]
  let client: udp.IpAddress | undefined
  let seen = 0
  front.handle({
    onDatagram(data, from) {
      client = from
      if (seen++ % 3 !== 0) back.write(data, { host: '127.0.0.1', port })
    },
  })
  back.handle({ onDatagram: (data) => void (seen++ % 3 !== 0 && client && front.write(data, client)) })
  return front.address
}

const messages = 'text'
const impatient = { backoff: { base: 20, cap: 20 }, retries: 100, timeout: 4_000 }

/** What is built on datagrams. */
export const protocolFeatures: readonly Feature[] = [
  feature('a bundle carries many messages in few datagrams, over sessions', async (broom) => {
    const served: BundleConnection<string>[] = []
    const listener = broom.keep(
      await udp.listen({}, (session) => void served.push(bundle(session, { messages }))),
    )
    const client = broom.keep(bundle(await udp.connect({ port: listener.address.port }), { messages }))
    for (const text of texts(200)) client.write(text)
    await until(() => served.length === 1, 'it is accepted')
    const heard: string[] = []
    served[0]!.handle({ onData: (text) => void heard.push(text) })
    await until(() => heard.length === 200, 'everything is heard')
    assert.deepEqual(heard.toSorted(), texts(200))
    const { sent, sentDatagrams } = client.stats()
    assert.ok(sent === 200 && sentDatagrams < 20, `${sent} in ${sentDatagrams}`)
    assert.equal(served[0]!.stats().lost, 0)
  }),

  feature('requests are answered once, though a third of all datagrams is lost', async (broom) => {
    const executed: string[] = []
    const answer = (text: string): string => {
      executed.push(text)
      return `re: ${text}`
    }
    const server = broom.keep(requests(await udp.bind(), { messages, answer }))
    const client = broom.keep(requests(await udp.bind(), { messages }))
    const to = await forwarder(broom, server.address.port)
    const asked = texts(20).map((text) => client.request(text, { to, ...impatient }))
    const answers = await soon(Promise.all(asked), 'all are answered')
    assert.deepEqual(
      answers,
      texts(20).map((text) => `re: ${text}`),
    )
    assert.deepEqual(executed.toSorted(), texts(20))
    assert.ok(client.stats().retries > 0)
  }),

  feature('a request that nobody answers is given up', async (broom) => {
    const client = broom.keep(requests(await udp.bind(), { messages }))
    const { address: to } = await open(broom)
    const asking = client.request('anybody?', { to, timeout: 60, backoff: { base: 10 } })
    await assert.rejects(soon(asking, 'it is settled'), { name: 'TimeoutError', phase: 'total' })
  }),

  feature(
    'requests are answered over a network in memory that loses, doubles and reorders',
    async (broom) => {
      const network = new DatagramNetwork({ loss: 0.3, duplication: 0.2, reordering: 0.3 }, 7)
      let executed = 0
      const answer = (text: string): string => `${++executed}: ${text}`
      broom.keep(requests(await network.bind('there'), { messages, answer }))
      const client = broom.keep(requests(await network.bind('here'), { messages }))
      const asked = texts(50).map((text) => client.request(text, { to: 'there', ...impatient }))
      const answers = await soon(Promise.all(asked), 'all are answered')
      assert.deepEqual(
        answers.map((text) => text.split(': ')[1]),
        texts(50),
      )
      assert.equal(executed, 50)
    },
  ),

  feature('who announces himself is found, found changed, and lost', async (broom) => {
    // Below the ports that systems give out, and nobody else's.
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const lan = { port, family: 4, interfaces: ['127.0.0.1'] } as const
    const discovery = broom.keep(await discover({ type: 'check' }, lan))
    const events = discovery[Symbol.asyncIterator]()
    const next = async () => (await soon(events.next(), 'something is heard of him')).value
    const announcement = broom.keep(
      await announce({ type: 'check', name: 'anna', port: 7, data: { a: '1' } }, lan),
    )
    const found = await next()
    assert.equal(found?.kind, 'found')
    const { id, name, address, data } = found.peer
    assert.deepEqual([id, name, data['a']], [announcement.id, 'anna', '1'])
    assert.deepEqual(address, { kind: 'ip', family: 4, host: '127.0.0.1', port: 7 })
    announcement.update({ data: { a: '2' } })
    const changed = await next()
    assert.deepEqual([changed?.kind, changed?.peer.data['a']], ['changed', '2'])
    await soon(announcement.close(), 'it says goodbye')
    assert.equal((await next())?.kind, 'lost')
    assert.equal(discovery.peers.size, 0)
  }),
]
