import { expect, test } from 'vitest'

import * as memory from '../src/memory.ts'
import { shutdown } from '../src/shutdown.ts'

test('suspends all before it waits for any, and closes all within one grace', async () => {
  const order: string[] = []
  const stub = (name: string, suspended: Promise<void>) => ({
    suspend: () => (order.push(`suspend ${name}`), suspended),
    close: (options?: { grace?: number }) => (
      order.push(`close ${name} ${options?.grace}`),
      Promise.resolve()
    ),
  })
  let release = (): void => {}
  const slow = new Promise<void>((resolve) => (release = resolve))
  const done = shutdown([stub('a', slow), stub('b', Promise.resolve())], { grace: 7 })
  expect(order).toEqual(['suspend a', 'suspend b'])
  await new Promise((resolve) => setImmediate(resolve))
  expect(order).toEqual(['suspend a', 'suspend b'])
  release()
  await done
  expect(order.slice(2)).toEqual(['close a 7', 'close b 7'])
})

test('a listener that cannot suspend does not keep the others open', async () => {
  const closed: string[] = []
  const stub = (name: string, suspend: () => Promise<void>) => ({
    suspend,
    close: () => (closed.push(name), Promise.resolve()),
  })
  const fault = new Error('out of spite')
  const listeners = [stub('a', () => Promise.reject(fault)), stub('b', () => Promise.resolve())]
  await shutdown(listeners).catch((error: unknown) => expect(error).toBe(fault))
  expect(closed).toEqual(['a', 'b'])
})

test('ends a program of listeners with talkative, silent and absent peers', async () => {
  const names = ['shutdown-a', 'shutdown-b', 'shutdown-c']
  const listeners = await Promise.all(
    names.map((name) =>
      memory.listen(name, async (connection) => {
        for await (const message of connection) await connection.send(message)
      }),
    ),
  )
  const talkative = await memory.connect('shutdown-a')
  talkative.handle({ onData() {} })
  const silent = await memory.connect('shutdown-b')
  await shutdown(listeners, { grace: 50 })
  expect(listeners.map((listener) => listener.state)).toEqual(['closed', 'closed', 'closed'])
  expect((await talkative.closed).kind).toBe('remote')
  expect((await silent.closed).kind).toBe('error')
  await shutdown(listeners)
  await shutdown([])
})

test('an aborted signal ends the waiting, not the closing', async () => {
  const listener = await memory.listen('shutdown-d', () => {})
  await memory.connect('shutdown-d')
  const reason = new Error('the second Ctrl-C')
  await expect(shutdown([listener], { grace: 30, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect((await listener.closed).kind).toBe('local')
})
