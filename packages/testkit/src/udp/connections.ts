import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

import { BrokenError, ConnectError } from '@fairlead/core'
import * as udp from '@fairlead/udp'

import type { Broom } from '../broom.ts'
import { feature, type Feature } from '../check.ts'
import { failureOf, soon, until } from '../wait.ts'
import { deafPort, hear, listenIn, open } from './meeting.ts'

/** A connection in text, and what it hears and is told. */
async function dial(broom: Broom, port: number) {
  const peer = broom.keep(await udp.connect({ port, messages: 'text' }))
  const [heard, told]: [string[], Error[]] = [[], []]
  peer.handle({ onData: (text) => void heard.push(text), onTrouble: (error) => void told.push(error) })
  return { peer, heard, told }
}

/** Sockets that the kernel connects to one peer. */
export const connectionFeatures: readonly Feature[] = [
  feature('strangers are not heard', async (broom) => {
    const { socket: server, port } = await listenIn(broom)
    const { peer, heard } = await dial(broom, port)
    const to = { host: '127.0.0.1', port: peer.localAddress.port }
    const stranger = await open(broom)
    for (let count = 0; count < 3; count++) {
      await stranger.send('psst', to)
      await server.send('ahoy', to)
      await until(() => heard.length > count, 'the peer is heard')
    }
    assert.deepEqual(heard, ['ahoy', 'ahoy', 'ahoy'])
    assert.equal(peer.stats().received, 3)
  }),

  feature('a refusal is told, and the connection works once somebody is there', async (broom) => {
    const port = await deafPort()
    const { peer, told } = await dial(broom, port)
    await peer.send('nobody')
    await until(() => told.length === 1, 'it is told')
    assert.ok(told[0] instanceof BrokenError, String(told[0]))
    assert.equal(told[0].message, `Cannot send to 127.0.0.1:${port}: connection refused`)
    assert.deepEqual([peer.state, peer.stats().refused], ['open', 1])
    const { heard } = await listenIn(broom, { port })
    await peer.send('somebody')
    await until(() => heard.texts.length === 1, 'it is heard')
    assert.deepEqual(heard.texts, ['somebody'])
  }),

  feature('the datagram that met the refusal of an earlier one is sent once more', async (broom) => {
    const port = await deafPort()
    const { peer, told } = await dial(broom, port)
    peer.write('refused')
    // Bound in this same turn, so that the refusal waits for the next send and not for the event loop.
    const server = createSocket({ type: 'udp4', lookup: (host, _, callback) => callback(null, host, 4) })
    try {
      const heard = once(server, 'message')
      server.bind(port, '127.0.0.1')
      peer.write('again')
      assert.equal(String((await soon(heard, 'it is heard'))[0]), 'again')
      await until(() => peer.buffered === 0, 'nothing is under way')
      const { sent, refused, sendErrors } = peer.stats()
      assert.deepEqual([sent, sendErrors], [2, 0])
      assert.ok(refused >= 1 && refused === told.length, `${refused} refusals, ${told.length} told`)
    } finally {
      server.close()
    }
  }),

  feature('a burst at a closed port is accounted for', async (broom) => {
    const { peer, told } = await dial(broom, await deafPort())
    const sends = Array.from({ length: 1_000 }, () => peer.send('x'))
    await soon(Promise.all(sends), 'there is room for all')
    await until(() => peer.buffered === 0, 'nothing is under way')
    const { sent, sendErrors, refused } = peer.stats()
    assert.equal(sent + sendErrors, 1_000)
    assert.equal(refused, told.length)
  }),

  feature('a name leads to an address of its lookup, and a name of nobody nowhere', async (broom) => {
    const socket = await open(broom)
    const heard = hear(socket)
    const lookup = async (): Promise<string[]> => ['127.0.0.1']
    const options = { host: 'a.example', port: socket.address.port, lookup, messages: 'text' } as const
    const peer = broom.keep(await udp.connect(options))
    assert.deepEqual(peer.remoteAddress, socket.address)
    await peer.send('ahoy')
    await until(() => heard.texts.length === 1, 'it is heard')
    assert.deepEqual(heard.texts, ['ahoy'])
    const error = await failureOf(udp.connect({ host: 'nobody.invalid', port: 9 }), 'the name')
    assert.ok(error instanceof ConnectError, String(error))
  }),

  feature('both ends on IPv6 know each other', async (broom) => {
    const { port, heard } = await listenIn(broom, { host: '::1' })
    const peer = broom.keep(await udp.connect({ host: '::1', port, messages: 'text' }))
    await peer.send('ahoy')
    await until(() => heard.texts.length === 1, 'it is heard')
    assert.deepEqual(heard.from, [peer.localAddress])
  }),
]
