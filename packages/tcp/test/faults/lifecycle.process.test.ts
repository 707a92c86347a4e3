import { shutdown } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import { acceptProxy } from '@fairlead/tcp/proxy-protocol'
import { afterEach, describe, expect, test } from 'vitest'

import { portOf } from '../harness.ts'
import { a } from '../tls/certificates.ts'
import { dial, serve } from '../tls/harness.ts'
import { bare, ways } from './harness.ts'

// Whatever a test did, nothing that it made is left over.
afterEach(async () => {
  await expect.poll(() => process.getActiveResourcesInfo().filter((it) => it.includes('TCP'))).toEqual([])
})

describe('23 a listener that is closed', () => {
  const ends: [string, (listener: tcp.StreamListener) => void][] = [
    ['close', (listener) => void listener.close()],
    ['close without grace', (listener) => void listener.close({ grace: 0 })],
    ['destroy', (listener) => listener.destroy(new Error('enough'))],
    ['close, and close again', (listener) => void [listener.close(), listener.close({ grace: 0 })]],
  ]

  describe.each(ends)('by %s', (_, end) => {
    test('inside its prelude takes that connection along', async () => {
      const listener: tcp.StreamListener = await tcp.listen({
        port: 0,
        async prelude() {
          end(listener)
        },
      })
      // The reset may be faster than the news of the connection.
      const peer = await tcp.connect({ port: portOf(listener) }).catch(() => undefined)
      peer?.handle({ onData() {} })
      await Promise.all([listener.closed, peer?.closed])
      expect(listener.connections.size).toBe(0)
      expect(listener.stats()).toMatchObject({ accepted: 0, pending: 0 })
    })

    test('inside its select takes that handshake along', async () => {
      const { listener, port } = await serve({
        select() {
          end(listener)
          return a
        },
      })
      await expect(dial(port, { serverName: 'c.example', verify: false })).rejects.toThrow()
      await listener.closed
      expect(listener.stats()).toMatchObject({ accepted: 0, pending: 0 })
    })

    test.each(ways)('inside onData, onEnd and onClose of a connection over $way', async (way) => {
      for (const callback of ['onData', 'onEnd', 'onClose'] as const) {
        const heard: string[] = []
        const listener: tcp.StreamListener = await tcp.listen({ port: 0, ...way.listening }, () => ({
          onData() {},
          onClose: ({ kind }) => {
            heard.push(kind)
            if (callback === 'onClose') end(listener)
          },
          ...(callback !== 'onClose' && { [callback]: () => end(listener) }),
        }))
        const client = await tcp.connect({ port: portOf(listener), ...way.connecting })
        client.handle({ onData() {} })
        client.write('go')
        if (callback !== 'onData') client.end()
        await listener.closed
        await client.closed
        expect(heard.length).toBe(1)
        expect(listener.connections.size).toBe(0)
      }
    })
  })
})

test('23 a shutdown with silent peers in every phase ends within its grace', async () => {
  const silent = { onData() {}, onShutdown() {} }
  const listeners = [
    await tcp.listen({ port: 0 }, () => silent),
    await tcp.listen({ port: 0 }, () => new Promise(() => {})),
    await tcp.listen({ port: 0 }),
    await tcp.listen({ port: 0 }, (connection) => {
      void connection.send(Buffer.alloc(16 * 1024 * 1024))
      return silent
    }),
    await tcp.listen({ port: 0, prelude: () => new Promise(() => {}) }),
    await tcp.listen({ port: 0, prelude: acceptProxy({ trust: ['127.0.0.1'] }) }),
    await tcp.listen({ port: 0, tls: a }),
    await tcp.listen({ port: 0, tls: { select: () => new Promise(() => {}) } }),
  ]
  const peers = await Promise.all(listeners.map((listener) => bare('tcp', portOf(listener))))
  const hanging = dial(portOf(listeners[7] as tcp.StreamListener), { serverName: 'c.example' })
  hanging.catch(() => {})
  for (const listener of listeners) {
    await expect.poll(() => listener.stats().accepted + listener.stats().pending).toBeGreaterThanOrEqual(1)
  }
  await shutdown(listeners, { grace: 50 })
  for (const listener of listeners) {
    expect(listener.state).toBe('closed')
    expect(listener.connections.size).toBe(0)
    expect(listener.stats().pending).toBe(0)
  }
  await expect(hanging).rejects.toThrow()
  for (const peer of peers) peer.destroy()
})
