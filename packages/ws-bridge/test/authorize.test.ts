import * as http from '@fairlead/http'
import * as websocket from '@fairlead/ws-bridge'
import { expect, test } from 'vitest'

import { echo, gate, portOf, quiet, read, until, urlOf } from './harness.ts'
import { frame, handshake, opcodes, Raw } from './raw.ts'

type Authorize = NonNullable<websocket.WebSocketListenOptions['authorize']>

async function guarded(authorize: Authorize) {
  const server = await http.listen({ port: 0 }, (exchange) => exchange.respond(404))
  const listener = await websocket.listen({ server, path: '/chat', authorize }, echo)
  const ask = async (text = handshake('/chat')): Promise<Raw> => {
    const raw = await Raw.connect(portOf(server))
    raw.write(text)
    return raw
  }
  const end = async (): Promise<void> => {
    await server.close({ grace: 100 })
    await listener.closed
    expect([server.connections.size, listener.connections.size]).toEqual([0, 0])
  }
  return { server, listener, ask, end }
}

test('sees the request, and lets in by saying nothing', async () => {
  const seen: unknown[] = []
  const { server, ask, end } = await guarded(({ method, target, headers }, exchange) => {
    seen.push([method, target, headers.get('origin'), exchange.remoteAddress.kind])
    return undefined
  })
  const raw = await ask(handshake('/chat?token=1', { Origin: 'http://localhost' }))
  expect((await raw.head()).status).toBe(101)
  expect(seen).toEqual([['GET', '/chat?token=1', 'http://localhost', 'ip']])
  const response = await fetch(urlOf(server, '/chat').replace('ws', 'http'))
  expect([response.status, seen.length]).toEqual([404, 1])
  await end()
})

test('what it returns, at once or later, is the answer', async () => {
  const refusal = { status: 401, text: 'who are you?', headers: { 'WWW-Authenticate': 'Basic' } }
  for (const authorize of [() => refusal, async () => quiet().then(() => refusal)]) {
    const { ask, listener, end } = await guarded(authorize)
    const raw = await ask()
    const { status, text } = await raw.head()
    expect(status).toBe(401)
    expect(text.toLowerCase()).toContain('www-authenticate: basic')
    expect(text.toLowerCase()).toContain('content-type: text/plain')
    await until(() => raw.bytes.toString() === 'who are you?\n')
    expect(listener.connections.size).toBe(0)
    raw.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    raw.bytes = Buffer.alloc(0)
    expect((await raw.head()).status).toBe(404)
    await end()
  }
})

test('what it throws, at once or later, is a 500 for that client', async () => {
  const faults: Authorize[] = [
    () => {
      throw new Error('secret')
    },
    async () => Promise.reject(new Error('secret')),
    () => ({ status: 9 }),
    () => ({ status: 403, headers: { 'X-Bad': 'a\r\nInjected: yes' } }),
    () => ({ status: 101 }),
  ]
  let asked = 0
  const { ask, server, end } = await guarded((...given) => faults[asked++]?.(...given))
  for (const _ of faults) {
    const raw = await ask()
    expect((await raw.head()).status).toBe(500)
    await until(() => raw.closed)
    expect(raw.bytes.toString()).not.toMatch(/secret|Injected/)
  }
  const connection = await websocket.connect(urlOf(server, '/chat'))
  await connection.send('still here')
  expect(await read(connection, 1)).toEqual(['still here'])
  await end()
})

test('may answer for itself', async () => {
  const { ask, end } = await guarded(async (_, exchange) => {
    await exchange.respond(302, { Location: '/login' })
    return { status: 500 }
  })
  expect((await (await ask()).head()).status).toBe(302)
  await end()
})

test('that takes its time keeps the first frames, and holds nobody else up', async () => {
  const { promise, open } = gate()
  const { ask, server, end } = await guarded(async ({ target }) => {
    if (target.endsWith('slow')) await promise
    return undefined
  })
  const slow = await ask(handshake('/chat?slow'))
  slow.write(frame(opcodes.text, 'early'))
  const quick = await websocket.connect(urlOf(server, '/chat'))
  await quick.send('quick')
  expect(await read(quick, 1)).toEqual(['quick'])
  open()
  expect((await slow.head()).status).toBe(101)
  expect((await slow.frame()).text).toBe('early')
  await end()
})

test('that never settles costs its connection, no longer than the server’s grace', async () => {
  const { ask, listener, server, end } = await guarded(() => new Promise(() => {}))
  const raw = await ask()
  await until(() => server.connections.size === 1)
  expect(listener.connections.size).toBe(0)
  await end()
  await until(() => raw.closed)
})

test('a client that leaves meanwhile is no trouble', async () => {
  for (const leave of ['end', 'destroy'] as const) {
    const { promise, open } = gate()
    let asked = false
    const { ask, listener, server, end } = await guarded(() => {
      asked = true
      return promise.then(() => undefined)
    })
    const raw = await ask()
    await until(() => asked)
    raw.connection[leave]()
    await quiet()
    open()
    await until(() => server.connections.size === 0)
    expect(listener.connections.size).toBe(0)
    await end()
  }
})

test('that lets in after the shutdown began is overruled: 503', async () => {
  for (const closing of ['server', 'listener'] as const) {
    const { promise, open } = gate()
    let asked = false
    const { ask, listener, server, end } = await guarded(() => {
      asked = true
      return promise.then(() => undefined)
    })
    const raw = await ask()
    await until(() => asked)
    const closed = closing === 'server' ? server.close({ grace: 2_000 }) : listener.close()
    await quiet()
    open()
    expect((await raw.head()).status).toBe(503)
    raw.connection.end()
    await closed
    expect(listener.connections.size).toBe(0)
    await end()
  }
})
