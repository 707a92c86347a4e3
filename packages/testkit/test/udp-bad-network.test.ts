import { DatagramNetwork } from '@fairlead/core/memory'
import type { UdpListener } from '@fairlead/udp'
import { describe, expect, test } from 'vitest'

import { check } from '../src/check.ts'
import { sendingChecks } from '../src/connection/sending.ts'
import { over, udpMemory } from '../src/fixtures/udp-memory.ts'
import { closingChecks } from '../src/listener/closing.ts'
import { suspendingChecks } from '../src/listener/suspending.ts'
import type { Stage } from '../src/stage.ts'
import { quiet, soon, turn, until } from '../src/wait.ts'

const seeds = [1, 2, 3]

/** Whole groups of the contract that compare no texts: they hold though what is sent comes twice, late and in any order. */
const unordered = [...sendingChecks, ...closingChecks, ...suspendingChecks]

describe.each(seeds)('udp over a network that repeats and reorders (seed %i)', (seed) => {
  const conditions = { queue: 4_096, duplication: 0.2, reordering: 0.5 }
  const fixture = { ...udpMemory, transport: () => over(new DatagramNetwork(conditions, seed)) }
  test.each(unordered)('$name', (it) => it.run(fixture))
})

describe.each(seeds)('udp over a network that loses, too (seed %i)', (seed) => {
  const bad = { loss: 0.2, duplication: 0.2, reordering: 0.5 }

  /** A check on a network that becomes bad when `spoil` is called, which is once the greetings have come. */
  function bespoke(
    name: string,
    body: (stage: Stage, spoil: () => void, rest: () => Promise<void>) => Promise<void>,
  ) {
    test(name, async () => {
      const network = new DatagramNetwork({ queue: 4_096 }, seed)
      const spoil = (): void => network.change(bad)
      /** Each datagram is somewhere: delivered, lost or dropped. */
      const rest = (): Promise<void> =>
        until(() => {
          const { sent, duplicated, delivered, lost, dropped } = network.stats()
          return sent + duplicated === delivered + lost + dropped
        }, 'nothing is under way')
      await check(name, (stage) => body(stage, spoil, rest)).run({
        ...udpMemory,
        transport: () => over(network),
      })
      const { lost, duplicated } = network.stats()
      expect(Math.min(lost, duplicated)).toBeGreaterThan(0)
    })
  }

  bespoke(
    'a session hears messages, the shutdown, the close, each in its turn, and then nothing',
    async (stage, spoil, rest) => {
      const { client, listener, server } = await stage.pair()
      spoil()
      const heard = stage.record(server, { onShutdown: () => void turn(3).then(() => server.close()) })
      stage.write(client, stage.texts(0, 100))
      await until(() => heard.texts.length > 50, 'some arrive')
      const closing = listener.close({ grace: 60_000 })
      stage.write(client, stage.texts(100, 200))
      await soon(closing, 'it closes')
      const before = heard.heard.join(' ')
      stage.write(client, stage.texts(200, 300))
      await rest()
      await quiet()
      expect(before).toMatch(/^(data )+shutdown (data )*close$/)
      expect(heard.heard.join(' ')).toBe(before)
      expect(heard.reasons).toEqual([await server.closed])
      expect(client.state).toBe('open')
    },
  )

  bespoke(
    'a reader that pauses stops nobody: what finds no room is dropped and counted',
    async (stage, spoil, rest) => {
      const { client, listener, server } = await stage.pair()
      spoil()
      const stats = () => (listener as unknown as UdpListener<string>).stats()
      const heard = stage.record(server)
      server.pause()
      for (const text of stage.texts(0, 1_000)) await soon(client.send(stage.encode(text)), 'there is room')
      await rest()
      expect(client.buffered).toBe(0)
      expect(heard.texts).toEqual([])
      const { received, receiveDropped } = stats()
      // The greeting was read before; of the others, 256 may wait.
      expect(received - 1 - receiveDropped).toBe(256)
      server.resume()
      await until(() => heard.texts.length === 256, 'all that waited is heard')
      const sent = new Set(stage.texts(0, 1_000))
      expect(heard.texts.every((text) => sent.has(text))).toBe(true)
      stage.write(client, stage.texts(1_000, 1_100))
      await rest()
      expect(stats().receiveDropped).toBe(receiveDropped)
      expect(heard.texts.length).toBe(stats().received - 1 - receiveDropped)
    },
  )

  bespoke(
    'whoever closes amid the traffic is closed, for his own reason, and the others go on',
    async (stage, spoil, rest) => {
      const listener = await stage.listen((session) => ({ onData: (text) => void session.write(text) }))
      const clients = await Promise.all(Array.from({ length: 12 }, () => stage.connect()))
      await until(() => listener.connections.size === 12, 'all are accepted')
      await rest()
      spoil()
      const sessions = [...listener.connections]
      const heard = clients.map((client) => stage.record(client))
      const say = (): void => clients.slice(8).forEach((client) => stage.write(client, stage.texts(0, 20)))
      for (const client of clients) stage.write(client, stage.texts(0, 20))
      const ends = clients.slice(0, 4).map((client) => client.close())
      clients.slice(4, 8).forEach((client) => client.destroy())
      await soon(Promise.all(ends), 'they are closed')
      say()
      await until(() => heard.slice(8).every(({ texts }) => texts.length > 10), 'the others are answered')
      const before = heard.slice(0, 8).map((it) => it.heard.join(' '))
      expect(before.every((it) => /^(data )*close$/.test(it))).toBe(true)
      // UDP tells nobody: the sessions of those who left are there until the listener goes.
      expect(sessions.every(({ state }) => state === 'open')).toBe(true)
      const closing = listener.close({ grace: 60_000 })
      say()
      await soon(closing, 'it closes')
      expect(await Promise.all(sessions.map((it) => it.closed))).toEqual(
        sessions.map(() => ({ kind: 'shutdown' })),
      )
      expect(await Promise.all(clients.slice(0, 8).map((it) => it.closed))).toEqual(
        clients.slice(0, 8).map(() => ({ kind: 'local' })),
      )
      await rest()
      expect(heard.slice(0, 8).map((it) => it.heard.join(' '))).toEqual(before)
      expect(clients.slice(8).every(({ state }) => state === 'open')).toBe(true)
      expect(listener.connections.size).toBe(0)
    },
  )
})
