import { describe, expect, test } from 'vitest'

import { Client, type RequestError } from '../../src/index.ts'
import { answer, failure, raw, rawWays, response } from '../client/raw-server.ts'
import { watchStrays } from './harness.ts'

watchStrays()

const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype']

describe.each(rawWays)('16 names of object members over $name', (way) => {
  test('are fields like any other, in both directions', async () => {
    await using server = await way.open((asked) =>
      answer(names.map((name) => asked.fields.get(name)).join(), ...names.map((name) => `${name}: back`)),
    )
    await using client = server.client()
    const headers = names.map((name): [string, string] => [name, 'there'])
    const got = await client.request('/', { headers })
    expect(await got.text()).toBe(names.map(() => 'there').join())
    expect(names.map((name) => got.headers.get(name))).toEqual(names.map(() => 'back'))
    const fetched = await client.fetch(server.url, { headers })
    expect(names.map((name) => fetched.headers.get(name))).toEqual(names.map(() => 'back'))
    expect(({} as Record<string, unknown>)['back']).toBeUndefined()
  })

  test('are nothing that was not sent', async () => {
    await using server = await way.open(() => answer())
    await using client = server.client()
    const got = await client.request('/')
    expect(names.map((name) => [got.headers.get(name), got.headers.has(name)])).toEqual(
      names.map(() => [undefined, false]),
    )
  })
})

test('16 in a query, in JSON and as hosts they are said as they are', async () => {
  await using server = await raw.open((asked) => answer(`${asked.target} ${asked.body}`))
  const client = new Client({ ...server.options })
  const json: unknown = JSON.parse('{"__proto__":1,"constructor":{"prototype":2}}')
  const query = new URLSearchParams(names.map((name): [string, string] => [name, name]))
  const got = await client.request('http://constructor/', { query, json })
  expect(await got.text()).toBe(`/?${query.toString()} {"__proto__":1,"constructor":{"prototype":2}}`)
  await (await client.request('http://__proto__/')).text()
  expect(Object.keys(client.stats().origins)).toEqual(['http://constructor', 'http://__proto__'])
  await client.close()
})

test('16 fifty thousand fields are refused by their count, or by their size', async () => {
  const fields = Array.from({ length: 50_000 }, (_, at) => `A${at}: b`)
  await using server = await raw.open(() => response('200 OK', '', ...fields))
  for (const limits of [{}, { headBytes: 10_000_000 }]) {
    await using client = server.client({ limits })
    expect(await failure<RequestError>(client.request('/'))).toMatchObject({
      code: expect.stringMatching(/^ERR_FAIRLEAD_HTTP_(HEAD_TOO_LARGE|TOO_MANY_FIELDS)$/) as string,
      retryable: false,
    })
  }
  // Who wants them has them.
  await using client = server.client({ limits: { headBytes: 10_000_000, fieldCount: 100_000 } })
  expect((await client.request('/')).headers.get('a49999')).toBe('b')
})
