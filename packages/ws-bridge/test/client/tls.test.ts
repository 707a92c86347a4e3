import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'
import { describe, expect, test } from 'vitest'

import { echo, portOf, until } from '../harness.ts'
import { alice, ca, localhost } from './certificates.ts'
import { failureOf, talk, urlBy, ways } from './servers.ts'

const way = ways[1]

describe('wss', () => {
  test('is TLS for HTTP/1.1, and tells of it', async () => {
    await using server = await websocket.listen(
      { port: 0, tls: { ...localhost, alpn: ['h2', 'http/1.1'] } },
      echo,
    )
    const connection = await websocket.connect(urlBy(way, server), { tls: { ca } })
    expect(connection.tls).toMatchObject({
      protocol: 'TLSv1.3',
      alpn: 'http/1.1',
      serverName: 'localhost',
      authorized: true,
    })
    expect(await talk(connection)).toBe('ahoy')
    expect(await talk(connection, 'x'.repeat(300_000))).toHaveLength(300_000)
    await connection.close()
    await until(() => server.connections.size === 0)
  })

  test('may be to an address, and says Host as the URL does', async () => {
    const asked: string[] = []
    await using server = await websocket.listen(
      { port: 0, tls: localhost, authorize: ({ headers }) => void asked.push(headers.get('host') ?? '') },
      echo,
    )
    const connection = await websocket.connect(`wss://127.0.0.1:${portOf(server)}`, { tls: { ca } })
    expect(await talk(connection)).toBe('ahoy')
    expect(asked).toEqual([`127.0.0.1:${portOf(server)}`])
    await connection.close()
  })

  test('believes nobody but those it is told to, unless it is told to believe all', async () => {
    await using server = await websocket.listen({ port: 0, tls: localhost }, echo)
    const url = urlBy(way, server)
    const stranger = await failureOf(websocket.connect(url))
    expect(stranger).toMatchObject({ name: 'ConnectError', phase: 'tls' })
    const misnamed = await failureOf(websocket.connect(url, { tls: { ca, serverName: 'other.example' } }))
    expect(misnamed).toMatchObject({ name: 'ConnectError', phase: 'tls' })
    expect(misnamed.message).toMatch(/other\.example/)
    const connection = await websocket.connect(url, { tls: { verify: false } })
    expect(connection.tls?.authorized).toBe(false)
    expect(await talk(connection)).toBe('ahoy')
    await connection.close()
  })

  test('shows a certificate where one is wanted', async () => {
    const tls = { ...localhost, ca, clientCertificate: 'require' } as const
    await using server = await websocket.listen({ port: 0, tls }, echo)
    const url = urlBy(way, server)
    const connection = await websocket.connect(url, { tls: { ca, ...alice } })
    expect(await talk(connection)).toBe('ahoy')
    await connection.close()
    expect(await failureOf(websocket.connect(url, { tls: { ca } }))).toMatchObject({ name: 'ConnectError' })
  })

  test('is nothing that ws speaks, nor the other way round', async () => {
    await using secure = await websocket.listen({ port: 0, tls: localhost }, echo)
    const plain = `ws://localhost:${portOf(secure)}`
    expect(await failureOf(websocket.connect(plain))).toMatchObject({ phase: 'handshake' })
    await using open = await websocket.listen({ port: 0 }, echo)
    expect(await failureOf(websocket.connect(urlBy(way, open), { tls: { ca } }))).toMatchObject({
      phase: 'tls',
    })
  })

  test('is refused by a server that speaks HTTP/2 alone', async () => {
    await using server = await tcp.listen({ port: 0, tls: { ...localhost, alpn: ['h2'] } }, () => ({
      onData() {},
    }))
    const error = await failureOf(websocket.connect(urlBy(way, server), { tls: { ca } }))
    expect(error).toMatchObject({ name: 'ConnectError', phase: 'tls' })
  })
})
