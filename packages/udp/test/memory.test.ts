import { ConnectError, ListenError, type MessageConnection, TimeoutError } from '@fairlead/core'
import { DatagramNetwork, type MemoryDatagramSocket } from '@fairlead/core/memory'
import { channels } from '@fairlead/core/transport'
import { afterEach, expect, test, vi } from 'vitest'

import { connect, listen, type MemoryListenOptions } from '../src/memory.ts'
import { readFrame, writeFrame } from '../src/validation/frames.ts'
import { ask, next, troubles, until } from './tools.ts'

const cookie = { messages: 'text', validation: 'cookie' } as const

function echoing(network: DatagramNetwork, options: Partial<MemoryListenOptions> = {}) {
  return listen(network, { name: 'echo', ...options, messages: 'text' }, (session) => ({
    onData: (message) => void session.write(message),
  }))
}

/** What a bare socket sends and hears on the network, frame by frame. */
async function bareOn(network: DatagramNetwork, name: string) {
  const socket = await network.bind(name)
  const heard: Uint8Array[] = []
  socket.handle({ onDatagram: (data) => void heard.push(data) })
  const hear = async (): Promise<Uint8Array> => {
    await until(() => heard.length > 0)
    return heard.shift() as Uint8Array
  }
  return { socket, heard, hear }
}

test('sessions and connections talk over a network in memory', async () => {
  const network = new DatagramNetwork()
  await using listener = await echoing(network)
  await using one = await connect(network, { to: 'echo', messages: 'text' })
  await using two = await connect(network, { to: 'echo', name: 'two', messages: 'text' })
  expect(await ask(one, 'ahoy ⚓')).toBe('ahoy ⚓')
  expect(await ask(two, 'there')).toBe('there')
  expect(listener.address).toEqual({ kind: 'memory', name: 'echo' })
  expect(two).toMatchObject({
    localAddress: { kind: 'memory', name: 'two' },
    remoteAddress: listener.address,
  })
  expect([...listener.connections].map((it) => it.remoteAddress)).toContainEqual(two.localAddress)
  expect(two.stats()).toMatchObject({ sent: 1, received: 1 })
})

test('a stranger who writes to the address of a connection is not heard, and counted', async () => {
  const network = new DatagramNetwork()
  await using listener = await echoing(network)
  await using peer = await connect(network, { to: 'echo', name: 'here', messages: 'text' })
  const stranger = await network.bind('stranger')
  const heard: string[] = []
  peer.handle({ onData: (message) => void heard.push(message) })
  await stranger.send('psst', 'here')
  // What is sent later comes later.
  await peer.send('ahoy')
  await until(() => heard.length > 0)
  expect(heard).toEqual(['ahoy'])
  expect(peer.stats()).toMatchObject({ received: 1, receivedBytes: 4, filtered: 1 })
  expect(listener.connections.size).toBe(1)
  await stranger.close()
})

test('a name in use, wrong options, an aborted signal: each with its own error', async () => {
  const network = new DatagramNetwork()
  await using listener = await echoing(network)
  await expect(echoing(network)).rejects.toThrow(ListenError)
  await expect(echoing(network)).rejects.toThrow('Cannot listen on memory:echo: name is in use')
  await expect(listen(network, { name: '' })).rejects.toThrow(/^Invalid option name/)
  await expect(connect(network, {} as never)).rejects.toThrow(/^Invalid option to/)
  await expect(connect(network, { to: 'echo', name: 5 as never })).rejects.toThrow(/^Invalid option name/)
  await expect(connect(network, { to: 'echo', validation: 'x' as never })).rejects.toThrow(
    /^Invalid option validation/,
  )
  const reason = new Error('changed my mind')
  const signal = AbortSignal.abort(reason)
  await expect(connect(network, { to: 'echo', signal })).rejects.toBe(reason)
  expect(listener.connections.size).toBe(0)
})

test('what is no network is told so, and not that a name is in use', async () => {
  for (const network of [null, undefined, {}, 'network'] as never[]) {
    await expect(listen(network, { name: 'x' })).rejects.toThrow(/^Invalid network of listen/)
    await expect(connect(network, { to: 'x' })).rejects.toThrow(/^Invalid network of connect/)
  }
  const broken = { bind: () => Promise.reject(new RangeError('out of cables')) }
  await expect(listen(broken as never, { name: 'x' })).rejects.toThrow('out of cables')
})

