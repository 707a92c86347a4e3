import { useManualClock } from '@fairlead/harness'
import * as http from '@fairlead/http'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, describe, expect, test } from 'vitest'

import { echo, gate, portOf, quiet, read, until, urlOf } from './harness.ts'
import { closeFrame, handshake, Raw } from './raw.ts'

const clock = useManualClock()

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

type Options = Partial<websocket.WebSocketListenOptions<'text'>>

/** A listener on an HTTP listener of the test's. */
async function start(options: Options, where: Partial<http.HttpListenOptions> = {}) {
  const server = await http.listen({ port: 0, ...where }, (exchange) => exchange.respond(404))
  const listener = await websocket.listen({ ...options, server }, echo)
  ends.push(() => server.close({ grace: 0 }))
  const knock = async (fields: Record<string, string | undefined> = {}): Promise<Raw> => {
    const raw = await Raw.connect(portOf(server))
    raw.write(handshake('/', fields))
    return raw
  }
  const ask = async (fields?: Record<string, string | undefined>) => {
    const raw = await knock(fields)
    return { raw, ...(await raw.head()) }
  }
  return { server, listener, knock, ask }
}

async function leave({ raw }: { raw: Raw }): Promise<void> {
  raw.write(closeFrame(1000))
  raw.connection.end()
  await raw.connection.closed
}

describe('whose pages may connect', () => {
  const evil = { Origin: 'http://evil.example' }
  const rebound = { Host: 'evil.example' }

  test('is asked before 101, wherever one listens', async () => {
    const shared = await start({})
    const alone = await websocket.listen({ port: 0 }, echo)
    const taken: unknown[] = []
    const accepting = await http.listen({ port: 0 }, (exchange) => {
      try {
        echo(websocket.accept(exchange)).catch(() => {})
      } catch (error) {
        taken.push(error)
      }
    })
    ends.push(
      () => alone.close({ grace: 0 }),
      () => accepting.close({ grace: 0 }),
    )
    for (const server of [shared.server, alone, accepting]) {
      for (const fields of [evil, rebound, { ...evil, ...rebound }, { Origin: 'null' }]) {
        const raw = await Raw.connect(portOf(server))
        raw.write(handshake('/', fields))
        const { status, text } = await raw.head()
        expect([status, text.includes('evil')]).toEqual([403, false])
        raw.connection.destroy()
      }
      const own = { Host: `localhost:${portOf(server)}`, Origin: `http://localhost:${portOf(server)}` }
      for (const fields of [own, {}]) {
        const raw = await Raw.connect(portOf(server))
        raw.write(handshake('/', fields))
        expect((await raw.head()).status).toBe(101)
        raw.connection.destroy()
      }
    }
    expect(taken.length).toBe(4)
  })

  test('is nobody’s business with origins: any, and a list lets those in that are on it', async () => {
    const open = await start({ origins: 'any' })
    expect((await open.ask({ ...evil, ...rebound })).status).toBe(101)
    const listed = await start({ origins: ['https://*.example.com'], hosts: ['app.example.com'] })
    const host = { Host: 'app.example.com' }
    expect((await listed.ask({ ...host, Origin: 'https://a.example.com' })).status).toBe(101)
    expect((await listed.ask({ ...host, Origin: 'http://a.example.com' })).status).toBe(403)
    expect((await listed.ask({ Host: 'localhost', Origin: 'https://a.example.com' })).status).toBe(403)
  })

  test('is asked of the function for each handshake, and its fault is a 500 for that one', async () => {
    const asked: unknown[] = []
    const { ask } = await start({
      origins(origin) {
        asked.push(origin)
        if (origin === 'http://boom.example') throw new Error('secret')
        return origin === 'http://friend.example'
      },
      hosts: 'any',
    })
    expect((await ask({ Origin: 'http://friend.example' })).status).toBe(101)
    expect((await ask({ Origin: 'http://boom.example' })).status).toBe(500)
    expect((await ask({ Origin: 'http://foe.example' })).status).toBe(403)
    expect((await ask()).status).toBe(403)
    expect(asked).toEqual(['http://friend.example', 'http://boom.example', 'http://foe.example', undefined])
  })

  test('goes by what a trusted proxy tells', async () => {
    const { ask } = await start({}, { trustProxy: { from: ['127.0.0.1'], fields: 'X-Forwarded' } })
    const page = { Origin: 'https://localhost' }
    expect((await ask(page)).status).toBe(403)
    expect((await ask({ ...page, 'X-Forwarded-Proto': 'https' })).status).toBe(101)
    expect(
      (await ask({ ...page, 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'evil.example' })).status,
    ).toBe(403)
  })

  test('is known before authorize is asked', async () => {
    let asked = 0
    const { ask } = await start({
      authorize() {
        asked++
        return undefined
      },
    })
    expect((await ask(evil)).status).toBe(403)
    expect((await ask({ 'Sec-WebSocket-Version': '8' })).status).toBe(426)
    expect(asked).toBe(0)
  })
})

