import { expect, test } from 'vitest'

import { Board, type Counts } from '../../src/bridge/board.ts'
import { type Ended, endedLine, lasted, refusedLine } from '../../src/bridge/event.ts'

const none: Counts = { open: 0, opened: 0, refused: 0, there: 0, back: 0 }
const ended: Ended = {
  time: new Date(2026, 1, 3, 4, 5, 6),
  client: '127.0.0.1:51324',
  target: '192.168.1.9:5900',
  there: 1_234,
  back: 56_789_000,
  duration: 61_000,
  cause: 'from',
  why: 'the client ended it',
}
test('connections and bytes stand among each other, and nothing that did not happen', () => {
  expect(new Board().lines(none, 0)).toEqual([
    '  Clients   0 open, 0 so far',
    '  There     0 B       0 B/s',
    '  Back      0 B       0 B/s',
  ])
  const counts = { open: 3, opened: 12, refused: 1, there: 1_234, back: 5_600_000, dropped: 1 }
  expect(new Board().lines(counts, 0)).toEqual([
    '  Clients   3 open, 12 so far, 1 refused, 1 datagram dropped',
    '  There     1.2 kB    0 B/s',
    '  Back      5.6 MB    0 B/s',
  ])
})

test('a rate is that of the last two seconds', () => {
  const board = new Board()
  const rate = (there: number, now: number): string =>
    /\S+ \S+\/s/.exec(board.lines({ ...none, there }, now)[1] ?? '')?.[0] ?? ''
  expect(rate(0, 0)).toBe('0 B/s')
  expect(rate(1_000_000, 500)).toBe('2.0 MB/s')
  expect(rate(1_000_000, 1_000)).toBe('1.0 MB/s')
  expect(rate(1_000_000, 2_000)).toBe('500 kB/s')
  expect(rate(1_000_000, 2_500)).toBe('0 B/s')
  expect(rate(5_000_000, 10_000)).toBe('533 kB/s')
})

test('the last five ends stand below, the newest at the bottom', () => {
  const board = new Board()
  for (let at = 0; at < 7; at++) board.add(`client ${at}`)
  const lines = board.lines(none, 0)
  expect(lines[3]).toBe('')
  expect(lines.slice(4)).toEqual(['  client 2', '  client 3', '  client 4', '  client 5', '  client 6'])
})

test('an end is one line, and so is a refusal', () => {
  const rest = '1.2 kB there, 56.8 MB back  61 s  the client ended it'
  expect(endedLine(ended, false)).toBe(`04:05:06  127.0.0.1:51324  ${rest}`)
  expect(endedLine(ended, true)).toBe(`04:05:06  127.0.0.1:51324  192.168.1.9:5900  ${rest}`)
  const { time, client } = ended
  expect(refusedLine({ time, client, cause: 'token', why: 'there is no such token' })).toBe(
    '04:05:06  127.0.0.1:51324  refused: there is no such token',
  )
})

test.each([
  [0, '0.0 s'],
  [9_940, '9.9 s'],
  [9_960, '10 s'],
  [99_000, '99 s'],
  [100_000, '2 min'],
  [5_900_000, '98 min'],
  [6_000_000, '1.7 h'],
])('%d ms are %s', (duration, text) => expect(lasted(duration)).toBe(text))
