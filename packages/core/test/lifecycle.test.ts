import { describe, expect, test } from 'vitest'

import { graceOf, Lifecycle, unlessAborted } from '../src/lifecycle.ts'

describe('Lifecycle', () => {
  test('goes one way: open, closing, closed', async () => {
    const life = new Lifecycle()
    expect(life.state).toBe('open')
    expect([life.begin(), life.begin()]).toEqual([true, false])
    expect(life.state).toBe('closing')
    expect(life.finish({ kind: 'local' })).toBe(true)
    expect([life.state, life.begin(), life.finish({ kind: 'remote' })]).toEqual(['closed', false, false])
    expect(await life.closed).toEqual({ kind: 'local' })
  })

  test('may go straight to closed', () => {
    const life = new Lifecycle()
    life.finish({ kind: 'remote' })
    expect(life.state).toBe('closed')
  })

  test('tells the same reason to whoever asks before and after', async () => {
    const life = new Lifecycle()
    const before = [life.closed, life.closed]
    expect(before[0]).toBe(before[1])
    life.finish({ kind: 'local' })
    expect(life.closed).toBe(before[0])
    const late = new Lifecycle()
    const reason = { kind: 'remote' } as const
    late.finish(reason)
    expect(await late.closed).toBe(reason)
  })

  test('settled waits for the end, or for the signal', async () => {
    const life = new Lifecycle()
    const controller = new AbortController()
    const reason = new Error('changed my mind')
    const waits = [life.settled(), life.settled(controller.signal)]
    controller.abort(reason)
    await expect(waits[1]).rejects.toBe(reason)
    life.finish({ kind: 'local' })
    await waits[0]
    // When there is nothing to wait for, there is nothing to cancel.
    await life.settled(AbortSignal.abort(reason))
  })
})

describe('unlessAborted', () => {
  test('settles as the promise does', async () => {
    const { signal } = new AbortController()
    await expect(unlessAborted(Promise.resolve(5), signal)).resolves.toBe(5)
    const error = new Error('x')
    await expect(unlessAborted(Promise.reject(error), signal)).rejects.toBe(error)
  })

  test('takes its listener off the signal, so that a signal for life does not grow', async () => {
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args))
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args))
    await unlessAborted(Promise.resolve(), signal)
    await unlessAborted(Promise.reject(new Error('x')), signal).catch(() => {})
    expect(listeners).toBe(0)
  })

  test('rejects with any reason, also one that is no error', async () => {
    await expect(unlessAborted(new Promise(() => {}), AbortSignal.abort('because'))).rejects.toBe('because')
  })
})

describe('graceOf', () => {
  test('is what was asked, or the default', () => {
    expect([graceOf(undefined), graceOf({}), graceOf({ grace: 0 }), graceOf({ grace: 1.5 })]).toEqual([
      5000, 5000, 0, 1.5,
    ])
  })

  test.each([-1, Number.NaN, Infinity, 2 ** 31, '5'])('refuses %s', (grace) => {
    expect(() => graceOf({ grace: grace as number })).toThrow(RangeError)
  })
})
