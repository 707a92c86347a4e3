import { BusyError, ClosedError, ProtocolError } from '@fairlead/core'
import * as http from '@fairlead/http'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, expect, test, vi } from 'vitest'

import { echo, gate, portOf, quiet, read, until, urlOf } from './harness.ts'
import { meetRaw } from './meet-raw.ts'
import { closeFrame, frame, handshake, opcodes, Raw } from './raw.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

async function serve(handler: (exchange: http.Exchange) => unknown): Promise<http.HttpListener> {
  const server = await http.listen({ port: 0 }, handler as never)
  ends.push(() => server.close({ grace: 0 }))
  return server
}

/** What a handler made of an exchange. */
async function outcomeOf(ask: string, act: (exchange: http.Exchange) => unknown) {
  const outcome: { value?: unknown; error?: unknown } = {}
  const server = await serve(async (exchange) => {
    try {
      outcome.value = await act(exchange)
    } catch (error) {
      outcome.error = error
    }
  })
  const raw = await Raw.connect(portOf(server))
  raw.write(ask)
  return { outcome, raw, server }
}

test('an exchange is accepted once: BusyError the second time, and the first goes on', async () => {
  const errors: unknown[] = []
  const server = await serve((exchange) => {
    const connection = websocket.accept(exchange)
    try {
      websocket.accept(exchange)
    } catch (error) {
      errors.push(error)
    }
    return echo(connection).catch(() => {})
  })
  const client = await websocket.connect(urlOf(server))
  expect(errors[0]).toBeInstanceOf(BusyError)
  await client.send('ahoy')
  expect(await read(client, 1)).toEqual(['ahoy'])
  await client.close()
})

test('an exchange that was answered is not accepted', async () => {
  const { outcome, raw } = await outcomeOf(handshake('/'), async (exchange) => {
    await exchange.respond(200, {}, 'already')
    websocket.accept(exchange)
  })
  expect((await raw.head()).status).toBe(200)
  await until(() => outcome.error !== undefined)
  expect(outcome.error).toBeInstanceOf(BusyError)
  raw.connection.destroy()
})

test('a client that is gone is not accepted: ClosedError', async () => {
  const { promise, open } = gate()
  const { outcome, raw, server } = await outcomeOf(handshake('/'), async (exchange) => {
    await promise
    websocket.accept(exchange)
  })
  await quiet()
  raw.connection.destroy()
  await until(() => server.connections.size === 0)
  open()
  await until(() => outcome.error !== undefined)
  expect(outcome.error).toBeInstanceOf(ClosedError)
})

test('nobody is accepted once the server closes: 503, and a ClosedError', async () => {
  const { promise, open } = gate()
  const { outcome, raw, server } = await outcomeOf(handshake('/'), async (exchange) => {
    await promise
    websocket.accept(exchange)
  })
  await quiet()
  const closing = server.close({ grace: 2_000 })
  open()
  expect((await raw.head()).status).toBe(503)
  raw.connection.end()
  await closing
  expect(outcome.error).toBeInstanceOf(ClosedError)
})

test('a client that sent frames meanwhile is not kept waiting for them', async () => {
  const { promise, open } = gate()
  const server = await serve(async (exchange) => {
    await promise
    return echo(websocket.accept(exchange)).catch(() => {})
  })
  const raw = await Raw.connect(portOf(server))
  raw.write(handshake('/'), frame(opcodes.text, 'early'), frame(opcodes.text, 'bird'))
  await quiet()
  open()
  expect((await raw.head()).status).toBe(101)
  expect([(await raw.frame()).text, (await raw.frame()).text]).toEqual(['early', 'bird'])
  raw.connection.destroy()
})

test('what protocols or origins throws is a 500, and nothing was taken over', async () => {
  const boom = (): never => {
    throw new Error('secret')
  }
  for (const options of [{ protocols: boom }, { origins: boom }]) {
    const server = await serve((exchange) => void websocket.accept(exchange, options))
    const raw = await Raw.connect(portOf(server))
    raw.write(handshake('/', { 'Sec-WebSocket-Protocol': 'chat', Origin: 'http://localhost' }))
    expect((await raw.head()).status).toBe(500)
    raw.connection.end()
    await raw.connection.closed
    expect(raw.bytes.toString()).not.toContain('secret')
  }
})

test('one that was refused is an error that says why, and nothing of what was sent', async () => {
  const fields = { Origin: 'http://evil.example', Cookie: 'session=secret' }
  const { outcome, raw } = await outcomeOf(handshake('/?token=secret', fields), (exchange) =>
    websocket.accept(exchange),
  )
  expect((await raw.head()).status).toBe(403)
  await until(() => outcome.error !== undefined)
  expect(outcome.error).toBeInstanceOf(ProtocolError)
  expect(outcome.error).toMatchObject({ side: 'remote', phase: 'handshake' })
  expect(String(outcome.error)).not.toMatch(/evil|secret/)
  raw.connection.destroy()
})

test('the connection counts with the HTTP listener, hears its shutdown, and is gone with it', async () => {
  const closed: string[] = []
  const server = await serve((exchange) => {
    const connection = websocket.accept(exchange)
    connection.handle({ onData() {}, onClose: ({ kind }) => void closed.push(kind) })
  })
  const clients = await Promise.all([1, 2, 3].map(() => websocket.connect(urlOf(server))))
  for (const client of clients) client.handle({ onData() {} })
  expect(server.connections.size).toBe(3)
  await server.close()
  for (const client of clients) expect(await client.closed).toEqual({ kind: 'remote', code: 1001 })
  expect([closed, server.connections.size]).toEqual([['shutdown', 'shutdown', 'shutdown'], 0])
})

test('a peer that broke a rule and stays is cut when its grace is over', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const server = await http.listen({ port: 0 }, (exchange) => exchange.respond(404))
    const listener = await websocket.listen({ server, messageRate: { perSecond: 1 } }, () => ({
      onData() {},
    }))
    const raw = await Raw.connect(portOf(server), { end: false })
    raw.write(handshake('/'), frame(opcodes.text, '1'), frame(opcodes.text, '2'))
    while (!raw.bytes.includes(Buffer.of(0x88)) && !raw.closed) await quiet()
    await quiet()
    expect([listener.connections.size, server.connections.size]).toEqual([0, 1])
    vi.advanceTimersByTime(4_900)
    await quiet()
    expect(server.connections.size).toBe(1)
    vi.advanceTimersByTime(200)
    for (let turns = 0; turns < 20 && server.connections.size > 0; turns++) await quiet()
    expect(server.connections.size).toBe(0)
    const closing = server.close({ grace: 0 })
    raw.connection.destroy()
    await closing
  } finally {
    vi.useRealTimers()
  }
})

test.each(['read', 'paused'])('a peer that broke a rule and answers is let go at once (%s)', async (how) => {
  const options = { messageRate: { perSecond: 1 } }
  const { raw, connection, server, listener } = await meetRaw(options, (connection) => ({
    onData() {
      if (how === 'paused') connection.pause()
    },
  }))
  ends.push(() => server.close({ grace: 0 }))
  raw.write(Buffer.concat([frame(opcodes.text, '1'), frame(opcodes.text, '2')]))
  expect(await connection.closed).toMatchObject({ kind: 'error', error: { limit: 'messageRate' } })
  expect(await raw.frame()).toMatchObject({ code: 1008 })
  expect([listener.connections.size, server.connections.size]).toEqual([0, 1])
  raw.write(closeFrame(1008))
  // Long before it is cut.
  await until(() => raw.ended, 2_000)
  raw.connection.end()
  await until(() => server.connections.size === 0, 2_000)
})
