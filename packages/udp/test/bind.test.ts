import { BrokenError, BusyError, ClosedError, LimitError, ListenError, SocketError } from '@fairlead/core'
import * as udp from '@fairlead/udp'
import { expect, test } from 'vitest'

import { bare, deafPort, troubles, until } from './tools.ts'

const text = (data: Uint8Array): string => Buffer.from(data).toString()

test('echoes by handler, to whom it came from', async () => {
  await using server = await udp.bind()
  server.handle({ onDatagram: (data, from) => void server.write(data, from) })
  await using client = await udp.bind()
  await client.send('ahoy', server.address)
  for await (const { data, from } of client) {
    expect(text(data)).toBe('ahoy')
    expect(from).toEqual(server.address)
    break
  }
  expect(server.address).toMatchObject({ kind: 'ip', family: 4, host: '127.0.0.1' })
})

test('iterates in order, keeps what break left, and lets one read at a time', async () => {
  await using server = await udp.bind()
  await using client = await udp.bind()
  for (let i = 0; i < 100; i++) await client.send(String(i), server.address)
  const heard: string[] = []
  for await (const { data } of server) {
    heard.push(text(data))
    if (heard.length === 40) break
  }
  const reader = server[Symbol.asyncIterator]()
  expect(() => server[Symbol.asyncIterator]()).toThrow(BusyError)
  while (heard.length < 100) heard.push(text((await reader.next()).value?.data ?? new Uint8Array()))
  expect(heard).toEqual(Array.from({ length: 100 }, (_, i) => String(i)))
})

test('a new handler gets what waited, but not before handle has returned', async () => {
  await using server = await udp.bind()
  await using client = await udp.bind()
  client.write(new Uint8Array(), server.address)
  client.write('second', server.address)
  await until(() => server.stats().received === 2)
  const heard: string[] = []
  await new Promise<void>((resolve) => {
    server.handle({
      onDatagram(data) {
        heard.push(text(data))
        if (heard.length === 3) resolve()
      },
    })
    heard.push('returned')
  })
  expect(heard).toEqual(['returned', '', 'second'])
})

test('drops the newest beyond the receive queue, and counts exactly', async () => {
  await using server = await udp.bind({ receiveQueue: { datagrams: 4, bytes: 100 } })
  await using client = await udp.bind()
  for (let i = 0; i < 10; i++) client.write(String(i), server.address)
  await until(() => server.stats().received === 10)
  expect(server.stats()).toMatchObject({ received: 10, receivedBytes: 10, receiveDropped: 6 })
  expect(server.stats().lastError).toMatchObject({ limit: 'receiveQueue', value: 4 })
  const heard: string[] = []
  for await (const { data } of server) {
    heard.push(text(data))
    if (heard.length === 4) break
  }
  expect(heard).toEqual(['0', '1', '2', '3'])
  client.write(Buffer.alloc(99), server.address)
  client.write('ab', server.address)
  await until(() => server.stats().received === 12)
  expect(server.stats().receiveDropped).toBe(7)
  expect(client.stats()).toMatchObject({ sent: 12, sentBytes: 111, sendErrors: 0, sendDropped: 0 })
})

test('a burst of unawaited sends gets to the other side; the promises are one, and settle', async () => {
  // As much as a stock Linux grants, which is less than the burst.
  await using server = await udp.bind({ recvBufferSize: 106_496 })
  await using client = await udp.bind()
  const sends = Array.from({ length: 2_000 }, (_, i) => client.send(String(i), server.address))
  expect(new Set(sends).size).toBeLessThanOrEqual(2)
  expect(client.buffered).toBeGreaterThan(0)
  await Promise.all(sends)
  await until(() => {
    const { received, kernelDropped = 0 } = server.stats()
    return received + kernelDropped === 2_000
  })
  expect(client.stats()).toMatchObject({ sent: 2_000, sendErrors: 0, sendDropped: 0 })
})

