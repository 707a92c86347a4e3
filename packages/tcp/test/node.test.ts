import type { ByteConnection } from '@fairlead/core'
import { ClosedError } from '@fairlead/core'
import { pair } from '@fairlead/core/memory'
import * as tcp from '@fairlead/tcp'
import { lend, unwrap } from '@fairlead/tcp/node'
import { describe, expect, test } from 'vitest'

import { meet, portOf, textOf } from './harness.ts'

/** A connection whose first input was read, and handed back as the head of the next handler. */
async function withHead(): Promise<{
  client: ByteConnection
  server: ByteConnection
  close(): Promise<void>
}> {
  const { listener, client, server } = await meet()
  client.write('first ')
  for await (const chunk of server) {
    server.handle({ onData() {} }, chunk)
    server.pause()
    break
  }
  return { client, server, close: () => listener.close({ grace: 0 }) }
}

describe('lend', () => {
  test('hands out the socket with the unread input in front', async () => {
    const { client, server, close } = await withHead()
    const socket = lend(server)
    client.write('second')
    client.end()
    let text = ''
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) text += String(chunk)
    expect(text).toBe('first second')
    socket.end()
    await textOf(client)
    await close()
  })

  test('keeps the connection in its listener, with its shutdown and its end', async () => {
    const told: string[] = []
    const listener = await tcp.listen({ port: 0 }, (connection) => {
      const socket = lend(connection, {
        onShutdown: () => socket.end('bye'),
        onClose: (reason) => told.push(reason.kind),
      })
      socket.on('data', (chunk: Buffer) => socket.write(chunk))
      socket.on('end', () => socket.end())
      socket.resume()
    })
    const client = await tcp.connect({ port: portOf(listener) })
    client.write('one ')
    let text = ''
    for await (const chunk of client) {
      text += Buffer.from(chunk).toString()
      if (text === 'one ') void listener.close()
    }
    client.end()
    await listener.closed
    expect(text).toBe('one bye')
    expect(told).toHaveLength(1)
  })

  test('refuses a second borrower, and a connection without a socket', async () => {
    const { listener, client, server } = await meet()
    lend(server)
    expect(() => lend(server)).toThrow(ClosedError)
    client.destroy()
    expect(() => lend(client)).toThrow(/connection is closed/)
    expect(() => lend(pair()[0])).toThrow(TypeError)
    await listener.close({ grace: 0 })
  })
})

describe('unwrap', () => {
  test('gives the socket away with what was read', async () => {
    const { client, server, close } = await withHead()
    const { socket, head } = unwrap(server)
    expect(Buffer.from(head).toString()).toBe('first ')
    expect(await server.closed).toEqual({ kind: 'handover' })
    await close()
    socket.end('done')
    expect(await textOf(client)).toBe('done')
    await client.close()
  })
})
