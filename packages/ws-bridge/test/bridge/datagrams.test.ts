import type { MessageConnection } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import * as udp from '@fairlead/udp'
import * as websocket from '@fairlead/ws-bridge'
import { describe, expect, test } from 'vitest'

import { portOf, quiet, until, urlOf } from '../harness.ts'
import { frame, opcodes, Raw } from '../raw.ts'
import { type Heard, heard, held, open, page } from './cast.ts'

const clock = useManualClock()

interface DatagramServer {
  readonly url: string
  readonly port: number
  readonly sessions: { session: MessageConnection<Uint8Array>; heard: string[] }[]
}

/** A server of datagrams, and all that it hears. */
async function server(answer?: (datagram: Buffer) => Uint8Array): Promise<DatagramServer> {
  const sessions: DatagramServer['sessions'] = []
  const listener = held(
    await udp.listen({ port: 0, maxMessageSize: 65_507, maxAmplification: Infinity }, (session) => {
      const heard: string[] = []
      sessions.push({ session, heard })
      return {
        onData: (datagram) => {
          heard.push(Buffer.from(datagram).toString())
          if (answer) session.write(answer(Buffer.from(datagram)))
        },
      }
    }),
  )
  const { port } = listener.address
  return { url: `udp://127.0.0.1:${port}`, port, sessions }
}

async function sessionOf({ sessions }: DatagramServer, index = 0) {
  await until(() => sessions.length > index)
  return sessions[index] as DatagramServer['sessions'][0]
}

describe('to udp', () => {
  test('each message is a datagram, and each datagram a message', async () => {
    const target = await server()
    const bridge = await open({ to: target.url })
    const client = await page(bridge)
    const back = heard(client)
    for (const text of ['one', '', 'three']) client.write(Buffer.from(text))
    const { session, heard: there } = await sessionOf(target)
    await until(() => there.length === 3)
    expect(there).toEqual(['one', '', 'three'])
    for (const text of ['four', '', 'six']) session.write(Buffer.from(text))
    await until(() => back.messages.length === 3)
    expect(back.messages).toEqual(['four', '', 'six'])
    expect(bridge.stats()).toMatchObject({
      forward: { bytes: 8, messages: 3 },
      backward: { bytes: 7, messages: 3 },
      drops: { oversized: 0, slow: 0, refused: 0, troubles: 0 },
    })
  })

  test('text is a datagram, too', async () => {
    const target = await server()
    const raw = await Raw.open(portOf(await open({ to: target.url })))
    raw.write(frame(opcodes.text, 'grüße'))
    const { heard: there } = await sessionOf(target)
    await until(() => there.join('') === 'grüße')
  })

  test('the largest datagram goes through, and what is larger is dropped and counted', async () => {
    const target = await server((datagram) => datagram)
    const bridge = await open({ to: target.url })
    const client = await page(bridge)
    const back = heard(client)
    client.write(Buffer.alloc(65_508, 'x'))
    client.write(Buffer.alloc(65_507, 'y'))
    await until(() => back.messages.length === 1)
    expect(back.messages[0]?.length).toBe(65_507)
    expect(bridge.stats().drops.oversized).toBe(1)
    client.write(Buffer.from('still there'))
    await until(() => back.messages.length === 2)
  })

  test('maxMessageSize is the size of what is sent, maxPayload of what comes', async () => {
    const target = await server()
    const bridge = await open({ to: target.url, connect: { maxMessageSize: 100 }, maxPayload: 200 })
    const client = await page(bridge)
    const back = heard(client)
    client.write(Buffer.alloc(101))
    client.write(Buffer.alloc(100))
    const { session, heard: there } = await sessionOf(target)
    await until(() => there.length === 1)
    session.write(Buffer.alloc(201))
    session.write(Buffer.alloc(200))
    await until(() => back.messages.length === 1)
    expect(bridge.stats().drops.oversized).toBe(2)
  })

  test('what the client is too slow for is dropped and counted, and the rest is bounded', async () => {
    const target = await server()
    const bridge = await open({ to: target.url })
    const client = await page(bridge)
    const back = heard(client)
    client.write(Buffer.from('go'))
    const { session } = await sessionOf(target)
    client.pause()
    let [sent, most] = [0, 0]
    while (bridge.stats().drops.slow < 100) {
      for (let index = 0; index < 16; index++, sent++) session.write(Buffer.alloc(32_768))
      await new Promise((resolve) => setImmediate(resolve))
      most = Math.max(most, bridge.stats().buffered)
    }
    expect(most).toBeLessThanOrEqual(64 * 1024 + 32_768 + 4)
    client.resume()
    await until(() => bridge.stats().buffered === 0)
    await quiet()
    const { drops, backward } = bridge.stats()
    expect(back.messages.length).toBe(backward.messages)
    expect(backward.messages + drops.slow).toBeLessThanOrEqual(sent)
    session.write(Buffer.from('fresh'))
    await until(() => back.messages.at(-1) === 'fresh')
  })

  test('a port at which nobody listens is counted, and ends nothing', async () => {
    const gone = await udp.listen({ port: 0 })
    const { port } = gone.address
    await gone.close()
    const bridge = await open({ to: `udp://127.0.0.1:${port}` })
    const client = await page(bridge)
    client.write(Buffer.from('anybody?'))
    await until(() => bridge.stats().drops.troubles > 0)
    expect(bridge.stats().open).toBe(1)
    const late = held(await udp.listen({ port }))
    client.write(Buffer.from('somebody?'))
    for await (const session of late) {
      for await (const datagram of session) {
        expect(Buffer.from(datagram).toString()).toBe('somebody?')
        break
      }
      break
    }
  })

  test('Close lets the socket go', async () => {
    const target = await server()
    const bridge = await open({ to: target.url })
    const client = await page(bridge)
    client.write(Buffer.from('last words'))
    await client.close()
    const { heard: there } = await sessionOf(target)
    await until(() => there.length === 1 && bridge.stats().open === 0)
    expect(bridge.stats().ended.from).toBe(1)
  })

  test('idleTimeout ends what nothing comes of', async () => {
    const target = await server()
    const bridge = await open({ to: target.url, idleTimeout: 10_000 })
    const back = heard(await page(bridge))
    clock.advance(12_000)
    await until(() => back.reason !== undefined && bridge.stats().open === 0)
    expect(back.reason).toEqual({ kind: 'remote', code: 1008, text: 'idle timeout' })
  })

  test('a name is asked of a resolver over it', async () => {
    const resolver = await server(answerOf)
    const client = await page(await open({ to: resolver.url }))
    const back: Buffer[] = []
    client.handle({ onData: (message) => void back.push(Buffer.from(message)) })
    client.write(question(0x1234, 'fairlead.example'))
    client.write(question(0x5678, 'other.example'))
    await until(() => back.length === 2)
    expect(back.map(read)).toEqual([
      { id: 0x1234, flags: 0x8180, address: '192.0.2.7' },
      { id: 0x5678, flags: 0x8183, address: undefined },
    ])
  })
})

