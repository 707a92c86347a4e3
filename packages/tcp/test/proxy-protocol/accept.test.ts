import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { BrokenError, ipAddress, LimitError, ProtocolError, SocketError, TimeoutError } from '@fairlead/core'
import { pair } from '@fairlead/core/memory'
import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import {
  acceptProxy,
  type AcceptProxyOptions,
  encodeProxyHeader,
  proxyOf,
  type ProxyHeaderInit,
  sendProxy,
} from '@fairlead/tcp/proxy-protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { portOf, textOf } from '../harness.ts'

const source = ipAddress('192.0.2.1', 1_234)
const destination = ipAddress('203.0.113.5', 443)
const binary = encodeProxyHeader({ source, destination })
const line = Buffer.from('PROXY TCP4 192.0.2.1 203.0.113.5 1234 443\r\n')

const clock = useManualClock()
let listener: tcp.StreamListener
/** Connections that got past the prelude. */
let accepted: tcp.StreamConnection[]
/** What the prelude rejected with. */
let errors: unknown[]
/** Connections that came to the prelude. */
let arrived: tcp.StreamConnection[]

async function serve(
  options: Partial<AcceptProxyOptions> = {},
  where: tcp.ListenOptions = {},
): Promise<void> {
  const accept = acceptProxy({ trust: ['127.0.0.1'], ...options })
  const prelude: tcp.Prelude = (connection) => {
    arrived.push(connection)
    return accept(connection).catch((error: unknown) => {
      errors.push(error)
      throw error
    })
  }
  listener = await tcp.listen({ ...where, prelude }, (connection) => void accepted.push(connection))
}

/** A client that sent `data` to the listener. */
async function send(data: Uint8Array | string): Promise<tcp.StreamConnection> {
  const client = await tcp.connect({ port: portOf(listener) })
  client.write(data)
  return client
}

/** The connection that the listener accepted. */
async function acceptedOne(): Promise<tcp.StreamConnection> {
  await expect.poll(() => accepted).toHaveLength(1)
  return accepted[0] as tcp.StreamConnection
}

/** What the listener refused the only connection for; the client has heard of its end. */
async function refusal(client: tcp.StreamConnection): Promise<unknown> {
  client.handle({ onData() {} })
  await client.closed
  expect(accepted).toEqual([])
  expect(errors).toHaveLength(1)
  await expect.poll(() => listener.connections.size).toBe(0)
  return errors[0]
}

beforeEach(() => {
  accepted = []
  errors = []
  arrived = []
})

afterEach(async () => {
  await listener.close({ grace: 0 })
})

describe('a header from a trusted proxy', () => {
  test.each([
    ['version 1', line],
    ['version 2', binary],
  ])('of %s gives the addresses of the client, and those of the proxy stay known', async (_, header) => {
    await serve()
    const client = await send(header)
    const server = await acceptedOne()
    expect(server.remoteAddress).toEqual(source)
    expect(server.localAddress).toEqual(destination)
    expect(proxyOf(server)).toMatchObject({
      header: { command: 'proxy', source, destination },
      remoteAddress: client.localAddress,
      localAddress: client.remoteAddress,
    })
  })

  test('with data in the same packet, and the end behind it, loses nothing', async () => {
    await serve()
    const data = Buffer.alloc(300_000, 'data ')
    const client = await send(Buffer.concat([binary, data]))
    client.end()
    const server = await acceptedOne()
    expect(await textOf(server)).toBe(data.toString())
    server.end()
  })

  test('that comes byte by byte is read, and what comes later, too', async () => {
    await serve()
    const client = await send('')
    await expect.poll(() => arrived).toHaveLength(1)
    for (const [index, byte] of line.entries()) {
      client.write(Uint8Array.of(byte))
      await expect.poll(() => arrived[0]?.stats().bytesIn, { interval: 1 }).toBe(index + 1)
      if (index < line.length - 1) expect(accepted).toEqual([])
    }
    const server = await acceptedOne()
    client.write('later')
    client.end()
    expect(await textOf(server)).toBe('later')
    server.end()
  })

  test.each<[string, ProxyHeaderInit]>([
    ['a connection of its own', { command: 'local' }],
    ['a client without addresses', { transport: 'unspecified' }],
    ['a client without addresses in version 1', { version: 1, transport: 'unspecified' }],
  ])('on behalf of %s leaves the addresses as they are', async (_, init) => {
    await serve()
    const client = await send(encodeProxyHeader(init))
    const server = await acceptedOne()
    expect(server.remoteAddress).toEqual(client.localAddress)
    expect(proxyOf(server)?.header).toMatchObject({ transport: 'unspecified' })
  })

  test('comes over a Unix socket when that is trusted', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-'))
    const path = join(directory, 'socket')
    await serve({ trust: ['unix'] }, { path })
    const client = await tcp.connect({ path, prelude: sendProxy({ source, destination }) })
    expect((await acceptedOne()).remoteAddress).toEqual(source)
    await listener.close({ grace: 0 })
    await client.close()
    rmSync(directory, { recursive: true })
  })
})

