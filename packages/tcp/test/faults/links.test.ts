import { BrokenError, lines, SocketError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import { reconnect } from '@fairlead/tcp/reconnect'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { portOf } from '../harness.ts'
import { echo, ways } from './harness.ts'

/** Delays of next to nothing, without end. */
const quick = { base: 1, cap: 20, maxAttempts: 1_000_000 }

/** Passes bytes on to `port`, both ways, and cuts each connection when it has passed `limit` of them. */
async function scissors(port: number, limit: () => number): Promise<tcp.StreamListener> {
  return tcp.listen({ port: 0 }, async (near) => {
    const far = await tcp.connect({ port })
    let left = limit()
    const carry = (to: tcp.StreamConnection) => ({
      onData(chunk: Uint8Array) {
        if (to.state !== 'open') return
        to.write(chunk.subarray(0, left))
        left -= chunk.byteLength
        if (left > 0) return
        near.destroy()
        far.destroy()
      },
      onClose() {
        near.destroy()
        far.destroy()
      },
    })
    far.handle(carry(near))
    near.handle(carry(far))
  })
}

describe.each(ways)('24 a link over $way', (way) => {
  test('cut at any byte gives whole messages in order, or an error with a code', async () => {
    const said = Array.from({ length: 20 }, (_, index) => `message ${index}`)
    await using server = await tcp.listen({ port: 0, ...way.listening }, async (connection) => {
      const messages = lines(connection)
      for (const text of said) await messages.send(text)
      await messages.close()
    })
    const ends = new Set<string>()
    const cut = async (limit: number): Promise<void> => {
      await using middle = await scissors(portOf(server), () => limit)
      const heard: string[] = []
      try {
        const connection = await tcp.connect({ port: portOf(middle), ...way.connecting })
        for await (const line of lines(connection)) heard.push(line)
        ends.add('end')
      } catch (error) {
        expect(SocketError.is(error) && error.code).toMatch(/^ERR_FAIRLEAD_/)
        ends.add('error')
      }
      // A last line counts without its end where the cut looks like one; what came before is whole.
      for (const [index, line] of heard.slice(0, -1).entries()) expect(line).toBe(said[index])
      expect(said[heard.length - 1] ?? '').toMatch(new RegExp(`^${heard.at(-1) ?? ''}`))
      await middle.close({ grace: 0 })
    }
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 2_500 }), cut), { numRuns: 60 })
    await cut(1)
    expect(ends).toContain('error')
    await server.close({ grace: 0 })
  })

  test('whose server is restarted under 200 clients: all come back, and what was under way rejects', async () => {
    let server = await tcp.listen({ port: 0, ...way.listening }, echo)
    const port = portOf(server)
    const answers: string[] = []
    const clients = Array.from({ length: 200 }, (_, index) =>
      reconnect({ port, ...way.connecting, backoff: quick, stableAfter: 0 }, (connection, attempt) => {
        connection.write(`${index}:${attempt > 1 ? 'again' : 'first'} `)
        return { onData: (chunk) => void answers.push(...Buffer.from(chunk).toString().trim().split(' ')) }
      }),
    )
    await expect.poll(() => answers.length).toBe(200)
    // More than the buffers of the system take: all of these wait.
    const large = Buffer.alloc(32 * 1024 * 1024)
    const sends = clients.slice(0, 10).map((client) => client.send(large))
    const failures = Promise.all(sends.map((send) => send.catch((error: unknown) => error)))
    answers.length = 0
    server.destroy()
    await server.closed
    for (const failure of await failures) {
      expect(failure).toBeInstanceOf(BrokenError)
      expect((failure as SocketError).code).toMatch(/^ERR_FAIRLEAD_/)
    }
    server = await tcp.listen({ port, ...way.listening }, echo)
    await expect.poll(() => new Set(answers.filter((text) => text.endsWith(':again'))).size).toBe(200)
    for (const client of clients) client.destroy()
    await server.close({ grace: 0 })
    await expect.poll(() => server.connections.size).toBe(0)
  })
})
