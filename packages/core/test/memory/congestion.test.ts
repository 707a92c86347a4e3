import { expect, test } from 'vitest'

import { pair } from '../../src/memory.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a sender that is told to wait is told to go on, whatever was written in between', async () => {
  const [here, there] = pair()
  const half = Buffer.alloc(40 * 1024)
  here.write(half)
  const sending = here.send(half)
  there.handle({ onData: () => there.pause() })
  await turn()
  await turn()
  // Below the high-water mark again, and not yet where it drains.
  expect(here.buffered).toBe(half.byteLength)
  expect(here.write('x')).toBe(false)
  there.handle({ onData() {} })
  await sending
  await here.drained()
  expect(here.buffered).toBe(0)
})

test('what is corked counts, and is counted once', () => {
  const [here] = pair()
  here.cork()
  here.write(Buffer.alloc(10))
  here.write('five!')
  expect(here.buffered).toBe(15)
  here.uncork()
  expect(here.buffered).toBe(15)
})
