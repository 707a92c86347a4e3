import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'

import { ListenError, type SocketError } from '@fairlead/core'
import { describe, expect, onTestFinished, test } from 'vitest'

import type { GroupSocket } from '../../src/multicast/group-socket.ts'
import type { MembershipChange } from '../../src/multicast/membership.ts'
import { Memberships } from '../../src/multicast/memberships.ts'
import { Table } from '../table.ts'
import { bare } from '../tools.ts'

/** The system's side of memberships, as Linux behaves: what is joined, by `group source form`. */
class FakeSocket implements GroupSocket {
  readonly joined: string[] = []
  /** Codes of the system, by form. */
  readonly refused: Record<string, string> = {}
  calls = 0

  addMembership(group: string, form = ''): void {
    this.#add(`${group} * ${form}`, form, 'EADDRINUSE')
  }

  dropMembership(group: string, form = ''): void {
    this.#drop(`${group} * ${form}`, form)
  }

  addSourceSpecificMembership(source: string, group: string, form = ''): void {
    this.#add(`${group} ${source} ${form}`, form, 'EADDRNOTAVAIL')
  }

  dropSourceSpecificMembership(source: string, group: string, form = ''): void {
    this.#drop(`${group} ${source} ${form}`, form)
  }

  /** The interface is made anew: the system has forgotten what was joined there. */
  forget(form: string): void {
    const kept = this.joined.filter((it) => !it.endsWith(` ${form}`))
    this.joined.splice(0, Infinity, ...kept)
  }

  #add(key: string, form: string, code: string): void {
    this.calls++
    this.#check(form)
    if (this.joined.includes(key)) throw failure(code)
    if (this.joined.length >= 20) throw failure('ENOBUFS')
    this.joined.push(key)
  }

  #drop(key: string, form: string): void {
    this.calls++
    this.#check(form)
    const at = this.joined.indexOf(key)
    if (at < 0) throw failure('EADDRNOTAVAIL')
    this.joined.splice(at, 1)
  }

  #check(form: string): void {
    const code = this.refused[form]
    if (code !== undefined) throw failure(code)
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`addMembership ${code}`), { code })
}

