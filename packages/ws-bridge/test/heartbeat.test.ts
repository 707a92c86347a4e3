import { ClosedError } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import { expect, test } from 'vitest'

import { Heartbeat, type Patient } from '../src/heartbeat.ts'

const clock = useManualClock()
const times = { interval: 10_000, timeout: 4_000 }

class Peer implements Patient {
  reading = true
  bytesIn = 0
  bytesOut = 0
  buffered = 0
  givenUp = 0
  readonly pings: Uint8Array[] = []

  /** A ping of six bytes, which the system takes at once. */
  sendPing(payload: Uint8Array): void {
    this.pings.push(payload)
    this.bytesOut += 6
  }

  giveUp(): void {
    this.givenUp++
  }

  answer(heart: Heartbeat, ping = this.pings.length - 1): void {
    this.bytesIn += 10
    heart.pong(this.pings[ping] as Uint8Array)
  }
}

function begin(options: typeof times | undefined = times) {
  const peer = new Peer()
  return { peer, heart: new Heartbeat(peer, options) }
}

test('pings after each interval, and not before', () => {
  const { peer, heart } = begin()
  clock.advance(9_750)
  expect(peer.pings.length).toBe(0)
  for (let beat = 1; beat <= 5; beat++) {
    clock.advance(beat === 1 ? 250 : 10_000)
    expect(peer.pings.length).toBe(beat)
    peer.answer(heart)
  }
  expect(peer.givenUp).toBe(0)
  heart.stop(new ClosedError('over'))
})

test('counts the interval from ping to ping, however late the answer is', () => {
  const { peer, heart } = begin()
  clock.advance(10_000)
  clock.advance(3_000)
  peer.answer(heart)
  expect(heart.roundTrip).toBe(3_000)
  clock.advance(6_750)
  expect(peer.pings.length).toBe(1)
  clock.advance(250)
  expect(peer.pings.length).toBe(2)
  heart.stop(new ClosedError('over'))
})

test('pings at once where an answer took longer than the interval', () => {
  const { peer, heart } = begin({ interval: 1_000, timeout: 60_000 })
  clock.advance(1_000)
  clock.advance(5_000)
  expect(peer.pings.length).toBe(1)
  peer.answer(heart)
  clock.advance(250)
  expect(peer.pings.length).toBe(2)
  heart.stop(new ClosedError('over'))
})

test('gives up whoever says nothing for the timeout, once', () => {
  const { peer } = begin()
  clock.advance(10_000)
  clock.advance(3_750)
  expect(peer.givenUp).toBe(0)
  clock.advance(250)
  expect(peer.givenUp).toBe(1)
  clock.advance(100_000)
  expect([peer.givenUp, peer.pings.length]).toEqual([1, 1])
})

test('gives up whoever says nothing while this side writes and the system takes it', () => {
  const { peer } = begin()
  clock.advance(10_000)
  for (let second = 0; second < 4; second++) {
    peer.bytesOut += 1_000
    clock.advance(1_000)
  }
  expect(peer.givenUp).toBe(1)
})

test('gives nobody up from whom bytes come', () => {
  const { peer, heart } = begin()
  clock.advance(10_000)
  for (let turn = 0; turn < 10; turn++) {
    peer.bytesIn++
    clock.advance(4_000)
  }
  expect([peer.givenUp, peer.pings.length]).toEqual([0, 1])
  clock.advance(4_000)
  expect(peer.givenUp).toBe(1)
  heart.stop(new ClosedError('over'))
})

test('gives nobody up who still reads what is in front of the ping', () => {
  const { peer, heart } = begin()
  peer.buffered = 100_000
  clock.advance(10_000)
  for (let turn = 0; turn < 10; turn++) {
    peer.bytesOut += 10_000
    peer.buffered -= 10_000
    clock.advance(4_000)
  }
  expect(peer.givenUp).toBe(0)
  clock.advance(4_000)
  expect(peer.givenUp).toBe(1)
  heart.stop(new ClosedError('over'))
})

