import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { lines, ListenError, type MessageConnection } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import { portOf, textOf } from './harness.ts'

async function echo(connection: MessageConnection<string>): Promise<void> {
  for await (const line of connection) await connection.send(line)
}

describe('listen', () => {
  test('gives each connection to the accept callback, and closes it when nobody reads it any more', async () => {
    await using listener = await tcp.listen({ port: 0 }, (stream) => echo(lines(stream)))
    const connection = await tcp.connect({ port: portOf(listener) })
    const talk = lines(connection)
    await talk.send('ahoy')
    connection.end()
    const heard: string[] = []
    for await (const line of talk) heard.push(line)
    expect(heard).toEqual(['ahoy'])
    expect(await connection.closed).toEqual({ kind: 'local' })
  })

  test('is iterated when nobody accepts', async () => {
    await using listener = await tcp.listen({ port: 0 })
    const client = await tcp.connect({ port: portOf(listener) })
    for await (const connection of listener) {
      await connection.send('hello')
      connection.end()
      break
    }
    expect(await textOf(client)).toBe('hello')
    await client.close()
  })

  test('names both ends, and both agree', async () => {
    await using listener = await tcp.listen({ port: 0 })
    const client = await tcp.connect({ port: portOf(listener) })
    for await (const server of listener) {
      expect(server.remoteAddress).toEqual(client.localAddress)
      expect(server.localAddress).toEqual(client.remoteAddress)
      expect(client.remoteAddress).toEqual(listener.address)
      break
    }
    client.destroy()
  })

  test('listens on IPv6 and folds nothing that is not mapped', async () => {
    await using listener = await tcp.listen({ port: 0, host: '::1' })
    expect(listener.address).toMatchObject({ family: 6, host: '::1' })
    const client = await tcp.connect({ host: '::1', port: portOf(listener) })
    expect(client.remoteAddress).toEqual(listener.address)
    client.destroy()
  })

  test('folds IPv4 peers of a dual-stack listener', async () => {
    await using listener = await tcp.listen({ port: 0, host: '::' })
    const client = await tcp.connect({ port: portOf(listener) })
    for await (const server of listener) {
      expect(server.remoteAddress).toMatchObject({ family: 4, host: '127.0.0.1' })
      break
    }
    client.destroy()
  })

  test('listens on a Unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fairlead-'))
    const path = join(folder, 'socket')
    const listener = await tcp.listen({ path }, (stream) => echo(lines(stream)))
    expect(listener.address).toEqual({ kind: 'unix', path })
    const talk = lines(await tcp.connect({ path }))
    await talk.send('ahoy')
    for await (const line of talk) {
      expect(line).toBe('ahoy')
      break
    }
    talk.destroy()
    await listener.close({ grace: 0 })
    await rm(folder, { recursive: true })
  })

  test('resets connections beyond maxConnections, and takes new ones when there is room', async () => {
    await using listener = await tcp.listen({ port: 0, maxConnections: 1 })
    const first = await tcp.connect({ port: portOf(listener) })
    for await (const connection of listener) {
      // The reset may come as early as the handshake.
      const second = tcp.connect({ port: portOf(listener) }).then(textOf)
      await expect(second).rejects.toThrow(/reset/)
      first.destroy()
      await expect(textOf(connection)).rejects.toThrow(/reset/)
      break
    }
    const third = await tcp.connect({ port: portOf(listener) })
    for await (const connection of listener) {
      expect(connection.state).toBe('open')
      break
    }
    third.destroy()
  })

  test('refuses a Unix connection beyond maxConnections, and lives', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fairlead-'))
    const path = join(folder, 'socket')
    const listener = await tcp.listen({ path, maxConnections: 1 })
    const first = await tcp.connect({ path })
    for await (const _ of listener) break
    const second = await tcp.connect({ path })
    expect(await textOf(second)).toBe('')
    expect(listener.connections.size).toBe(1)
    first.destroy()
    second.destroy()
    await listener.close({ grace: 0 })
    await rm(folder, { recursive: true })
  })

  test('says what is wrong with an address', async () => {
    await using listener = await tcp.listen({ port: 0 })
    const port = portOf(listener)
    await expect(tcp.listen({ port })).rejects.toThrow(ListenError)
    await expect(tcp.listen({ port })).rejects.toThrow(
      `Cannot listen on 127.0.0.1:${port}: address is in use`,
    )
    await expect(tcp.listen({ path: '/nowhere/at/all' })).rejects.toThrow(/Cannot listen on unix:/)
  })

  test('refuses bad options at the call, by name', async () => {
    await expect(tcp.listen({ port: 65_536 })).rejects.toThrow(RangeError)
    await expect(tcp.listen({ port: 1.5 })).rejects.toThrow(/option port/)
    await expect(tcp.listen({ port: 0, backlog: 0 })).rejects.toThrow(/option backlog/)
    await expect(tcp.listen({ port: 0, maxConnections: Infinity })).rejects.toThrow(/option maxConnections/)
    await expect(tcp.listen({ path: 'x', port: 0 })).rejects.toThrow(/option path/)
    await expect(tcp.listen({ host: '' })).rejects.toThrow(/option host/)
  })
})
