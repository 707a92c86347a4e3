import { BlockList } from 'node:net'

import { channels } from '@fairlead/core/transport'
import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import { describe, expect, test, vi } from 'vitest'

import { lists, parseAddressList } from '../src/access-list.ts'
import { Admission } from '../src/admission.ts'
import { TcpConnection } from '../src/connection.ts'
import type { StreamListener } from '../src/stream.ts'
import { portOf, textOf } from './harness.ts'

const clock = useManualClock()

/** Connects, and resolves with what becomes of it. */
async function outcome(listener: StreamListener): Promise<'welcome' | 'reset'> {
  try {
    const connection = await tcp.connect({ port: portOf(listener) })
    expect(await lastWords(connection)).toBe('welcome')
    return 'welcome'
  } catch (error) {
    expect(String(error)).toMatch(/reset/)
    return 'reset'
  }
}

/** Says so to each connection, and closes it. */
function welcome(connection: tcp.StreamConnection): void {
  connection.write('welcome')
  void connection.close()
}

/** What the peer says until it ends; then this side ends, too. */
async function lastWords(connection: tcp.StreamConnection): Promise<string> {
  const text = await textOf(connection)
  await connection.close()
  return text
}

/** Keeps each connection. */
const keep = (): { onData(): void } => ({ onData() {} })

const nobody = {
  vanished: 0,
  denied: 0,
  connections: 0,
  address: 0,
  rate: 0,
  prelude: 0,
  handshake: 0,
  queue: 0,
}

describe('a list of addresses', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['192.0.2.10-192.0.2.20', '192.0.2.10', true],
    ['192.0.2.10-192.0.2.20', '192.0.2.20', true],
    ['192.0.2.10-192.0.2.20', '192.0.2.21', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['2001:DB8:0:0::1', '2001:db8::1', true],
    ['::1-::5', '::3', true],
    // An IPv4-mapped address is an IPv4 address, and a subnet of them one of those.
    ['::ffff:192.0.2.7', '192.0.2.7', true],
    ['::ffff:c000:207', '192.0.2.7', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '11.1.2.3', false],
    ['::ffff:10.0.0.1-10.0.0.3', '10.0.0.2', true],
  ])('%s and %s: %s', (entry, host, expected) => {
    expect(lists(parseAddressList('allow', [entry]), host)).toBe(expected)
  })

  test.each([
    '',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '010.0.0.1',
    '2001:db8::/129',
    '::ffff:10.0.0.0/95',
    '192.0.2.20-192.0.2.10',
    '192.0.2.1-2001:db8::1',
    '192.0.2.1-',
    'fe80::1%eth0',
    ' 10.0.0.1',
  ])('refuses %j, by the option’s name', (entry) => {
    const text = `Invalid option deny: ${JSON.stringify(entry)} is not an address, a subnet or a range`
    expect(() => parseAddressList('deny', ['10.0.0.1', entry])).toThrow(new TypeError(text))
  })

  test('may be one of the runtime, which is used as it is', () => {
    const list = new BlockList()
    expect(parseAddressList('deny', list)).toBe(list)
    expect(() => parseAddressList('deny', '10.0.0.1' as never)).toThrow(/option deny: must be an array/)
  })
})

test('a runtime whose list finds nothing is not relied on', () => {
  const check = vi.spyOn(BlockList.prototype, 'check').mockReturnValue(false)
  expect(() => parseAddressList('deny', new BlockList())).toThrow(/^Invalid option deny: the BlockList of/)
  check.mockRestore()
})

