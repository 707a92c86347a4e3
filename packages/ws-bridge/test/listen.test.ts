import {
  type Accept,
  BrokenError,
  type ByteConnection,
  ListenError,
  type MessageConnection,
} from '@fairlead/core'
import * as memory from '@fairlead/core/memory'
import * as http from '@fairlead/http'
import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'
import { expect, test } from 'vitest'

import { echo, portOf, quiet, read, until, urlOf } from './harness.ts'
import { handshake, Raw } from './raw.ts'

test('alone, it answers HTTP with 426 and another path with 404', async () => {
  await using listener = await websocket.listen({ port: 0, path: '/echo' }, echo)
  const response = await fetch(urlOf(listener, '/echo').replace('ws', 'http'))
  expect([response.status, response.headers.get('upgrade')]).toEqual([426, 'websocket'])
  expect(await response.text()).toBe('only WebSocket is spoken here\n')
  await expect(websocket.connect(urlOf(listener, '/other'))).rejects.toThrow('404')
  const connection = await websocket.connect(urlOf(listener, '/echo'))
  await connection.close()
})

test('alone, it is closed when its port is free, whoever still hangs on', async () => {
  const listener = await websocket.listen({ port: 0 }, echo)
  const port = portOf(listener)
  const idle = await Raw.connect(port)
  const asking = await Raw.connect(port)
  asking.write(handshake('/').slice(0, 40))
  const client = await websocket.connect(urlOf(listener))
  const reading = read(client)
  await quiet()
  const closing = listener.close()
  expect(listener.close()).toBeInstanceOf(Promise)
  await closing
  expect(await listener.closed).toEqual({ kind: 'local' })
  expect(listener.state).toBe('closed')
  expect(await reading).toEqual([])
  expect(await client.closed).toEqual({ kind: 'remote', code: 1001 })
  await until(() => idle.closed && asking.closed)
  await using again = await tcp.listen({ port })
  expect(portOf(again)).toBe(port)
})

test('destroy ends it and everybody on it at once', async () => {
  const listener = await websocket.listen({ port: 0 }, echo)
  const client = await websocket.connect(urlOf(listener))
  await until(() => listener.connections.size === 1)
  listener.destroy(new Error('enough'))
  expect(await listener.closed).toMatchObject({ kind: 'error', error: { cause: { message: 'enough' } } })
  expect(listener.connections.size).toBe(0)
  client.handle({ onData() {} })
  expect(await client.closed).toEqual({ kind: 'remote', code: 1011 })
})

test('is iterated when nobody accepts', async () => {
  const listener = await websocket.listen({ port: 0 })
  const clients = await Promise.all([1, 2, 3].map(() => websocket.connect(urlOf(listener))))
  for (const client of clients) void client.send('ahoy').then(() => client.close())
  let served = 0
  for await (const connection of listener) {
    expect(await read(connection)).toEqual(['ahoy'])
    expect(await connection.closed).toEqual({ kind: 'remote', code: 1000 })
    if (++served === 3) void listener.close()
  }
  expect(served).toBe(3)
  await listener.closed
})

test('honours the three returns of accept', async () => {
  await using listener = await websocket.listen({ port: 0 }, (connection) => {
    switch (listener.connections.size) {
      case 1:
        return { onData: (message) => void connection.write(`handler ${message}`) }
      case 2:
        return Promise.resolve({ onData: (message) => void connection.write(`promise ${message}`) })
      case 3:
        connection.handle({ onData: (message) => void connection.write(`handle ${message}`) })
        return
      default:
        return Promise.resolve()
    }
  })
  const answers: unknown[] = []
  const clients: MessageConnection<string>[] = []
  for (let count = 0; count < 3; count++) {
    const client = await websocket.connect(urlOf(listener))
    await client.send('x')
    answers.push(...(await read(client, 1)))
    clients.push(client)
  }
  for (const client of clients) void client.close()
  expect(answers).toEqual(['handler x', 'promise x', 'handle x'])
  const unwanted = await websocket.connect(urlOf(listener))
  expect(await read(unwanted)).toEqual([])
  expect(await unwanted.closed).toEqual({ kind: 'remote', code: 1000 })
})

