import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'

import { BrokenError, BusyError, ClosedError, lines, ProtocolError, TimeoutError } from '@fairlead/core'
import { pair } from '@fairlead/core/memory'
import * as tcp from '@fairlead/tcp'
import { startTls } from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import { meet, portOf, textOf } from '../harness.ts'
import { a, alice, b, ca } from './certificates.ts'
import { clientHello, next, raw } from './harness.ts'

const name = { ca, serverName: 'a.example' }

describe('startTls', () => {
  test('goes on with TLS after a conversation in plain text', async () => {
    const { listener, client, server } = await meet()
    const commands = lines(server)
    const replies = lines(client)
    client.write('STARTTLS\n')
    expect(await commands[Symbol.asyncIterator]().next()).toMatchObject({ value: 'STARTTLS' })
    server.write('220 go ahead\n')
    const upgrading = startTls(server, a, { head: commands.unframe().head })
    expect(await replies[Symbol.asyncIterator]().next()).toMatchObject({ value: '220 go ahead' })
    await Promise.all([upgrading, startTls(client, name, { head: replies.unframe().head })])

    expect(client.tls).toMatchObject({ authorized: true })
    expect(server.tls).toMatchObject({ serverName: 'a.example' })
    client.write('secret')
    client.end()
    expect(await textOf(server)).toBe('secret')
    server.write('answer')
    server.end()
    expect(await textOf(client)).toBe('answer')
    await listener.close({ grace: 0 })
  })

  test.each([0, 1, 5, 100])(
    'a hello in the packet of the command enters TLS (%i bytes of it at least)',
    async (extra) => {
      await using listener = await tcp.listen({ port: 0 }, async (server) => {
        const commands = lines(server)
        for await (const line of commands) {
          expect(line).toBe('STARTTLS')
          break
        }
        await startTls(server, a, { head: commands.unframe().head })
        for await (const chunk of server) await server.send(chunk)
      })
      const socket = await raw(portOf(listener))
      let first = true
      const under = new Duplex({
        read() {},
        write(chunk: Buffer, _, done) {
          if (!first) return void socket.write(chunk, () => done())
          first = false
          const cut = extra === 0 ? chunk.length : extra
          socket.write(Buffer.concat([Buffer.from('STARTTLS\n'), chunk.subarray(0, cut)]), () => {
            socket.write(chunk.subarray(cut), () => done())
          })
        },
      })
      socket.on('data', (chunk) => under.push(chunk))
      const client = connectTls({ socket: under, ca, servername: 'a.example' })
      client.write('ahoy')
      const [answer] = (await once(client, 'data')) as [Buffer]
      expect(answer.toString()).toBe('ahoy')
      client.destroy()
      socket.destroy()
    },
  )

  test('what is written at once waits, and what comes right behind the handshake is read', async () => {
    const { listener, client, server } = await meet()
    const both = [startTls(server, a), startTls(client, name)]
    client.write('from the client')
    client.end()
    server.write('from the server')
    server.end()
    expect(server.tls).toBeUndefined()
    await Promise.all(both)
    expect(await textOf(server)).toBe('from the client')
    expect(await textOf(client)).toBe('from the server')
    await listener.close({ grace: 0 })
  })

  test('plain output that is still waiting leaves in plain text, before anything else', async () => {
    const { listener, client, server } = await meet()
    const greeting = Buffer.alloc(4 * 1024 * 1024, 'g')
    server.write(greeting)
    const upgrading = startTls(server, a)
    server.write('in secret')
    server.end()
    let size = 0
    for await (const chunk of client) {
      size += chunk.byteLength
      if (size === greeting.byteLength) break
    }
    await Promise.all([upgrading, startTls(client, name)])
    expect(await textOf(client)).toBe('in secret')
    client.end()
    await listener.close({ grace: 0 })
  })

  test('the side that connected may be the server', async () => {
    const { listener, client, server } = await meet()
    await Promise.all([
      startTls(client, { ...a, clientCertificate: 'require', ca }, { side: 'server' }),
      startTls(server, { ...name, ...alice }, { side: 'client' }),
    ])
    expect(client.tls).toMatchObject({ authorized: true, peerCertificate: { subject: 'CN=alice' } })
    expect(server.tls).toMatchObject({ authorized: true, peerCertificate: { subject: 'CN=a.example' } })
    client.destroy()
    await listener.close({ grace: 0 })
  })

  test('takes a session up again when it gets the same options', async () => {
    await using listener = await tcp.listen({ port: 0 })
    const options = { ...name, sessions: new tcp.TlsSessions() }
    const resumed: (boolean | undefined)[] = []
    for (let count = 0; count < 2; count++) {
      const [client, server] = await Promise.all([tcp.connect({ port: portOf(listener) }), next(listener)])
      await Promise.all([startTls(server, a), startTls(client, options)])
      server.write('x')
      for await (const _ of client) break
      resumed.push(client.tls?.resumed)
      client.destroy()
    }
    expect(resumed).toEqual([false, true])
    await listener.close({ grace: 0 })
  })

  test('a second one, and one on what has no socket or is closed, is refused', async () => {
    const { listener, client, server } = await meet()
    const both = Promise.all([startTls(server, a), startTls(client, name)])
    await expect(startTls(server, a)).rejects.toThrow(BusyError)
    await both
    await expect(startTls(client, name)).rejects.toThrow(BusyError)
    client.write('unharmed')
    client.end()
    expect(await textOf(server)).toBe('unharmed')
    await expect(startTls(pair()[0], a)).rejects.toThrow(TypeError)
    server.destroy()
    await listener.close({ grace: 0 })

    const other = await meet()
    other.client.destroy()
    await expect(startTls(other.client, name)).rejects.toThrow(ClosedError)
    await other.listener.close({ grace: 0 })
  })

  test('wrong options change nothing', async () => {
    const { listener, client, server } = await meet()
    await expect(startTls(server, { ...a, key: b.key })).rejects.toThrow(/Invalid option tls.key/)
    await expect(startTls(server, a, { handshakeTimeout: 0 })).rejects.toThrow(
      /Invalid option handshakeTimeout/,
    )
    await expect(startTls(server, a, { side: 'both' as 'server' })).rejects.toThrow(/Invalid option side/)
    await expect(startTls(server, undefined as never)).rejects.toThrow(
      /Invalid option tls: must be an object/,
    )
    await expect(startTls(client, { serverName: 'a b' })).rejects.toThrow(/Invalid option tls.serverName/)
    client.write('plain')
    client.end()
    expect(await textOf(server)).toBe('plain')
    server.end()
    await listener.close({ grace: 0 })
  })
})