test('endless sending leaves the event loop to others', async () => {
  await using server = await udp.bind()
  await using client = await udp.bind()
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  for (let i = 0; turns < 3; i++) {
    expect(i).toBeLessThan(1_000_000)
    await client.send('x', server.address)
  }
  clearInterval(timer)
})

test('wrong destinations and data are refused at the call', async () => {
  await using socket = await udp.bind()
  const to = (host: string, port: number) => () => socket.write('x', { host, port })
  expect(to('127.0.0.1', 0)).toThrow(RangeError)
  expect(to('127.0.0.1', 65_536)).toThrow(RangeError)
  expect(to('local host', 9)).toThrow(/"local host": neither an address nor a name/)
  expect(to('::1', 9)).toThrow(/bound to IPv4/)
  expect(() => socket.write(5 as never, socket.address)).toThrow(TypeError)
  await expect(socket.send('x', { host: '0x7f.1', port: 9 })).rejects.toThrow(TypeError)
  expect(socket.stats()).toMatchObject({ sent: 0, sendErrors: 0 })
})

test('65,507 bytes go to IPv4, one more meets a LimitError', async () => {
  await using server = await udp.bind()
  await using client = await udp.bind()
  client.write(Buffer.alloc(65_507, 7), server.address)
  const { value } = await server[Symbol.asyncIterator]().next()
  expect(value?.data.byteLength).toBe(65_507)
  const refused = { name: 'LimitError', limit: 'maxDatagramSize', value: 65_508 }
  await expect(client.send(Buffer.alloc(65_508), server.address)).rejects.toMatchObject(refused)
  expect(() => client.write(Buffer.alloc(70_000), server.address)).toThrow(LimitError)
})

test('a dual-stack socket hears IPv4 under its own name and answers it', async () => {
  const server = await udp.bind({ host: '::' })
  await using client = await udp.bind()
  server.handle({ onDatagram: (data, from) => void server.write(data, from) })
  client.write('ahoy', { host: '127.0.0.1', port: server.address.port })
  const { value } = await client[Symbol.asyncIterator]().next()
  expect(value?.from).toEqual({ kind: 'ip', family: 4, host: '127.0.0.1', port: server.address.port })
  expect(() => server.write(Buffer.alloc(65_508), client.address)).toThrow(LimitError)
  await server.close()
})

test('with ipv6Only, the port is free for IPv4; without, it is taken', async () => {
  const shared = await bothOn(true)
  expect(shared.map(({ address }) => address.family)).toEqual([6, 4])
  for (const socket of shared) await socket.close()
  await expect(bothOn(false)).rejects.toThrow('address is in use')
})

/** A socket of each family on one port. It is tried again, because a port that is free for the one may be taken for the other. */
async function bothOn(ipv6Only: boolean, tries = 5): Promise<udp.UdpSocket[]> {
  const six = await udp.bind({ host: '::', ipv6Only })
  try {
    return [six, await udp.bind({ host: '0.0.0.0', port: six.address.port })]
  } catch (error) {
    await six.close()
    if (tries > 1) return bothOn(ipv6Only, tries - 1)
    throw error
  }
}

test('a literal address meets no lookup, not even for the system call: the bytes leave as they are written', async () => {
  const lookup = () => {
    throw new Error('looked up')
  }
  await using server = await udp.bind({ host: '::' })
  const { port } = server.address
  const heard: string[] = []
  server.handle({ onDatagram: (data) => void heard.push(text(data)) })
  for (const [host, to] of [
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1', '::ffff:127.0.0.1'],
    ['::', '127.0.0.1'],
    ['::', '::1'],
  ] as const) {
    await using client = await udp.bind({ host, lookup })
    for (const word of ['first', 'again']) {
      const data = Buffer.from(word)
      client.write(data, { host: to, port })
      data.fill('!')
      await until(() => heard.length > 0)
      expect(heard.splice(0)).toEqual([word])
    }
    expect(client.stats()).toMatchObject({ sent: 2, sendErrors: 0 })
  }
})

