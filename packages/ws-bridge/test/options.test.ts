import * as http from '@fairlead/http'
import * as websocket from '@fairlead/ws-bridge'
import { describe, expect, test } from 'vitest'

/** What `listen` is given, whatever its type says. */
const listen = (options: unknown): Promise<unknown> =>
  websocket.listen(options as websocket.WebSocketListenOptions)

describe('listen refuses by name', () => {
  test.each([
    [{ authorise() {} }, 'authorise'],
    [{ orgins: 'any' }, 'orgins'],
    [{ maxPayloadd: 1 }, 'maxPayloadd'],
    [{ heartbeat: { intervall: 1 } }, 'heartbeat.intervall'],
    [{ compression: { treshold: 1 } }, 'compression.treshold'],
    [{ path: '/a?b' }, 'path'],
    [{ authorize: 5 }, 'authorize'],
    [{ maxBuffered: 0 }, 'maxBuffered'],
    [{ maxConnections: -1 }, 'maxConnections'],
    [{ authorizeTimeout: 0 }, 'authorizeTimeout'],
    [{ protocols: 'chat' }, 'protocols'],
    [Object.fromEntries([['__proto__', 1]]), '__proto__'],
  ])('%j', async (options, name) => {
    await expect(listen({ port: 0, ...options })).rejects.toThrow(new RegExp(`^Invalid option ${name}: `))
  })

  test('what has no meaning beside a server that is there', async () => {
    await using server = await http.listen({ port: 0 })
    for (const [name, value] of Object.entries({
      port: 0,
      host: '::',
      tls: {},
      maxBodySize: 1,
      backlog: 5,
    })) {
      await expect(listen({ server, [name]: value })).rejects.toThrow(
        `Invalid option ${name}: cannot stand beside server`,
      )
    }
    await using listener = await websocket.listen({ server, maxConnections: 1, path: '/' })
    expect(listener.accepting).toBe(true)
  })

  test('no options at all', async () => {
    for (const nothing of [undefined, null, 5]) {
      await expect(listen(nothing)).rejects.toThrow(/^Invalid options of listen: /)
    }
  })
})

test('accept refuses what it has no option for', () => {
  const exchange = { takeOver() {} } as unknown as http.Exchange
  const wrong: [unknown, string][] = [
    [{ orgins: 'any' }, 'option orgins'],
    [{ compression: { levels: 1 } }, 'option compression.levels'],
    [null, 'options of accept'],
  ]
  for (const [options, name] of wrong) {
    expect(() => websocket.accept(exchange, options as never)).toThrow(`Invalid ${name}: `)
  }
  expect(() => websocket.accept(undefined as never)).toThrow(/^Invalid options of accept: /)
})

test('a WebSocket is not accepted while its server closes: it would hear nothing of that', async () => {
  const asked: http.Exchange[] = []
  const server = await http.listen({ port: 0 }, (exchange) => void asked.push(exchange))
  const connecting = websocket.connect(`ws://127.0.0.1:${portOf(server)}/`)
  const failure = connecting.catch((error: unknown) => error)
  await expect.poll(() => asked.length).toBe(1)
  const closing = server.close()
  expect(() => websocket.accept(asked[0] as http.Exchange)).toThrow(/the server is closing$/)
  expect(await failure).toMatchObject({ status: 503 })
  await closing
})

function portOf({ address }: http.HttpListener): number {
  return address.kind === 'ip' ? address.port : 0
}
