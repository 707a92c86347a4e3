import fc from 'fast-check'
import { expect, test } from 'vitest'

import { ranks, Seat } from '../../src/session/seat.ts'
import { SessionTable } from '../../src/session/table.ts'

const clock = { now: 0, idleAfter: 8 }

function tableFor(maxSessions: number, maxSessionsPerAddress = maxSessions, maxUnvalidatedDatagrams = 3) {
  clock.now = 0
  const limits = { maxSessions, maxSessionsPerAddress, maxUnvalidatedDatagrams }
  const table = new SessionTable<string>(limits, clock)
  const enter = (host: string, port = 1, validated = false): Seat<string> => {
    const seat = new Seat<string>(host, port)
    table.enter(seat, 'session', validated)
    return seat
  }
  /** A peer that had its share. */
  const spend = (seat: Seat<string>): Seat<string> => {
    while (!seat.spent) table.sent(seat)
    return seat
  }
  return { table, enter, spend }
}

test('finds each by host and port, also those who share one of them, until they are deleted', () => {
  const { table, enter } = tableFor(100)
  const all = ['a', 'b', 'c'].flatMap((host) => [1, 2, 3].map((port) => enter(host, port)))
  for (const seat of all) expect(table.find(seat.host, seat.port)).toBe(seat)
  expect(table.find('d', 1)).toBeUndefined()
  expect(table.find('a', 4)).toBeUndefined()
  for (const [index, seat] of all.entries()) {
    table.delete(seat)
    table.delete(seat)
    expect(table.find(seat.host, seat.port)).toBeUndefined()
    expect(table.size).toBe(all.length - 1 - index)
    for (const other of all.slice(index + 1)) expect(table.find(other.host, other.port)).toBe(other)
  }
  const again = enter('a', 1)
  table.delete(all[0] as Seat<string>)
  expect(table.find('a', 1)).toBe(again)
})

test('while there is room nobody has to go; then the one who was not heard for the longest time', () => {
  const { table, enter } = tableFor(3)
  const [a, b, c] = ['a', 'b', 'c'].map((host) => {
    expect(table.pressure(host)).toBeUndefined()
    clock.now++
    return enter(host)
  }) as [Seat<string>, Seat<string>, Seat<string>]
  expect(table.pressure('d')).toEqual({ limit: 'maxSessions', value: 4, victim: a })
  clock.now++
  table.heard(a)
  expect(table.pressure('d')?.victim).toBe(b)
  table.delete(b)
  expect(table.pressure('d')).toBeUndefined()
  enter('d')
  expect(table.pressure('e')?.victim).toBe(c)
})

test('who is not validated goes before all who are, however lately he was heard', () => {
  const { table, enter } = tableFor(2)
  table.promote(enter('a'))
  clock.now = 7
  const fresh = enter('b')
  expect(table.pressure('c')?.victim).toBe(fresh)
})

test('who is validated goes only after a quarter of the idle time, the longest silent first', () => {
  const { table, enter } = tableFor(2)
  const [a, b] = [enter('a', 1, true), enter('b', 1, true)]
  clock.now = 2
  table.heard(b)
  expect(table.pressure('c')).toEqual({ limit: 'maxSessions', value: 3, victim: undefined })
  clock.now = 3
  expect(table.pressure('c')?.victim).toBe(a)
  table.heard(a)
  clock.now = 5
  expect(table.pressure('c')?.victim).toBe(b)
})

test('too many of one address: one of these has to go, by the same rule', () => {
  const { table, enter } = tableFor(10, 2)
  enter('other')
  clock.now = 1
  const [valid, late, early] = [enter('a', 1, true), enter('a', 2), enter('b')]
  expect(table.pressure('a')).toEqual({ limit: 'maxSessionsPerAddress', value: 3, victim: late })
  expect(table.pressure('b')).toBeUndefined()
  table.promote(late)
  expect(table.pressure('a')).toEqual({ limit: 'maxSessionsPerAddress', value: 3, victim: undefined })
  clock.now = 4
  table.heard(valid)
  expect(table.pressure('a')?.victim).toBe(late)
  expect(early.heardAt).toBe(1)
})

test('one of an address that may have one is its own victim', () => {
  const { table, enter } = tableFor(10, 1)
  const only = enter('a', 1)
  expect(table.pressure('a')).toEqual({ limit: 'maxSessionsPerAddress', value: 2, victim: only })
})

test('a seat outlasts its session while it has something to remember, and is taken again', () => {
  const { table, enter } = tableFor(10)
  const [quiet, told, valid, gone] = [enter('a'), enter('b'), enter('c', 1, true), enter('d')]
  table.sent(told)
  table.sent(gone)
  for (const seat of [quiet, told, valid]) table.leave(seat)
  table.delete(gone)
  table.leave(gone)
  expect(table.size).toBe(1)
  expect(table.find('b', 1)).toBe(told)
  expect(told).toMatchObject({ session: undefined, sent: 1, rank: ranks.vacant })
  table.enter(told, 'another', false)
  expect(told).toMatchObject({ session: 'another', sent: 1, rank: ranks.unproved })
  table.sent(told)
  expect(told.spent).toBe(false)
  table.sent(told)
  expect(told.spent).toBe(true)
  table.leave(told)
  expect(told).toMatchObject({ session: undefined, spent: true })
})

test('where nothing is limited, nothing is remembered', () => {
  const { table, enter } = tableFor(10, 10, Infinity)
  const seat = enter('a')
  table.sent(seat)
  table.leave(seat)
  expect(table.size).toBe(0)
})