test('what the system refuses is told and counted, and the socket lives on', async () => {
  await using socket = await udp.bind()
  await using other = await udp.bind()
  const { told, first, onTrouble } = troubles()
  socket.handle({ onDatagram() {}, onTrouble })
  // Broadcast without the option; a closed port says nothing to a socket that is not connected.
  await socket.send('x', { host: '255.255.255.255', port: 9 })
  await socket.send('x', { host: '127.0.0.1', port: await deafPort() })
  expect(await first).toBeInstanceOf(BrokenError)
  expect(told.map((it) => it.message)).toEqual([
    'Cannot send to 255.255.255.255:9: permission denied (a broadcast address needs the option broadcast)',
  ])
  await socket.send('ahoy', other.address)
  expect(text((await other[Symbol.asyncIterator]().next()).value?.data ?? new Uint8Array())).toBe('ahoy')
  await until(() => socket.buffered === 0)
  expect(socket.stats()).toMatchObject({ sent: 2, sendErrors: 1, lastError: told[0] })
})

test('a callback that fails costs its datagram when somebody is told', async () => {
  await using server = await udp.bind()
  await using client = await udp.bind()
  const { told, onTrouble } = troubles()
  let heard = 0
  server.handle({
    onDatagram() {
      if (heard++ % 2 === 0) throw new Error('first')
      return Promise.reject(new Error('second'))
    },
    onTrouble,
  })
  for (let i = 0; i < 4; i++) client.write('x', server.address)
  await until(() => told.length === 4)
  expect(told[0]?.message).toBe('Datagram handler failed: first')
  expect(server.state).toBe('open')
  expect(server.stats().handlerErrors).toBe(4)
})

test.each([
  [
    'throws',
    () => {
      throw new Error('told')
    },
  ],
  ['rejects', () => Promise.reject(new Error('told'))],
])('an onTrouble that %s ends the socket', async (_, onTrouble) => {
  const server = await udp.bind()
  await using client = await udp.bind()
  server.handle({ onDatagram: () => Promise.reject(new Error('first')), onTrouble })
  client.write('x', server.address)
  expect(await server.closed).toMatchObject({
    kind: 'error',
    error: { message: 'Datagram handler failed: told' },
  })
})

test('a callback that fails with nobody to be told ends the socket, and only that', async () => {
  const server = await udp.bind()
  await using client = await udp.bind()
  const reasons: unknown[] = []
  server.handle({
    onDatagram() {
      throw new Error('mine')
    },
    onClose: (reason) => void reasons.push(reason),
  })
  client.write('x', server.address)
  const reason = await server.closed
  expect(reason).toMatchObject({ kind: 'error', error: { message: 'Datagram handler failed: mine' } })
  await until(() => reasons.length === 1)
  expect(reasons).toEqual([reason])
  expect(() => server.write('x', client.address)).toThrow(BrokenError)
})

test('close sends what was written, ends the reader, may be repeated, and is final', async () => {
  await using server = await udp.bind()
  const client = await udp.bind()
  const reading = client[Symbol.asyncIterator]().next()
  for (let i = 0; i < 600; i++) void client.send('x', server.address)
  const room = client.drained()
  await Promise.all([client.close(), client.close({ grace: 10 })])
  await room.catch(() => {})
  expect(await reading).toEqual({ value: undefined, done: true })
  expect(client.stats()).toMatchObject({ sent: 600, sendErrors: 0 })
  expect(client.buffered).toBe(0)
  expect(await client.closed).toEqual({ kind: 'local' })
  client.destroy()
  expect(() => client.write('x', server.address)).toThrow(ClosedError)
  await expect(client.send('x', server.address)).rejects.toThrow('Cannot send: socket is closed')
  await expect(client.drained()).rejects.toThrow(ClosedError)
})