test('suspended, refuses newcomers and keeps who is there; resumed, it is where it was', async () => {
  const server = await http.listen({ port: 0 }, (exchange) => exchange.respond(404))
  for (const options of [{ server }, { port: 0 }]) {
    const listener = await websocket.listen(options, echo)
    const client = await websocket.connect(urlOf(listener))
    for (let turn = 0; turn < 2; turn++) {
      await listener.suspend()
      await listener.suspend()
      expect(listener.accepting).toBe(false)
      await expect(websocket.connect(urlOf(listener))).rejects.toThrow('Cannot connect')
      await listener.resume()
      await listener.resume()
      expect(listener.accepting).toBe(true)
      await (await websocket.connect(urlOf(listener))).close()
    }
    await client.send('ahoy')
    expect(await read(client, 1)).toEqual(['ahoy'])
    await client.close()
    await listener.close()
    await listener.resume()
    await expect(websocket.connect(urlOf(listener))).rejects.toThrow('Cannot connect')
  }
  await server.close()
})

test('shares an HTTP listener with others, by path', async () => {
  await using server = await http.serve({ port: 0 }, (request) => new Response(new URL(request.url).pathname))
  const answering = (name: string) => (connection: Parameters<typeof echo<string>>[0]) => ({
    onData: (message: string) => void connection.write(`${name} ${message}`),
  })
  const first = await websocket.listen({ server, path: '/a' }, answering('a'))
  await websocket.listen({ server, path: '/b' }, answering('b'))
  expect(first.address).toEqual(server.address)
  const ask = async (path: string): Promise<string[]> => {
    const connection = await websocket.connect(urlOf(server, path))
    await connection.send('x')
    const answer = await read(connection, 1)
    await connection.close()
    return answer
  }
  expect([await ask('/a'), await ask('/b')]).toEqual([['a x'], ['b x']])
  await first.close()
  await expect(ask('/a')).rejects.toThrow('200')
  expect(await ask('/b?c')).toEqual(['b x'])
  expect(await (await fetch(urlOf(server, '/a').replace('ws', 'http'))).text()).toBe('/a')
})

test('refuses options that mean nothing, and leaves no port open', async () => {
  await using server = await http.listen({ port: 0 })
  const port = portOf(server)
  for (const options of [
    { path: 'echo' },
    { path: 5 },
    { path: '' },
    { messages: 'json' },
    { server, port: 1 },
  ]) {
    await expect(websocket.listen(options as websocket.WebSocketListenOptions)).rejects.toThrow(TypeError)
  }
  await expect(websocket.listen({ port: 70_000 })).rejects.toThrow(RangeError)
  await expect(websocket.listen({ port })).rejects.toThrow(ListenError)
  const free = await tcp.listen({ port: 0 })
  await free.close()
  await expect(websocket.listen({ port: portOf(free), maxPayload: 0 })).rejects.toThrow(RangeError)
  await expect(tcp.connect({ port: portOf(free) })).rejects.toThrow('refused')
})

test('many starts and stops leave nothing', async () => {
  for (let turn = 0; turn < 100; turn++) {
    const listener = await websocket.listen({ port: 0 }, echo)
    const connecting = websocket.connect(urlOf(listener)).catch(() => undefined)
    if (turn % 2 === 0) await connecting
    await listener.close({ grace: turn % 3 === 0 ? 0 : 10 })
    ;(await connecting)?.destroy()
  }
})

test('over a transport without Node sockets a handshake is cut, not left waiting', async () => {
  const transport = {
    listen: (accept?: Accept<ByteConnection, Uint8Array>) => memory.listenBytes('ws', accept),
  }
  const listener = await websocket.listen({ transport }, echo)
  const client = await memory.connectBytes('ws')
  client.write(handshake('/'))
  const reading = (async () => {
    for await (const _ of client) throw new Error('nothing is answered')
  })()
  await expect(reading).rejects.toThrow(BrokenError)
  await listener.close()
})