test('who gives way: what is left of a session, then a session, then who had his share', () => {
  const { table, enter, spend } = tableFor(3)
  const spent = spend(enter('a'))
  const open = enter('b')
  clock.now = 5
  const left = enter('c')
  table.sent(left)
  table.leave(left)
  for (const victim of [left, open, spent]) {
    expect(table.pressure('d')?.victim).toBe(victim)
    table.delete(victim)
    enter('validated', 10 - table.size, true)
  }
})

test('those who had their share keep half of the places, and no more', () => {
  for (const most of [4, 10]) {
    const { table, enter, spend } = tableFor(most, 4)
    const seats = [1, 2, 3, 4].map((port) => enter('a', port)) as [Seat<string>, ...Seat<string>[]]
    for (const seat of [seats[0], seats[1] as Seat<string>]) spend(seat)
    expect(table.pressure('a')?.victim).toBe(seats[2])
    spend(seats[3] as Seat<string>)
    expect(table.pressure('a')?.victim).toBe(seats[0])
  }
})

test('expires who was not heard for too long, the oldest first, and nobody else', () => {
  const { table, enter } = tableFor(10)
  const [a, b, c] = [enter('a'), enter('b', 1, true), enter('c')]
  clock.now = 4
  table.heard(a)
  const gone: Seat<string>[] = []
  const look = (now: number): void => {
    clock.now = now
    table.expire((seat) => {
      gone.push(seat)
      table.delete(seat)
    })
  }
  look(8)
  expect(gone).toEqual([])
  look(9)
  expect(gone).toEqual([c, b])
  look(13)
  expect(gone).toEqual([c, b, a])
  expect(table.size).toBe(0)
})

test('changing its rank makes no seat younger: it expires when it is due', () => {
  const { table, enter } = tableFor(10)
  const late = enter('late')
  clock.now = 4
  enter('fresh', 1, true)
  table.promote(late)
  clock.now = 9
  const gone: Seat<string>[] = []
  table.expire((seat) => (gone.push(seat), table.delete(seat)))
  expect(gone).toEqual([late])
})

test('of an address with 10,000 sessions, a newcomer costs as much as of one with few', () => {
  const rounds = 20_000
  const cost = (size: number): number => {
    const { table, enter } = tableFor(20_000, size)
    for (let port = 1; port <= size; port++) enter('a', port)
    const since = process.cpuUsage()
    for (let port = 20_001; port <= 20_000 + rounds; port++) {
      table.delete(table.pressure('a')?.victim as Seat<string>)
      enter('a', port)
    }
    const { user, system } = process.cpuUsage(since)
    return (user + system) / rounds
  }
  cost(64)
  // It was 60 µs.
  expect(cost(10_000)).toBeLessThan(15)
})

test('whatever happens, the sizes, the victims and the expired are those of a plain list', () => {
  const step = fc.record({
    op: fc.constantFrom('come', 'come', 'come', 'send', 'leave', 'validate', 'tick'),
    host: fc.constantFrom('a', 'b', 'c'),
    port: fc.integer({ min: 1, max: 4 }),
    validated: fc.boolean(),
  })
  const sizes = fc.integer({ min: 1, max: 8 })
  fc.assert(
    fc.property(sizes, sizes, fc.array(step, { maxLength: 200 }), (most, mostNear, steps) => {
      const { table, enter } = tableFor(most, mostNear)
      const list = new Set<Seat<string>>()
      const drop = (seat: Seat<string>): void => (table.delete(seat), void list.delete(seat))
      const settle = (seat: Seat<string>): void =>
        void (table.find(seat.host, seat.port) ?? list.delete(seat))
      for (const { op, host, port, validated } of steps) {
        const seat = [...list].find((it) => it.host === host && it.port === port)
        expect(table.find(host, port)).toBe(seat)
        if (op === 'tick') {
          clock.now++
          table.expire((old) => (expect(clock.now - old.heardAt).toBeGreaterThan(8), drop(old)))
          for (const it of list) expect(clock.now - it.heardAt).toBeLessThanOrEqual(8)
        } else if (op === 'come' && seat) {
          table.heard(seat)
          if (!seat.session && !seat.spent) table.enter(seat, 'again', false)
        } else if (op === 'come') {
          const pressure = table.pressure(host)
          if (pressure?.victim) {
            const near = pressure.limit === 'maxSessionsPerAddress'
            const pool = [...list].filter((it) => !near || it.host === host)
            const spent = pool.filter((it) => it.spent)
            const half = Math.ceil((near ? mostNear : most) / 2)
            const lowest = Math.min(...pool.map((it) => it.rank))
            const from = spent.length > half ? spent : pool.filter((it) => it.rank === lowest)
            expect(from).toContain(pressure.victim)
            expect(pressure.victim.heardAt).toBe(Math.min(...from.map((it) => it.heardAt)))
            drop(pressure.victim)
          } else if (pressure) {
            continue
          }
          list.add(enter(host, port, validated))
        } else if (seat?.session && op === 'validate') {
          if (!seat.validated) table.promote(seat)
        } else if (seat?.session && op === 'leave') {
          table.leave(seat)
          settle(seat)
        } else if (seat?.session && op === 'send' && !seat.validated && !seat.spent) {
          table.sent(seat)
        }
        expect(table.size).toBe(list.size)
        expect(table.size).toBeLessThanOrEqual(most)
      }
    }),
  )
})