describe('refused is', () => {
  test('whoever is not trusted, at once and whatever it sends', async () => {
    await serve({ trust: ['192.0.2.0/24', '::1', 'unix'] })
    // It may be gone before the client knows that it was there.
    await send(binary).catch(() => {})
    await expect.poll(() => errors).toHaveLength(1)
    expect(errors[0]).toBeInstanceOf(ProtocolError)
    expect((errors[0] as Error).message).toBe('Cannot accept connection: peer is not a trusted proxy')
    expect(accepted).toEqual([])
  })

  test.each<[string, string | Uint8Array]>([
    ['a request without a header', 'GET / HTTP/1.1\r\n\r\n'],
    ['a header without its end', `PROXY UNKNOWN ${'x'.repeat(93)}`],
    ['a header with a wrong address', 'PROXY TCP4 192.0.2.256 203.0.113.5 1234 443\r\n'],
    ['a header with a wrong command', Buffer.from(binary).fill(0x2f, 12, 13)],
  ])('%s', async (_, data) => {
    await serve()
    const error = await refusal(await send(data))
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error).toMatchObject({ side: 'remote', phase: 'handshake' })
  })

  test('a header beyond maxLength, before it is there', async () => {
    await serve({ maxLength: 100 })
    const tlvs = [{ type: 0xe0, value: new Uint8Array(100) }]
    const long = encodeProxyHeader({ source, destination, tlvs })
    expect(await refusal(await send(long.subarray(0, 16)))).toBeInstanceOf(LimitError)
  })

  test.each([
    ['ends before the header', new Uint8Array(0)],
    ['ends within the header', binary.subarray(0, 20)],
  ])('a peer that %s', async (_, data) => {
    await serve()
    const client = await send(data)
    client.end()
    const error = await refusal(client)
    expect(error).toBeInstanceOf(ProtocolError)
    expect((error as Error).message).toMatch('the peer ended')
  })

  test('a peer that breaks off within the header', async () => {
    await serve()
    const client = await send(binary.subarray(0, 20))
    await expect.poll(() => arrived[0]?.stats().bytesIn).toBe(20)
    client.destroy()
    await expect.poll(() => errors).toHaveLength(1)
    expect(SocketError.is(errors[0])).toBe(true)
    expect(accepted).toEqual([])
  })

  test('a peer that drips: the time for the header is one', async () => {
    await serve({ headerTimeout: 3_000 })
    const client = await send('')
    await expect.poll(() => arrived).toHaveLength(1)
    for (const [index, byte] of line.subarray(0, 3).entries()) {
      client.write(Uint8Array.of(byte))
      await expect.poll(() => arrived[0]?.stats().bytesIn).toBe(index + 1)
      clock.advance(900)
      expect(errors).toEqual([])
    }
    clock.advance(600)
    const error = await refusal(client)
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ phase: 'handshake', peer: client.localAddress })
  })

  test('who has sent nothing when the listener closes', async () => {
    await serve()
    const client = await send('')
    await expect.poll(() => arrived).toHaveLength(1)
    await listener.close({ grace: 0 })
    expect(await refusal(client)).toBeInstanceOf(BrokenError)
  })
})

describe('from others', () => {
  test('a header is data like any other, when they are plain', async () => {
    await serve({ trust: ['192.0.2.0/24'], others: 'plain' })
    const client = await send(line)
    client.end()
    const server = await acceptedOne()
    expect(server.remoteAddress).toEqual(client.localAddress)
    expect(proxyOf(server)).toBeUndefined()
    expect(await textOf(server)).toBe(line.toString())
    server.end()
  })
})

describe('acceptProxy', () => {
  beforeEach(() => serve())

  test.each<[string, object]>([
    ['trust', { trust: [] }],
    ['others', { others: 'guess' }],
    ['headerTimeout', { headerTimeout: 0 }],
    ['headerTimeout', { headerTimeout: Infinity }],
    ['maxLength', { maxLength: 15 }],
  ])('refuses a wrong %s', (name, options) => {
    expect(() => acceptProxy({ trust: ['127.0.0.1'], ...options })).toThrow(`Invalid option ${name}`)
  })

  test('takes no connection that is not one of this package', async () => {
    const [, server] = pair()
    const prelude = acceptProxy({ trust: ['unix'] })
    await expect(prelude(server as unknown as tcp.StreamConnection)).rejects.toBeInstanceOf(TypeError)
  })
})
