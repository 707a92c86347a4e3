import { type Listener, type MessageConnection } from '@fairlead/core'
import { type DatagramConditions, DatagramNetwork, messagePair } from '@fairlead/core/memory'
import * as udp from '@fairlead/udp'
import { describe, expect, test } from 'vitest'

import { bundle } from '../../src/bundle.ts'
import { until } from '../tools.ts'
import { heard, quiet, turn } from './tools.ts'

const texts = Array.from({ length: 6_000 }, (_, index) => `message ${index}`)

/** Two ends of a conversation over a network of datagrams. */
async function over(
  network: DatagramNetwork,
): Promise<[MessageConnection<Uint8Array>, MessageConnection<Uint8Array>]> {
  const join = async (name: string, other: string): Promise<MessageConnection<Uint8Array>> => {
    const socket = await network.bind(name)
    const [near, far] = messagePair<Uint8Array>()
    far.handle({ onData: (datagram) => void socket.write(datagram, other) })
    socket.handle({ onDatagram: (datagram) => void far.write(datagram) })
    return near
  }
  return [await join('here', 'there'), await join('there', 'here')]
}

describe.each<[string, DatagramConditions]>([
  ['perfect', {}],
  ['lossy', { loss: 0.2 }],
  ['repetitive', { duplication: 0.3 }],
  ['out of order', { reordering: 0.5 }],
  ['as bad as can be', { loss: 0.2, duplication: 0.2, reordering: 0.4 }],
])('on a network that is %s', (_, conditions) => {
  test.each([1, 2, 3])(
    'nothing is heard twice, and the counters are the network’s own, seed %i',
    async (seed) => {
      const network = new DatagramNetwork({}, seed)
      const [here, there] = (await over(network)).map((end) =>
        bundle(end, { messages: 'text', maxDatagramSize: 100 }),
      )
      const messages = heard(there!)
      const tell = async (text: string): Promise<void> => {
        here!.write(text)
        await quiet()
      }
      // The first and the last datagram arrive, so that all between them are to be expected.
      await tell('first')
      network.change(conditions)
      for (const [index, text] of texts.entries()) {
        await here!.send(text)
        if (index % 100 === 0) await turn()
      }
      await quiet()
      network.change({ loss: 0, duplication: 0, reordering: 0 })
      await tell('last')
      const { sent, delivered, lost, duplicated, dropped } = network.stats()
      expect(dropped).toBe(0)
      expect(here!.stats()).toMatchObject({ sent: texts.length + 2, sentDatagrams: sent })
      const stats = there!.stats()
      // A datagram that is lost has no double.
      expect(stats).toMatchObject({
        lost,
        duplicated,
        receivedDatagrams: delivered,
        received: messages.length,
      })
      expect(stats.reordered > 0).toBe((conditions.reordering ?? 0) > 0)
      expect(new Set(messages).size).toBe(messages.length)
      if (lost === 0) expect(messages.toSorted()).toEqual(['first', ...texts, 'last'].toSorted())
      if (stats.reordered === 0 && lost === 0) expect(messages).toEqual(['first', ...texts, 'last'])
    },
  )
})

describe('over UDP', () => {
  /** What a client hears from a listener that does that with each bundle. */
  async function hearing(
    accept: (peer: ReturnType<typeof bundleText>, listener: () => Listener<unknown>) => Promise<void> | void,
  ): Promise<string[]> {
    const listener: udp.UdpListener<Uint8Array> = await udp.listen({}, (session) =>
      accept(bundleText(session), () => listener),
    )
    const client = bundleText(await udp.connect({ port: listener.address.port }))
    const messages = heard(client)
    client.write('ahoy')
    await until(() => messages.length > 0)
    await client.close()
    await listener.close()
    return messages
  }

  const bundleText = (connection: MessageConnection<Uint8Array>) => bundle(connection, { messages: 'text' })

  test('both ends talk', async () => {
    const messages = await hearing(async (peer) => {
      for await (const message of peer) {
        await peer.send(message)
        await peer.send('there')
      }
    })
    expect(messages).toEqual(['ahoy', 'there'])
  })

  test('an accept callback that is done closes behind what it wrote', async () => {
    expect(await hearing(async (peer) => void peer.write('bye'))).toEqual(['bye'])
  })

  test('what is corked waits for the last uncork, also when the accept callback is done', async () => {
    let peer: ReturnType<typeof bundleText> | undefined
    const listener = await udp.listen({}, async (session) => {
      peer = bundleText(session)
      peer.handle({ onData() {} })
      peer.cork()
      peer.write('a')
    })
    const client = bundleText(await udp.connect({ port: listener.address.port }))
    const messages = heard(client)
    client.write('x'.repeat(100))
    await until(() => peer !== undefined)
    await quiet()
    expect(peer?.stats().sent).toBe(0)
    await peer?.close()
    await until(() => messages.length === 1)
    await client.close()
    await listener.close()
  })

  test('a listener that shuts down closes behind what was written', async () => {
    const messages = await hearing((peer, listener) => {
      peer.handle({
        onData(message) {
          peer.write(message)
          void listener().close()
        },
      })
    })
    expect(messages).toEqual(['ahoy'])
  })

  test('it takes the size of the connection', async () => {
    await using connection = await udp.connect({ port: 9, maxMessageSize: 500 })
    expect(bundle(connection).maxMessageSize).toBe(493)
  })
})
