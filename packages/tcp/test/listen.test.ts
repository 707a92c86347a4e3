import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { lines, ListenError, type MessageConnection, shutdown } from '@fairlead/core'
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

  test('listens on IPv6 alone when asked to', async () => {
    await using listener = await tcp.listen({ port: 0, host: '::', ipv6Only: true })
    const port = portOf(listener)
    const client = await tcp.connect({ host: '::1', port })
    client.destroy()
    // IPv4's port of the same number is still free.
    await using other = await tcp.listen({ port, host: '0.0.0.0' })
    expect(portOf(other)).toBe(port)
  })

  test('lets go of a peer that was gone before it could be accepted', async () => {
    await using listener = await tcp.listen({ port: 0 }, () => {})
    // While this process waits for the other, nothing is accepted here.
    const program = `require('net').connect(${portOf(listener)}, '127.0.0.1', function () { this.resetAndDestroy() })`
    expect(spawnSync(process.execPath, ['-e', program]).status).toBe(0)
    await expect.poll(() => listener.stats().refused.vanished).toBe(1)
    expect(listener.stats()).toMatchObject({ accepted: 0, open: 0 })
  })

  test('shares a port where runtime and system can, and says so where not', async () => {
    const attempt = tcp.listen({ port: 0, reusePort: true })
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    const known = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12)
    if (known && process.platform === 'linux') {
      await using first = await attempt
      await using second = await tcp.listen({ port: portOf(first), reusePort: true })
      expect(second.address).toEqual(first.address)
    } else {
      await expect(attempt).rejects.toThrow(TypeError)
      await expect(attempt).rejects.toThrow(/^Invalid option reusePort: ports are not shared here \(v/)
    }
  })

  test('is not listening when it was aborted, before or meanwhile', async () => {
    const reason = new Error('changed my mind')
    await expect(tcp.listen({ port: 0, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)

    const holder = await tcp.listen({ port: 0 })
    const port = portOf(holder)
    await holder.close()
    const controller = new AbortController()
    const attempt = tcp.listen({ port, signal: controller.signal })
    controller.abort(reason)
    await expect(attempt).rejects.toBe(reason)
    // What was under way lets go of the port again.
    await expect.poll(() => tcp.listen({ port }).then(() => 'free', String)).toBe('free')
  })

  test('heeds no signal once it listens', async () => {
    const controller = new AbortController()
    await using listener = await tcp.listen({ port: 0, signal: controller.signal })
    controller.abort()
    await listener.suspend()
    await listener.resume()
    expect([listener.state, listener.accepting]).toEqual(['open', true])
  })

  test('suspends all of several listeners before it drains any', async () => {
    const listeners = [await tcp.listen({ port: 0 }), await tcp.listen({ port: 0 })]
    const clients = await Promise.all(listeners.map((listener) => tcp.connect({ port: portOf(listener) })))
    await expect.poll(() => listeners.map((listener) => listener.stats().open)).toEqual([1, 1])
    const closing = shutdown(listeners)
    await expect.poll(() => listeners.map((listener) => listener.accepting)).toEqual([false, false])
    for (const listener of listeners) {
      await expect(tcp.connect({ port: portOf(listener) })).rejects.toThrow(/refused/)
    }
    expect(listeners.map((listener) => listener.connections.size)).toEqual([1, 1])
    for (const client of clients) await client.close()
    await closing
    expect(listeners.map((listener) => listener.state)).toEqual(['closed', 'closed'])
  })

  test('may be closed while it starts again', async () => {
    const listener = await tcp.listen({ port: 0 })
    await listener.suspend()
    const resuming = listener.resume()
    await listener.close()
    await resuming
    expect([listener.state, listener.accepting]).toEqual(['closed', false])
    await expect(tcp.connect({ port: portOf(listener) })).rejects.toThrow(/refused/)
  })

  test('stays suspended when somebody else has its port meanwhile, and tries again', async () => {
    await using listener = await tcp.listen({ port: 0 })
    const port = portOf(listener)
    await listener.suspend()
    const other = await tcp.listen({ port })
    await expect(listener.resume()).rejects.toThrow(`Cannot listen on 127.0.0.1:${port}: address is in use`)
    expect([listener.state, listener.accepting]).toEqual(['open', false])
    await other.close()
    await listener.resume()
    expect([listener.accepting, portOf(listener)]).toEqual([true, port])
  })

  test('refuses bad options at the call, by name', async () => {
    await expect(tcp.listen({ port: 65_536 })).rejects.toThrow(RangeError)
    await expect(tcp.listen({ port: 1.5 })).rejects.toThrow(/option port/)
    await expect(tcp.listen({ port: 0, backlog: 0 })).rejects.toThrow(/option backlog/)
    await expect(tcp.listen({ port: 0, maxConnections: Infinity })).rejects.toThrow(/option maxConnections/)
    await expect(tcp.listen({ port: 0, maxConnectionsPerAddress: 0 })).rejects.toThrow(/option maxConn/)
    await expect(tcp.listen({ port: 0, handshakeTimeout: -1 })).rejects.toThrow(/option handshakeTimeout/)
    await expect(tcp.listen({ port: 0, acceptRate: { perSecond: 0.5 } })).rejects.toThrow(
      /option acceptRate.per/,
    )
    await expect(tcp.listen({ port: 0, acceptRate: 5 as never })).rejects.toThrow(/option acceptRate/)
    await expect(tcp.listen({ port: 0, acceptRate: null as never })).rejects.toThrow(/option acceptRate/)
    await expect(tcp.listen({ port: 0, allow: [] })).rejects.toThrow(/option allow: an empty list/)
    await expect(tcp.listen({ port: 0, deny: ['somewhere'] })).rejects.toThrow(/option deny: "somewhere"/)
    await expect(tcp.listen({ port: 0, ipv6Only: 'no' as never })).rejects.toThrow(/option ipv6Only/)
    await expect(tcp.listen({ path: 'x', port: 0 })).rejects.toThrow(/option path/)
    await expect(tcp.listen({ host: '' })).rejects.toThrow(/option host/)
  })
})