describe('authorize', () => {
  test('that takes too long is a 503 for that one: the place is free again', async () => {
    const late: ((refusal: undefined) => void)[] = []
    const { listener, server, knock } = await start({
      maxHandshakes: 1,
      authorizeTimeout: 2_000,
      authorize: () => new Promise((resolve) => late.push(resolve)),
    })
    const slow = await knock()
    await until(() => late.length === 1)
    const crowded = await (await knock()).head()
    expect(crowded.status).toBe(503)
    expect(crowded.text).toContain('Retry-After: 1')
    clock.advance(1_750)
    await quiet()
    expect(slow.bytes.length).toBe(0)
    clock.advance(250)
    expect((await slow.head()).status).toBe(503)
    // Now it is of no use any more.
    late[0]?.(undefined)
    await quiet()
    expect([listener.connections.size, slow.closed]).toEqual([0, false])
    const next = await knock()
    await until(() => late.length === 2)
    late[1]?.(undefined)
    expect((await next.head()).status).toBe(101)
    expect(server.connections.size).toBeGreaterThanOrEqual(2)
  })

  test('has ten seconds by default', async () => {
    const { knock } = await start({ authorize: () => new Promise(() => {}) })
    const raw = await knock()
    await quiet()
    clock.advance(9_750)
    await quiet()
    expect(raw.bytes.length).toBe(0)
    clock.advance(500)
    expect((await raw.head()).status).toBe(503)
  })

  test('that is over in time is not asked about again', async () => {
    const { ask, listener } = await start({ authorizeTimeout: 1_000, authorize: () => undefined })
    const { status } = await ask()
    expect(status).toBe(101)
    clock.advance(10_000)
    await quiet()
    expect(listener.connections.size).toBe(1)
  })

  test('that throws, rejects, refuses or answers gives its place back', async () => {
    let turn = 0
    const acts: NonNullable<Options['authorize']>[] = [
      () => {
        throw new Error('boom')
      },
      () => Promise.reject(new Error('boom')),
      () => ({ status: 401 }),
      async (_, exchange) => {
        await exchange.respond(302, { Location: '/login' })
        return undefined
      },
      () => undefined,
    ]
    const { ask } = await start({ maxHandshakes: 1, authorize: (...given) => acts[turn++ % 5]?.(...given) })
    const statuses: number[] = []
    for (let count = 0; count < 10; count++) statuses.push((await ask()).status)
    expect(statuses).toEqual([500, 500, 401, 302, 101, 500, 500, 401, 302, 101])
  })

  test('knows what was offered, and who asks', async () => {
    const seen: unknown[] = []
    const { ask } = await start({
      authorize({ protocols, secure, target, method, headers }) {
        seen.push([protocols, secure, target, method, headers.get('cookie')])
        return undefined
      },
    })
    await ask({ 'Sec-WebSocket-Protocol': 'b, a', Cookie: 'session=1' })
    expect(seen).toEqual([[['b', 'a'], false, '/', 'GET', 'session=1']])
  })
})

