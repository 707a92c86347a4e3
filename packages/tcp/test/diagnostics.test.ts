import * as net from 'node:net'

import { channels } from '@fairlead/core/transport'
import * as tcp from '@fairlead/tcp'
import { afterEach, expect, test } from 'vitest'

import { portOf, textOf } from './harness.ts'
import { dial, next, serve } from './tls/harness.ts'

const undo: (() => void)[] = []

afterEach(() => {
  for (const step of undo.splice(0)) step()
})

/** All that is told on a channel while a test runs. */
function told<Name extends keyof typeof channels>(name: Name) {
  type Message = Parameters<(typeof channels)[Name]['publish']>[0]
  const messages: Message[] = []
  const listener = (message: Message): void => void messages.push(message)
  const { subscribe, unsubscribe } = channels[name] as unknown as Record<
    'subscribe' | 'unsubscribe',
    (heard: typeof listener) => void
  >
  subscribe.call(channels[name], listener)
  undo.push(() => unsubscribe.call(channels[name], listener))
  return messages
}

test('nobody listens until somebody does', () => {
  expect(channels.close.hasSubscribers).toBe(false)
  told('close')
  expect(channels.close.hasSubscribers).toBe(true)
})

test('a connection’s life is told: listening, accepting, closing with its reason and its bytes', async () => {
  const [listened, accepted, closed] = [told('listen'), told('accept'), told('close')]
  let heardFirst: unknown
  const listener = await tcp.listen({ port: 0 }, async (connection) => {
    heardFirst = accepted[0]?.connection
    expect(heardFirst).toBe(connection)
    for await (const chunk of connection) await connection.send(chunk)
  })
  expect(listened).toEqual([{ listener }])

  const client = await tcp.connect({ port: portOf(listener) })
  client.write('ahoy')
  client.end()
  expect(await textOf(client)).toBe('ahoy')
  await client.closed
  await listener.close()

  const endOf = (connection: unknown) => closed.find((told) => told.connection === connection)
  expect(endOf(client)).toMatchObject({ reason: { kind: 'local' }, bytesIn: 4, bytesOut: 4 })
  expect(endOf(heardFirst)).toMatchObject({ reason: { kind: 'remote' }, bytesIn: 4, bytesOut: 4 })
  expect(closed).toHaveLength(2)

  await listener.close()
  expect(listened).toHaveLength(1)
})

test('listening again is told again; being refused is told with the cause', async () => {
  const [listened, refused] = [told('listen'), told('refuse')]
  const listener = await tcp.listen({ port: 0, maxConnections: 1 }, () => ({ onData() {} }))
  await listener.suspend()
  await listener.resume()
  expect(listened).toEqual([{ listener }, { listener }])

  const first = await tcp.connect({ port: portOf(listener) })
  // Refused at once, it may not even learn that it was connected.
  const second = net.connect(portOf(listener), '127.0.0.1').on('error', () => {})
  await expect.poll(() => refused).toHaveLength(1)
  expect(refused[0]).toMatchObject({ listener, cause: 'connections', peer: { host: '127.0.0.1' } })
  first.destroy()
  second.destroy()
  await listener.close()
})

test('a TLS handshake is told, with its duration and what went wrong', async () => {
  const shaken = told('handshake')
  const { listener, port } = await serve()
  const client = await dial(port)
  const server = await next(listener)
  expect(shaken.map(({ connection }) => connection)).toEqual(expect.arrayContaining([client, server]))
  expect(shaken.every(({ duration, error }) => duration > 0 && error === undefined)).toBe(true)
  shaken.length = 0

  await expect(dial(port, { ca: [] })).rejects.toThrow(/certificate/)
  await expect.poll(() => shaken).toHaveLength(2)
  expect(shaken.every(({ error }) => error?.phase === 'tls')).toBe(true)
  client.destroy()
  await listener.close({ grace: 0 })
})
