import type { ByteConnection } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { before, memory, sockets } from '../proxy/stage.ts'
import { head, quiet, until } from '../server/ways.ts'
import { watchStrays } from './harness.ts'

watchStrays()

const block = Buffer.alloc(64 * 1024, 'fairlead')
const total = 100_000_000

/** What is between two who do not keep pace: over sockets, what the system keeps as well. */
const stages = [
  { ...memory, most: 600_000 },
  { ...sockets, most: 30_000_000 },
]

/** Writes to `from` until nothing more goes through to `to`, which does not read; and as much again once it does. */
async function keepPace(from: ByteConnection, to: ByteConnection, most: number): Promise<void> {
  let sent = 0
  const feed = (): void => {
    while (sent < total && from.state === 'open' && from.buffered === 0) {
      sent += block.length
      from.write(block)
    }
  }
  for (let idle = 0, last = 0; idle < 20; last = sent) {
    feed()
    await quiet()
    idle = sent === last ? idle + 1 : 0
  }
  expect(sent).toBeLessThan(most)
  expect(sent).toBeGreaterThan(64 * 1024)
  const stalled = sent
  to.resume()
  await until(() => {
    feed()
    return sent > stalled * 2
  })
}

describe.each(stages)('3 over $name, one side that does not read', (stage) => {
  test('the client: the server is not read, either, and goes on when the client does', async () => {
    await using server = await stage.raw.open()
    await using at = await before(stage, server)
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    const peer = await server.peer()
    await peer.request()
    peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
    await client.until(() => client.text.includes('\r\n\r\n'))
    client.connection.pause()
    await keepPace(peer.connection, client.connection, stage.most)
    client.connection.destroy()
    await until(() => peer.gone)
    await until(() => at.proxy.stats().active === 0)
    expect(at.errors).toEqual([])
  })

  test('the server: the client is not read, either, and goes on when the server does', async () => {
    await using server = await stage.raw.open()
    server.paused = true
    await using at = await before(stage, server, { serve: { maxBodySize: Infinity } })
    const client = await at.client()
    client.write(head('PUT / HTTP/1.1', `Content-Length: ${total}`))
    const peer = await server.peer()
    await keepPace(client.connection, peer.connection, stage.most)
    client.connection.destroy()
    await until(() => peer.gone)
    await until(() => at.proxy.stats().active === 0)
  })
})
