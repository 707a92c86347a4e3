import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { type Attempt, type Candidates, Race } from '../src/race.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const delay = 250

/** An attempt that does what the test says. */
class FakeAttempt implements Attempt<string> {
  readonly result: Promise<string>
  cancelled = 0
  succeed!: (value: string) => void
  fail!: (error: Error) => void

  constructor() {
    this.result = new Promise((resolve, reject) => {
      this.succeed = resolve
      this.fail = reject
    })
  }

  cancel(): void {
    this.cancelled++
  }
}

/** Candidates that come as the test says. */
class FakeCandidates implements Candidates<string> {
  onChange: () => void = () => {}
  #names: string[]
  #more: boolean

  constructor(names: string[], more = false) {
    this.#names = names
    this.#more = more
  }

  get exhausted(): boolean {
    return !this.#more && this.#names.length === 0
  }

  next(): string | undefined {
    return this.#names.shift()
  }

  add(names: string[], more: boolean): void {
    this.#names.push(...names)
    this.#more = more
    this.onChange()
  }
}

function startRace(candidates: Candidates<string> | string[]) {
  const attempts = new Map<string, FakeAttempt>()
  const source = Array.isArray(candidates) ? new FakeCandidates(candidates) : candidates
  const race = new Race<string, string>(
    source,
    (name) => {
      const attempt = new FakeAttempt()
      attempts.set(name, attempt)
      return attempt
    },
    delay,
  )
  const outcome = { settled: false }
  race.result.then(
    () => (outcome.settled = true),
    () => (outcome.settled = true),
  )
  return {
    race,
    outcome,
    started: () => [...attempts.keys()].join(' '),
    attempt(name: string): FakeAttempt {
      const attempt = attempts.get(name)
      if (!attempt) throw new Error(`${name} was not started`)
      return attempt
    },
  }
}

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds)

describe('a race', () => {
  test('starts one after the other, and stops none for the next', async () => {
    const { race, started, attempt } = startRace(['a', 'b', 'c'])
    expect(started()).toBe('a')
    await pass(delay - 1)
    expect(started()).toBe('a')
    await pass(1)
    expect(started()).toBe('a b')
    await pass(delay)
    expect(started()).toBe('a b c')
    attempt('a').succeed('from a')
    expect(await race.result).toBe('from a')
    expect([attempt('a'), attempt('b'), attempt('c')].map(({ cancelled }) => cancelled)).toEqual([0, 1, 1])
  })

  test('a failure starts the next at once, which has the whole delay to itself', async () => {
    const { started, attempt } = startRace(['a', 'b', 'c'])
    await pass(100)
    attempt('a').fail(new Error('no'))
    await pass(0)
    expect(started()).toBe('a b')
    await pass(delay - 1)
    expect(started()).toBe('a b')
    await pass(1)
    expect(started()).toBe('a b c')
  })

  test('the failure of an older attempt hurries nobody', async () => {
    const { started, attempt } = startRace(['a', 'b', 'c'])
    await pass(delay)
    attempt('a').fail(new Error('no'))
    await pass(0)
    expect(started()).toBe('a b')
    await pass(delay)
    expect(started()).toBe('a b c')
  })

  test('a winner starts nobody any more, and leaves no timer', async () => {
    const { race, started, attempt } = startRace(['a', 'b'])
    attempt('a').succeed('done')
    expect(await race.result).toBe('done')
    expect(vi.getTimerCount()).toBe(0)
    await pass(delay)
    expect(started()).toBe('a')
  })

  test('the last candidate needs no timer', async () => {
    const { attempt } = startRace(['a', 'b'])
    await pass(delay)
    expect(vi.getTimerCount()).toBe(0)
    expect(attempt('b').cancelled).toBe(0)
    startRace(['alone'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('all failed: every error, in the order in which they came', async () => {
    const { race, attempt } = startRace(['a', 'b'])
    const result = race.result.catch((error: unknown) => error)
    const [first, second] = [new Error('first'), new Error('second')]
    await pass(delay)
    attempt('b').fail(first)
    await pass(0)
    attempt('a').fail(second)
    const error = await result
    expect(error).toBeInstanceOf(AggregateError)
    expect((error as AggregateError).errors).toEqual([first, second])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('nobody to try', async () => {
    const { race } = startRace([])
    await expect(race.result).rejects.toMatchObject({ errors: [] })
  })

  test('two that succeed in the same turn: one wins, the other is cancelled', async () => {
    const { race, attempt } = startRace(['a', 'b'])
    await pass(delay)
    attempt('b').succeed('from b')
    attempt('a').succeed('from a')
    expect(await race.result).toBe('from b')
    expect(attempt('a').cancelled).toBe(1)
    expect(attempt('b').cancelled).toBe(0)
  })

  test('a loser that fails late disturbs nobody', async () => {
    const { race, attempt } = startRace(['a', 'b', 'c'])
    await pass(delay)
    attempt('b').succeed('from b')
    attempt('a').fail(new Error('late'))
    expect(await race.result).toBe('from b')
  })

  test('cancelled: everything under way is, and nothing starts or settles', async () => {
    const { race, outcome, started, attempt } = startRace(['a', 'b', 'c'])
    await pass(delay)
    race.cancel()
    race.cancel()
    expect([attempt('a').cancelled, attempt('b').cancelled]).toEqual([1, 1])
    attempt('a').succeed('late')
    attempt('b').fail(new Error('late'))
    await pass(10 * delay)
    expect(started()).toBe('a b')
    expect(outcome.settled).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('cancelled when it is won but nobody has heard yet: the winner is cancelled, too', async () => {
    const { race, attempt } = startRace(['a', 'b'])
    attempt('a').succeed('done')
    await attempt('a').result
    race.cancel()
    expect(attempt('a').cancelled).toBe(1)
  })
})

describe('candidates that come later', () => {
  test('start when the time of those before is over', async () => {
    const candidates = new FakeCandidates([], true)
    const { started, attempt } = startRace(candidates)
    expect(started()).toBe('')
    candidates.add(['a'], true)
    expect(started()).toBe('a')
    candidates.add(['b'], true)
    expect(started()).toBe('a')
    await pass(delay)
    expect(started()).toBe('a b')
    await pass(delay)
    candidates.add(['c'], false)
    expect(started()).toBe('a b c')
    expect(attempt('a').cancelled).toBe(0)
  })

  test('are waited for when all the others have failed', async () => {
    const candidates = new FakeCandidates(['a'], true)
    const { race, outcome, started, attempt } = startRace(candidates)
    attempt('a').fail(new Error('no'))
    await pass(10 * delay)
    expect(outcome.settled).toBe(false)
    candidates.add(['b'], false)
    expect(started()).toBe('a b')
    attempt('b').succeed('from b')
    expect(await race.result).toBe('from b')
  })

  test('that do not come after all end the race', async () => {
    const candidates = new FakeCandidates(['a'], true)
    const { race, attempt } = startRace(candidates)
    const lost = race.result.catch((error: unknown) => error)
    attempt('a').fail(new Error('no'))
    await pass(0)
    candidates.add([], false)
    expect(await lost).toBeInstanceOf(AggregateError)
  })
})
