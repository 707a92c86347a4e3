import { expect, test } from 'vitest'

import { type Seat, SessionTable } from '../src/session-table.ts'

interface Guest extends Seat<Guest> {
  validated: boolean
}

const clock = { now: 0, idleAfter: 8 }

function tableFor(maxSessions: number, maxSessionsPerAddress = maxSessions) {
  clock.now = 0
  const table = new SessionTable<Guest>({ maxSessions, maxSessionsPerAddress }, clock)
  const enter = (host: string, port = 1, validated = false): Guest => {
    const heardAt = clock.now
    const guest: Guest = { host, port, validated, heardAt, older: undefined, newer: undefined }
    table.add(guest)
    return guest
  }
  return { table, enter }
}

test('finds each by host and port, also those who share one of them, until they are deleted', () => {
  const { table, enter } = tableFor(100)
  const all = ['a', 'b', 'c'].flatMap((host) => [1, 2, 3].map((port) => enter(host, port)))
  for (const guest of all) expect(table.find(guest.host, guest.port)).toBe(guest)
  expect(table.find('d', 1)).toBeUndefined()
  expect(table.find('a', 4)).toBeUndefined()
  for (const [index, guest] of all.entries()) {
    table.delete(guest)
    table.delete(guest)
    expect(table.find(guest.host, guest.port)).toBeUndefined()
    expect(table.size).toBe(all.length - 1 - index)
    for (const other of all.slice(index + 1)) expect(table.find(other.host, other.port)).toBe(other)
  }
  const again = enter('a', 1)
  table.delete(all[0] as Guest)
  expect(table.find('a', 1)).toBe(again)
})

test('while there is room nobody has to go; then the one who was not heard for the longest time', () => {
  const { table, enter } = tableFor(3)
  const [a, b, c] = ['a', 'b', 'c'].map((host) => {
    expect(table.pressure(host)).toBeUndefined()
    clock.now++
    return enter(host)
  }) as [Guest, Guest, Guest]
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
  const old = enter('a')
  old.validated = true
  table.promote(old)
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
  late.validated = true
  table.promote(late)
  expect(table.pressure('a')).toEqual({ limit: 'maxSessionsPerAddress', value: 3, victim: undefined })
  clock.now = 4
  table.heard(valid)
  expect(table.pressure('a')?.victim).toBe(late)
  expect(early.heardAt).toBe(1)
})

test('expires who was not heard for too long, the oldest first, and nobody else', () => {
  const { table, enter } = tableFor(10)
  const [a, b, c] = [enter('a'), enter('b', 1, true), enter('c')]
  clock.now = 4
  table.heard(a)
  const gone: Guest[] = []
  const look = (now: number): void => {
    clock.now = now
    table.expire((guest) => {
      gone.push(guest)
      table.delete(guest)
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
