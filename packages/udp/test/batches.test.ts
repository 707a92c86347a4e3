import { BusyError } from '@fairlead/core'
import * as udp from '@fairlead/udp'
import { expect, test } from 'vitest'

import { until } from './tools.ts'

const texts = (batch: readonly { data: Uint8Array }[]): string[] =>
  batch.map(({ data }) => Buffer.from(data).toString())

test('gives what came together in one batch, and what waited as well', async () => {
  await using server = await udp.bind()
  await using client = await udp.bind()
  const all = Array.from({ length: 100 }, (_, at) => String(at))
  for (const each of all.slice(0, 50)) client.write(each, server.address)
  await until(() => server.stats().received === 50)
  const heard: string[] = []
  let batches = 0
  for await (const batch of server.batches()) {
    batches++
    heard.push(...texts(batch))
    if (batches === 1) {
      expect(heard.length).toBe(50)
      for (const each of all.slice(50)) client.write(each, server.address)
    }
    if (heard.length === 100) break
  }
  expect(heard).toEqual(all)
  expect(batches).toBeLessThan(20)
})

test('one reader at a time; break keeps what was not read; closing ends it', async () => {
  const server = await udp.bind()
  await using client = await udp.bind()
  const reader = server.batches()
  expect(() => server.batches()).toThrow(BusyError)
  expect(() => server[Symbol.asyncIterator]()).toThrow(BusyError)
  const first = reader.next()
  await expect(reader.next()).rejects.toThrow(BusyError)
  client.write('one', server.address)
  expect(texts((await first).value ?? [])).toEqual(['one'])
  client.write('two', server.address)
  await until(() => server.stats().received === 2)
  await reader.return?.()
  for await (const { data } of server) {
    expect(texts([{ data }])).toEqual(['two'])
    break
  }
  const last = server.batches()
  const ending = last.next()
  await server.close()
  expect(await ending).toEqual({ value: undefined, done: true })
  expect(await last.next()).toEqual({ value: undefined, done: true })
})

test('an error is thrown once, and a batch never passes the receive queue by', async () => {
  const server = await udp.bind({ receiveQueue: { datagrams: 10 } })
  await using client = await udp.bind()
  const reader = server.batches()
  for (let at = 0; at < 30; at++) client.write(String(at), server.address)
  await until(() => server.stats().received === 30)
  expect(texts((await reader.next()).value ?? []).length).toBe(10)
  expect(server.stats().receiveDropped).toBe(20)
  const ending = reader.next()
  server.destroy(new Error('enough'))
  await expect(ending).rejects.toThrow('enough')
  expect(await reader.next()).toMatchObject({ done: true })
})
