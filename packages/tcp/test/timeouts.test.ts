import type { TimeoutPhase } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import { describe, expect, test } from 'vitest'

import type { ConnectionOptions } from '../src/connection-options.ts'
import { Timeouts, type Watched } from '../src/timeouts.ts'

const clock = useManualClock()

/** A connection of numbers. */
class Figures implements Watched {
  bytesIn = 0
  bytesGone = 0
  buffered = 0
  reading = true
  readonly expired: TimeoutPhase[] = []
  readonly timeouts: Timeouts

  constructor(options: ConnectionOptions) {
    this.timeouts = new Timeouts(this, options)
  }

  expire(phase: TimeoutPhase): void {
    this.expired.push(phase)
  }
}

describe('the write timeout', () => {
  test('passes when nothing leaves, and not while anything does', () => {
    const connection = new Figures({ writeTimeout: 4_000 })
    connection.buffered = 1_000
    connection.timeouts.outputWaits()
    for (let second = 0; second < 20; second++) {
      clock.advance(1_000)
      if (second % 3 === 0) connection.bytesGone += 1
    }
    expect(connection.expired).toEqual([])
    clock.advance(5_000)
    expect(connection.expired).toEqual(['write'])
  })

  test('begins anew with output that comes after the last has left', () => {
    const connection = new Figures({ writeTimeout: 4_000 })
    for (let round = 0; round < 5; round++) {
      connection.buffered = 10
      connection.timeouts.outputWaits()
      clock.advance(3_000)
      connection.buffered = 0
      connection.bytesGone += 10
      clock.advance(60_000)
    }
    expect(connection.expired).toEqual([])
  })

  test('is not put off by what this side writes or the peer sends', () => {
    const connection = new Figures({ writeTimeout: 4_000 })
    connection.buffered = 10
    connection.timeouts.outputWaits()
    for (let second = 0; second < 5; second++) {
      connection.buffered += 10
      connection.bytesIn += 10
      connection.timeouts.outputWaits()
      clock.advance(1_000)
    }
    expect(connection.expired).toEqual(['write'])
  })

  test('is a minute when nobody said otherwise', () => {
    const connection = new Figures({})
    connection.buffered = 10
    connection.timeouts.outputWaits()
    clock.advance(59_900)
    expect(connection.expired).toEqual([])
    clock.advance(8_000)
    expect(connection.expired).toEqual(['write'])
  })
})

describe('the read timeout', () => {
  test('passes when nothing comes, whatever leaves', () => {
    const connection = new Figures({ readTimeout: 2_000 })
    for (let second = 0; second < 3; second++) {
      clock.advance(1_000)
      connection.bytesGone += 100
    }
    expect(connection.expired).toEqual(['read'])
  })

  test('does not count the time in which nobody reads', () => {
    const connection = new Figures({ readTimeout: 2_000 })
    connection.reading = false
    clock.advance(60_000)
    connection.reading = true
    clock.advance(1_500)
    expect(connection.expired).toEqual([])
    clock.advance(1_000)
    expect(connection.expired).toEqual(['read'])
  })
})

describe('the idle timeout', () => {
  test('passes when nothing comes and nothing leaves', () => {
    const connection = new Figures({ idleTimeout: 2_000 })
    for (let second = 0; second < 10; second++) {
      if (second % 2 === 0) connection.bytesIn += 1
      else connection.bytesGone += 1
      clock.advance(1_000)
    }
    expect(connection.expired).toEqual([])
    clock.advance(2_000)
    expect(connection.expired).toEqual(['idle'])
  })

  test('counts the time in which nobody reads', () => {
    const connection = new Figures({ idleTimeout: 2_000 })
    connection.reading = false
    clock.advance(2_500)
    expect(connection.expired).toEqual(['idle'])
  })

  test('is not put off by output that does not leave', () => {
    const connection = new Figures({ idleTimeout: 2_000 })
    for (let second = 0; second < 3; second++) {
      connection.buffered += 10
      connection.timeouts.outputWaits()
      clock.advance(1_000)
    }
    expect(connection.expired).toEqual(['idle'])
  })
})

test('the total timeout passes however busy a connection is', () => {
  const connection = new Figures({ totalTimeout: 10_000 })
  for (let second = 0; second < 12; second++) {
    connection.bytesIn += 100
    connection.bytesGone += 100
    clock.advance(1_000)
  }
  expect(connection.expired).toEqual(['total'])
})

test('a connection that is stopped is told nothing', () => {
  const connection = new Figures({ readTimeout: 1_000, totalTimeout: 1_000 })
  connection.timeouts.stop()
  connection.buffered = 10
  connection.timeouts.outputWaits()
  clock.advance(60_000)
  expect(connection.expired).toEqual([])
})
