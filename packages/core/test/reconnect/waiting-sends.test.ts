import { expect, test } from 'vitest'

import { LimitError } from '../../src/errors.ts'
import { WaitingSends } from '../../src/reconnect/waiting-sends.ts'

const never = new Promise<void>(() => {})
const done = Promise.resolve()

test('makes the sends in order, and each settles as its send does', async () => {
  const waiting = new WaitingSends<string>(10, 100)
  const broken = new Error('broken')
  const sends = ['a', 'b', 'c'].map((text) => waiting.add(text, undefined))
  const made: string[] = []
  waiting.flush((text) => {
    made.push(text)
    return text === 'b' ? Promise.reject(broken) : done
  })
  expect(made).toEqual(['a', 'b', 'c'])
  expect(await Promise.allSettled(sends)).toMatchObject([
    { status: 'fulfilled' },
    { status: 'rejected', reason: broken },
    { status: 'fulfilled' },
  ])
  waiting.flush(() => expect.unreachable('they were made already'))
})

test('those that no connection took go on waiting', async () => {
  const waiting = new WaitingSends<string>(10, 100)
  const sends = ['a', 'b', 'c'].map((text) => waiting.add(text, undefined))
  waiting.flush((text) => (text === 'a' ? done : undefined))
  await sends[0]
  const made: string[] = []
  waiting.flush((text) => (made.push(text), done))
  expect(made).toEqual(['b', 'c'])
})

test('is bounded in number', async () => {
  const waiting = new WaitingSends<unknown>(2, 1)
  void waiting.add({}, undefined)
  void waiting.add({}, undefined)
  const refused = await waiting.add({}, undefined).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(LimitError)
  expect(refused).toMatchObject({ limit: 'maxWaiting', value: 3, retryable: true })
})

test('is bounded in bytes, and room comes back', async () => {
  const waiting = new WaitingSends<string | Uint8Array>(10, 6)
  const abort = new AbortController()
  const first = waiting.add('é', abort.signal)
  void waiting.add(new Uint8Array(4), undefined)
  await expect(waiting.add('x', undefined)).rejects.toMatchObject({ limit: 'maxWaitingBytes', value: 7 })
  abort.abort(new Error('enough'))
  await expect(first).rejects.toThrow('enough')
  const second = waiting.add('xx', undefined)
  await expect(waiting.add('x', undefined)).rejects.toThrow(LimitError)
  waiting.flush(() => done)
  await second
  void waiting.add('123456', undefined)
})

test('an aborted send is not made, and a made one is not aborted', async () => {
  const waiting = new WaitingSends<string>(10, 100)
  const [early, late] = [new AbortController(), new AbortController()]
  await expect(waiting.add('-', AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
  const first = waiting.add('a', early.signal)
  const second = waiting.add('b', late.signal)
  early.abort(new Error('enough'))
  await expect(first).rejects.toThrow('enough')
  const made: string[] = []
  waiting.flush((text) => (made.push(text), done))
  late.abort(new Error('too late'))
  await second
  expect(made).toEqual(['b'])
})

test('all of them fail with what ended it, and nobody has to listen', async () => {
  const waiting = new WaitingSends<string>(10, 100)
  const sends = ['a', 'b'].map((text) => waiting.add(text, undefined))
  const over = new Error('over')
  waiting.fail(over)
  for (const send of sends) await expect(send).rejects.toBe(over)
  waiting.flush(() => never)
})
