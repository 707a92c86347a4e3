import { DatagramNetwork } from '@fairlead/core/memory'
import * as udp from '@fairlead/udp'
import { bundle } from '@fairlead/udp/bundle'
import * as memory from '@fairlead/udp/memory'
import { describe, expect, test } from 'vitest'

import { until } from '../tools.ts'
import { noneIsLeftToTheProcess, stuckSocket, text } from './harness.ts'

noneIsLeftToTheProcess()

describe('21 an empty datagram', () => {
  test('arrives as one, at whoever reads however', async () => {
    await using socket = await udp.bind()
    await using peer = await udp.bind()
    for (const word of ['', 'x', '']) peer.write(word, socket.address)
    const reader = socket[Symbol.asyncIterator]()
    const heard: string[] = []
    for (const _ of 'abc') heard.push(text((await reader.next()).value?.data ?? Buffer.from('?')))
    expect(heard).toEqual(['', 'x', ''])
    expect(socket.stats()).toMatchObject({ received: 3, receivedBytes: 1, receiveDropped: 0 })
    expect(peer.stats()).toMatchObject({ sent: 3, sentBytes: 1 })
  })

  test('begins a session, which may answer with as much: nothing, and no more than a thousand times', async () => {
    const answers: boolean[] = []
    await using listener = await udp.listen({ messages: 'text' }, (session) => ({
      onData(message) {
        session.write(message)
        session.send('x').then(
          () => answers.push(true),
          () => answers.push(false),
        )
      },
    }))
    await using peer = await udp.connect({ port: listener.address.port, messages: 'text' })
    peer.write('')
    expect(await peer[Symbol.asyncIterator]().next()).toEqual({ value: '', done: false })
    await until(() => answers.length === 1)
    expect([answers, listener.stats().withheld]).toEqual([[false], 1])
  })

  test('a flood of them, that nobody reads, waits within the count though it has no bytes', async () => {
    await using listener = await udp.listen({ receiveQueue: { datagrams: 10, bytes: 1 } })
    await using peer = await udp.bind()
    for (let at = 0; at < 200; at++) peer.write('', listener.address)
    await until(() => listener.stats().received === 200)
    expect(listener.stats().receiveDropped).toBe(190)
  })

  test('to a bundle, to requests and to validation is malformed, stray or nothing', async () => {
    await using listener = await udp.listen({ validation: 'cookie' })
    await using peer = await udp.bind()
    peer.write('', listener.address)
    await until(() => listener.stats().received === 1)
    expect(listener.connections.size).toBe(0)
    expect(listener.stats()).toMatchObject({ sent: 0, cookies: 0 })
  })
})

test('21 a datagram from port 0, which nobody can answer, ends no echo server', async () => {
  const { carrier, counters, socket } = stuckSocket({ datagrams: 9, bytes: 99, policy: 'drop-newest' })
  // Without anybody to be told, what a handler throws would end the socket.
  socket.handle({ onDatagram: (data, from) => void socket.write(data, from) })
  carrier.bring(Buffer.from('from nowhere'), { address: '127.0.0.1', port: 0, family: 'IPv4' })
  carrier.bring(Buffer.from('ahoy'), { address: '127.0.0.1', port: 7_000, family: 'IPv4' })
  await until(() => carrier.queue.length === 1)
  expect(counters).toMatchObject({ received: 1, filtered: 1, handlerErrors: 0 })
  expect(socket.state).toBe('open')
  socket.destroy()
})