describe('from udp', () => {
  async function web() {
    const peers: { connection: websocket.WebSocketConnection<Uint8Array>; heard: Heard }[] = []
    const listener = held(
      await websocket.listen({ port: 0, messages: 'binary', protocols: ['binary'] }, (connection) => {
        peers.push({ connection, heard: heard(connection) })
      }),
    )
    return { url: urlOf(listener), peers }
  }

  async function meet(options: Partial<websocket.BridgeOptions> = {}) {
    const target = await web()
    const bridge = await open({ from: 'udp://127.0.0.1:0', to: target.url, ...options })
    return { target, bridge, port: portOf(bridge) }
  }

  test('each sender has a WebSocket of its own, and what it sends meanwhile waits', async () => {
    const { target, bridge, port } = await meet()
    const [one, two] = [held(await udp.connect({ port })), held(await udp.connect({ port }))]
    for (const text of ['1', '2', '3']) one.write(Buffer.from(text))
    await until(() => target.peers.length === 1)
    two.write(Buffer.from('a'))
    await until(() => target.peers.length === 2)
    await until(() => target.peers.map(({ heard: { messages } }) => messages.join('')).join() === '123,a')
    const back = [heard(one), heard(two)]
    for (const [index, { connection }] of target.peers.entries()) connection.write(Buffer.from(`to ${index}`))
    await until(() => back.every(({ messages }) => messages.length === 1))
    expect(back.map(({ messages }) => messages[0])).toEqual(['to 0', 'to 1'])
    expect(bridge.stats()).toMatchObject({ open: 2, forward: { bytes: 4, messages: 4 } })
  })

  test('answers may be many times what was asked, since it listens on loopback', async () => {
    const { target, port } = await meet()
    const client = held(await udp.connect({ port }))
    client.write(Buffer.from('?'))
    await until(() => target.peers.length === 1)
    const back = heard(client)
    const [peer] = target.peers
    for (let index = 0; index < 1_100; index++) {
      peer?.connection.write(Buffer.alloc(1_000))
      if (index % 50 === 0) await quiet()
    }
    await until(() => back.messages.length > 1_000)
  })

  test('answers are held back where nobody knows who asked', async () => {
    const { target, bridge, port } = await meet({ listen: { maxAmplification: 3 } })
    const client = held(await udp.connect({ port }))
    client.write(Buffer.alloc(100))
    await until(() => target.peers.length === 1)
    const back = heard(client)
    const [peer] = target.peers
    for (let index = 0; index < 5; index++) peer?.connection.write(Buffer.alloc(100))
    await until(() => back.messages.length === 3 && bridge.stats().drops.refused === 2)
    expect(bridge.stats().open).toBe(1)
  })

  test('a sender that is silent for idleTimeout is forgotten', async () => {
    const { target, bridge, port } = await meet({ idleTimeout: 50 })
    const client = held(await udp.connect({ port }))
    client.write(Buffer.from('ahoy'))
    await until(() => target.peers[0]?.heard.reason !== undefined)
    expect(target.peers[0]?.heard.reason).toEqual({ kind: 'remote', code: 1008, text: 'idle timeout' })
    await until(() => bridge.stats().ended.idle === 1)
    client.write(Buffer.from('again'))
    await until(() => target.peers[1]?.heard.messages.join('') === 'again')
  })

  test('a WebSocket that closes ends the session, and the next datagram begins another', async () => {
    const { target, bridge, port } = await meet()
    const client = held(await udp.connect({ port }))
    client.write(Buffer.from('one'))
    await until(() => target.peers[0]?.heard.messages.length === 1)
    await target.peers[0]?.connection.close()
    await until(() => bridge.stats().open === 0)
    expect(bridge.stats().ended.to).toBe(1)
    client.write(Buffer.from('two'))
    await until(() => target.peers[1]?.heard.messages.join('') === 'two')
  })

  test('there may be maxConnections, and beyond them the oldest gives way', async () => {
    const { target, bridge, port } = await meet({ listen: { maxConnections: 2 } })
    for (let index = 0; index < 4; index++) {
      held(await udp.connect({ port })).write(Buffer.from(`${index}`))
      await until(() => bridge.stats().total + bridge.stats().refused.limit === index + 1)
    }
    await until(() => bridge.stats().open <= 2)
    expect(target.peers.length).toBeLessThanOrEqual(4)
  })

  test('who cannot be led anywhere is forgotten', async () => {
    const gone = held(await websocket.listen({ port: 0 }))
    const to = urlOf(gone)
    await gone.close()
    const bridge = await open({ from: 'udp://127.0.0.1:0', to })
    const client = held(await udp.connect({ port: portOf(bridge) }))
    client.write(Buffer.from('ahoy'))
    await until(() => bridge.stats().refused.unreachable === 1)
    expect(bridge.stats()).toMatchObject({ open: 0, connecting: 0 })
  })
})

/** A question for the address of a name (RFC 1035 section 4.1). */
function question(id: number, name: string): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(0x0100, 2)
  header.writeUInt16BE(1, 4)
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]))
  return Buffer.concat([header, ...labels, Buffer.of(0, 0, 1, 0, 1)])
}

/** Knows one name. */
function answerOf(query: Buffer): Buffer {
  const known = query.includes(Buffer.from('\x08fairlead\x07example\0', 'latin1'))
  const answer = Buffer.from(query)
  answer.writeUInt16BE(known ? 0x8180 : 0x8183, 2)
  answer.writeUInt16BE(known ? 1 : 0, 6)
  const record = Buffer.of(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7)
  return known ? Buffer.concat([answer, record]) : answer
}

function read(answer: Buffer) {
  const found = answer.readUInt16BE(6) > 0
  return {
    id: answer.readUInt16BE(0),
    flags: answer.readUInt16BE(2),
    address: found ? [...answer.subarray(-4)].join('.') : undefined,
  }
}
