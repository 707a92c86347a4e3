import * as http from '@fairlead/http'
import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'
import { describe, expect, test } from 'vitest'

import { ca, localhost } from '../client/certificates.ts'
import { portOf, quiet, until } from '../harness.ts'
import { handshake, Raw } from '../raw.ts'
import { heard, held, here, open, page, Target } from './cast.ts'

const somewhere = 'tcp://127.0.0.1:9'

describe('options', () => {
  const refused: [unknown, string][] = [
    [undefined, 'Invalid options of bridge'],
    [{ to: somewhere }, 'Invalid option from'],
    [{ from: here }, 'Invalid options of to'],
    [{ from: 'http://127.0.0.1:0', to: somewhere }, 'Invalid option from: http cannot be bridged'],
    [{ from: 'memory:x', to: somewhere }, 'Invalid option from: memory cannot be bridged'],
    [{ from: 'ws://127.0.0.1:0/?a=b', to: somewhere }, 'Invalid option from: a path to wait on has no query'],
    [{ from: 'nonsense', to: somewhere }, 'Invalid option from: "nonsense"'],
    [{ from: {}, to: somewhere }, 'Invalid option from: server is no HTTP listener'],
    [
      { from: 'tcp://127.0.0.1:0', to: somewhere },
      'Invalid option to: tcp to tcp is no bridge, one side has to be a WebSocket',
    ],
    [{ from: 'udp://127.0.0.1:0', to: somewhere }, 'Invalid option to: udp to tcp is no bridge'],
    [
      { from: here, to: 'wss://example.com' },
      'Invalid option to: only one side of a bridge can be a WebSocket',
    ],
    [{ from: here, to: 'tcp://127.0.0.1:0' }, 'Invalid option to: nobody has port 0'],
    [{ from: here, to: 'tcp://0177.0.0.1:1' }, 'Invalid option to'],
    [{ from: here, to: 'tcp://user:secret@127.0.0.1:1' }, 'credentials'],
    [
      { from: 'tcp://127.0.0.1:0', to: { tokens: {} } },
      'Invalid option to: only a WebSocket has a token to tell',
    ],
    [{ from: here, to: { tokens: 7 } }, 'Invalid options of to.tokens'],
    [{ from: here, to: { tokens: '' } }, 'Invalid option to.tokens: the path is empty'],
    [{ from: here, to: { tokens: { secret: 'nowhere' } } }, 'Invalid option to.tokens'],
    [{ from: here, to: { tokens: new Map([['secret', 'ws://a']]) } }, 'Invalid option to.tokens'],
    [
      { from: here, to: { tokens: {}, by: 'header' } },
      "Invalid option to.by: header is neither 'query' nor 'path'",
    ],
    [{ from: here, to: { tokens: {}, allow: 'some' } }, 'Invalid option to.allow'],
    [{ from: here, to: { tokens: {}, allow: ['nonsense'] } }, 'Invalid option to.allow'],
    [{ from: here, to: { tokens: {}, extra: 1 } }, 'Invalid option to.extra: there is no such option'],
    [{ from: here, to: somewhere, timeout: 1 }, 'Invalid option timeout: there is no such option'],
    [{ from: here, to: somewhere, idleTimeout: -1 }, 'Invalid option idleTimeout'],
    [{ from: here, to: somewhere, totalTimeout: 0.5 }, 'Invalid option totalTimeout'],
    [{ from: here, to: somewhere, lingerTimeout: Infinity }, 'Invalid option lingerTimeout'],
    [{ from: here, to: somewhere, maxPayload: 0 }, 'Invalid option maxPayload'],
    [{ from: here, to: somewhere, heartbeat: { interval: 0 } }, 'Invalid option heartbeat.interval'],
    [{ from: here, to: somewhere, compression: { level: 10 } }, 'Invalid option compression.level'],
    [{ from: here, to: somewhere, unreachable: 'never' }, 'Invalid option unreachable: never is none of'],
    [{ from: here, to: somewhere, halfClose: 'open' }, 'Invalid option halfClose: open is none of'],
    [{ from: here, to: somewhere, listen: 7 }, 'Invalid options of listen'],
    [
      { from: here, to: somewhere, listen: { port: 7 } },
      'Invalid option listen.port: there is no such option',
    ],
    [
      { from: here, to: somewhere, listen: { tls: localhost } },
      'Invalid option listen.tls: means nothing to ws',
    ],
    [
      { from: 'wss://127.0.0.1:0', to: somewhere },
      'Invalid option listen.tls: wss has to show a certificate',
    ],
    [{ from: 'tls://127.0.0.1:0', to: 'ws://a' }, 'Invalid option listen.tls: tls has to show a certificate'],
    [
      { from: 'tcp://127.0.0.1:0', to: 'ws://a', listen: { origins: 'any' } },
      'Invalid option listen.origins: means nothing to tcp',
    ],
    [{ from: here, to: somewhere, listen: { origins: 'all' } }, 'Invalid option origins'],
    [{ from: here, to: somewhere, listen: { hosts: 'all' } }, 'Invalid option hosts'],
    [{ from: here, to: somewhere, listen: { protocols: ['a b'] } }, 'Invalid option protocols'],
    [
      { from: here, to: somewhere, listen: { authorize: true } },
      'Invalid option listen.authorize: must be a function',
    ],
    [{ from: here, to: somewhere, listen: { maxConnections: 0 } }, 'Invalid option maxConnections'],
    [{ from: here, to: somewhere, listen: { maxHandshakes: 0 } }, 'Invalid option maxHandshakes'],
    [{ from: here, to: somewhere, connect: 7 }, 'Invalid options of connect'],
    [
      { from: here, to: somewhere, connect: { port: 7 } },
      'Invalid option connect.port: there is no such option',
    ],
    [
      { from: here, to: somewhere, connect: { headers: {} } },
      'Invalid option connect.headers: means nothing to tcp',
    ],
    [{ from: here, to: somewhere, connect: { tls: {} } }, 'Invalid option connect.tls: means nothing to tcp'],
    [
      { from: here, to: { tokens: {} }, connect: { headers: {} } },
      'Invalid option connect.headers: means nothing to tcp, tls, unix, udp',
    ],
    [{ from: here, to: somewhere, connect: { connectTimeout: 0 } }, 'Invalid option connectTimeout'],
    [{ from: here, to: somewhere, connect: { lookup: 'me' } }, 'Invalid option lookup'],
    [
      { from: 'tcp://127.0.0.1:0', to: 'ws://a', connect: { protocols: ['a b'] } },
      'Invalid option protocols',
    ],
  ]

  test.each(refused.map(([options, message], index) => [index, message, options] as const))(
    '%i: %s',
    async (_, message, options) => {
      const error = await websocket.bridge(options as websocket.BridgeOptions).then(
        (made) => made.close().then(() => 'none'),
        (failure: unknown) => failure,
      )
      expect(error instanceof TypeError || error instanceof RangeError ? error.message : error).toContain(
        message,
      )
      expect(String(error)).not.toContain('secret:')
    },
  )

  test('an address that is taken is a ListenError, and leaves nothing', async () => {
    const target = await Target.open()
    const taken = `ws://127.0.0.1:${portOf(target.listener)}`
    await expect(websocket.bridge({ from: taken, to: somewhere })).rejects.toMatchObject({
      code: 'ERR_FAIRLEAD_LISTEN',
    })
  })
})