test('by cookie: what comes without a session is counted', async () => {
  const network = new DatagramNetwork()
  await using listener = await echoing(network, cookie)
  await using peer = await connect(network, { to: 'echo', messages: 'text' })
  peer.write('long enough for an answer')
  peer.write('short')
  await until(() => listener.stats().received === 2)
  expect(listener.stats().rejected).toBe(2)
})

test('a listener that is restarted at once is proved to at once', async () => {
  const network = new DatagramNetwork()
  const before = await echoing(network, cookie)
  await using peer = await connect(network, { to: 'echo', ...cookie })
  before.destroy()
  await before.closed
  await using listener = await echoing(network, cookie)
  // The STALE that this is answered with is the only one.
  peer.write('a long message')
  await until(() => listener.connections.size === 1)
})

test('a name is free again when its connection is closed', async () => {
  const network = new DatagramNetwork()
  for (let times = 0; times < 2; times++) {
    const peer = await connect(network, { to: 'echo', name: 'here' })
    await peer.close()
  }
})

test('by cookie: connect resolves when the session is there, and nothing is waiting in it', async () => {
  const network = new DatagramNetwork()
  await using listener = await listen(network, { name: 'echo', ...cookie })
  await using peer = await connect(network, { to: 'echo', ...cookie })
  expect(listener.connections.size).toBe(1)
  const session = await next(listener)
  expect(session).toMatchObject({ validated: true, remoteAddress: peer.localAddress })
  await session.send('far more than three times of nothing')
  for await (const message of peer) {
    expect(message).toBe('far more than three times of nothing')
    break
  }
  expect(await Promise.all([ask(peer, 'ahoy'), echoOnce(session)])).toEqual(['ahoy', undefined])
  expect(listener.stats()).toMatchObject({ cookies: 1, badCookies: 0, received: 3 })
})

async function echoOnce(session: MessageConnection<string>): Promise<void> {
  for await (const message of session) {
    await session.send(message)
    return
  }
}

test('the transcript: HELLO, RETRY, ANSWER, WELCOME, and then bare messages', async () => {
  const network = new DatagramNetwork()
  await using listener = await echoing(network, cookie)
  const { socket, hear } = await bareOn(network, 'client')
  const nonce = 'sixteen octets..'
  socket.write(writeFrame('hello', nonce), 'echo')
  const retry = readFrame(await hear())
  expect(retry).toMatchObject({ type: 'retry', nonce })
  expect(listener.connections.size).toBe(0)
  const answer = writeFrame('answer', nonce, retry?.cookie)
  for (const again of [answer, answer, writeFrame('hello', nonce)]) {
    socket.write(again, 'echo')
    expect(readFrame(await hear())).toMatchObject({ type: 'welcome', nonce })
  }
  expect(listener.connections.size).toBe(1)
  socket.write('ahoy', 'echo')
  expect(Buffer.from(await hear()).toString()).toBe('ahoy')
  // The bytes of others' control datagrams are messages like any.
  const strange = writeFrame('welcome', 'another nonce...').fill(0x41, 8)
  socket.write(strange, 'echo')
  expect((await hear()).byteLength).toBe(26)
})

test('a client that begins anew on the same address takes the place of its old session', async () => {
  const network = new DatagramNetwork()
  await using listener = await listen(network, { name: 'echo', ...cookie })
  const first = await connect(network, { to: 'echo', name: 'client', ...cookie })
  const old = await next(listener)
  first.destroy()
  await using again = await connect(network, { to: 'echo', name: 'client', ...cookie })
  expect(await old.closed).toEqual({ kind: 'remote' })
  expect(listener.connections.size).toBe(1)
  const session = await next(listener)
  await again.send('anew')
  expect(await session[Symbol.asyncIterator]().next()).toEqual({ value: 'anew', done: false })
})

test('a captured cookie is of no use from another address, which is told', async () => {
  const causes: unknown[] = []
  const note = ({ cause, peer }: { cause: string; peer: unknown }): void => void causes.push(cause, peer)
  channels.refuse.subscribe(note)
  const network = new DatagramNetwork()
  await using listener = await echoing(network, cookie)
  const [one, two] = [await bareOn(network, 'one'), await bareOn(network, 'two')]
  one.socket.write(writeFrame('hello', 'sixteen octets..'), 'echo')
  const answer = writeFrame('answer', 'sixteen octets..', readFrame(await one.hear())?.cookie)
  two.socket.write(answer, 'echo')
  expect(readFrame(await two.hear())).toMatchObject({ type: 'retry' })
  expect(listener.connections.size).toBe(0)
  expect(listener.stats()).toMatchObject({ cookies: 2, badCookies: 1, rejected: 0 })
  channels.refuse.unsubscribe(note)
  expect(causes).toEqual(['cookie', two.socket.address])
})