describe('maxConnections', () => {
  test('are let in, and no more: 503', async () => {
    const { ask, listener } = await start({ maxConnections: 2 })
    const here = [await ask(), await ask()]
    expect(here.map(({ status }) => status)).toEqual([101, 101])
    const { status, text } = await ask()
    expect(status).toBe(503)
    expect(text).toContain('Retry-After')
    await leave(here[0] as { raw: Raw })
    await until(() => listener.connections.size === 1)
    expect((await ask()).status).toBe(101)
    expect((await ask()).status).toBe(503)
  })

  test('count those who wait for authorize', async () => {
    const { promise, open } = gate()
    const { ask, knock } = await start({ maxConnections: 2, authorize: () => promise.then(() => undefined) })
    const waiting = [await knock(), await knock()]
    await quiet()
    expect((await ask()).status).toBe(503)
    open()
    for (const raw of waiting) expect((await raw.head()).status).toBe(101)
    expect((await ask()).status).toBe(503)
  })

  test('are free again, whichever way they went', async () => {
    const { ask, knock, listener } = await start({ maxConnections: 3, maxConnectionsPerAddress: 2 })
    for (let turn = 0; turn < 40; turn++) {
      const { raw, status } = await ask()
      expect(status).toBe(101)
      if (turn % 4 === 0) raw.connection.destroy()
      else if (turn % 4 === 1) raw.write('rubbish that is no frame at all')
      else if (turn % 4 === 2)
        for (const connection of listener.connections) connection.destroy(new Error('x'))
      else await leave({ raw })
      await until(() => listener.connections.size === 0)
      raw.connection.destroy()
    }
    for (let turn = 0; turn < 40; turn++) {
      const raw = await knock()
      if (turn % 2 === 0) await quiet()
      raw.connection.destroy()
    }
    await until(() => listener.connections.size === 0)
    await quiet()
    expect((await ask()).status).toBe(101)
    expect((await ask()).status).toBe(101)
    expect((await ask()).status).toBe(429)
  })

  test('of a listener alone leave room for an answer', async () => {
    const listener = await websocket.listen({ port: 0, maxConnections: 1 }, echo)
    ends.push(() => listener.close({ grace: 0 }))
    const client = await websocket.connect(urlOf(listener))
    for (let count = 0; count < 5; count++) {
      await expect(websocket.connect(urlOf(listener))).rejects.toThrow('503')
    }
    await client.send('still here')
    expect(await read(client, 1)).toEqual(['still here'])
    await client.close()
  })
})

describe('maxConnectionsPerAddress', () => {
  const trustProxy = { from: ['127.0.0.1'], fields: 'X-Forwarded' } as const

  test('are let in from each, and no more: 429', async () => {
    const { ask, listener } = await start({ maxConnectionsPerAddress: 2 }, { trustProxy })
    const from = (address: string) => ask({ 'X-Forwarded-For': address })
    const first = await from('192.0.2.1')
    expect([first.status, (await from('192.0.2.1')).status, (await from('192.0.2.1')).status]).toEqual([
      101, 101, 429,
    ])
    expect((await from('192.0.2.2')).status).toBe(101)
    expect((await from('2001:db8::1')).status).toBe(101)
    await leave(first)
    await until(() => listener.connections.size === 3)
    expect((await from('192.0.2.1')).status).toBe(101)
    expect((await from('192.0.2.1')).status).toBe(429)
    // The same address in other words.
    expect((await from('::ffff:192.0.2.1')).status).toBe(429)
  })

  test('go by the peer where no proxy is trusted', async () => {
    const { ask } = await start({ maxConnectionsPerAddress: 1 })
    expect((await ask({ 'X-Forwarded-For': '192.0.2.1' })).status).toBe(101)
    expect((await ask({ 'X-Forwarded-For': '192.0.2.2' })).status).toBe(429)
  })

  test('hold for those who came in together while authorize took its time', async () => {
    const { promise, open } = gate()
    const { knock } = await start({
      maxConnectionsPerAddress: 1,
      authorize: () => promise.then(() => undefined),
    })
    const together = [await knock(), await knock(), await knock()]
    await quiet()
    open()
    const statuses = await Promise.all(together.map(async (raw) => (await raw.head()).status))
    expect(statuses.toSorted((a, b) => a - b)).toEqual([101, 429, 429])
  })
})

test('an option of numbers that means nothing is refused by name', async () => {
  for (const name of ['maxConnections', 'maxConnectionsPerAddress', 'maxHandshakes', 'authorizeTimeout']) {
    for (const value of [0, -1, 1.5, Number.NaN, '5']) {
      const options = { port: 0, [name]: value } as websocket.WebSocketListenOptions
      await expect(websocket.listen(options)).rejects.toThrow(new RegExp(`^Invalid option ${name}: `))
    }
  }
})

test('whoever comes while the listener closes is told so, or cut, and nobody waits', async () => {
  for (const closing of ['server', 'listener'] as const) {
    const { promise, open } = gate()
    const meeting = await start({ authorize: () => promise.then(() => undefined) })
    const early = await meeting.knock()
    await quiet()
    const closed = meeting[closing].close({ grace: 1_000 })
    open()
    expect((await early.head()).status).toBe(503)
    early.connection.end()
    await closed
    expect([meeting.listener.connections.size, meeting.listener.state]).toEqual([0, 'closed'])
  }
})
