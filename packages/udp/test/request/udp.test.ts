import { ClosedError, TimeoutError } from '@fairlead/core'
import { bind, type IpAddress } from '@fairlead/udp'
import { expect, test } from 'vitest'

import { type RequestSocket, requests, type RequestsOptions } from '../../src/request.ts'
import { bare, deafPort } from '../tools.ts'

type Options = RequestsOptions<IpAddress, string>

async function server(options: Options = {}, host = '127.0.0.1') {
  const socket = await bind({ host })
  return requests(socket, { answer: (data) => `re: ${data}`, ...options, messages: 'text' })
}

async function client(host = '127.0.0.1') {
  return requests(await bind({ host }), { messages: 'text' })
}

const ask = (
  from: RequestSocket<IpAddress, { host: string; port: number }, string>,
  data: string,
  port: number,
  host = '127.0.0.1',
): Promise<string> => from.request(data, { to: { host, port }, timeout: 10_000, backoff: { base: 50 } })

test('asks and is answered over loopback, many at once', async () => {
  await using there = await server({ answer: async (data, from) => `${from.port}: ${data}` })
  await using here = await client()
  const asked = Array.from({ length: 500 }, (_, i) => ask(here, String(i), there.address.port))
  const { port } = here.address
  expect(await Promise.all(asked)).toEqual(Array.from({ length: 500 }, (_, i) => `${port}: ${i}`))
  expect(there.stats()).toMatchObject({ executed: 500, failed: 0 })
})

test('a server that is only there for the second attempt', async () => {
  const port = await deafPort()
  await using here = await client()
  const asked = here.request('a', {
    to: { host: '127.0.0.1', port },
    backoff: { base: 100, cap: 100 },
    retries: 100,
  })
  while (here.stats().retries === 0) await new Promise((resolve) => setImmediate(resolve))
  await using there = requests(await bind({ port }), { answer: () => 'here I am' })
  expect(await asked).toBe('here I am')
  expect(there.stats().executed).toBe(1)
})

test('nobody there', async () => {
  await using here = await client()
  const to = { host: '127.0.0.1', port: await deafPort() }
  await expect(here.request('a', { to, timeout: 50 })).rejects.toThrow(TimeoutError)
})

test('the answers of a dual-stack server and to a dual-stack client have IPv4 addresses', async () => {
  await using dual = await server({}, '::')
  await using here = await client()
  expect(await ask(here, 'a', dual.address.port)).toBe('re: a')
  await using there = await server()
  await using both = await client('::')
  for (const host of ['127.0.0.1', '::ffff:127.0.0.1', '::ffff:7f00:1'])
    expect(await ask(both, 'b', there.address.port, host)).toBe('re: b')
  expect(await ask(both, 'c', dual.address.port, '0:0:0:0:0:0:0:1')).toBe('re: c')
})

test('an answer from another port does not count', async () => {
  await using there = await bare()
  await using other = await bare()
  await using here = await client()
  const port = here.address.port
  const answerFrom = (data: Buffer, text: string): Buffer => {
    const answer = Buffer.from([...data.subarray(0, 18), ...Buffer.from(text)])
    answer[3] = 2
    answer.writeUInt16BE(Buffer.byteLength(text), 16)
    return answer
  }
  there.on('message', (data) => {
    other.send(answerFrom(data, 'forged'), port, '127.0.0.1', () => {
      there.send(answerFrom(data, 'true'), port, '127.0.0.1')
    })
  })
  expect(await ask(here, 'a', there.address().port)).toBe('true')
  expect(here.stats()).toMatchObject({ answers: 1, filtered: 1 })
})

test('names are refused with advice, and closing rejects what waits', async () => {
  const here = await client()
  await expect(ask(here, 'a', 9, 'localhost')).rejects.toThrow(/no literal address/)
  await expect(ask(here, 'a', 0)).rejects.toThrow(RangeError)
  const asked = ask(here, 'a', await deafPort())
  asked.catch(() => {})
  await here.close()
  await expect(asked).rejects.toThrow(ClosedError)
  expect(here.stats()).toMatchObject({ requests: 1, aborted: 1 })
})
