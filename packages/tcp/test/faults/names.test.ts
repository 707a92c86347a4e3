import { ConnectError, formatEndpoint, parseEndpoint, SocketError } from '@fairlead/core'
import { jsonLines } from '@fairlead/core/framing'
import * as memory from '@fairlead/core/memory'
import * as tcp from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import { a, b } from '../tls/certificates.ts'
import { dial, next, serve } from '../tls/harness.ts'
import { meet, ways } from './harness.ts'

const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']

describe.each(names)('16 %s', (name) => {
  test('is no server name that anybody has', async () => {
    const { listener, port } = await serve({ servers: { 'b.example': b } })
    const client = await dial(port, { serverName: name, verify: false })
    expect(client.tls?.peerCertificate?.subject).toBe('CN=a.example')
    client.destroy()
    await listener.close({ grace: 0 })
  })

  test('is refused where no certificate is for it', async () => {
    const listener = await tcp.listen({ port: 0, tls: { servers: { 'b.example': b } } })
    const { port } = listener.address as { port: number }
    await expect(dial(port, { serverName: name, verify: false })).rejects.toThrow(SocketError)
    await expect.poll(() => listener.stats().refused.handshake).toBe(1)
    await listener.close()
  })

  test('is a server name like any other where it is given', async () => {
    const servers = Object.defineProperty({}, name, { value: b, enumerable: true })
    const asked: string[] = []
    const { listener, port } = await serve({ servers, select: (host) => void asked.push(host) })
    const client = await dial(port, { serverName: name, verify: false })
    const server = await next(listener)
    expect(client.tls?.peerCertificate?.subject).toBe('CN=b.example')
    expect(server.tls?.serverName?.toLowerCase()).toBe(name.toLowerCase())
    expect(asked).toEqual([])
    client.destroy()
    await listener.close({ grace: 0 })
  })

  test('is remembered like any other server', async () => {
    const { listener, port } = await serve()
    const sessions = new tcp.TlsSessions()
    const client = await dial(port, { serverName: 'a.example', sessions })
    expect(sessions.size).toBeLessThanOrEqual(1)
    const stranger = await dial(port, { serverName: name, sessions, verify: false })
    expect(stranger.tls?.resumed).toBe(false)
    client.destroy()
    stranger.destroy()
    await listener.close({ grace: 0 })
  })

  test('is no scheme, and a host like any other', () => {
    for (const text of [`${name}:x`, `${name}://localhost:1`]) {
      expect(() => parseEndpoint(text)).toThrow(/^Invalid endpoint: /)
    }
    expect(() => formatEndpoint({ scheme: name, host: 'localhost', port: 1 } as never)).toThrow(
      /^Invalid endpoint: scheme .*not known$/,
    )
    expect(parseEndpoint(`tcp://${name}:1`)).toEqual({ scheme: 'tcp', host: name.toLowerCase(), port: 1 })
  })

  test('is a name in memory like any other', async () => {
    await expect(memory.connect(name)).rejects.toThrow(ConnectError)
    await using listener = await memory.listen(name, async (connection) => {
      for await (const message of connection) await connection.send(message)
    })
    await using client = await memory.connect(name)
    await client.send(name)
    for await (const message of client) {
      expect(message).toBe(name)
      break
    }
    await client.close()
    await listener.close()
    await expect(memory.connect(name)).rejects.toThrow(ConnectError)
  })

  test('is no code of the system', async () => {
    const lookup = () => Promise.reject(Object.assign(new Error('not here'), { code: name }))
    const connecting = tcp.connect({ host: 'a.example', port: 1, lookup })
    await expect(connecting).rejects.toThrow('Cannot connect to a.example:1: not here')
  })
})

test.each(ways)('16 as keys of messages they are properties like any other, over $way', async (way) => {
  await using link = await meet(way)
  const sent = `{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}`
  link.client.write(`${sent}\n`)
  const server = jsonLines<Record<string, unknown>>(link.server)
  for await (const message of server) {
    expect(Object.getPrototypeOf(message)).toBe(Object.prototype)
    expect(Object.keys(message)).toEqual(['__proto__', 'constructor'])
    expect('admin' in message).toBe(false)
    expect('admin' in {}).toBe(false)
    await server.send(message)
    break
  }
  for await (const chunk of link.client) {
    expect(Buffer.from(chunk).toString()).toBe(`${sent}\n`)
    break
  }
})

test('16 50,000 keys that look alike are one message', async () => {
  await using link = await meet(ways[0] as (typeof ways)[0])
  const keys = Array.from({ length: 50_000 }, (_, index) => `__proto__${index}`)
  const message = Object.fromEntries(keys.map((key) => [key, 0]))
  link.client.write(`${JSON.stringify(message)}\n`)
  for await (const received of jsonLines<object>(link.server, { maxLength: 2 ** 21 })) {
    expect(Object.keys(received)).toEqual(keys)
    break
  }
})

test('16 the identities of a listener are not looked for in a prototype', async () => {
  const inherited = Object.create({ 'c.example': a }) as Record<string, tcp.TlsIdentity>
  const listener = await tcp.listen({
    port: 0,
    tls: { servers: Object.assign(inherited, { 'b.example': b }) },
  })
  const { port } = listener.address as { port: number }
  await expect(dial(port, { serverName: 'c.example', verify: false })).rejects.toThrow(SocketError)
  await listener.close({ grace: 0 })
})