describe('21 a network that loses, doubles and mixes up', () => {
  const conditions = { loss: 0.1, duplication: 0.2, reordering: 0.3 }

  test('whatever arrives arrives whole, and the books of both sides and of the network agree', async () => {
    const network = new DatagramNetwork(conditions, 5)
    const heard: string[] = []
    const listener = await memory.listen(network, { name: 'server', messages: 'text' }, () => ({
      onData: (message) => void heard.push(message),
    }))
    const peer = await memory.connect(network, { to: 'server', messages: 'text' })
    for (let at = 0; at < 1_000; at++) {
      await peer.send(`message ${at}`)
      if (at % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    const { lost, duplicated, dropped } = network.stats()
    await until(() => heard.length === 1_000 - lost + duplicated - dropped)
    expect(heard.every((it) => /^message \d{1,3}$/.test(it))).toBe(true)
    expect(listener.stats().received).toBe(heard.length)
    expect(peer.stats()).toMatchObject({ sent: 1_000, sendErrors: 0 })
    expect(heard).not.toEqual(heard.toSorted((one, other) => Number(one.slice(8)) - Number(other.slice(8))))
    await Promise.all([peer.close(), listener.close({ grace: 0 })])
  })

  test('a datagram that comes after its session has ended begins another, with an empty book', async () => {
    const network = new DatagramNetwork()
    const counts: number[] = []
    const listener = await memory.listen(network, { name: 'server', messages: 'text' }, (session) => {
      const at = counts.push(0) - 1
      return {
        onData() {
          counts[at] = (counts[at] ?? 0) + 1
          if (counts.length === 1 && counts[0] === 2) void session.close()
        },
      }
    })
    const peer = await memory.connect(network, { to: 'server', messages: 'text' })
    for (let sent = 1; sent <= 5; sent++) {
      await peer.send('x')
      await until(() => counts.reduce((one, other) => one + other, 0) === sent)
    }
    expect(counts).toEqual([2, 3])
    await Promise.all([peer.close(), listener.close({ grace: 0 })])
  })
})

test('4 all messages in one datagram, one in each, and every split in between: the same are heard', async () => {
  const words = ['one', '', 'two', 'and three', '4', '', 'the last']
  // Bit by bit, whether the datagram ends behind a word.
  for (let cuts = 0; cuts < 2 ** (words.length - 1); cuts++) {
    const network = new DatagramNetwork()
    const heard: string[] = []
    const listener = await memory.listen(network, { name: 'server' }, (session) => {
      bundle(session, { messages: 'text' }).handle({ onData: (message) => void heard.push(message) })
    })
    const peer = bundle(await memory.connect(network, { to: 'server' }), { messages: 'text' })
    for (const [at, word] of words.entries()) {
      peer.write(word)
      if (cuts & (1 << at)) peer.uncork()
    }
    await peer.close()
    await until(() => heard.length === words.length)
    expect(heard).toEqual(words)
    await listener.close({ grace: 0 })
  }
})

test('4 by handler, by iteration, by batches, after a pause and from the queue: the same datagrams', async () => {
  const words = Array.from({ length: 100 }, (_, at) => 'x'.repeat(at))
  const ways: ((socket: udp.UdpSocket, heard: string[]) => Promise<void> | void)[] = [
    (socket, heard) => socket.handle({ onDatagram: (data) => void heard.push(text(data)) }),
    async (socket, heard) => {
      for await (const { data } of socket) heard.push(text(data))
    },
    async (socket, heard) => {
      for await (const batch of socket.batches()) heard.push(...batch.map(({ data }) => text(data)))
    },
    async (socket, heard) => {
      await until(() => socket.stats().received === words.length)
      socket.handle({ onDatagram: (data) => void heard.push(text(data)) })
    },
    async (socket, heard) => {
      // One reader after the other.
      while (heard.length < words.length) {
        for await (const batch of socket.batches()) {
          heard.push(...batch.map(({ data }) => text(data)))
          break
        }
        if (heard.length === words.length) break
        for await (const { data } of socket) {
          heard.push(text(data))
          break
        }
      }
    },
  ]
  for (const way of ways) {
    const socket = await udp.bind()
    await using peer = await udp.bind()
    const heard: string[] = []
    const reading = way(socket, heard)
    for (const word of words) await peer.send(word, socket.address)
    await until(() => heard.length === words.length)
    expect(heard).toEqual(words)
    await socket.close()
    await reading
  }
})
