import { lengthPrefixed } from '@fairlead/core/framing'
import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import { acceptProxy } from '@fairlead/tcp/proxy-protocol'
import { describe, expect, test } from 'vitest'

import { portOf } from '../harness.ts'
import { a } from '../tls/certificates.ts'
import { clientHello } from '../tls/harness.ts'
import { bare, meetBare, ways } from './harness.ts'

const clock = useManualClock()
const pause = 10_000

describe('9 one byte every ten seconds', () => {
  const header = Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n')
  const phases: [string, Partial<tcp.ListenOptions>, () => Buffer | Promise<Buffer>][] = [
    ['a TLS hello', { tls: a }, clientHello],
    [
      'a PROXY header',
      { prelude: acceptProxy({ trust: ['127.0.0.1'], headerTimeout: 30_000 }) },
      () => header,
    ],
    [
      'a PROXY header without a limit of its own',
      { prelude: acceptProxy({ trust: ['127.0.0.1'], headerTimeout: 1_000_000 }) },
      () => header,
    ],
  ]

  test.each(phases)('of %s is cut when its time is over', async (_, options, said) => {
    const bytes = await said()
    const listener = await tcp.listen({ port: 0, handshakeTimeout: 30_000, ...options }, () =>
      expect.unreachable(),
    )
    const peer = await bare('tcp', portOf(listener))
    const gone = new Promise((resolve) => peer.once('close', resolve))
    peer.resume()
    await expect.poll(() => listener.stats().pending).toBe(1)
    let sent = 0
    for (; listener.stats().pending > 0; clock.advance(pause)) {
      await new Promise((resolve) => peer.write(bytes.subarray(sent, ++sent), resolve))
      await new Promise(setImmediate)
      expect(sent).toBeLessThan(6)
    }
    await gone
    const { refused } = listener.stats()
    expect(refused.prelude + refused.handshake).toBe(1)
    await listener.close()
  })

  /** Sends as many bytes of a message that is never whole; the connection has heard each before the clock goes on. */
  async function drip(count: number, way: (typeof ways)[number], options: Partial<tcp.ListenOptions>) {
    const link = await meetBare(way, options)
    const { peer, server } = link
    lengthPrefixed(server).handle({ onData: () => expect.unreachable() })
    const bytes = Buffer.concat([Buffer.from([0, 1, 0, 0]), Buffer.alloc(count)])
    for (let sent = 0; sent < count && server.state === 'open'; clock.advance(pause)) {
      const before = server.stats().bytesIn
      peer.write(bytes.subarray(sent, ++sent))
      await expect.poll(() => server.stats().bytesIn, { interval: 0 }).toBeGreaterThan(before)
    }
    return link
  }

  describe.each(ways)('of a message over $way', (way) => {
    test('is no silence: a read or idle timeout does not end it', async () => {
      await using link = await drip(20, way, { readTimeout: 30_000, idleTimeout: 30_000 })
      expect(link.server.state).toBe('open')
      clock.advance(40_000)
      expect(link.server.state).toBe('closed')
    })

    test('is cut by the total timeout', async () => {
      await using link = await drip(20, way, { totalTimeout: 100_000 })
      expect(await link.server.closed).toEqual({ kind: 'timeout', phase: 'total' })
    })

    test('is cut by the total timeout while other traffic flows on the connection', async () => {
      const options = { totalTimeout: 100_000, readTimeout: 30_000, idleTimeout: 30_000 }
      await using link = await meetBare(way, options)
      const { peer, server } = link
      server.handle({ onData: () => {} })
      peer.resume()
      for (let count = 0; server.state === 'open'; clock.advance(pause)) {
        const before = server.stats()
        await server.send('busy')
        peer.write('x')
        await expect.poll(() => server.stats().bytesIn, { interval: 0 }).toBeGreaterThan(before.bytesIn)
        expect(count++).toBeLessThan(12)
      }
      expect(await server.closed).toEqual({ kind: 'timeout', phase: 'total' })
    })
  })
})