test('each message of the handshake may be lost', async () => {
  hurry()
  for (const lost of [0, 1, 2, 3]) {
    const network = new DatagramNetwork()
    const { passed } = tapped(network, (index) => index !== lost)
    await using listener = await echoing(network, cookie)
    await using peer = await hurried(connect(network, { to: 'echo', ...cookie }))
    expect(await hurried(ask(peer, 'ahoy'))).toBe('ahoy')
    expect(listener.connections.size).toBe(1)
    // Beside the four and two of the question: what was lost, and what was said again for it.
    expect(passed()).toBeGreaterThanOrEqual(4 + 2 + 1)
  }
})

test('a bad network costs time, and nothing else', async () => {
  hurry()
  for (let seed = 1; seed <= 10; seed++) {
    const network = new DatagramNetwork({ loss: 0.4, duplication: 0.3, reordering: 0.3 }, seed)
    await using listener = await echoing(network, cookie)
    await using peer = await hurried(connect(network, { to: 'echo', connectTimeout: 60_000, ...cookie }))
    expect(listener.connections.size).toBe(1)
    expect([...listener.connections][0]).toMatchObject({ validated: true, remoteAddress: peer.localAddress })
  }
})

test('nobody there is a timeout; nobody wanted is a refusal; an abort is its reason', async () => {
  hurry()
  const network = new DatagramNetwork()
  const silent = connect(network, { to: 'nobody', connectTimeout: 2_000, ...cookie })
  const error = await hurried(silent).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(TimeoutError)
  expect(error).toMatchObject({
    phase: 'handshake',
    retryable: true,
    message: 'Cannot connect to memory:nobody: no answer in 2000 ms',
  })

  await using listener = await echoing(network, cookie)
  await listener.suspend()
  const refused = connect(network, { to: 'echo', ...cookie })
  await expect(refused).rejects.toThrow(ConnectError)
  await expect(refused).rejects.toThrow('Cannot connect to memory:echo: the listener takes nobody now')
  expect(listener.stats()).toMatchObject({ rejected: 1 })

  const controller = new AbortController()
  const reason = new Error('changed my mind')
  const aborted = connect(network, { to: 'nobody', name: 'here', signal: controller.signal, ...cookie })
  controller.abort(reason)
  await expect(aborted).rejects.toBe(reason)
  await (await network.bind('here')).close()
})

test('refused when all places are taken by validated peers in use, or nobody takes the session', async () => {
  const network = new DatagramNetwork()
  await using full = await echoing(network, { ...cookie, maxSessions: 1 })
  await using first = await connect(network, { to: 'echo', ...cookie })
  await expect(connect(network, { to: 'echo', ...cookie })).rejects.toThrow(ConnectError)
  expect(full.stats()).toMatchObject({ rejected: 1, evicted: 0 })
  expect(await ask(first, 'still here')).toBe('still here')

  await using spiteful = await listen(network, { name: 'spite', ...cookie }, () => {
    throw new Error('out of spite')
  })
  await expect(connect(network, { to: 'spite', ...cookie })).rejects.toThrow(ConnectError)
  expect(spiteful.connections.size).toBe(0)
})

test.each([
  ['a long message', 'a long message'],
  ['a short one', 'hi'],
])('a listener that was restarted is proved to again, after %s', async (_, message) => {
  hurry()
  const network = new DatagramNetwork()
  const before = await echoing(network, cookie)
  await using peer = await connect(network, { to: 'echo', ...cookie })
  expect(await ask(peer, message)).toBe(message)
  await before.close()
  await using listener = await echoing(network, cookie)
  const heard: string[] = []
  peer.handle({ onData: (answer) => void heard.push(answer) })
  for (let times = 0; heard.length === 0; times++) {
    expect(times).toBeLessThan(100)
    peer.write(message)
    await pass(100)
  }
  expect(listener.connections.size).toBe(1)
  expect(heard[0]).toBe(message)
})