describe('a handshake on a live connection that fails closes it, and says why', () => {
  test('when the certificate is not the right one', async () => {
    const { listener, client, server } = await meet()
    const upgrading = startTls(server, a)
    const error = await startTls(client, { ca, serverName: 'b.example' }).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error).toMatchObject({
      phase: 'tls',
      side: 'remote',
      message: expect.stringContaining('b.example') as string,
    })
    expect(await client.closed).toEqual({ kind: 'error', error })
    expect(() => client.write('x')).toThrow(BrokenError)
    await expect(upgrading.then(() => textOf(server))).rejects.toThrow(/./)
    await listener.close({ grace: 0 })
  })

  test.each([
    {
      what: 'plain HTTP',
      bytes: 'GET / HTTP/1.1\r\n\r\n',
      why: /TLS handshake failed: (http request|wrong version number)/,
    },
    {
      what: 'noise',
      bytes: '\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007',
      why: /TLS handshake failed: /,
    },
  ])('when $what comes', async ({ bytes, why }) => {
    const { listener, client, server } = await meet()
    const upgrading = startTls(server, a)
    client.write(bytes)
    const error = await upgrading.catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error).toMatchObject({ phase: 'tls', message: expect.stringMatching(why) as string })
    expect(await server.closed).toEqual({ kind: 'error', error })
    client.destroy()
    await listener.close({ grace: 0 })
  })

  test('when nothing comes in time', async () => {
    const { listener, client, server } = await meet()
    const error = await startTls(server, a, { handshakeTimeout: 20 }).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ phase: 'tls', message: 'TLS handshake failed: not done within 20 ms' })
    expect(await server.closed).toEqual({ kind: 'timeout', phase: 'tls' })
    client.destroy()
    await listener.close({ grace: 0 })
  })

  test('when the peer ends, or is reset, or this side gives up', async () => {
    for (const leave of ['end', 'resetAndDestroy'] as const) {
      await using listener = await tcp.listen({ port: 0 })
      const socket = await raw(portOf(listener))
      const server = await next(listener)
      const upgrading = startTls(server, a)
      socket.write((await clientHello()).subarray(0, 20), () => socket[leave]())
      await expect(upgrading).rejects.toThrow(BrokenError)
      expect(await server.closed).toMatchObject({ kind: 'error', error: { phase: 'tls' } })
      socket.destroy()
    }
    const { listener, client, server } = await meet()
    const upgrading = startTls(server, a)
    server.destroy()
    await expect(upgrading).rejects.toThrow(/TLS handshake failed: connection is closed/)
    expect(await server.closed).toEqual({ kind: 'local' })
    client.destroy()
    await listener.close({ grace: 0 })
  })
})

describe('what waits when TLS starts', () => {
  test('is sent in plain text first, corked or not, and senders are told', async () => {
    const { listener, client, server } = await meet()
    server.cork()
    server.write('220 go ahead\n')
    const sending = server.send(Buffer.alloc(4 * 1024 * 1024, '.'))
    const securing = startTls(server, a)
    let size = 0
    for await (const chunk of client) {
      size += chunk.byteLength
      if (size === '220 go ahead\n'.length + 4 * 1024 * 1024) break
    }
    await Promise.all([securing, startTls(client, name)])
    await sending
    expect(server.stats().bytesOut).toBe(size)
    client.destroy()
    await listener.close({ grace: 0 })
  })

  test('is not an end', async () => {
    const { listener, client, server } = await meet()
    client.end()
    await expect(startTls(client, name)).rejects.toThrow('Cannot start TLS: output has ended')
    server.destroy()
    await listener.close({ grace: 0 })
  })
})

test('asks for the host that was connected to', async () => {
  await using listener = await tcp.listen({ port: 0 }, async (server) => {
    await startTls(server, a)
    await server.send(`this is ${server.tls?.serverName}`)
    server.end()
  })
  const lookup = async (): Promise<string[]> => ['127.0.0.1']
  const client = await tcp.connect({ port: portOf(listener), host: 'a.example', lookup })
  await startTls(client, { ca })
  expect(await textOf(client)).toBe('this is a.example')
  client.destroy()
})
