import * as http from '@fairlead/http'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'

import { chooseProtocol, offeredProtocols } from '../src/subprotocol.ts'
import { echo, portOf, until, urlOf } from './harness.ts'
import { handshake, Raw } from './raw.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** A listener with a rule, and a way to ask it. */
async function start(protocols?: websocket.AcceptOptions['protocols']) {
  const listener = await websocket.listen({ port: 0, ...(protocols && { protocols }) }, echo)
  ends.push(() => listener.close({ grace: 0 }))
  const ask = async (offer?: string, ...more: string[]) => {
    const raw = await Raw.connect(portOf(listener))
    ends.unshift(() => raw.connection.destroy())
    const again = more.map((offer) => `Sec-WebSocket-Protocol: ${offer}\r\n`).join('')
    raw.write(handshake('/', { 'Sec-WebSocket-Protocol': offer }).replace('\r\n\r\n', `\r\n${again}\r\n`))
    const { status, text } = await raw.head()
    return [status, /sec-websocket-protocol: (.*)/i.exec(text)?.[1]]
  }
  return { listener, ask }
}

describe('what is offered', () => {
  test.each<[string | undefined, string[] | undefined]>([
    [undefined, []],
    ['chat', ['chat']],
    ['chat, superchat', ['chat', 'superchat']],
    ['b,a', ['b', 'a']],
    [' \tchat\t , x ', ['chat', 'x']],
    ['Chat, chat', ['Chat', 'chat']],
    ["!#$%&'*+-.^_`|~09azAZ", ["!#$%&'*+-.^_`|~09azAZ"]],
    ['__proto__, constructor', ['__proto__', 'constructor']],
    ['', undefined],
    [',', undefined],
    ['chat,', undefined],
    ['chat,,x', undefined],
    ['chat chat', undefined],
    ['chat, chat', undefined],
    ['a/b', undefined],
    ['"chat"', undefined],
    ['chat;q=1', undefined],
    ['chät', undefined],
    ['a\0b', undefined],
    ['(a)', undefined],
  ])('in %j is %j', (field, offered) => {
    expect(offeredProtocols(field)).toEqual(offered)
  })

  test('may be 64, and no more', () => {
    const names = Array.from({ length: 65 }, (_, index) => `p${index}`)
    expect(offeredProtocols(names.slice(1).join(','))?.length).toBe(64)
    expect(offeredProtocols(names.join(','))).toBeUndefined()
  })

  test('is read in linear time, however long the field is', () => {
    const fields = [
      ','.repeat(60_000),
      ' '.repeat(60_000),
      'a'.repeat(60_000),
      `${'a'.repeat(59_999)}/`,
      'a,'.repeat(30_000),
      ' ,'.repeat(30_000),
      `${' '.repeat(59_999)}a`,
      `a${' '.repeat(59_998)}b`,
      Array.from({ length: 10_000 }, (_, index) => `p${index}`).join(),
    ]
    const start = performance.now()
    for (let turn = 0; turn < 20; turn++) for (const field of fields) offeredProtocols(field)
    expect(performance.now() - start).toBeLessThan(3_000)
  })
})

describe('the choice', () => {
  const offered = ['b', 'a', '__proto__']

  test('without a rule is the first that is offered', () => {
    expect([chooseProtocol(offered, undefined), chooseProtocol([], undefined)]).toEqual(['b', undefined])
  })

  test('from a list is the first offered one that is on it', () => {
    expect(chooseProtocol(offered, ['a', 'b'])).toBe('b')
    expect(chooseProtocol(offered, ['c', 'a'])).toBe('a')
    expect(chooseProtocol(offered, ['c'])).toBeUndefined()
    expect(chooseProtocol(offered, [])).toBeUndefined()
    expect(chooseProtocol(['__proto__'], ['a'])).toBeUndefined()
    expect(chooseProtocol(['B'], ['b'])).toBeUndefined()
  })

  test('of a function is what it says, if that was offered', () => {
    expect(chooseProtocol(offered, (names) => names.at(-1))).toBe('__proto__')
    expect(chooseProtocol(offered, () => undefined)).toBeUndefined()
    expect(() => chooseProtocol(offered, () => 'c')).toThrow(TypeError)
    expect(() => chooseProtocol(offered, () => '')).toThrow(TypeError)
    expect(() => chooseProtocol(offered, (() => null) as never)).toThrow(TypeError)
    expect(() => chooseProtocol(offered, (() => ['b']) as never)).toThrow(TypeError)
    expect(() => chooseProtocol(offered, (async () => 'b') as never)).toThrow(TypeError)
  })
})

describe('a handshake', () => {
  test('is answered with the choice, or without one', async () => {
    const any = await start()
    expect(await any.ask('binary, base64')).toEqual([101, 'binary'])
    expect(await any.ask()).toEqual([101, undefined])
    const listed = await start(['base64', 'binary'])
    expect(await listed.ask('binary, base64')).toEqual([101, 'binary'])
    expect(await listed.ask('mqtt')).toEqual([101, undefined])
    expect(await listed.ask()).toEqual([101, undefined])
    const none = await start(() => undefined)
    expect(await none.ask('binary')).toEqual([101, undefined])
  })

  test('may offer them in several fields', async () => {
    const { ask } = await start(['c'])
    expect(await ask('a, b', 'c')).toEqual([101, 'c'])
    expect(await ask('a, b', 'a')).toEqual([400, undefined])
  })

  test('whose offer is malformed is refused: 400', async () => {
    const { ask } = await start(['a'])
    const many = Array.from({ length: 65 }, (_, index) => `p${index}`).join(', ')
    for (const offer of ['a b', 'a, a', 'a,', ',', many]) expect(await ask(offer)).toEqual([400, undefined])
  })

  test('costs a 500 and nothing else when the function fails', async () => {
    const fails = {
      throws: () => {
        throw new Error('secret')
      },
      'names what was not offered': () => 'other',
      'gives a promise': (async () => 'chat') as never,
    }
    for (const protocols of Object.values(fails)) {
      const { ask, listener } = await start(protocols)
      expect(await ask('chat')).toEqual([500, undefined])
      expect(await ask('chat')).toEqual([500, undefined])
      expect(listener.connections.size).toBe(0)
    }
  })

  test('tells both ends what is spoken', async () => {
    const spoken: string[] = []
    const server = await http.listen({ port: 0 }, (exchange) => {
      const connection = websocket.accept(exchange, { protocols: ['chat', 'superchat'] })
      spoken.push(connection.protocol)
      return echo(connection).catch(() => {})
    })
    ends.push(() => server.close({ grace: 0 }))
    const client = await websocket.connect(urlOf(server), { protocols: ['superchat', 'chat'] })
    expect([client.protocol, spoken]).toEqual(['superchat', ['superchat']])
    await client.close()
    // A client that offers and is answered with none is free to go: `ws` does, as browsers do.
    const foreign = new WebSocket(urlOf(server), ['mqtt'])
    const heard: string[] = []
    foreign.on('error', ({ message }) => heard.push(message))
    await until(() => heard.length === 1)
    expect(heard).toEqual(['Server sent no subprotocol'])
    expect(spoken).toEqual(['superchat', ''])
  })
})

test('a rule that is none is refused by name', async () => {
  const strange: unknown[] = ['chat', 5, {}, [5], ['a b'], [''], ['a,b'], [undefined], null]
  for (const protocols of strange) {
    const options = { port: 0, protocols } as websocket.WebSocketListenOptions
    await expect(websocket.listen(options)).rejects.toThrow(/^Invalid option protocols: /)
  }
})
