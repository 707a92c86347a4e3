import { ipAddress } from '@fairlead/core'
import { expect, test } from 'vitest'

import { Roster } from '../../src/peer/roster.ts'
import { peerOf } from './cast.ts'

function labels(roster: Roster): string[] {
  return roster.neighbours.map((it) => roster.labelOf(it))
}

test('a name stands alone while it is nobody else’s, without regard to case', () => {
  const roster = new Roster('anna')
  for (const [at, name] of ['ben', 'carl', 'BEN', 'Anna', ''].entries()) roster.meet(peerOf(name, `${at}`))
  expect(labels(roster)).toEqual(['ben#1', 'carl', 'BEN#2', 'Anna#2', 'somebody'])
  roster.lose('0')
  expect(labels(roster)).toEqual(['carl', 'BEN', 'Anna#2', 'somebody'])
  roster.meet(peerOf('ben', '5'))
  expect(labels(roster)).toEqual(['carl', 'BEN#2', 'Anna#2', 'somebody', 'ben#1'])
})

test('no name can look like a number given here', () => {
  const roster = new Roster('anna')
  roster.meet(peerOf('ben#2', '1'))
  expect(labels(roster)).toEqual(['somebody'])
})

test('who is called is one, or all of that name, or nobody', () => {
  const roster = new Roster('anna')
  for (const [at, name] of ['ben', 'ben', 'carl'].entries()) roster.meet(peerOf(name, `${at}`))
  const idsOf = (name: string) => roster.called(name).map(({ id }) => id)
  expect(idsOf('ben')).toEqual(['0', '1'])
  expect(idsOf('Ben#2')).toEqual(['1'])
  expect(idsOf('CARL')).toEqual(['2'])
  expect(idsOf('carl#1')).toEqual([])
  expect(idsOf('anna')).toEqual([])
})

test('tells who arrives and who is back, and no news of who is there', () => {
  const roster = new Roster('anna')
  expect(roster.meet(peerOf('ben', '1'))).toMatchObject({ back: false })
  expect(roster.meet(peerOf('ben', '1', 5_000))).toBeUndefined()
  expect(roster.neighbours[0]?.where).toBe('127.0.0.1:5000')
  const gone = roster.lose('1')
  expect(gone?.gone.aborted).toBe(true)
  expect(roster.lose('1')).toBeUndefined()
  expect(roster.meet(peerOf('Ben', '2'))).toMatchObject({ back: true })
})

test('an address that several claim is the longest known’s, and is written to once', () => {
  const roster = new Roster('anna')
  for (const [at, name] of ['ben', 'liar', 'liar'].entries()) roster.meet(peerOf(name, `${at}`))
  roster.meet(peerOf('carl', '3', 5_000))
  expect(roster.at(ipAddress('127.0.0.1', 4_000))?.name).toBe('ben')
  expect(roster.at(ipAddress('127.0.0.1', 4_001))).toBeUndefined()
  expect(roster.reachable.map(({ name }) => name)).toEqual(['ben', 'carl'])
})

test('remembers a thousand who left', () => {
  const roster = new Roster('anna')
  for (let at = 0; at < 1_001; at++) {
    roster.meet(peerOf(`peer-${at}`, `${at}`))
    roster.lose(`${at}`)
  }
  expect(roster.meet(peerOf('peer-0', 'a'))).toMatchObject({ back: false })
  expect(roster.meet(peerOf('peer-1', 'b'))).toMatchObject({ back: true })
})

test('who says two things at a time is refused', async () => {
  const { arrived } = new Roster('anna').meet(peerOf('ben', '1')) ?? {}
  expect(await Promise.all([arrived?.admit(), arrived?.admit()])).toEqual([true, false])
  expect(await arrived?.admit()).toBe(true)
})
