import { getEventListeners } from 'node:events'

import { describe, expect, test } from 'vitest'

import { Signal, until } from '../server/ways.ts'
import { fetching, fetchingRaw } from './fetching.ts'

const reason = new Error('mine')

test('an aborted signal is heard before anything is sent', async () => {
  let asked = 0
  await using world = await fetching((exchange) => {
    asked++
    return exchange.respond(200)
  })
  const signal = AbortSignal.abort(reason)
  await expect(world.fetch('http://a/', { signal })).rejects.toBe(reason)
  await expect(world.fetch(new Request('http://a/', { signal }))).rejects.toBe(reason)
  const theirs = await world
    .fetch('http://a/', { signal: AbortSignal.abort() })
    .catch((error: unknown) => error)
  expect(theirs).toMatchObject({ name: 'AbortError' })
  expect(asked).toBe(0)
  expect((await world.fetch(new Request('http://a/', { signal }), { signal: null })).status).toBe(200)
})

test('what is wrong is told before an abort', async () => {
  await using world = await fetching((exchange) => exchange.respond(200))
  const init = { signal: AbortSignal.abort(reason), method: 'a b' }
  await expect(world.fetch('http://a/', init)).rejects.toThrow(TypeError)
})

test('a body that will not be sent is let go of', async () => {
  await using world = await fetching((exchange) => exchange.respond(200))
  const cancelled = new Signal()
  const body = new ReadableStream({ cancel: () => cancelled.fire() })
  const init = { method: 'POST', body, duplex: 'half' as const, signal: AbortSignal.abort(reason) }
  await expect(world.fetch('http://a/', init)).rejects.toBe(reason)
  await cancelled.fired
})

test.each(['signal', 'Request'])('an abort while the answer is waited for, by a %s', async (kind) => {
  const begun = new Signal()
  const lost = new Signal()
  await using world = await fetching((exchange) => {
    exchange.signal.addEventListener('abort', () => lost.fire())
    begun.fire()
    return new Promise<void>(() => {})
  })
  const controller = new AbortController()
  const { signal } = controller
  const fetched =
    kind === 'signal'
      ? world.fetch('http://a/', { signal })
      : world.fetch(new Request('http://a/', { signal }))
  await begun.fired
  controller.abort(reason)
  await expect(fetched).rejects.toBe(reason)
  await lost.fired
})

describe('an abort behind the head', () => {
  /** Half of a body, and no more of it. */
  const half = (): ReturnType<typeof fetchingRaw> =>
    fetchingRaw((connection) => {
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')
    })
  const whole = (): ReturnType<typeof fetchingRaw> =>
    fetchingRaw((connection) => {
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nahoy')
    })

  test.each(['text', 'json', 'bytes', 'arrayBuffer', 'blob', 'formData'] as const)(
    'rejects %s that is under way',
    async (how) => {
      await using world = await half()
      const controller = new AbortController()
      const response = await world.fetch('http://a/', { signal: controller.signal })
      const reading = response[how]()
      controller.abort(reason)
      await expect(reading).rejects.toBe(reason)
      await expect(response[how]()).rejects.toThrow(TypeError)
    },
  )

  test.each([
    ['half', half],
    ['whole', whole],
  ])('rejects what is read behind it, of a body that was %s there', async (_, open) => {
    await using world = await open()
    const controller = new AbortController()
    const response = await world.fetch('http://a/', { signal: controller.signal })
    const other = await world.fetch('http://a/', { signal: controller.signal })
    controller.abort(reason)
    await expect(response.text()).rejects.toBe(reason)
    expect(response.bodyUsed).toBe(true)
    await expect(response.text()).rejects.toThrow(TypeError)
    await expect(other.body!.getReader().read()).rejects.toBe(reason)
  })

  test.each([
    ['half', half],
    ['whole', whole],
  ])('errors the stream of a body that was %s there', async (_, open) => {
    await using world = await open()
    const controller = new AbortController()
    const response = await world.fetch('http://a/', { signal: controller.signal })
    const clone = response.clone()
    const reader = response.body!.getReader()
    controller.abort(reason)
    await expect(reader.read()).rejects.toBe(reason)
    await expect(reader.closed).rejects.toBe(reason)
    await expect(clone.text()).rejects.toBe(reason)
  })

  test('errors a stream that was begun to be read', async () => {
    await using world = await half()
    const controller = new AbortController()
    const response = await world.fetch('http://a/', { signal: controller.signal })
    const reader = response.body!.getReader()
    const { value } = await reader.read()
    expect(String(value && Buffer.from(value))).toBe('half')
    const next = reader.read()
    controller.abort(reason)
    await expect(next).rejects.toBe(reason)
  })

  test('means nothing to a body that was read', async () => {
    await using world = await whole()
    const controller = new AbortController()
    const response = await world.fetch('http://a/', { signal: controller.signal })
    const text = await response.text()
    const streamed = await world.fetch('http://a/', { signal: controller.signal })
    const reader = streamed.body!.getReader()
    await reader.read()
    await reader.read()
    controller.abort(reason)
    await reader.closed
    expect([text, response.bodyUsed]).toEqual(['ahoy', true])
  })

  test('leaves nothing on a signal that lives on', async () => {
    await using world = await whole()
    const { signal } = new AbortController()
    for (const read of [
      (response: { text(): Promise<unknown> }) => response.text(),
      async (response: { body: unknown }) => {
        for await (const _ of response.body as AsyncIterable<unknown>) continue
      },
      async (response: { body: { cancel(): Promise<void> } | null }) => response.body!.cancel(),
    ])
      await read(await world.fetch('http://a/', { signal }))
    await until(() => getEventListeners(signal, 'abort').length === 0)
  })
})