describe('admission', () => {
  test('denies what is denied although it is allowed, and all that is not allowed', () => {
    const admission = new Admission({ allow: ['10.0.0.0/8', '::1'], deny: ['10.6.6.0/24'] })
    expect(admission.refusalOf('10.1.1.1')).toBe(undefined)
    expect(admission.refusalOf('::ffff:10.1.1.1')).toBe(undefined)
    expect(admission.refusalOf('0:0:0:0:0:0:0:1')).toBe(undefined)
    expect(admission.refusalOf('::ffff:10.6.6.6')).toBe('denied')
    expect(admission.refusalOf('192.0.2.1')).toBe('denied')
    expect(admission.refusalOf('fe80::1%eth0')).toBe('denied')
  })

  test('a peer without an address is on no list', () => {
    expect(new Admission({ deny: ['0.0.0.0/0'] }).refusalOf(undefined)).toBe(undefined)
    expect(new Admission({ allow: ['0.0.0.0/0'] }).refusalOf(undefined)).toBe('denied')
  })

  test('counts per address, whatever the form it comes in, and forgets addresses that nobody is from', () => {
    const admission = new Admission({ maxConnectionsPerAddress: 2 })
    const [one, two, three] = [{}, {}, {}]
    for (const member of [one, two]) {
      expect(admission.refusalOf('::ffff:10.0.0.1')).toBe(undefined)
      admission.enter()
      expect(admission.settle(member, '10.0.0.1')).toBe(true)
    }
    expect(admission.refusalOf('10.0.0.1')).toBe('address')
    expect(admission.settle(three, '10.0.0.1')).toBe(false)
    expect(admission.refusalOf('10.0.0.2')).toBe(undefined)
    admission.leave(one)
    expect(admission.refusalOf('10.0.0.1')).toBe(undefined)
    admission.leave(two)
    expect(admission.settle(three, '10.0.0.1')).toBe(true)
  })

  test('counts all together, those included whose address is not known yet', () => {
    const admission = new Admission({ maxConnections: 2, maxConnectionsPerAddress: 1 })
    const [one, two] = [{}, {}]
    admission.enter()
    admission.settle(one, '10.0.0.1')
    admission.enter()
    expect(admission.refusalOf('10.0.0.3')).toBe('connections')
    admission.leave(two)
    expect(admission.refusalOf('10.0.0.3')).toBe(undefined)
    expect(admission.refusalOf('10.0.0.1')).toBe('address')
    admission.leave(one)
    expect(admission.refusalOf('10.0.0.1')).toBe(undefined)
  })

  test('counts a member where it came from, whatever it is called later', async () => {
    const options = { port: 0, maxConnectionsPerAddress: 1 }
    await using listener = await tcp.listen(options, (connection) => {
      // As the PROXY protocol does, read late.
      TcpConnection.readdress(connection as TcpConnection, {
        localAddress: connection.localAddress,
        remoteAddress: { kind: 'ip', family: 4, host: '192.0.2.7', port: 1 },
      })
      welcome(connection)
    })
    for (let i = 0; i < 3; i++) {
      expect(await outcome(listener)).toBe('welcome')
      await expect.poll(() => listener.stats().open).toBe(0)
    }
  })

  test('who is refused for another reason uses nobody’s turn', () => {
    const admission = new Admission({ acceptRate: { perSecond: 1 }, deny: ['10.0.0.1'] })
    for (let i = 0; i < 3; i++) expect(admission.refusalOf('10.0.0.1')).toBe('denied')
    expect(admission.refusalOf('10.0.0.2')).toBe(undefined)
    expect(admission.refusalOf('10.0.0.2')).toBe('rate')
    clock.advance(1_000)
    expect(admission.refusalOf('10.0.0.2')).toBe(undefined)
  })
})

describe('a listener', () => {
  test('counts whom it takes, and tells whom it refuses', async () => {
    const told: unknown[] = []
    const hear = ({ cause, peer }: { cause: string; peer: unknown }): void => void told.push({ cause, peer })
    channels.refuse.subscribe(hear)
    await using listener = await tcp.listen({ port: 0, deny: ['127.0.0.0/8'] }, welcome)
    expect(await outcome(listener)).toBe('reset')
    channels.refuse.unsubscribe(hear)
    expect(listener.stats()).toEqual({ accepted: 0, open: 0, pending: 0, refused: { ...nobody, denied: 1 } })
    expect(told).toEqual([{ cause: 'denied', peer: expect.objectContaining({ host: '127.0.0.1' }) }])
  })

  test('takes only those on the allow list, IPv4 peers of a dual-stack listener too', async () => {
    await using listener = await tcp.listen({ port: 0, host: '::', allow: ['127.0.0.1'] }, welcome)
    expect(await outcome(listener)).toBe('welcome')
    const other = await tcp.connect({ host: '::1', port: portOf(listener) }).then(lastWords, String)
    expect(other).toMatch(/reset/)
    expect(listener.stats()).toMatchObject({ accepted: 1, refused: { denied: 1 } })
  })

  test('goes by a list of the runtime as it is at the moment', async () => {
    const deny = new BlockList()
    await using listener = await tcp.listen({ port: 0, deny }, welcome)
    expect(await outcome(listener)).toBe('welcome')
    deny.addSubnet('127.0.0.0', 8)
    expect(await outcome(listener)).toBe('reset')
  })

  test('takes as many as it may from one address, and one more when one is gone', async () => {
    await using listener = await tcp.listen({ port: 0, maxConnectionsPerAddress: 2 }, keep)
    const clients = [
      await tcp.connect({ port: portOf(listener) }),
      await tcp.connect({ port: portOf(listener) }),
    ]
    await expect.poll(() => listener.stats().open).toBe(2)
    expect(await outcome(listener)).toBe('reset')
    expect(listener.stats()).toMatchObject({ accepted: 2, open: 2, refused: { address: 1 } })
    for (const client of clients) client.destroy()
    await expect.poll(() => listener.stats().open).toBe(0)
    const next = await tcp.connect({ port: portOf(listener) })
    await expect.poll(() => listener.stats().open).toBe(1)
    next.destroy()
  })

  test('takes no more than its rate, and goes on when time has passed', async () => {
    await using listener = await tcp.listen({ port: 0, acceptRate: { perSecond: 1, burst: 2 } }, welcome)
    expect([await outcome(listener), await outcome(listener)]).toEqual(['welcome', 'welcome'])
    expect(await outcome(listener)).toBe('reset')
    clock.advance(1_000)
    expect(await outcome(listener)).toBe('welcome')
    expect(listener.stats()).toMatchObject({ accepted: 3, refused: { ...nobody, rate: 1 } })
  })

  test('that is iterated too slowly refuses those that find no room to wait', async () => {
    await using listener = await tcp.listen({ port: 0 })
    const clients = []
    for (let i = 0; i < 130; i++) {
      clients.push(await tcp.connect({ port: portOf(listener) }).catch(() => undefined))
    }
    await expect
      .poll(() => listener.stats())
      .toMatchObject({ accepted: 128, open: 128, refused: { queue: 2 } })
    for (const client of clients) client?.destroy()
  })
})