test('it goes on in the session that is there, whoever said that there is none', async () => {
  hurry()
  const network = new DatagramNetwork()
  const { sockets } = tapped(network, () => true)
  await using listener = await echoing(network, cookie)
  await using peer = await connect(network, { to: 'echo', ...cookie })
  expect(await ask(peer, 'ahoy')).toBe('ahoy')
  const sessions = [...listener.connections]
  const { received } = listener.stats()
  await pass(2_000)
  // As anybody could say who writes its address.
  for (let times = 0; times < 10; times++) sockets.get('echo')?.write(writeFrame('stale'), peer.localAddress)
  await pass(2_000)
  expect(listener.stats()).toMatchObject({ received: received + 1, cookies: 1 })
  expect(await hurried(ask(peer, 'still here'))).toBe('still here')
  expect([...listener.connections]).toEqual(sessions)
})

test('a handshake cut short or changed at any octet, on either side, breaks nothing', async () => {
  const network = new DatagramNetwork({ queue: 4_096 })
  const said: { from: string; data: Uint8Array }[] = []
  const { sockets } = tapped(network, (_, data, from) => said.push({ from, data: Buffer.from(data) }) > 0)
  await using listener = await echoing(network, cookie)
  await using peer = await connect(network, { to: 'echo', name: 'client', ...cookie })
  const sessions = [...listener.connections]
  const heard = new Set<string>()
  peer.handle({ onData: (message) => void heard.add(message) })
  for (const { from, data } of said.splice(0)) {
    for (let octet = 0; octet < data.byteLength; octet++) {
      const changed = Uint8Array.from(data, (it, index) => (index === octet ? it ^ 0x20 : it))
      for (const broken of [data.slice(0, octet), changed]) {
        sockets.get(from)?.write(broken, from === 'echo' ? 'client' : 'echo')
      }
    }
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
  peer.write('still here')
  await until(() => heard.has('still here'))
  expect([...listener.connections]).toEqual(sessions)
  expect(peer.state).toBe('open')
})

test('what becomes of a later validation is told, and the connection goes on', async () => {
  hurry()
  const network = new DatagramNetwork()
  const listener = await echoing(network, cookie)
  await using peer = await connect(network, { to: 'echo', connectTimeout: 3_000, ...cookie })
  const { told, onTrouble } = troubles()
  peer.handle({ onData() {}, onTrouble })
  await listener.close()
  // Nobody there: what is short is asked for.
  for (let times = 0; told.length === 0; times++) {
    expect(times).toBeLessThan(200)
    peer.write('hi')
    await pass(100)
  }
  expect(told).toMatchObject([{ name: 'TimeoutError', phase: 'handshake' }])
  expect(peer.state).toBe('open')
  await using again = await echoing(network, { ...cookie })
  await again.suspend()
  for (let times = 0; told.length === 1; times++) {
    expect(times).toBeLessThan(200)
    peer.write('hi')
    await pass(100)
  }
  expect(told[1]).toMatchObject({ name: 'ConnectError' })
  expect(peer.state).toBe('open')
})

/** Lets pass by number what is sent on a network: the conditions decide on each when it is sent. */
function tapped(
  network: DatagramNetwork,
  passes: (index: number, data: Uint8Array, from: string) => boolean,
) {
  let index = 0
  const sockets = new Map<string, MemoryDatagramSocket>()
  const bind = network.bind.bind(network)
  network.bind = async (name) => {
    const socket = await bind(name)
    const write = socket.write.bind(socket)
    socket.write = (data, to) => passes(index++, data as Uint8Array, name) && write(data, to)
    sockets.set(name, socket)
    return socket
  }
  return { passed: () => index, sockets }
}

/** From here on, timers and clocks go by {@link pass}; the network goes by turns of the event loop. */
function hurry(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
}

afterEach(() => void vi.useRealTimers())

/** Lets so many milliseconds pass, with some turns of the event loop for each tenth of a second. */
async function pass(milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 100) {
    for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve))
    vi.advanceTimersByTime(100)
  }
}

/** Lets time pass until `promise` is settled. */
async function hurried<T>(promise: Promise<T>): Promise<T> {
  let settled = false
  const note = (): void => void (settled = true)
  promise.then(note, note)
  while (!settled) await pass(100)
  return promise
}