test('gives up whoever reads nothing of what is in front of the ping', () => {
  const { peer } = begin()
  peer.buffered = 100_000
  // The ping waits behind it.
  peer.sendPing = () => void (peer.buffered += 6)
  clock.advance(14_000)
  expect(peer.givenUp).toBe(1)
})

test('gives nobody up while this side does not read, and then leaves time for an answer', () => {
  const { peer, heart } = begin()
  peer.reading = false
  clock.advance(100_000)
  peer.reading = true
  clock.advance(4_000)
  expect(peer.givenUp).toBe(0)
  clock.advance(4_000)
  expect(peer.givenUp).toBe(1)
  heart.stop(new ClosedError('over'))
})

test('gives nobody up once this side stopped reading, and asks again: who is gone shows in writing', () => {
  const { peer, heart } = begin()
  clock.advance(10_000)
  peer.reading = false
  clock.advance(100_000)
  expect(peer.givenUp).toBe(0)
  expect(peer.pings.length).toBeGreaterThan(2)
  heart.stop(new ClosedError('over'))
})

test('takes an answer for all pings before it', async () => {
  const { peer, heart } = begin()
  const first = heart.ask()
  clock.advance(100)
  const second = heart.ask()
  clock.advance(100)
  const third = heart.ask()
  clock.advance(100)
  peer.answer(heart, 1)
  expect(await Promise.all([first, second])).toEqual([300, 200])
  expect(heart.roundTrip).toBe(200)
  clock.advance(400)
  peer.answer(heart, 0)
  peer.answer(heart, 2)
  expect(await third).toBe(500)
  expect(heart.roundTrip).toBe(500)
  heart.stop(new ClosedError('over'))
})

test('takes nothing for an answer that is none', async () => {
  const { peer, heart } = begin()
  const heard: unknown[] = []
  const asked = heart.ask().catch((error: unknown) => error)
  void asked.then((answer) => heard.push(answer))
  const [sent] = peer.pings as [Uint8Array]
  const next = Buffer.from(sent)
  next.writeUInt32BE(next.readUInt32BE() + 1)
  const strange = [[], [0], [0, 0, 0, 0], [255, 255, 255, 255], [...sent, 0], [...next], Array(125).fill(7)]
  for (const payload of strange) heart.pong(Uint8Array.from(payload as number[]))
  await Promise.resolve()
  expect([heard, heart.roundTrip]).toEqual([[], undefined])
  clock.advance(60)
  peer.answer(heart)
  peer.answer(heart)
  expect([await asked, heart.roundTrip]).toEqual([60, 60])
  heart.stop(new ClosedError('over'))
})

test('rests for an interval behind a ping that was asked for', () => {
  const { peer, heart } = begin()
  clock.advance(10_000)
  clock.advance(2_000)
  heart.ask().catch(() => {})
  peer.answer(heart, 0)
  clock.advance(9_750)
  expect(peer.pings.length).toBe(2)
  clock.advance(250)
  expect(peer.pings.length).toBe(3)
  heart.stop(new ClosedError('over'))
})

test('without times answers those who ask, and does nothing else', async () => {
  const peer = new Peer()
  const heart = new Heartbeat(peer, undefined)
  clock.advance(1_000_000)
  expect(peer.pings.length).toBe(0)
  const asked = heart.ask()
  clock.advance(1_000_000)
  peer.answer(heart)
  expect([await asked, heart.roundTrip, peer.pings.length]).toEqual([1_000_000, 1_000_000, 1])
  clock.advance(1_000_000)
  expect([peer.pings.length, peer.givenUp]).toEqual([1, 0])
})

test('stopped, rejects all who asked, and rests for ever', async () => {
  const { peer, heart } = begin()
  const error = new ClosedError('over')
  const asked = [heart.ask(), heart.ask()].map((answer) => answer.catch((reason: unknown) => reason))
  clock.advance(10_000)
  heart.stop(error)
  heart.stop(error)
  expect(await Promise.all(asked)).toEqual([error, error])
  peer.answer(heart)
  clock.advance(100_000)
  expect([peer.pings.length, peer.givenUp]).toEqual([3, 0])
})