describe('a prelude', () => {
  test('comes before accept, and what it leaves unread is read there', async () => {
    const steps: string[] = []
    const prelude = async (connection: tcp.StreamConnection): Promise<void> => {
      for await (const chunk of connection) {
        steps.push(`prelude ${Buffer.from(chunk).toString()}`)
        break
      }
      expect([listener.connections.size, listener.stats().pending]).toEqual([0, 1])
    }
    await using listener = await tcp.listen({ port: 0, prelude }, async (connection) => {
      steps.push('accept')
      expect(listener.stats()).toMatchObject({ accepted: 1, open: 1, pending: 0 })
      await connection.send(`heard ${await textOf(connection)}`)
    })
    const client = await tcp.connect({ port: portOf(listener) })
    await client.send('hello')
    await expect.poll(() => steps).toEqual(['prelude hello', 'accept'])
    await client.send('more')
    client.end()
    expect(await textOf(client)).toBe('heard more')
  })

  test.each([
    [
      'throws',
      (): never => {
        throw new Error('no')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['closes the connection', async (connection: tcp.StreamConnection) => connection.destroy()],
  ])('that %s costs its connection', async (_, prelude) => {
    await using listener = await tcp.listen({ port: 0, prelude }, welcome)
    expect(await outcome(listener)).toBe('reset')
    await expect
      .poll(() => listener.stats())
      .toEqual({ accepted: 0, open: 0, pending: 0, refused: { ...nobody, prelude: 1 } })
  })

  test('that never ends is cut at the handshake timeout, and gives its place back', async () => {
    const never = (): Promise<void> => new Promise(() => {})
    const options = { port: 0, prelude: never, handshakeTimeout: 3_000, maxConnections: 1 }
    await using listener = await tcp.listen(options, welcome)
    const client = await tcp.connect({ port: portOf(listener) })
    const text = lastWords(client).catch(String)
    await expect.poll(() => listener.stats().pending).toBe(1)
    expect(await outcome(listener)).toBe('reset')
    clock.advance(2_900)
    expect(listener.stats().pending).toBe(1)
    clock.advance(500)
    expect(await text).toMatch(/reset/)
    await expect
      .poll(() => listener.stats())
      .toMatchObject({ pending: 0, refused: { prelude: 1, connections: 1 } })
  })

  test('is cut when the listener closes, and goes on when it is only suspended', async () => {
    let proceed = (): void => {}
    const prelude = (): Promise<void> => new Promise((resolve) => (proceed = resolve))
    const listener = await tcp.listen({ port: 0, prelude }, welcome)
    const first = await tcp.connect({ port: portOf(listener) })
    await expect.poll(() => listener.stats().pending).toBe(1)
    await listener.suspend()
    proceed()
    expect(await lastWords(first)).toBe('welcome')
    await listener.resume()

    const second = await tcp.connect({ port: portOf(listener) })
    const text = lastWords(second).catch(String)
    await expect.poll(() => listener.stats().pending).toBe(1)
    await listener.close()
    proceed()
    expect(await text).toMatch(/reset/)
    expect(listener.stats()).toEqual({ accepted: 1, open: 0, pending: 0, refused: nobody })
  })
})
