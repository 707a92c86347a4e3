import { ipAddress } from '@fairlead/core'
import * as udp from '@fairlead/udp'
import { expect, test, vi } from 'vitest'

import { troubles, until } from '../tools.ts'

const text = (data: Uint8Array): string => Buffer.from(data).toString()

/** A resolver that is asked by hand. */
function manual() {
  const asked: string[] = []
  const answers: ((addresses: string[]) => void)[] = []
  const signals: AbortSignal[] = []
  const lookup = (name: string, signal: AbortSignal): Promise<string[]> => {
    asked.push(name)
    signals.push(signal)
    return new Promise((resolve) => answers.push(resolve))
  }
  return { asked, answers, signals, lookup }
}

test('a name is resolved once, and what was sent meanwhile follows in order', async () => {
  const { asked, answers, lookup } = manual()
  await using server = await udp.bind()
  await using client = await udp.bind({ lookup })
  const to = { host: 'stats.example.org', port: server.address.port }
  for (const each of ['1', '2', '3']) await client.send(each, to)
  expect([asked, client.buffered, client.stats().sent]).toEqual([['stats.example.org'], 3, 0])
  answers[0]?.(['127.0.0.1'])
  await until(() => client.stats().sent === 3)
  await client.send('4', to)
  const heard: string[] = []
  for await (const { data } of server) {
    heard.push(text(data))
    if (heard.length === 4) break
  }
  expect(heard).toEqual(['1', '2', '3', '4'])
  expect([asked.length, client.buffered]).toEqual([1, 0])
})

test('the system knows its own names', async () => {
  await using server = await udp.bind()
  await using client = await udp.bind()
  client.write('ahoy', { host: 'localhost', port: server.address.port })
  for await (const { data } of server) {
    expect(text(data)).toBe('ahoy')
    break
  }
})

test('a resolver that hangs holds back only the one peer, and is bounded', async () => {
  const { lookup } = manual()
  await using server = await udp.bind()
  const own = async (name: string, signal: AbortSignal): Promise<readonly string[]> =>
    name === 'quick' ? ['127.0.0.1'] : lookup(name, signal)
  await using client = await udp.bind({ lookup: own })
  const { told, onTrouble } = troubles()
  client.handle({ onDatagram() {}, onTrouble })
  const { port } = server.address
  for (let count = 0; count < 300; count++) client.write('x', { host: 'hangs', port })
  expect(client.stats().sendDropped).toBe(44)
  expect(told[0]).toMatchObject({ name: 'LimitError', limit: 'sendQueue', phase: 'dns' })
  await client.send('x', { host: 'quick', port })
  await client.send('x', server.address)
  await until(() => server.stats().received === 2)
  await expect(client.send('x', { host: 'hangs', port })).rejects.toMatchObject({ limit: 'sendQueue' })
  // Closing would give the names its grace.
  client.destroy()
})

test('a name that leads nowhere costs what was sent there, is told, and asked for again', async () => {
  let calls = 0
  const lookup = async (): Promise<string[]> => {
    calls++
    if (calls === 1) throw Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })
    if (calls === 2) return ['::1', 'nonsense', 5 as never]
    return ['::1', '127.0.0.1']
  }
  await using server = await udp.bind()
  await using client = await udp.bind({ lookup })
  const { told, onTrouble } = troubles()
  client.handle({ onDatagram() {}, onTrouble })
  const to = { host: 'gone.example', port: server.address.port }
  for (const round of [1, 2]) {
    client.write('a', to)
    client.write('b', to)
    await until(() => told.length === round)
    expect(told.at(-1)?.message).toMatch(/^Cannot send to gone\.example: /)
    expect(client.stats()).toMatchObject({ sent: 0, sendErrors: 2 * round })
  }
  client.write('c', to)
  await until(() => server.stats().received === 1)
  expect(calls).toBe(3)
})

test('a name that does not resolve in time is given up', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation((milliseconds) => {
      const controller = new AbortController()
      setTimeout(() => controller.abort(new DOMException('late', 'TimeoutError')), milliseconds)
      return controller.signal
    })
    const { lookup, signals } = manual()
    const client = await udp.bind({ lookup })
    const { told, onTrouble } = troubles()
    client.handle({ onDatagram() {}, onTrouble })
    client.write('x', { host: 'hangs', port: 9 })
    await vi.advanceTimersByTimeAsync(10_000)
    expect(told).toMatchObject([{ name: 'TimeoutError', phase: 'dns' }])
    expect(signals[0]?.aborted).toBe(true)
    client.destroy()
    timeout.mockRestore()
  } finally {
    vi.useRealTimers()
  }
})

test('closing waits for names within its grace; destroying does not, and tells nobody', async () => {
  const { lookup, answers, signals } = manual()
  await using server = await udp.bind()
  const client = await udp.bind({ lookup })
  client.write('last words', { host: 'slow', port: server.address.port })
  const closing = client.close()
  expect(client.state).toBe('closing')
  answers[0]?.(['127.0.0.1'])
  await closing
  await until(() => server.stats().received === 1)

  const other = await udp.bind({ lookup })
  const { told, onTrouble } = troubles()
  other.handle({ onDatagram() {}, onTrouble })
  other.write('lost', { host: 'slow', port: 9 })
  other.destroy()
  expect(signals[1]?.aborted).toBe(true)
  answers[1]?.(['127.0.0.1'])
  await other.closed
  expect(told).toEqual([])
  expect(other.stats()).toMatchObject({ sent: 0, sendErrors: 1 })
})

test('connect asks an own resolver once, and takes the first address', async () => {
  await using server = await udp.bind()
  const asked: string[] = []
  const lookup = async (name: string): Promise<string[]> => {
    asked.push(name)
    return ['127.0.0.1', '127.0.0.2']
  }
  await using peer = await udp.connect({ host: 'peer.example', port: server.address.port, lookup })
  expect(peer.remoteAddress).toEqual(ipAddress('127.0.0.1', server.address.port))
  expect(asked).toEqual(['peer.example'])
  await using literal = await udp.connect({ port: server.address.port, lookup })
  expect(literal.state).toBe('open')
  expect(asked.length).toBe(1)
})

test('a name leads to what the socket can send to', async () => {
  const lookup = async (): Promise<string[]> => ['127.0.0.1', '::1']
  await using server = await udp.bind({ host: '::1' })
  const to = { host: 'both.example', port: server.address.port }
  for (const options of [{ host: '::1' }, { host: '::', ipv6Only: true }]) {
    await using client = await udp.bind({ ...options, lookup })
    client.write('x', to)
    await until(() => client.stats().sent === 1)
  }
  await until(() => server.stats().received === 2)
})

test('connect takes the first address that there is a way to, and tells of all when there is none', async () => {
  await using server = await udp.bind()
  const { port } = server.address
  // Broadcast is not allowed: the system says so at once, without a network.
  const nowhere = '127.255.255.255'
  await using peer = await udp.connect({
    host: 'a.example',
    port,
    lookup: async () => [nowhere, '127.0.0.1'],
  })
  expect(peer.remoteAddress.host).toBe('127.0.0.1')
  const failing = udp.connect({ host: 'b.example', port, lookup: async () => [nowhere, nowhere] })
  await expect(failing).rejects.toMatchObject({
    name: 'ConnectError',
    message: expect.stringMatching(/^Cannot connect to b\.example:\d+: permission denied/),
    attempts: [{ code: 'EACCES' }, { code: 'EACCES' }],
  })
})