/** What was told, in one line each. */
function summary({ joined, left, failed }: MembershipChange): string {
  const failures = failed.map((it) => `!${it.interface}`)
  return [...joined.map((name) => `+${name}`), ...left.map((name) => `-${name}`), ...failures].join(' ')
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const two = { lo: ['127.0.0.1/8', '::1/128'], eth0: ['10.0.0.1/24', 'fe80::1/64'] }

function stage(interfaces: Record<string, string[]> = two, family: 4 | 6 = 4) {
  const socket = new FakeSocket()
  const table = new Table(interfaces)
  const told: string[] = []
  const troubles: SocketError[] = []
  const memberships = new Memberships(socket, family, (error) => void troubles.push(error), table.watch)
  const onChange = (change: MembershipChange): void => void told.push(summary(change))
  return { socket, table, told, troubles, memberships, onChange }
}

describe('joining', () => {
  test('is done on every interface, loopback too, and told right after the call', async () => {
    const { socket, told, memberships, onChange } = stage()
    const membership = memberships.join('239.1.2.3', { onChange })
    expect(socket.joined).toEqual(['239.1.2.3 * 127.0.0.1', '239.1.2.3 * 10.0.0.1'])
    expect(membership).toMatchObject({ group: '239.1.2.3', source: undefined, interfaces: ['lo', 'eth0'] })
    expect(told).toEqual([])
    await turn()
    expect(told).toEqual(['+lo +eth0'])
  })

  test('names IPv6 interfaces by their zone', () => {
    const { socket, memberships } = stage(two, 6)
    expect(memberships.join('FF02:0::1').group).toBe('ff02::1')
    expect(socket.joined).toEqual(['ff02::1 * ::%lo', 'ff02::1 * ::%eth0'])
  })

  test('is done once where an interface has several addresses', () => {
    const { socket, memberships } = stage({ eth0: ['10.0.0.1/24', '10.0.0.2/24'], 'eth0:1': ['10.0.0.3/24'] })
    expect(memberships.join('239.1.2.3').interfaces).toEqual(['eth0'])
    expect(socket.joined).toEqual(['239.1.2.3 * 10.0.0.1'])
  })

  test.each([
    [4, ['eth0'], ['239.1.2.3 * 10.0.0.1']],
    [4, ['10.0.0.1', 'eth0'], ['239.1.2.3 * 10.0.0.1']],
    [4, ['10.0.0.2'], ['239.1.2.3 * 10.0.0.2']],
    [4, ['::ffff:10.0.0.2'], ['239.1.2.3 * 10.0.0.2']],
    [6, ['eth0'], ['ff02::1 * ::%eth0']],
    [6, ['FE80::1%eth0'], ['ff02::1 * ::%eth0']],
    [6, ['2001:db8::0:1'], ['ff02::1 * ::%eth0']],
  ] as const)('of IPv%i can be held to %j', (family, interfaces, joined) => {
    const eth0 = ['10.0.0.1/24', '10.0.0.2/24', '2001:db8::1/64', 'fe80::1/64']
    const { socket, memberships } = stage({ lo: two.lo, eth0, eth1: ['fe80::1/64'] }, family)
    const group = family === 4 ? '239.1.2.3' : 'ff02::1'
    expect(memberships.join(group, { interfaces }).interfaces).toEqual(['eth0'])
    expect(socket.joined).toEqual(joined)
  })

  test('hears one source only, if one is named', () => {
    const { socket, memberships } = stage()
    const first = memberships.join('232.1.2.3', { source: '10.0.0.7' })
    const second = memberships.join('232.1.2.3', { source: '10.0.0.8', interfaces: ['eth0'] })
    expect(socket.joined).toEqual([
      '232.1.2.3 10.0.0.7 127.0.0.1',
      '232.1.2.3 10.0.0.7 10.0.0.1',
      '232.1.2.3 10.0.0.8 10.0.0.1',
    ])
    first.leave()
    expect(socket.joined).toEqual(['232.1.2.3 10.0.0.8 10.0.0.1'])
    expect([first.source, second.source]).toEqual(['10.0.0.7', '10.0.0.8'])
  })

  test('fails on one interface and goes on with the others, and says so once', async () => {
    const { socket, table, told, troubles, memberships, onChange } = stage()
    socket.refused['127.0.0.1'] = 'ENODEV'
    const failures: unknown[] = []
    const membership = memberships.join('239.1.2.3', {
      onChange(change) {
        onChange(change)
        failures.push(...change.failed)
      },
    })
    await turn()
    table.tick()
    expect(membership.interfaces).toEqual(['eth0'])
    expect(told).toEqual(['+eth0 !lo'])
    expect(failures).toEqual([{ interface: 'lo', error: troubles[0] }])
    expect(troubles.map(({ message }) => message)).toEqual(['Cannot join 239.1.2.3 on lo: no such interface'])
    expect(troubles[0]).toMatchObject({ phase: 'join', cause: { code: 'ENODEV' } })

    socket.refused['127.0.0.1'] = 'EPERM'
    table.tick()
    delete socket.refused['127.0.0.1']
    table.tick()
    table.tick()
    expect(told).toEqual(['+eth0 !lo', '!lo', '+lo'])
  })

  test('says again why it failed on an interface that went and came back', async () => {
    const { socket, table, told, memberships, onChange } = stage()
    socket.refused['10.0.0.1'] = 'ENODEV'
    memberships.join('239.1.2.3', { onChange })
    await turn()
    table.tick({ lo: two.lo })
    table.tick(two)
    expect(told).toEqual(['+lo !eth0', '!eth0'])
  })

  test('ends at 20 groups with a clear error, and again works after one was left', async () => {
    const { table, troubles, memberships } = stage()
    const all = Array.from({ length: 9 }, (_, at) => memberships.join(`239.1.0.${at}`))
    memberships.join('239.1.1.0', { interfaces: ['lo'] })
    const partial = memberships.join('239.1.1.1')
    expect(partial.interfaces).toEqual(['lo'])
    await turn()
    expect(troubles.map(({ message }) => message)).toEqual([
      'Cannot join 239.1.1.1 on eth0: the socket is in as many groups as the system allows (Linux: net.ipv4.igmp_max_memberships)',
    ])
    const refused = (): unknown => memberships.join('239.1.1.2')
    expect(refused).toThrow(ListenError)
    expect(refused).toThrow(
      /^Cannot join 239.1.1.2: no interface takes it; Cannot join 239.1.1.2 on lo: .* groups/,
    )
    all[0]?.leave()
    table.tick()
    expect(partial.interfaces).toEqual(['lo', 'eth0'])
  })

  test('twice is refused, until it was left', () => {
    const { socket, memberships } = stage()
    const membership = memberships.join('239.1.2.3')
    const again = (): unknown => memberships.join('::ffff:239.1.2.3')
    expect(again).toThrow(ListenError)
    expect(again).toThrow(/^Cannot join 239.1.2.3: the socket has joined it already$/)
    membership.leave()
    again()
    expect(socket.joined).toHaveLength(2)
  })

  test('throws when nothing can be joined, and leaves nothing behind', () => {
    const { socket, table, memberships } = stage()
    Object.assign(socket.refused, { '127.0.0.1': 'ENODEV', '10.0.0.1': 'EPERM' })
    const join = (interfaces?: string[]): unknown =>
      memberships.join('239.1.2.3', { ...(interfaces && { interfaces }) })
    expect(() => join()).toThrow(
      /^Cannot join 239.1.2.3: no interface takes it; Cannot join .* on lo: no such/,
    )
    expect(() => join(['eth0'])).toThrow(/^Cannot join 239.1.2.3 on eth0: not permitted$/)
    expect(() => join(['eth7'])).toThrow(/^Cannot join 239.1.2.3 on eth7: no such interface$/)
    table.interfaces = { eth0: ['fe80::1/64'] }
    expect(() => join()).toThrow(/^Cannot join 239.1.2.3: no interface has an IPv4 address$/)
    table.interfaces = new Error('not here')
    expect(() => join()).toThrow(ListenError)
    expect(table.ticking).toBe(false)
    expect(socket.joined).toEqual([])
  })

  test.each([
    ['10.0.0.1', {}, 'Cannot join "10.0.0.1": not a multicast address (224.0.0.0/4 or ff00::/8)'],
    ['223.255.255.255', {}, /^Cannot join "223.255.255.255": not a multicast address/],
    ['240.0.0.1', {}, /^Cannot join "240.0.0.1": not a multicast address/],
    ['::1', {}, /^Cannot join "::1": not a multicast address/],
    ['ff::1', {}, /^Cannot join "ff::1": not a multicast address/],
    ['group.example', {}, /^Cannot join "group.example": not a multicast address/],
    [undefined, {}, /^Cannot join undefined: not a multicast address/],
    [['239.1.2.3'], {}, /^Cannot join object: not a multicast address/],
    ['ff02::1', {}, 'Cannot join ff02::1: the socket is bound to IPv4, the group is IPv6'],
    ['ff02::1%eth0', {}, 'Cannot join "ff02::1%eth0": name the interface by the option interfaces'],
    ['239.1.2.3', null, 'Invalid options of join: null is not an object'],
    ['239.1.2.3', { onChange: 1 }, 'Invalid option onChange: must be a function'],
    [
      '239.1.2.3',
      { interfaces: 'eth0' },
      /^Invalid option interfaces: must be an array of names or addresses/,
    ],
    ['239.1.2.3', { interfaces: [] }, /^Invalid option interfaces/],
    ['239.1.2.3', { interfaces: [1] }, /^Invalid option interfaces/],
    ['239.1.2.3', { source: '239.1.2.3' }, 'Invalid option source: "239.1.2.3" is not a unicast address'],
    ['239.1.2.3', { source: '255.255.255.255' }, /^Invalid option source/],
    ['239.1.2.3', { source: '0.0.0.0' }, /^Invalid option source/],
    ['239.1.2.3', { source: 'somebody' }, /^Invalid option source/],
    ['239.1.2.3', { source: 1 }, /^Invalid option source: number is not a unicast address/],
    [
      '239.1.2.3',
      { source: '2001:db8::1' },
      'Invalid option source: 2001:db8::1 is not IPv4, as the group is',
    ],
  ])('refuses %j with %j', (group, options, message) => {
    const { table, memberships } = stage()
    const join = (): unknown => memberships.join(group as string, options as object)
    expect(join).toThrow(TypeError)
    expect(join).toThrow(message)
    expect(table.reads).toBe(0)
  })

  test.each(['224.0.0.1', '239.255.255.255'])('takes %s', (group) => {
    expect(stage().memberships.join(group).group).toBe(group)
  })
})

describe('a membership', () => {
  test('follows interfaces that come, go and come back', async () => {
    const { socket, table, told, memberships, onChange } = stage({ lo: ['127.0.0.1/8'] })
    const membership = memberships.join('239.1.2.3', { onChange })
    await turn()
    table.tick(two)
    expect(membership.interfaces).toEqual(['lo', 'eth0'])
    table.tick({ lo: ['127.0.0.1/8'] })
    expect(membership.interfaces).toEqual(['lo'])
    expect(socket.joined).toEqual(['239.1.2.3 * 127.0.0.1'])
    table.tick(two)
    table.tick()
    expect(told).toEqual(['+lo', '+eth0', '-eth0', '+eth0'])
  })

  test('may be left with no interface at all, and waits for one', async () => {
    const { table, told, memberships, onChange } = stage()
    const membership = memberships.join('239.1.2.3', { onChange })
    await turn()
    table.tick({})
    expect(membership.interfaces).toEqual([])
    table.tick(two)
    expect(told).toEqual(['+lo +eth0', '-lo -eth0', '+lo +eth0'])
  })

  test.each([4, 6] as const)(
    'of IPv%i is renewed where an interface was made again between two looks',
    async (family) => {
      const { socket, table, told, memberships, onChange } = stage(two, family)
      const membership = memberships.join(family === 4 ? '239.1.2.3' : 'ff02::1', { onChange })
      await turn()
      const before = [...socket.joined].toSorted()
      socket.forget(family === 4 ? '10.0.0.1' : '::%eth0')
      table.tick()
      table.tick()
      expect(told).toEqual(['+lo +eth0', '+eth0'])
      expect(socket.joined.toSorted()).toEqual(before)
      expect(membership.interfaces).toEqual(['lo', 'eth0'])
    },
  )

  test('moves to the new address of an interface', async () => {
    const { socket, table, told, memberships, onChange } = stage({ eth0: ['10.0.0.1/24'] })
    memberships.join('239.1.2.3', { onChange })
    await turn()
    table.tick({ eth0: ['10.9.0.9/24', '10.0.0.1/24'] })
    expect(socket.joined).toEqual(['239.1.2.3 * 10.0.0.1'])
    table.tick({ eth0: ['10.9.0.9/24'] })
    expect(socket.joined).toEqual(['239.1.2.3 * 10.9.0.9'])
    expect(told).toEqual(['+eth0', '+eth0'])
  })

  test('does not touch the zone of an IPv6 interface that is gone, and finds its membership again', async () => {
    const { socket, table, told, memberships, onChange } = stage(two, 6)
    const membership = memberships.join('ff02::1', { onChange })
    await turn()
    table.tick({ lo: two.lo })
    // The link was down for a while: the system has kept it.
    expect(socket.joined).toEqual(['ff02::1 * ::%lo', 'ff02::1 * ::%eth0'])
    expect(membership.interfaces).toEqual(['lo'])
    table.tick(two)
    expect(told).toEqual(['+lo +eth0', '-eth0', '+eth0'])
    table.tick({ lo: two.lo })
    membership.leave()
    expect(socket.joined).toEqual([])
  })

  test('for a source is taken off the list when its address is gone, as Linux wants it', () => {
    const { socket, table, memberships } = stage({ eth0: ['10.0.0.1/24'], lo: ['127.0.0.1/8'] })
    const dropped: string[] = []
    socket.dropSourceSpecificMembership = (): void => {
      throw failure('ENODEV')
    }
    socket.dropMembership = (group, form): void => void dropped.push(`${group} ${form}`)
    memberships.join('232.1.2.3', { source: '10.0.0.7' })
    table.tick({ lo: ['127.0.0.1/8'] })
    expect(dropped).toEqual(['232.1.2.3 10.0.0.1'])
  })

  test('waits for a named interface that is not there yet', async () => {
    const { table, told, memberships, onChange } = stage({ lo: ['127.0.0.1/8'] })
    const named = ['lo', 'eth0']
    const membership = memberships.join('239.1.2.3', { interfaces: named, onChange })
    named.length = 0
    await turn()
    table.tick()
    table.tick(two)
    expect(told).toEqual(['+lo !eth0', '+eth0'])
    expect(membership.interfaces).toEqual(['lo', 'eth0'])
    table.tick({})
    expect(told.at(-1)).toBe('-lo -eth0 !lo !eth0')
  })

  test('is left once, without a word, and then no longer looked after', async () => {
    const { socket, table, told, memberships, onChange } = stage()
    const membership = memberships.join('239.1.2.3', { onChange })
    membership.leave()
    expect(socket.joined).toEqual([])
    expect(membership.interfaces).toEqual([])
    expect(table.ticking).toBe(false)
    const { calls } = socket
    membership.leave()
    await turn()
    expect(socket.calls).toBe(calls)
    expect(told).toEqual([])
  })

  test('is left even if the system thinks otherwise', () => {
    const { socket, memberships } = stage()
    const membership = memberships.join('239.1.2.3')
    socket.refused['127.0.0.1'] = 'ERR_SOCKET_DGRAM_NOT_RUNNING'
    membership.leave()
    expect(socket.joined).toEqual(['239.1.2.3 * 127.0.0.1'])
  })

  test('ends with its socket, which asks nothing of the system', async () => {
    const { socket, table, told, memberships, onChange } = stage()
    const first = memberships.join('239.1.2.3', { onChange })
    memberships.join('239.1.2.4')
    const { calls } = socket
    memberships.end()
    first.leave()
    await turn()
    expect(table.ticking).toBe(false)
    expect(first.interfaces).toEqual([])
    expect(socket.calls).toBe(calls)
    expect(told).toEqual([])
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('mine')
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
    ['hangs', () => new Promise<void>(() => {})],
  ])('survives a callback that %s', async (how, onChange) => {
    const { table, troubles, memberships } = stage({ lo: ['127.0.0.1/8'] })
    const membership = memberships.join('239.1.2.3', { onChange })
    await turn()
    table.tick(two)
    await turn()
    expect(membership.interfaces).toEqual(['lo', 'eth0'])
    const message = 'Membership callback failed: mine'
    expect(troubles.map((error) => error.message)).toEqual(how === 'hangs' ? [] : [message, message])
  })

  test('may be left and joined again by its own callback', async () => {
    const { socket, table, memberships } = stage({ lo: ['127.0.0.1/8'] })
    const told: string[] = []
    const join = (): void => {
      const membership = memberships.join('239.1.2.3', {
        onChange(change) {
          told.push(summary(change))
          if (change.left.length === 0) return
          membership.leave()
          join()
        },
      })
    }
    join()
    await turn()
    table.tick(two)
    table.tick({ lo: ['127.0.0.1/8'] })
    await turn()
    expect(told).toEqual(['+lo', '+eth0', '-eth0', '+lo'])
    expect(socket.joined).toEqual(['239.1.2.3 * 127.0.0.1'])
  })
})

describe('on real sockets', () => {
  const noTrouble = (error: SocketError): never => {
    throw error
  }

  /** A port of all interfaces, with a membership that ends with the test. */
  async function member(
    type: 'udp4' | 'udp6' = 'udp4',
  ): Promise<{ socket: Socket; memberships: Memberships }> {
    const socket = createSocket(type)
    socket.bind(0)
    await once(socket, 'listening')
    const memberships = new Memberships(socket, type === 'udp4' ? 4 : 6, noTrouble)
    onTestFinished(() => {
      memberships.end()
      socket.close()
    })
    return { socket, memberships }
  }

  test('hears what is sent to the group on loopback, until it is left', async () => {
    const { socket, memberships } = await member()
    const heard: string[] = []
    socket.on('message', (data) => heard.push(String(data)))
    await using sender = await bare()
    sender.setMulticastInterface('127.0.0.1')
    const send = (text: string): void => sender.send(text, socket.address().port, '239.77.1.2')
    const membership = memberships.join('239.77.1.2', { interfaces: ['127.0.0.1'] })
    expect(membership.interfaces).toHaveLength(1)
    send('ahoy')
    await expect.poll(() => heard).toEqual(['ahoy'])
    membership.leave()
    send('too late')
    // Loopback keeps the order: when this has come, the one before it would have.
    sender.send('last', socket.address().port, '127.0.0.1')
    await expect.poll(() => heard).toEqual(['ahoy', 'last'])
  })

  test('hears only its source', async () => {
    const { socket, memberships } = await member()
    const heard: string[] = []
    socket.on('message', (data) => heard.push(String(data)))
    await using sender = await bare()
    sender.setMulticastInterface('127.0.0.1')
    const interfaces = ['127.0.0.1']
    memberships.join('232.77.1.2', { source: '127.0.0.1', interfaces })
    memberships.join('232.77.1.3', { source: '127.0.0.9', interfaces })
    for (const group of ['232.77.1.3', '232.77.1.2']) sender.send(group, socket.address().port, group)
    await expect.poll(() => heard).toEqual(['232.77.1.2'])
  })

  test('joins and leaves on every interface that is there, of both families', async () => {
    for (const [type, family, group] of [
      ['udp4', 'IPv4', '239.77.1.4'],
      ['udp6', 'IPv6', 'ff02::7702'],
    ] as const) {
      const entries = Object.entries(networkInterfaces())
      const there = entries.filter(([, infos]) => infos?.some((it) => it.family === family))
      if (there.length === 0) continue
      const { memberships } = await member(type)
      const membership = memberships.join(group)
      expect(new Set(membership.interfaces)).toEqual(new Set(there.map(([name]) => name.split(':')[0])))
      membership.leave()
      expect(memberships.join(group).interfaces).toHaveLength(there.length)
    }
  })

  test('tells what the system says', async () => {
    const { socket } = await member()
    const troubles: SocketError[] = []
    const memberships = new Memberships(socket, 4, (error) => void troubles.push(error))
    const refused = (): void => {
      for (let at = 0; at < 5_000; at++) {
        memberships.join(`239.78.${at >> 8}.${at & 255}`, { interfaces: ['127.0.0.1'] })
      }
    }
    expect(refused).toThrow(
      /^Cannot join 239\.78\.\d+\.\d+ on \S+: the socket is in as many groups as the system/,
    )
    memberships.end()
  })
})