describe('a bridge', () => {
  test('says what it is to those who want something else', async () => {
    const made = await open({ from: 'ws://127.0.0.1:0/only', to: somewhere })
    const url = `http://127.0.0.1:${portOf(made)}/only`
    const answer = await fetch(url)
    expect([answer.status, answer.headers.get('upgrade')]).toEqual([426, 'websocket'])
    const raw = await Raw.connect(portOf(made))
    raw.write(handshake('/other'))
    expect((await raw.head()).status).toBe(404)
    expect(made.stats().refused.path).toBe(1)
  })

  test('is suspended and resumed on the same port, and its crossings live on', async () => {
    const target = await Target.open({ port: 0 }, true)
    const made = await open({ to: target.url })
    const client = await page(made)
    const back = heard(client)
    const port = portOf(made)
    expect(made.accepting).toBe(true)
    await made.suspend()
    expect(made.accepting).toBe(false)
    await expect(page(made)).rejects.toThrow('Cannot connect')
    client.write(Buffer.from('still here'))
    await until(() => back.messages.join('') === 'still here')
    await made.resume()
    expect([made.accepting, portOf(made)]).toEqual([true, port])
    await page(made)
  })

  test('is closed once, however often it is asked, and by leaving its scope', async () => {
    const target = await Target.open()
    const made = await websocket.bridge({ from: here, to: target.url })
    expect(made.state).toBe('open')
    const all = [made.close(), made.close({ grace: 10 }), made[Symbol.asyncDispose]()]
    expect([made.state, made.accepting]).toEqual(['closing', false])
    await Promise.all(all)
    made.destroy()
    await made.resume()
    expect([made.state, await made.closed]).toEqual(['closed', { kind: 'local' }])
    expect(made.accepting).toBe(false)
  })

  test('a signal ends the waiting for its close, not the close', async () => {
    const target = await Target.open()
    const made = await open({ to: target.url })
    await page(made)
    const peer = await target.peer()
    peer.polite = false
    const abort = new AbortController()
    const closing = made.close({ grace: 5_000, signal: abort.signal })
    abort.abort(new Error('enough'))
    await expect(closing).rejects.toThrow('enough')
    expect(made.state).toBe('closing')
    await made.close({ grace: 0 })
    expect(made.state).toBe('closed')
  })

  test('a hundred times, one after the other', async () => {
    for (let turn = 0; turn < 100; turn++) {
      const made = await websocket.bridge({ from: here, to: somewhere })
      await made.close({ grace: 0 })
    }
  })

  test('tells of each crossing that opens and closes', async () => {
    const target = await Target.open()
    const told: unknown[] = []
    const opened = ({ crossing }: { crossing: websocket.Crossing }): void =>
      void told.push(['open', crossing.id, crossing.forward])
    const closed = ({ crossing, cause }: { crossing: websocket.Crossing; cause: string }): void =>
      void told.push(['close', crossing.id, cause, crossing.forward, crossing.backward])
    websocket.bridgeChannels.open.subscribe(opened)
    websocket.bridgeChannels.close.subscribe(closed)
    try {
      const made = await open({ to: target.url })
      const client = await page(made)
      client.write(Buffer.from('ahoy'))
      const peer = await target.peer()
      await until(() => peer.text === 'ahoy')
      await client.close()
      await until(() => told.length === 2)
      expect(told).toEqual([
        ['open', 1, { bytes: 0, messages: 0 }],
        ['close', 1, 'from', { bytes: 4, messages: 1 }, { bytes: 0, messages: 0 }],
      ])
      expect(made.stats()).toMatchObject({ open: 0, total: 1, forward: { bytes: 4, messages: 1 } })
      expect(made.crossings.size).toBe(0)
    } finally {
      websocket.bridgeChannels.open.unsubscribe(opened)
      websocket.bridgeChannels.close.unsubscribe(closed)
    }
  })
})

