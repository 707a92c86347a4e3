import { ClosedError, type CloseReason } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import { lend, unwrap } from '@fairlead/tcp/node'
import { describe, expect, test } from 'vitest'

import { meet, portOf } from './harness.ts'

const clock = useManualClock()
const MiB = 1024 * 1024

describe('what was written before the socket changes hands', () => {
  test('goes out, though it was corked', async () => {
    for (const give of [lend, (connection: tcp.StreamConnection) => unwrap(connection).socket]) {
      const { listener, client, server } = await meet()
      server.cork()
      server.write('held ')
      const socket = give(server)
      socket.end('back')
      let text = ''
      for await (const chunk of client) text += Buffer.from(chunk).toString()
      expect(text).toBe('held back')
      client.destroy()
      await listener.close({ grace: 0 })
    }
  })

  test('keeps its end', async () => {
    const { listener, client, server } = await meet()
    server.write(Buffer.alloc(8 * MiB))
    server.end()
    unwrap(server)
    let size = 0
    for await (const chunk of client) size += chunk.byteLength
    expect(size).toBe(8 * MiB)
    client.destroy()
    await listener.close({ grace: 0 })
  })
})

describe('a lent socket', () => {
  test('tells a borrower that is an object of a class', async () => {
    class Borrower {
      told: unknown[] = []
      onShutdown(grace: number): void {
        this.told.push(grace)
      }
      onClose(reason: CloseReason): void {
        this.told.push(reason)
      }
    }
    const { listener, server } = await meet()
    const borrower = new Borrower()
    lend(server, borrower)
    const closing = listener.close({ grace: 5_000 })
    await expect.poll(() => borrower.told).toEqual([5_000])
    server.destroy()
    await closing
    expect(borrower.told).toEqual([5_000, { kind: 'local' }])
  })

  test('is not cut while its peer reads, however large a write is', async () => {
    await using listener = await tcp.listen({ port: 0, writeTimeout: 1_000 })
    const client = await tcp.connect({ port: portOf(listener) })
    for await (const server of listener) {
      const socket = lend(server)
      const size = 64 * MiB
      socket.write(Buffer.alloc(size))
      let received = 0
      let seconds = 0
      client.handle({
        onData(chunk) {
          received += chunk.byteLength
          if (received < seconds * 2 * MiB) return
          seconds++
          client.pause()
          // The system has to have taken something since.
          setImmediate(() => {
            clock.advance(250)
            client.resume()
          })
        },
      })
      await expect.poll(() => received).toBe(size)
      expect(seconds).toBeGreaterThan(20)
      expect(server.state).toBe('open')
      socket.destroy()
      expect(await server.closed).toEqual({ kind: 'local' })
      break
    }
    client.destroy()
  })

  test('is nobody’s to write to any more', async () => {
    const { listener, server } = await meet()
    lend(server)
    expect(() => lend(server)).toThrow(ClosedError)
    server.destroy()
    await listener.close({ grace: 0 })
  })
})
