import { DatagramNetwork } from '@fairlead/core/memory'
import { describe, expect, test } from 'vitest'

import { check } from '../src/check.ts'
import { over, udpMemory } from '../src/fixtures/udp-memory.ts'
import { udpCookie, udpText } from '../src/fixtures/udp.ts'
import { describeConnection, describeListener } from '../src/vitest.ts'
import { turn, until } from '../src/wait.ts'

describeConnection('udp', udpText)
describeListener('udp', udpText)
describeConnection('udp by cookie', udpCookie)
describeListener('udp by cookie', udpCookie)
describeConnection('udp over memory', udpMemory)
describeListener('udp over memory', udpMemory)

describe('udp over a bad network', () => {
  test.each([1, 2, 3])(
    'messages come whole or not at all, and each is accounted for (seed %i)',
    async (seed) => {
      const network = new DatagramNetwork({ queue: 4_096 }, seed)
      const bad = check('bad network', async (stage) => {
        const { client, server } = await stage.pair()
        network.change({ loss: 0.2, duplication: 0.2, reordering: 0.5 })
        const [asked, answered] = [stage.record(server), stage.record(client)]
        const texts = new Set(stage.texts(0, 400))
        for (const text of texts) {
          await client.send(stage.encode(text))
          await server.send(stage.encode(text))
          await turn()
        }
        network.change({ loss: 0, duplication: 0, reordering: 0 })
        for (const [from, to] of [
          [client, asked],
          [server, answered],
        ] as const) {
          await stage.tell(from, to, 'the end')
          const heard = to.texts.slice(0, -1)
          const different = new Set(heard)
          for (const text of different) expect(texts).toContain(text)
          // Of 400, a fifth is lost; of the rest, a fifth comes twice; and half of all stand still for a while.
          expect(different.size).toBeGreaterThan(400 * 0.7)
          expect(different.size).toBeLessThan(400 * 0.9)
          expect(heard.length).toBeGreaterThan(different.size * 1.1)
        }
        // Some are held back still.
        await until(() => {
          const { sent, duplicated, delivered, lost } = network.stats()
          return sent + duplicated === delivered + lost
        }, 'each is delivered or lost')
        expect(network.stats().dropped).toBe(0)
      })
      await bad.run({ ...udpMemory, transport: () => over(network) })
    },
  )

  test('closing is heard of on this side alone, and waits for nobody', async () => {
    const network = new DatagramNetwork({}, 1)
    const lost = check('lost', async (stage) => {
      const { client, listener, server } = await stage.pair()
      network.change({ loss: 1 })
      const reading = stage.read(server)
      await client.send(stage.encode('lost'))
      await client.close()
      expect(await client.closed).toEqual({ kind: 'local' })
      await listener.close({ grace: 4_000 })
      expect(await reading).toEqual([])
      expect(await server.closed).toEqual({ kind: 'shutdown' })
    })
    await lost.run({ ...udpMemory, transport: () => over(network) })
  })
})