test('destroy with sends under way leaves no promise hanging', async () => {
  await using server = await udp.bind()
  const client = await udp.bind()
  const reader = client[Symbol.asyncIterator]()
  const reading = reader.next()
  const sends = Array.from({ length: 600 }, () => client.send('x', server.address))
  client.destroy(new Error('enough'))
  const settled = await Promise.allSettled(sends)
  expect(new Set(settled.map((it) => it.status))).toEqual(new Set(['fulfilled', 'rejected']))
  await expect(reading).rejects.toThrow('enough')
  await client.close()
  expect(await client.closed).toMatchObject({ kind: 'error' })
})

test('a port in use, an address of somebody else, a name unknown: ListenError', async () => {
  await using taken = await bare()
  const { port } = taken.address()
  const inUse = udp.bind({ port })
  await expect(inUse).rejects.toThrow(ListenError)
  await expect(inUse).rejects.toMatchObject({
    message: `Cannot bind 127.0.0.1:${port}: address is in use`,
    phase: 'bind',
    retryable: true,
  })
  await expect(udp.bind({ host: '192.0.2.1' })).rejects.toThrow('address is not available on this machine')
  await expect(udp.bind({ host: 'nobody.invalid' })).rejects.toSatisfy((it) => SocketError.is(it))
})

test('an aborted signal is rethrown, and no socket is left', async () => {
  const reason = new Error('changed my mind')
  await expect(udp.bind({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  const controller = new AbortController()
  const port = await deafPort()
  const binding = udp.bind({ port, signal: controller.signal })
  controller.abort(reason)
  await expect(binding).rejects.toBe(reason)
  await using again = await udp.bind({ port })
  expect(again.address.port).toBe(port)
})

test('says how large a receive buffer was granted', async () => {
  await using small = await udp.bind({ recvBufferSize: 8_192 })
  await using usual = await udp.bind()
  expect(small.stats().recvBufferSize).toBeGreaterThanOrEqual(8_192)
  expect(usual.stats().recvBufferSize).toBeGreaterThan(small.stats().recvBufferSize)
})

test('an undefined limit of a queue is the default', async () => {
  const none = { datagrams: undefined, bytes: undefined, policy: undefined } as never
  await using server = await udp.bind({ receiveQueue: none, sendQueue: none })
  await using client = await udp.bind()
  const sender = setInterval(() => {
    for (let count = 0; count < 500; count++) client.write('x', server.address)
  }, 1)
  await until(() => server.stats().receiveDropped > 0)
  clearInterval(sender)
  const { received, receiveDropped } = server.stats()
  expect(received - receiveDropped).toBe(4_096)
})

test('options that are none are refused', async () => {
  for (const options of [null, 5, 'x']) {
    await expect(udp.bind(options as never)).rejects.toThrow(/^Invalid options of bind: /)
    await expect(udp.listen(options as never)).rejects.toThrow(/^Invalid options of listen: /)
    await expect(udp.connect(options as never)).rejects.toThrow(/^Invalid options of connect: /)
  }
  await expect(udp.connect(undefined as never)).rejects.toThrow(/^Invalid options of connect: /)
  await expect(udp.listen({}, 5 as never)).rejects.toThrow(/^Invalid option accept: /)
  await expect(udp.bind({ sendQueue: [] as never })).rejects.toThrow(/^Invalid option sendQueue: /)
  await expect(udp.listen({ maxAmplification: '3' as never })).rejects.toThrow(
    /^Invalid option maxAmplification: /,
  )
  for (const host of ['0x7f.1', '127.1', 'a b', '', 7]) {
    await expect(udp.bind({ host: host as never })).rejects.toThrow(/^Invalid option host: /)
    await expect(udp.connect({ host: host as never, port: 9 })).rejects.toThrow(/^Invalid option host: /)
  }
  for (const zone of ['lo', '', 5]) {
    const given = { port: 9, zone: zone as never }
    await expect(udp.connect(given)).rejects.toThrow(/^Invalid option zone: "127\.0\.0\.1" does not take /)
  }
})
