import * as tcp from '@fairlead/tcp'
import { lend, unwrap } from '@fairlead/tcp/node'
import { afterEach, describe, expect, test } from 'vitest'

import { type Way, ways } from './faults/harness.ts'
import { portOf } from './harness.ts'
import { a, ca } from './tls/certificates.ts'
import { next } from './tls/harness.ts'

/** Sockets that keep this process alive. */
const keeping = (): number => process.getActiveResourcesInfo().filter((it) => it === 'TCPSocketWrap').length

/** A conversation of which this end alone keeps the process alive. */
async function meet({ listening, connecting }: Pick<Way, 'listening' | 'connecting'>) {
  const listener = await tcp.listen({ port: 0, ...listening })
  const [client, server] = await Promise.all([
    tcp.connect({ port: portOf(listener), ...connecting }),
    next(listener),
  ])
  server.unref()
  await expect.poll(keeping).toBe(1)
  return { client, server, [Symbol.asyncDispose]: () => listener.close({ grace: 0 }) }
}

afterEach(() =>
  expect.poll(() => process.getActiveResourcesInfo().filter((it) => it.includes('TCP'))).toEqual([]),
)

describe.each(ways)('over $way', (way) => {
  test('a connection keeps the process alive, unless it was told not to', async () => {
    await using link = await meet(way)
    for (const [call, count] of [
      ['unref', 0],
      ['unref', 0],
      ['ref', 1],
      ['ref', 1],
      ['unref', 0],
    ] as const) {
      link.client[call]()
      expect(keeping()).toBe(count)
    }
    link.client.ref()
    link.client.destroy()
  })

  test('one that does not is as good as any other', async () => {
    await using link = await meet(way)
    const { client, server } = link
    client.unref()
    server.write('ahoy')
    for await (const chunk of client) {
      expect(Buffer.from(chunk).toString()).toBe('ahoy')
      break
    }
    server.destroy()
    client.handle({ onData() {} })
    await client.closed
  })

  test('of no effect once closed', async () => {
    await using link = await meet(way)
    const { client } = link
    client.destroy()
    for (const call of ['unref', 'ref', 'unref'] as const) client[call]()
    expect(client.state).toBe('closed')
    await expect.poll(keeping).toBe(0)
  })

  test('harmless where the socket is lent, or given away', async () => {
    await using link = await meet(way)
    const { client, server } = link
    const lent = lend(client)
    client.unref()
    expect(keeping()).toBe(0)
    client.ref()
    expect(keeping()).toBe(1)
    lent.destroy()
    const { socket } = unwrap(server)
    server.ref()
    socket.destroy()
  })
})

test('holds for TLS that comes on top, and can be changed there', async () => {
  await using link = await meet({ listening: {}, connecting: {} })
  const { client, server } = link
  client.unref()
  await Promise.all([tcp.startTls(client, { ca, serverName: 'a.example' }), tcp.startTls(server, a)])
  expect(keeping()).toBe(0)
  client.ref()
  expect(keeping()).toBe(1)
  client.unref()
  expect(keeping()).toBe(0)
})