describe('over TLS', () => {
  test('pages come by wss, and certificates can be changed', async () => {
    const target = await Target.open({ port: 0 }, true)
    const made = await open({ from: 'wss://127.0.0.1:0', to: target.url, listen: { tls: localhost } })
    const url = `wss://localhost:${portOf(made)}`
    const dial = () =>
      websocket.connect(url, {
        messages: 'binary',
        tls: { ca },
        headers: { Origin: url.replace('wss', 'https') },
      })
    const client = held(await dial())
    const back = heard(client)
    client.write(Buffer.alloc(300_000, 'x'))
    await until(() => back.messages.join('').length === 300_000)
    await made.setTls(localhost)
    held(await dial())
    await expect(made.setTls({ cert: 'none', key: 'none' })).rejects.toThrow(TypeError)
    const raw = held(await tcp.connect({ port: portOf(made), tls: { ca, serverName: 'localhost' } }))
    raw.destroy()
    await quiet()
    expect(made.stats().open).toBe(2)
  })

  test('a bridge without a certificate of its own takes none', async () => {
    const made = await open({ to: somewhere })
    await expect(made.setTls(localhost)).rejects.toThrow('Cannot set TLS')
  })
})

describe('on an HTTP listener that is there', () => {
  async function shared(path?: string) {
    const target = await Target.open({ port: 0 }, true)
    const server = held(await http.listen({ port: 0 }, (exchange) => exchange.respond(200, {}, 'page')))
    const from = path === undefined ? { server } : { server, path }
    return { target, server, made: await open({ from, to: target.url }) }
  }

  test('takes its path, and leaves all else', async () => {
    const { server, made } = await shared('/socket')
    expect(made.address).toEqual(server.address)
    const url = `http://127.0.0.1:${portOf(made)}/`
    expect(await (await fetch(url)).text()).toBe('page')
    const client = await page(made, '/socket?x=y')
    const back = heard(client)
    client.write(Buffer.from('ahoy'))
    await until(() => back.messages.join('') === 'ahoy')
    await expect(page(made, '/other')).rejects.toThrow('the server answered 200')
    await made.close()
    expect(server.state).toBe('open')
    expect(back.reason).toMatchObject({ code: 1001 })
    await expect(page(made, '/socket')).rejects.toThrow('the server answered 200')
  })

  test('is suspended and resumed', async () => {
    const { made } = await shared()
    await made.suspend()
    await expect(page(made)).rejects.toThrow('the server answered 200')
    await made.resume()
    expect((await page(made)).state).toBe('open')
  })

  test('two share it, each with its path', async () => {
    const { server, made } = await shared('/one')
    const other = await Target.open()
    const second = await open({ from: { server, path: '/two' }, to: other.url })
    await page(made, '/one')
    await page(second, '/two')
    expect([made.stats().total, second.stats().total, other.peers.length]).toEqual([1, 1, 1])
  })

  test('is closed when the listener is', async () => {
    const { server, made } = await shared()
    const back = heard(await page(made))
    await server.close({ grace: 1_000 })
    expect(back.reason).toMatchObject({ code: 1001 })
    expect(await made.closed).toEqual({ kind: 'local' })
    expect(made.stats().ended.shutdown).toBe(1)
  })

  test('sees who comes through a proxy that is trusted', async () => {
    const target = await Target.open()
    const trustProxy = { from: ['127.0.0.1'], fields: 'X-Forwarded' } as const
    const server = held(await http.listen({ port: 0, trustProxy }))
    const made = await open({ from: { server }, to: target.url })
    await page(made, '/', { headers: { 'X-Forwarded-For': '192.0.2.7' } })
    await target.peer()
    const [crossing] = made.crossings
    expect(crossing?.from).toMatchObject({ host: '192.0.2.7' })
  })
})
